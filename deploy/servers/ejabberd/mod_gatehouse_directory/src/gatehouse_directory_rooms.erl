%% SPDX-License-Identifier: GPL-2.0-or-later
%% Who of some groups is together in which room of this server, and putting people out: DIRECTORY.md section 8, Rooms.
-module(gatehouse_directory_rooms).

-export([request/3]).

-include("gatehouse_directory.hrl").
-include("mod_muc.hrl").
-include("mod_muc_room.hrl").

-define(MOST_BYTES, 131072).
-define(MOST_PEOPLE, 2000).
-define(MOST_GROUPS, 2000).
-define(LONGEST_REASON, 1023).

-type who() :: gatehouse_directory_parts:jid().
%% Where it is: in a process, or only stored.
-type room() :: {Address :: binary(), pid() | list()}.

%% Throws a #stanza_error{} where it cannot be done.
-spec request(get | set, binary(), #xmlel{}) -> none | #xmlel{}.
request(Type, Host, #xmlel{name = Asked} = El) ->
    case {Type, Asked, gatehouse_directory_view:now(Host)} of
        {get, <<"rooms">>, #{} = View} -> tell(View, El);
        {set, <<"leave">>, #{} = View} -> put_out(View, El);
        _ -> throw(xmpp:err_feature_not_implemented())
    end.

tell(View, #xmlel{attrs = Attrs, children = Children}) ->
    Groups = [fxml:get_attr_s(<<"group">>, Of) || #xmlel{name = <<"of">>, attrs = Of} <- Children],
    Groups =/= [] andalso length(Groups) =< ?MOST_GROUPS andalso not lists:member(<<>>, Groups)
        orelse throw(bad(<<"1 to 2000 of with a group are wanted">>)),
    After = fxml:get_attr_s(<<"after">>, Attrs),
    {Told, Next} = pages([Room || {Address, _} = Room <- rooms(), Address > After], View, maps:from_list([{Id, true} || Id <- Groups]), 0, []),
    #xmlel{name = <<"rooms">>, attrs = [{<<"xmlns">>, ?NS_DIRECTORY} | [{<<"next">>, Next} || Next =/= none]], children = Told}.

pages([], _, _, _, Told) -> {lists:reverse(Told), none};
pages([{Address, Where} | Rest], View, Groups, Bytes, Told) ->
    case people(Where, View, Groups) of
        [_, _ | _] = People ->
            Shown = lists:sublist(People, ?MOST_PEOPLE),
            Room = #xmlel{name = <<"room">>, attrs = [{<<"jid">>, Address} | [{<<"truncated">>, <<"true">>} || length(People) > ?MOST_PEOPLE]],
                          children = [who(One) || One <- Shown]},
            case Bytes + byte_size(fxml:element_to_binary(Room)) of
                More when More > ?MOST_BYTES, Rest =/= [] -> {lists:reverse([Room | Told]), Address};
                More -> pages(Rest, View, Groups, More, [Room | Told])
            end;
        _ -> pages(Rest, View, Groups, Bytes, Told)
    end.

who({_, Jid, Affiliation, There}) ->
    #xmlel{name = <<"who">>, attrs = [{<<"jid">>, Jid}, {<<"affiliation">>, atom_to_binary(Affiliation)} | [{<<"there">>, <<"true">>} || There]]}.

%% All rooms of all services, by their addresses.
-spec rooms() -> [room()].
rooms() ->
    Found = [Room || Host <- ejabberd_option:hosts(), gen_mod:is_loaded(Host, mod_muc),
                     Service <- gen_mod:get_module_opt_hosts(Host, mod_muc), Room <- rooms(Host, Service)],
    lists:keysort(1, maps:to_list(maps:from_list(Found))).

%% Those that run come last, so that they count.
rooms(Host, Service) ->
    [{address(Name, Service), Opts} || #muc_room{name_host = {Name, _}, opts = Opts} <- (gen_mod:db_mod(Host, mod_muc)):get_rooms(Host, Service)]
        ++ [{address(Name, Service), Pid} || {Name, _, Pid} <- mod_muc:get_online_rooms(Service)].

address(Name, Service) -> <<Name/binary, "@", Service/binary>>.

%% Owners first, then by address: rank, address, affiliation, whether there.
people(Where, View, Groups) ->
    {There, Affiliations} = held(Where),
    Affiliated = maps:from_list([{Bare, Affiliation} || {Bare, Affiliation} <- Affiliations, rank(Affiliation) > 0]),
    All = lists:usort(There ++ maps:keys(Affiliated)),
    lists:sort([{rank(Affiliation), jid:encode({User, Server, <<>>}), Affiliation, lists:member(Bare, There)}
                || {User, Server} = Bare <- All, lists:any(fun(Id) -> is_map_key(Id, Groups) end, gatehouse_directory_view:groups_of(View, Bare)),
                   Affiliation <- [maps:get(Bare, Affiliated, none)]]).

-spec held(pid() | list()) -> {[who()], [{who(), affiliation()}]}.
held(Pid) when is_pid(Pid) ->
    case mod_muc_room:get_state(Pid) of
        {ok, #state{users = Users, affiliations = Affiliations, muc_subscribers = #muc_subscribers{subscribers = Subscribers}}} ->
            {bares(maps:keys(Users) ++ maps:keys(Subscribers)), affiliations(maps:to_list(Affiliations))};
        {error, notfound} -> {[], []} % it has just ended
    end;
held(Opts) ->
    {bares([jid:tolower(Jid) || {#jid{} = Jid, _, _} <- proplists:get_value(subscribers, Opts, [])]),
     affiliations(proplists:get_value(affiliations, Opts, []))}.

bares(Jids) -> lists:usort([{User, Server} || {User, Server, _} <- Jids, User =/= <<>>]).

affiliations(Held) ->
    [{{User, Server}, case What of {Affiliation, _} -> Affiliation; _ -> What end} || {{User, Server, _}, What} <- Held, User =/= <<>>].

rank(owner) -> 1;
rank(admin) -> 2;
rank(member) -> 3;
rank(none) -> 4;
rank(_) -> 0.

put_out(View, #xmlel{attrs = Attrs} = El) ->
    {User, Server} = Bare = bare(<<"jid">>, Attrs),
    {Name, Service} = bare(<<"room">>, Attrs),
    Reason = fxml:get_subtag_cdata(El, <<"reason">>),
    byte_size(Reason) =< ?LONGEST_REASON orelse throw(bad(<<"reason: at most 1023 bytes">>)),
    gatehouse_directory_view:row(View, {person, Bare}) =/= none orelse throw(xmpp:err_item_not_found()),
    Jid = jid:make(User, Server),
    case woken(Name, Service) of
        {ok, Pid} ->
            %% A room that ends meanwhile has nobody in it.
            lists:foreach(fun({ok, _}) -> ok;
                             ({error, notfound}) -> ok;
                             ({error, Why}) -> throw(xmpp:err_internal_server_error(iolist_to_binary(io_lib:format("~p", [Why])), <<"en">>))
                          end, [mod_muc_room:change_item(Pid, Jid, What, none, Reason) || What <- [role, affiliation]]),
            _ = mod_muc_room:unsubscribe(Pid, Jid),
            none;
        error -> throw(xmpp:err_item_not_found())
    end.

%% A stored room whose people nobody has seen for long is woken.
woken(Name, Service) ->
    case [Host || Host <- ejabberd_option:hosts(), gen_mod:is_loaded(Host, mod_muc),
                  lists:member(Service, gen_mod:get_module_opt_hosts(Host, mod_muc))] of
        [Host | _] -> mod_muc:unhibernate_room(Host, Service, Name);
        [] -> error
    end.

bare(What, Attrs) ->
    case gatehouse_directory_parts:bare(fxml:get_attr_s(What, Attrs)) of
        error -> throw(bad(<<What/binary, ": a bare JID is wanted">>));
        Bare -> Bare
    end.

bad(Why) -> xmpp:err_bad_request(Why, <<"en">>).
