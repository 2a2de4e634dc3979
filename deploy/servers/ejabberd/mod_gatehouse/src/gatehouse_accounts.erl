%% SPDX-License-Identifier: GPL-2.0-or-later
%% Which account stands behind an address: each account gets a mark, a random id. Another mark is another account by the same name.
%%
%% The marks stand in a table of their own, since everything that the server keeps of an account itself is either the person's to
%% write (private XML, vCard) or changes while the account stays (password, last activity). A row goes when the server removes the
%% account, by whatever command, and a new account gets a new mark whatever was left. What is not seen: an account that is removed and
%% made again while this module is not loaded on its host, or behind the server's back (LDAP, a program, another's database).
-module(gatehouse_accounts).

-export([start/0, mark/2, registered/2, removed/2, offline/1]).

-include("gatehouse.hrl").
-include("logger.hrl").

-record(gatehouse_account, {us = {<<>>, <<>>} :: {binary(), binary()} | '_', id = <<>> :: binary() | '_'}).

-spec start() -> ok.
start() ->
    Made = ejabberd_mnesia:create(?MODULE, gatehouse_account,
                                  [{disc_copies, [node()]}, {attributes, record_info(fields, gatehouse_account)}]),
    case Made of
        {atomic, ok} -> ok;
        Problem -> told(Problem)
    end.

%% The mark, and whether it was given just now; none where none can be kept.
-spec mark(binary(), binary()) -> {binary(), boolean()} | none.
mark(User, Host) ->
    try mnesia:dirty_read(gatehouse_account, {User, Host}) of
        [#gatehouse_account{id = Id}] -> {Id, false};
        [] -> give(User, Host, false)
    catch
        exit:Problem -> none(Problem)
    end.

%% Anew: also where an old mark was left.
give(User, Host, Anew) ->
    Fresh = gatehouse_words:hex(16),
    Kept = mnesia:transaction(
             fun() ->
                     case mnesia:read(gatehouse_account, {User, Host}, write) of
                         [#gatehouse_account{id = Id}] when not Anew -> {Id, false};
                         _ ->
                             mnesia:write(#gatehouse_account{us = {User, Host}, id = Fresh}),
                             {Fresh, true}
                     end
             end),
    case Kept of
        {atomic, {_, true} = New} ->
            _ = mnesia:sync_log(), % after a crash it must not be another
            New;
        {atomic, Known} -> Known;
        {aborted, Problem} -> none(Problem)
    end.

none(Problem) ->
    ok = told(Problem),
    none.

%% Once is enough.
told(Problem) ->
    case persistent_term:get({gatehouse, marks_refused}, false) of
        true -> ok;
        false ->
            persistent_term:put({gatehouse, marks_refused}, true),
            ?WARNING_MSG("Marks of accounts cannot be kept or read (~p): one that is removed and made anew is not told from the one before",
                         [Problem])
    end.

-spec registered(binary(), binary()) -> ok.
registered(User, Host) ->
    case give(User, Host, true) of
        {Id, _} -> report(User, Host, <<"created">>, Id, now_ms());
        none -> ok
    end.

-spec removed(binary(), binary()) -> ok.
removed(User, Host) ->
    Id = case catch mnesia:dirty_read(gatehouse_account, {User, Host}) of
             [#gatehouse_account{id = Kept}] -> Kept;
             _ -> gatehouse_words:hex(16)
         end,
    report(User, Host, <<"removed">>, Id, now_ms()),
    _ = mnesia:transaction(fun() -> mnesia:delete({gatehouse_account, {User, Host}}) end),
    _ = mnesia:sync_log(),
    ok.

%% An account that was made in silence is known before it gets its first message: as of when that was held.
-spec offline({term(), message()}) -> {term(), message()}.
offline({_, #message{to = #jid{luser = User, lserver = Host}} = Packet} = Passing) ->
    case mark(User, Host) of
        {Id, true} ->
            At = case xmpp:get_meta(Packet, ?GATEHOUSE_MARK, none) of
                     #{at := Held} -> Held;
                     _ -> now_ms()
                 end,
            report(User, Host, <<"seen">>, Id, At);
        _ -> ok
    end,
    Passing.

report(User, Host, Event, Id, At) ->
    gatehouse_reports:report(Host, <<"account">>,
                             [{<<"jid">>, jid:encode({User, Host, <<>>})}, {<<"event">>, Event}, {<<"id">>, Id},
                              {<<"at">>, gatehouse_words:stamp(At)}]).

now_ms() -> erlang:system_time(millisecond).
