%% SPDX-License-Identifier: GPL-2.0-or-later
%% For tests only: ends the server with SIGKILL at the named crash point of mod_gatehouse. crash_at: "answered", "before_spool",
%% "after_spool": when a stanza says CRASH; "before_reserve", "in_reserve", "after_reserve": at the second block;
%% "first_before_reserve" and so on: when the run writes its numbers for the first time; "never".
-module(mod_gatehouse_points).

-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_opt_type/1, mod_options/1, mod_doc/0]).
-export([sent/1, around/3]).

-spec start(binary(), gen_mod:opts()) -> ok.
start(Host, Options) ->
    At = gen_mod:get_opt(crash_at, Options),
    persistent_term:put(?MODULE, At),
    ok = gatehouse_wrap:wrap(gatehouse_runs, keep_numbers, 2, ?MODULE),
    ok = gatehouse_wrap:wrap(gatehouse_disk, rename, 2, ?MODULE),
    ok = gatehouse_wrap:wrap(gatehouse_spool, append, 3, ?MODULE),
    ejabberd_hooks:add(user_send_packet, Host, ?MODULE, sent, 0).

-spec stop(binary()) -> ok.
stop(Host) -> ejabberd_hooks:delete(user_send_packet, Host, ?MODULE, sent, 0).

-spec reload(binary(), gen_mod:opts(), gen_mod:opts()) -> ok.
reload(_, _, _) -> ok.

-spec depends(binary(), gen_mod:opts()) -> [].
depends(_, _) -> [].

-spec mod_opt_type(atom()) -> econf:validator().
mod_opt_type(crash_at) -> econf:binary().

-spec mod_options(binary()) -> [{atom(), term()}].
mod_options(_) -> [{crash_at, <<"never">>}].

-spec mod_doc() -> map().
mod_doc() -> #{}.

%% What was held comes by again when it is released.
-spec sent({term(), map()}) -> {term(), map()}.
sent({Stanza, _} = Acc) ->
    xmpp:get_meta(Stanza, gatehouse, none) =:= none orelse says_crash(Stanza, <<"answered">>),
    Acc.

-spec around(atom(), [term()], fun(() -> term())) -> term().
around(append, [_, _, Records], Itself) ->
    says_crash(Records, <<"before_spool">>),
    Result = Itself(),
    says_crash(Records, <<"after_spool">>),
    Result;
around(keep_numbers, [_, #{reserved := Reserved}], Itself) ->
    reserves(Reserved, <<"before_reserve">>),
    Result = Itself(),
    reserves(Reserved, <<"after_reserve">>),
    Result;
around(rename, [From, _], Itself) ->
    {ok, Text} = file:read_file(From),
    case re:run(Text, "^[0-9a-f]{32} ([0-9]+) ", [multiline, {capture, [1], list}]) of
        {match, [Reserved]} -> reserves(list_to_integer(Reserved), <<"in_reserve">>);
        nomatch -> ok
    end,
    Itself().

says_crash(What, Point) ->
    persistent_term:get(?MODULE) =:= Point andalso
        string:find(io_lib:format("~0p", [What]), "CRASH") =/= nomatch andalso gatehouse_wrap:die().

reserves(Reserved, Point) ->
    case persistent_term:get(?MODULE) of
        Point when Reserved > 1000 -> gatehouse_wrap:die();
        <<"first_", Point/binary>> -> gatehouse_wrap:die();
        _ -> ok
    end.
