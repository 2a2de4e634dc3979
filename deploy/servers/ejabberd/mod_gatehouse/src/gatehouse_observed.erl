%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the server itself says: announcements, commands and the HTTP API that speak as a host or as a person, items that its modules
%% publish, and what people say over MQTT. Nobody was asked about it: it is told as observed.
%%
%% Whatever came in by an entrance bears our mark where it was asked about; what says something and bears none was made inside.
-module(gatehouse_observed).

-export([start/0, stop/0, filter_packet/1, unwrapping/2, mqtt/3, published/6]).

-include("gatehouse.hrl").
-include("mqtt.hrl").

-define(ASKED, gatehouse_asked). % of the IQ that this process is working on
-define(WITHIN, gatehouse_within). % the mark of the wrapper that this process hands over

-spec start() -> ok.
start() ->
    ejabberd_hooks:add(filter_packet, ?MODULE, filter_packet, 90).

-spec stop() -> ok.
stop() ->
    ejabberd_hooks:delete(filter_packet, ?MODULE, filter_packet, 90).

%% Everything that goes through the server, in the process of who sent it: only looked at.
-spec filter_packet(stanza() | drop) -> stanza() | drop.
filter_packet(#message{meta = #{?GATEHOUSE_MARK := _}} = Packet) ->
    Packet;
filter_packet(#message{} = Packet) ->
    case get(?WITHIN) of
        undefined -> said_inside(Packet);
        Mark -> xmpp:put_meta(Packet, ?GATEHOUSE_MARK, Mark)
    end;
filter_packet(#presence{} = Packet) ->
    gatehouse_occupants:goes_out(Packet),
    Packet;
filter_packet(#iq{type = set, meta = Meta} = Packet) ->
    _ = put(?ASKED, case Meta of
                        #{?GATEHOUSE_MARK := #{n := N}} -> N =/= none;
                        _ -> false
                    end),
    Packet;
filter_packet(Packet) ->
    Packet.

%% A message in a wrapper (XEP-0356) was asked about in it; the server makes a new one of it, which gets the mark here.
-spec unwrapping(map(), fun(() -> ok)) -> ok.
unwrapping(Mark, HandOver) ->
    _ = put(?WITHIN, Mark),
    try HandOver()
    after erase(?WITHIN)
    end.

said_inside(#message{type = Type, body = Body, subject = Subject, meta = Meta, from = #jid{lserver = Host, luser = User}} = Packet)
  when Type =/= error, Body =/= [] orelse Subject =/= [] ->
    case gatehouse_options:get(Host) of
        #{asked := Asked} when User =:= <<>> orelse is_map_key(message, Asked), not is_map_key(from_offline, Meta) ->
            observe(Host, Packet);
        _ -> ok
    end,
    Packet;
said_inside(Packet) ->
    Packet.

observe(Host, Packet) ->
    case gatehouse_options:get(Host) of
        #{max_stanza := Most} ->
            case gatehouse_writer:stanza(Packet, Most) of
                {ok, El, _} ->
                    Forwarded = #xmlel{name = <<"forwarded">>, attrs = [{<<"xmlns">>, <<"urn:xmpp:forward:0">>}], children = [El]},
                    gatehouse_reports:report(Host, <<"observed">>, [], [Forwarded]);
                {error, _} -> ok % nothing that a screen could read
            end;
        none -> ok
    end.

%% Over MQTT people write to each other without a stanza: here is one, from the account, with the topic as the subject.
-spec mqtt(jid:ljid(), publish(), non_neg_integer()) -> ok.
mqtt({User, Host, Resource}, #publish{topic = Topic, payload = Payload}, _Expiry) ->
    Message = #message{type = headline, from = jid:make(User, Host, Resource), to = jid:make(Host)},
    observe(Host, said(readable(Topic), readable(Payload), Topic, Payload, Message)).

said(true, true, Topic, Payload, Message) ->
    Message#message{subject = [#text{data = Topic}], body = [#text{data = Payload}]};
said(_, _, Topic, Payload, Message) ->
    Message#message{subject = [#text{data = base64:encode(Topic)}],
                    sub_els = [#xmlel{name = <<"data">>,
                                      attrs = [{<<"xmlns">>, <<"urn:xmpp:bob">>}, {<<"type">>, <<"application/octet-stream">>}],
                                      children = [{xmlcdata, base64:encode(Payload)}]}]}.

%% Characters that XML has.
readable(<<C/utf8, Rest/binary>>) when C >= 32, C =/= 16#FFFE, C =/= 16#FFFF; C =:= 9; C =:= 10; C =:= 13 -> readable(Rest);
readable(Text) -> Text =:= <<>>.

%% What people publish was asked about as their IQ; its notices are copies. What a module or a command publishes was not.
-spec published(binary(), binary(), jid:jid(), jid:jid(), binary(), [xmlel()]) -> ok.
published(Host, Node, Publisher, Service, Id, Payload) ->
    case {get(?ASKED), gatehouse_options:get(Host)} of
        {true, _} -> ok;
        {false, #{asked := Asked}} when not is_map_key(pep, Asked); not is_map_key(iq, Asked) -> ok;
        _ ->
            Item = #xmlel{name = <<"item">>, attrs = [{<<"id">>, Id}], children = [El || #xmlel{} = El <- Payload]},
            Items = #xmlel{name = <<"items">>, attrs = [{<<"node">>, Node}], children = [Item]},
            Event = #xmlel{name = <<"event">>, attrs = [{<<"xmlns">>, <<"http://jabber.org/protocol/pubsub#event">>}], children = [Items]},
            observe(Host, #message{type = headline, from = Service, to = jid:remove_resource(Publisher), sub_els = [Event]})
    end.
