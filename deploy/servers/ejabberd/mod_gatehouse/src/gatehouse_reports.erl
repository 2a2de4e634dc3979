%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the screen is told beside questions: who is logged in, and which id an archive gave to a released message. Beside it:
%% gatehouse_occupants (who is in which room), gatehouse_accounts, gatehouse_observed (what the server itself says), gatehouse_doors.
-module(gatehouse_reports).

-export([start/1, stop/1, report/3, report/4]).
-export([session_opened/1, session_closed/3, sent/1, received/1, offline/1, in_room/3]).

-include("gatehouse.hrl").

-define(LONGEST_ID, 1023). % bytes

%% Behind the options of the host.
-spec start(binary()) -> ok.
start(Host) ->
    ok = gatehouse_accounts:start(),
    ok = gatehouse_occupants:start(Host),
    lists:foreach(fun({Hook, Module, Function, Order}) -> ejabberd_hooks:add(Hook, Host, Module, Function, Order) end, hooks()),
    ok = gatehouse_observed:start(),
    gatehouse_doors:start(Host).

-spec stop(binary()) -> ok.
stop(Host) ->
    lists:foreach(fun({Hook, Module, Function, Order}) -> ejabberd_hooks:delete(Hook, Host, Module, Function, Order) end, hooks()),
    case gatehouse_options:hosts() -- [Host] of
        [] -> ok = gatehouse_observed:stop();
        _ -> ok
    end,
    gatehouse_doors:stop(Host).

%% The archive (mod_mam) stands at 88, at 49 for who is away, at 50 in a room.
hooks() ->
    [{c2s_session_opened, ?MODULE, session_opened, 90},
     {sm_remove_connection_hook, ?MODULE, session_closed, 90},
     {user_send_packet, ?MODULE, sent, 89},
     {user_receive_packet, ?MODULE, received, 89},
     {offline_message_hook, gatehouse_accounts, offline, 10},
     {offline_message_hook, ?MODULE, offline, 50}, % of one number the first by name: before mod_offline
     {register_user, gatehouse_accounts, registered, 10},
     {remove_user, gatehouse_accounts, removed, 10},
     {muc_filter_message, ?MODULE, in_room, 51},
     {muc_filter_message, gatehouse_occupants, message, 52},
     {muc_filter_presence, gatehouse_occupants, presence, 51},
     {join_room, gatehouse_occupants, joined, 90},
     {leave_room, gatehouse_occupants, left, 90},
     {mqtt_publish, gatehouse_observed, mqtt, 90},
     {pubsub_publish_item, gatehouse_observed, published, 90}].

%% Said to the screen of the host, where it still asks. What may be lost with the process of the link.
-spec report(binary(), binary(), [{binary(), binary()}]) -> ok.
report(Host, Name, Attrs) ->
    report(Host, Name, Attrs, []).

-spec report(binary(), binary(), [{binary(), binary()}], [xmlel()]) -> ok.
report(Host, Name, Attrs, Children) ->
    case gatehouse_options:get(Host) of
        #{screen := Screen} ->
            At = case lists:keymember(<<"at">>, 1, Attrs) of
                     true -> [];
                     false -> [{<<"at">>, gatehouse_words:stamp(erlang:system_time(millisecond))}]
                 end,
            gatehouse_link:report(Screen, Host, #xmlel{name = Name, attrs = Attrs ++ At, children = Children});
        none -> ok
    end.

-spec session_opened(ejabberd_c2s:state()) -> ejabberd_c2s:state().
session_opened(#{jid := #jid{luser = User, lserver = Host} = Jid} = State) ->
    Account = case State of
                  #{auth_module := anonymous} -> none; % SASL ANONYMOUS
                  #{auth_module := ejabberd_auth_anonymous} -> none; % any name and password
                  _ -> gatehouse_accounts:mark(User, Host)
              end,
    Marked = case Account of
                 {Id, _} -> [{<<"account">>, Id}];
                 none -> []
             end,
    session(Jid, maps:get(conn, State, c2s), <<"started">>, Marked),
    State.

%% Also told of the one before when a stream is resumed, or when a client comes again with the same name: then the session goes on.
-spec session_closed(ejabberd_sm:sid(), jid:jid(), ejabberd_sm:info()) -> ok.
session_closed(_Sid, #jid{luser = User, lserver = Host, lresource = Resource} = Jid, Info) ->
    case ejabberd_sm:get_session_sid(User, Host, Resource) of
        none -> session(Jid, proplists:get_value(conn, Info, c2s), <<"ended">>, []);
        _ -> ok
    end.

session(#jid{lserver = Host} = Jid, Connection, Event, More) ->
    Via = case Connection of
              http_bind -> <<"bosh">>;
              websocket -> <<"websocket">>;
              _ -> <<"c2s">>
          end,
    report(Host, <<"session">>, [{<<"jid">>, jid:encode(jid:tolower(Jid))}, {<<"via">>, Via}, {<<"event">>, Event} | More]).

%% The archives of the sender, of the recipient, of who is away, and of the room: each of them has just put its id there.
-spec sent({stanza(), ejabberd_c2s:state()}) -> {stanza(), ejabberd_c2s:state()}.
sent({Packet, #{jid := Jid}} = Passing) ->
    archived(Packet, Jid),
    Passing;
sent(Passing) ->
    Passing.

-spec received({stanza(), ejabberd_c2s:state()}) -> {stanza(), ejabberd_c2s:state()}.
received(Passing) ->
    sent(Passing).

-spec offline({term(), message()}) -> {term(), message()}.
offline({_, #message{to = To} = Packet} = Passing) ->
    archived(Packet, To),
    Passing.

-spec in_room(message() | drop, tuple(), binary()) -> message() | drop.
in_room(#message{to = To} = Packet, _Room, _Nick) ->
    archived(Packet, To),
    Packet;
in_room(Packet, _Room, _Nick) ->
    Packet.

%% Only the id that the archive itself gave, and kept beside the stanza, where no sender writes.
archived(#message{sub_els = Els, meta = #{?GATEHOUSE_MARK := #{host := Host, n := N}, stanza_id := Given}}, #jid{luser = User, lserver = Domain})
  when is_integer(N) ->
    Id = archive_id(Given),
    case [By || #stanza_id{by = #jid{luser = U, lserver = D} = By, id = Has} <- Els, Has =:= Id, U =:= User, D =:= Domain] of
        [By | _] when Id =/= <<>>, byte_size(Id) =< ?LONGEST_ID ->
            report(Host, <<"stanza-id">>, [{<<"n">>, integer_to_binary(N)}, {<<"by">>, jid:encode(jid:tolower(By))}, {<<"id">>, Id}]);
        _ -> ok
    end;
archived(_Packet, _Jid) ->
    ok.

archive_id(Id) when is_integer(Id) -> integer_to_binary(Id);
archive_id(Id) when is_binary(Id) -> Id;
archive_id(_) -> <<>>.
