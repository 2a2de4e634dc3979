%% SPDX-License-Identifier: GPL-2.0-or-later
%% Who is in which room, by which nick. The server tells of who comes and goes without a nick, and of a change of nick not at all:
%% so the process of each room keeps who is known there (in its dictionary, since all of this runs in it), and a change counts
%% when its presence goes out. A nick that another client of the same person still has is not told of as left.
-module(gatehouse_occupants).

-export([start/1, presence/3, message/3, joined/4, left/4, goes_out/1]).

-include("gatehouse.hrl").
-include("mod_muc_room.hrl").

-define(KNOWN, gatehouse_known). % {start of the module, address -> nick}
-define(WANTED, gatehouse_wanted). % {address, nick} of the presence that came last
-define(STARTED(Host), {gatehouse, occupants, Host}).

%% What rooms knew before counts no more: the module may have been away.
-spec start(binary()) -> ok.
start(Host) ->
    persistent_term:put(?STARTED(Host), erlang:unique_integer()).

%% Before the room looks at it.
-spec presence(presence() | drop, #state{}, binary()) -> presence() | drop.
presence(#presence{from = From, type = Type} = Packet, #state{} = Room, Nick) ->
    renew(From, Room),
    case Type of
        available -> put(?WANTED, {jid:tolower(From), Nick, Room#state.server_host});
        _ -> erase(?WANTED)
    end,
    Packet;
presence(Packet, _Room, _Nick) ->
    Packet.

-spec message(message() | drop, #state{}, binary()) -> message() | drop.
message(#message{from = From} = Packet, #state{} = Room, _Nick) ->
    renew(From, Room),
    Packet;
message(Packet, _Room, _Nick) ->
    Packet.

-spec joined(binary(), binary(), binary(), jid:jid()) -> ok.
joined(Host, Name, Service, Jid) ->
    Who = jid:tolower(Jid),
    case get(?WANTED) of
        {Who, Nick, _} ->
            erase(?WANTED),
            change(Host, jid:make(Name, Service), Who, Nick);
        _ -> ok % told with the next that this client sends
    end.

-spec left(binary(), binary(), binary(), jid:jid()) -> ok.
left(Host, Name, Service, Jid) ->
    change(Host, jid:make(Name, Service), jid:tolower(Jid), none).

%% Every stanza on its way through the server: here it is seen that a room tells of a new nick.
-spec goes_out(presence()) -> ok.
goes_out(#presence{type = Type, from = #jid{lresource = Shown} = From} = Packet) ->
    case get(?WANTED) of
        undefined -> ok;
        {Who, Nick, Host} ->
            {_, Known} = known(Host),
            case Known of
                #{Who := Nick} -> ok;
                #{Who := Old} ->
                    case tells(Type, Packet, jid:resourceprep(Old), jid:resourceprep(Nick), Shown, lists:member(Nick, maps:values(Known))) of
                        true ->
                            erase(?WANTED),
                            change(Host, jid:remove_resource(From), Who, Nick);
                        false -> ok
                    end;
                _ -> ok
            end
    end.

%% The old nick is gone for this one (XEP-0045: status 303); or somebody has the new one, whom nobody had.
tells(unavailable, Packet, Old, _New, Old, _Had) ->
    case xmpp:try_subtag(Packet, #muc_user{}) of
        #muc_user{status_codes = Codes} -> lists:member(303, Codes);
        _ -> false
    end;
tells(available, _Packet, _Old, New, New, Had) ->
    not Had;
tells(_Type, _Packet, _Old, _New, _Shown, _Had) ->
    false.

%% What the room knows of the sender, where that was not seen.
renew(From, #state{server_host = Host, jid = Room, users = Users}) ->
    case known(Host) of
        {_, none} ->
            put(?KNOWN, {persistent_term:get(?STARTED(Host), none), maps:map(fun(_, #user{nick = Nick}) -> Nick end, Users)});
        {_, Known} ->
            Who = jid:tolower(From),
            case Users of
                #{Who := #user{nick = Nick}} when map_get(Who, Known) =/= Nick -> change(Host, Room, Who, Nick);
                #{Who := #user{nick = Nick}} when not is_map_key(Who, Known) -> change(Host, Room, Who, Nick);
                _ -> ok
            end
    end.

known(Host) ->
    Started = persistent_term:get(?STARTED(Host), none),
    case get(?KNOWN) of
        {Started, Known} -> {Started, Known};
        _ -> {Started, none}
    end.

%% Nick: none where he left.
change(Host, Room, Who, Nick) ->
    {Started, Before} = known(Host),
    Known = case Before of none -> #{}; _ -> Before end,
    Others = maps:remove(Who, Known),
    put(?KNOWN, {Started, case Nick of none -> Others; _ -> Others#{Who => Nick} end}),
    case Known of
        #{Who := Nick} -> ok;
        #{Who := Old} -> tell(Host, Room, Who, Old, <<"left">>, Others);
        _ -> ok
    end,
    case Known of
        _ when Nick =:= none -> ok;
        #{Who := Nick} -> ok;
        _ -> tell(Host, Room, Who, Nick, <<"joined">>, Others)
    end.

tell(Host, Room, {User, Server, _}, Nick, Event, Others) ->
    case [Resource || {{U, S, Resource}, N} <- maps:to_list(Others), N =:= Nick, U =:= User, S =:= Server] of
        [] ->
            gatehouse_reports:report(Host, <<"occupant">>,
                                     [{<<"room">>, jid:encode(jid:tolower(Room))}, {<<"nick">>, Nick},
                                      {<<"jid">>, jid:encode({User, Server, <<>>})}, {<<"event">>, Event}]);
        _ -> ok
    end.
