%% SPDX-License-Identifier: GPL-2.0-or-later
%% What people changed of contacts that are provisioned: another name, other groups, put away. Only that is stored, in a table of Mnesia,
%% which keeps it on disk and on all nodes.
-module(gatehouse_directory_own).

-export([install/0, of_user/1, one/2, put/3, forget/2, forget_user/1]).
-export_type([own/0]).

-type jid() :: gatehouse_directory_parts:jid().
%% away: this user does not want to see the contact.
-type own() :: #{name => binary(), groups => [binary()], away => true}.

-define(TABLE, gatehouse_directory_own).
-define(MOST, 5000).

-record(gatehouse_directory_own, {key :: {jid(), jid()} | {jid(), '_' | '$1'}, own :: own() | '_' | '$2'}).

-spec install() -> ok.
install() ->
    _ = ejabberd_mnesia:create(?MODULE, ?TABLE, [{type, ordered_set}, {disc_copies, [node()]}, {attributes, record_info(fields, ?TABLE)}]),
    ok.

-spec of_user(jid()) -> #{jid() => own()}.
of_user(User) ->
    maps:from_list([{Contact, Own} || #gatehouse_directory_own{key = {_, Contact}, own = Own} <- select(User)]).

-spec one(jid(), jid()) -> own().
one(User, Contact) ->
    case mnesia:dirty_read(?TABLE, {User, Contact}) of
        [#gatehouse_directory_own{own = Own}] -> Own;
        [] -> #{}
    end.

%% full: there are too many of this user.
-spec put(jid(), jid(), own()) -> ok | full | {error, term()}.
put(User, Contact, Own) when map_size(Own) =:= 0 -> forget(User, Contact);
put(User, Contact, Own) ->
    case mnesia:dirty_read(?TABLE, {User, Contact}) =:= [] andalso length(select(User)) >= ?MOST of
        true -> full;
        false -> done(mnesia:transaction(fun() -> mnesia:write(#gatehouse_directory_own{key = {User, Contact}, own = Own}) end))
    end.

-spec forget(jid(), jid()) -> ok | {error, term()}.
forget(User, Contact) ->
    case mnesia:dirty_read(?TABLE, {User, Contact}) of
        [] -> ok;
        _ -> done(mnesia:transaction(fun() -> mnesia:delete({?TABLE, {User, Contact}}) end))
    end.

-spec forget_user(jid()) -> ok | {error, term()}.
forget_user(User) ->
    Keys = [Key || #gatehouse_directory_own{key = Key} <- select(User)],
    done(mnesia:transaction(fun() -> lists:foreach(fun(Key) -> mnesia:delete({?TABLE, Key}) end, Keys) end)).

select(User) -> mnesia:dirty_match_object(#gatehouse_directory_own{key = {User, '_'}, own = '_'}).

done({atomic, ok}) -> ok;
done({aborted, Reason}) -> {error, Reason}.
