%% SPDX-License-Identifier: GPL-2.0-or-later
%% For tests only: ends ejabberd by SIGKILL at a point of mod_gatehouse that a file names.
-module(mod_gatehouse_crash).

-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_options/1, mod_doc/0]).
-export([sent/1, around/3]).

-spec start(binary(), gen_mod:opts()) -> ok.
start(Host, _) ->
    persistent_term:put(?MODULE, os:getenv("GATEHOUSE_CRASH", "")),
    ok = gatehouse_wrap:wrap(gatehouse_runs, keep_numbers, 2, ?MODULE),
    ok = gatehouse_wrap:wrap(gatehouse_spool, append, 3, ?MODULE),
    ejabberd_hooks:add(user_send_packet, Host, ?MODULE, sent, 0).

-spec stop(binary()) -> ok.
stop(Host) -> ejabberd_hooks:delete(user_send_packet, Host, ?MODULE, sent, 0).

-spec reload(binary(), gen_mod:opts(), gen_mod:opts()) -> ok.
reload(_, _, _) -> ok.

-spec depends(binary(), gen_mod:opts()) -> [].
depends(_, _) -> [].

-spec mod_options(binary()) -> [].
mod_options(_) -> [].

-spec mod_doc() -> map().
mod_doc() -> #{}.

%% What was asked about comes by again when it is released.
-spec sent({term(), map()}) -> {term(), map()}.
sent({Stanza, _} = Acc) ->
    case xmpp:get_meta(Stanza, gatehouse, none) of
        #{n := N} when is_integer(N) -> reached(<<"after-answer-before-release">>);
        _ -> ok
    end,
    Acc.

-spec around(atom(), [term()], fun(() -> term())) -> term().
around(append, [_, _, Records], Itself) ->
    Kinds = lists:usort([kind(Kind) || {Kind, _, _} <- Records]),
    lists:foreach(fun(Kind) -> reached(<<"before-spool-of-", Kind/binary>>) end, Kinds),
    Result = Itself(),
    lists:foreach(fun(Kind) -> reached(<<"after-spool-of-", Kind/binary>>) end, Kinds),
    Result;
around(keep_numbers, _, Itself) ->
    First = persistent_term:get({?MODULE, kept}, false) =:= false,
    First andalso reached(<<"before-first-write-of-run">>),
    Result = Itself(),
    First andalso reached(<<"after-first-write-of-run">>),
    Result =:= ok andalso persistent_term:put({?MODULE, kept}, true),
    Result.

kind($a) -> <<"question">>;
kind($s) -> <<"settlement">>;
kind($o) -> <<"outage-count">>;
kind($i) -> <<"announcement">>.

%% The file is gone when the server dies of it.
reached(Point) ->
    File = persistent_term:get(?MODULE),
    case prim_file:read_file(File) of
        {ok, Armed} ->
            case string:trim(Armed) =:= Point andalso prim_file:delete(File) of
                ok -> gatehouse_wrap:die();
                _ -> ok
            end;
        {error, _} -> ok
    end.
