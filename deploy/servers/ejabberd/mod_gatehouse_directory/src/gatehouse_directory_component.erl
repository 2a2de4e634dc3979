%% SPDX-License-Identifier: GPL-2.0-or-later
%% What is said in our namespace to a host: taken only in the process of the component's own stream, where the stream has proved whose it is;
%% whatever comes another way is forbidden.
-module(gatehouse_directory_component).

-export([component_send_packet/1, process_forbidden/1, decode_iq_subel/1, tell_done/1]).

-include("gatehouse_directory.hrl").
-include("logger.hrl").

%% Requests of section 8 under way at once, and parts that wait.
-define(MOST, 64).

-spec component_send_packet({term(), map()}) -> {term(), map()} | {stop, {drop, map()}}.
component_send_packet({#iq{type = Type, to = #jid{luser = <<>>, lresource = <<>>, lserver = Host}, sub_els = [_ | _]} = Iq,
                       #{remote_server := Domain} = State} = Acc) when Type =:= get; Type =:= set ->
    case mod_gatehouse_directory:component(Host) of
        Domain ->
            case [El || #xmlel{attrs = Attrs} = El <- [xmpp:encode(Sub, ?NS_COMPONENT) || Sub <- xmpp:get_els(Iq)],
                        fxml:get_attr_s(<<"xmlns">>, Attrs) =:= ?NS_DIRECTORY] of
                [El] ->
                    request(Host, Iq, El),
                    {stop, {drop, State}};
                _ -> Acc
            end;
        _ -> Acc
    end;
component_send_packet(Acc) -> Acc.

request(Host, #iq{type = get} = Iq, #xmlel{name = <<"state">>}) -> gatehouse_directory_host:get_state(Host, Iq, self());
request(Host, #iq{type = set} = Iq, #xmlel{name = <<"state">>} = El) -> gatehouse_directory_host:set_state(Host, Iq, El, self());
request(Host, Iq, El) ->
    Stream = self(),
    _ = case atomics:add_get(mod_gatehouse_directory:busy(Host), 1, 1) of
        Busy when Busy > ?MOST ->
            ok = tell_done(Host),
            Stream ! {route, xmpp:make_error(Iq, xmpp:err_resource_constraint())};
        _ ->
            spawn(fun() ->
                      try Stream ! {route, answer(Host, Iq, El)}
                      after tell_done(Host)
                      end
                  end)
    end,
    ok.

answer(Host, #iq{type = Type} = Iq, #xmlel{name = Asked} = El) ->
    Empty = Iq#iq{sub_els = []},
    Module = case lists:member(Asked, [<<"rooms">>, <<"leave">>]) of
        true -> gatehouse_directory_rooms;
        false -> gatehouse_directory_publish
    end,
    try Module:request(Type, Host, El) of
        none -> xmpp:make_iq_result(Empty);
        Payload -> xmpp:make_iq_result(Empty, Payload)
    catch
        throw:#stanza_error{} = Error -> xmpp:make_error(Empty, Error);
        Class:Reason:Stack ->
            ?ERROR_MSG("A request of the directory came to grief: ~ts", [misc:format_exception(2, Class, Reason, Stack)]),
            xmpp:make_error(Empty, xmpp:err_internal_server_error())
    end.

-spec tell_done(binary()) -> ok.
tell_done(Host) -> atomics:sub(mod_gatehouse_directory:busy(Host), 1, 1).

%% What is forbidden is not read.
-spec decode_iq_subel(#xmlel{}) -> #xmlel{}.
decode_iq_subel(El) -> El.

-spec process_forbidden(#iq{}) -> #iq{}.
process_forbidden(Iq) -> xmpp:make_error(Iq, xmpp:err_forbidden()).
