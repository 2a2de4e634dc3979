%% SPDX-License-Identifier: GPL-2.0-or-later
%% What people are told of items of PEP that were published for somebody who is not logged in: mod_pubsub tells only by the session of the
%% owner. Told are those who see the owner and whose client says that it wants it (XEP-0163 section 4), at once or when they come.
-module(gatehouse_directory_events).

-export([published/3, caps_add/3, told/2, owed/2, shown/2]).

-include("gatehouse_directory.hrl").

-type who() :: gatehouse_directory_parts:jid().

%% Node: of the owner's items. An item is there, or was taken back.
-spec published(who(), binary(), {item | retract, binary()}) -> ok.
published({Name, Host} = Owner, Node, What) ->
    case ejabberd_sm:get_user_present_resources(Name, Host) =:= [] andalso gatehouse_directory_view:now(Host) of
        false -> ok;
        none -> ok;
        View ->
            Viewers = case gatehouse_directory_view:viewers(View, Owner) of
                everybody -> gatehouse_directory_view:online(Host);
                Some -> Some
            end,
            lists:foreach(fun(Viewer) -> tell(View, Viewer, Owner, [{Owner, Node, What}]) end, Viewers)
    end.

tell(View, {Name, Host} = Viewer, Owner, What) ->
    case ejabberd_router:is_my_host(Host) andalso ejabberd_sm:get_session_sids(Name, Host) of
        [_ | _] = Sids ->
            case gatehouse_directory_view:sees(View, Viewer, Owner) of
                true -> lists:foreach(fun({_, Pid}) -> gatehouse_directory_sessions:send(Pid, {events, What}, What) end, Sids);
                false -> ok
            end;
        _ -> ok
    end.

%% The server knows what a client that has come wants to be told of.
-spec caps_add(jid:jid(), jid:jid(), [binary()]) -> ok.
caps_add(#jid{luser = Name, lserver = Host, lresource = Resource}, #jid{luser = Name, lserver = Host, lresource = Resource}, Features) ->
    case nodes_of(Features) of
        [] -> ok;
        Nodes -> gatehouse_directory_host:session(Host, self(), {Name, Host}, {wants, Nodes})
    end;
caps_add(_, _, _) -> ok.

nodes_of(Features) ->
    lists:usort([binary:part(Feature, 0, byte_size(Feature) - 7) || Feature <- Features, byte_size(Feature) > 7,
                                                                   binary:part(Feature, byte_size(Feature), -7) =:= <<"+notify">>]).

%% Of these people who are not there: what there may be in these nodes, for one who has come. Cheap, where it can be.
-spec owed([who()], [binary()]) -> [{who(), binary(), newest}].
owed(Contacts, Nodes) ->
    [{Contact, Node, newest} || {Name, Host} = Contact <- Contacts, ejabberd_router:is_my_host(Host), gen_mod:is_loaded(Host, mod_pubsub),
                                ejabberd_sm:get_user_present_resources(Name, Host) =:= [], Node <- Nodes, may_be(Contact, Node)].

may_be({Name, Host}, Node) ->
    mod_pubsub_opt:db_type(Host) =/= mnesia orelse mnesia:dirty_read(pubsub_node, {{Name, Host, <<>>}, Node}) =/= [].

%% In the process of a session: it asks for the user, who may not be allowed to read all of it.
-spec told([{who(), binary(), newest | {item | retract, binary()}}], map()) -> ok.
told(Events, #{jid := Jid, pres_last := _} = State) ->
    Features = features(State),
    lists:foreach(fun({Owner, Node, What}) ->
                      case lists:member(<<Node/binary, "+notify">>, Features) of
                          true -> event(Owner, Node, What, Jid);
                          false -> ok
                      end
                  end, Events);
told(_, _) -> ok.

%% In the process of a session that is there: it sees these people from now on. What a client wants that has not said so yet, caps_add owes.
-spec shown([who()], map()) -> ok.
shown(Contacts, State) -> told(owed(Contacts, nodes_of(features(State))), State).

features(#{lserver := Host, pres_last := Presence}) -> mod_caps:get_features(Host, mod_caps:read_caps(Presence)).

event({Name, Host}, Node, What, Jid) ->
    Owner = jid:make(Name, Host),
    Wanted = case What of
        {item, Id} -> [element_of(<<"item">>, [{<<"id">>, Id}], [])];
        _ -> []
    end,
    Max = [{<<"max_items">>, <<"1">>} || Wanted =:= []],
    Ask = element_of(<<"pubsub">>, [{<<"xmlns">>, ?NS_PUBSUB}], [element_of(<<"items">>, [{<<"node">>, Node} | Max], Wanted)]),
    Iq = #iq{type = get, id = p1_rand:get_string(), from = Jid, to = Owner, lang = <<"en">>, sub_els = [xmpp:decode(Ask)]},
    case mod_pubsub:iq_sm(Iq) of
        #iq{type = result, sub_els = Els} ->
            Found = [Item || #xmlel{} = PubSub <- [xmpp:encode(El, ?NS_CLIENT) || El <- Els],
                             #xmlel{name = <<"items">>} = Items <- PubSub#xmlel.children,
                             #xmlel{name = <<"item">>} = Item <- Items#xmlel.children],
            Told = case What of
                {retract, Gone} -> [element_of(<<"retract">>, [{<<"id">>, Gone}], [])];
                _ -> Found
            end,
            route(Owner, Jid, Node, Told);
        _ -> ok
    end.

route(_, _, _, []) -> ok;
route(Owner, Jid, Node, Told) ->
    Event = element_of(<<"event">>, [{<<"xmlns">>, ?NS_PUBSUB_EVENT}], [element_of(<<"items">>, [{<<"node">>, Node}], Told)]),
    ejabberd_router:route(#message{type = headline, id = p1_rand:get_string(), from = Owner, to = Jid, sub_els = [Event]}).

element_of(Name, Attrs, Children) -> #xmlel{name = Name, attrs = Attrs, children = Children}.
