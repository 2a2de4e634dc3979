%% SPDX-License-Identifier: GPL-2.0-or-later
%% The entrances of other servers and of components. Their streams carry many senders: what is asked about is taken out there, held
%% by a worker of its sender, and comes in again through the same entrance, with a mark.
%%
%% A component that speaks for a person (XEP-0356) is asked about here as that person: behind this entrance the server would not let
%% go of it any more.
-module(gatehouse_entries).

-export([s2s_allow_host/3, s2s_receive_packet/1, component_send_packet/1, enter/2]).

-include("gatehouse.hrl").
-include("logger.hrl").

%% Where a stanza was taken out, with what is needed to put it in again.
-type entrance() :: {s2s, ejabberd_s2s_in:state()} | {component, ejabberd_service:state()}
                  | {privileged, Wrapper :: message(), ejabberd_service:state()}.
-export_type([entrance/0]).

%% Without these the hooks behind ours cannot work; a whole state for each stanza would be copied between processes.
-define(KEPT, [mod, remote_server, routes, host_opts, check_from, access, ip, lang, lserver, server, server_host, xmlns, auth_domains]).

%% No stream to or from another server has the name of a screen, of a trusted component or of a transport, whatever the DNS says of
%% it: what is for them does not leave while they are away.
-spec s2s_allow_host(allow | deny, binary(), binary()) -> allow | deny | {stop, deny}.
s2s_allow_host(Allowed, _Host, Other) ->
    case gatehouse_options:is_closed_name(Other) of
        true -> {stop, deny};
        false -> Allowed
    end.

%% What comes from another server, in the process of its stream.
-spec s2s_receive_packet({stanza() | drop, map()}) -> {stanza() | drop, map()} | {stop, {drop, map()}}.
s2s_receive_packet({drop, _State} = Dropped) ->
    Dropped;
s2s_receive_packet({Packet, State} = Passing) ->
    guarded(fun(Marked) when Marked -> Passing;
               (_) -> from_server(Packet, xmpp:get_to(Packet), State)
            end,
            Passing).

from_server(Packet, #jid{lserver = Domain} = To, State) ->
    case gatehouse_options:is_closed_name(Domain) of
        true ->
            % That a name does not resolve keeps nobody from writing to it over a connection that he opened.
            ?DEBUG("Not for other servers: ~ts", [jid:encode(To)]),
            {stop, {drop, State}};
        false ->
            case gatehouse_where:home(Domain) of
                {host, Host} ->
                    hold(s2s, Packet, asks(Packet, Host, none, received, s2s), {s2s, maps:with(?KEPT, State)}, State);
                _ -> {Packet, State}
            end
    end.

%% What a component sends, in the process of its stream.
-spec component_send_packet({stanza() | drop, map()}) -> {stanza() | drop, map()} | {stop, {drop, map()}}.
component_send_packet({drop, _State} = Dropped) ->
    Dropped;
component_send_packet({Packet, State} = Passing) ->
    guarded(fun(Marked) when Marked -> Passing;
               (_) -> from_component(Packet, xmpp:get_to(Packet), State)
            end,
            Passing).

%% Trust belongs to the stream, not to what it writes as `from`.
from_component(Packet, To, #{remote_server := Name} = State) ->
    case gatehouse_options:is_screen(Name) of
        true ->
            {Packet, State};
        false ->
            case privileged(Packet) of
                {Host, Inner} ->
                    hold(privileged, Inner, privileged_asks(Inner, Host, Name),
                         {privileged, Packet, maps:with(?KEPT, State)}, State);
                denied ->
                    % Not left to mod_privilege: that might grant it meanwhile.
                    ejabberd_router:route_error(Packet, xmpp:err_forbidden()),
                    {stop, {drop, State}};
                unreadable ->
                    {Packet, State};
                none ->
                    hold(component, Packet, component_asks(Packet, To, Name), {component, maps:with(?KEPT, State)}, State)
            end
    end;
from_component(Packet, _To, State) ->
    {Packet, State}.

%% To our people and rooms: their host asks. To another server: the host that components belong to, which is the server's first.
component_asks(_Packet, undefined, _Name) ->
    [];
component_asks(Packet, #jid{lserver = Domain}, Name) ->
    case gatehouse_where:home(Domain) of
        {host, Host} -> asks(Packet, Host, Name, received, component);
        remote -> asks(Packet, ejabberd_config:get_myname(), Name, sent, component);
        component -> []
    end.

%% As with people: the host of whom it speaks for, and the recipient's where it has another screen.
privileged_asks(Inner, Host, Name) ->
    Own = asks(Inner, Host, Name, sent, component),
    Own ++ recipients_ask(Inner, Host, Name, Own, xmpp:get_to(Inner)).

recipients_ask(Inner, Host, Name, Own, #jid{lserver = Domain}) when Domain =/= Host ->
    case gatehouse_where:home(Domain) of
        {host, There} when There =/= Host ->
            case {asks(Inner, There, Name, received, component), Own} of
                {[#{options := #{screen := Screen}}], [#{options := #{screen := Screen}}]} -> [];
                {Asks, _} -> Asks
            end;
        _ -> []
    end;
recipients_ask(_Inner, _Host, _Name, _Own, _To) ->
    [].

%% Name: whose stream it came by. Another host may trust whom this one does not know. A transport asks by itself about what it brings.
asks(Packet, Host, Name, Direction, Via) ->
    case gatehouse_options:get(Host) of
        none -> [];
        #{trusted := #{Name := true}} when Via =:= component -> [];
        #{transports := #{Name := true}} when Via =:= component -> [];
        Options -> [#{host => Host, options => Options, kind => gatehouse_where:judge(Packet, Host, Options),
                      direction => Direction, via => Via}]
    end.

%% A message of a component for a person, which mod_privilege is going to unwrap. Whom it grants that is its to know. What it is
%% going to turn away nobody reads, and nobody is asked about it.
privileged(#message{type = Type, from = #jid{luser = <<>>, lserver = Component, lresource = <<>>},
                    to = #jid{luser = <<>>, lserver = Host, lresource = <<>>}} = Message) when Type =/= error ->
    IsWrapper = is_wrapper(Message),
    case gen_mod:is_loaded(Host, mod_privilege) andalso (is_denied(Host, Component) orelse inner(Message)) of
        true when IsWrapper -> denied;
        #message{from = #jid{lserver = Host, lresource = <<>>}} = Inner -> {Host, Inner};
        Other when IsWrapper, Other =/= false -> unreadable;
        _ -> none
    end;
privileged(_Packet) ->
    none.

is_wrapper(#message{sub_els = [#xmlel{name = <<"privilege">>, attrs = Attrs}]}) ->
    case proplists:get_value(<<"xmlns">>, Attrs) of
        <<"urn:xmpp:privilege:", _/binary>> -> true;
        _ -> false
    end;
is_wrapper(_Message) ->
    false.

is_denied(Host, Component) ->
    try ets:lookup(mod_privilege, Host) of
        [] -> true;
        [{_, Granted}] ->
            case Granted of
                #{Component := Access} -> proplists:get_value(message, Access, none) =:= none;
                _ -> true
            end
    catch
        _:_ -> false
    end.

inner(Message) ->
    try xmpp:try_subtag(Message, #privilege{}) of
        #privilege{forwarded = #forwarded{sub_els = [Element]}} ->
            xmpp:decode(Element, ?NS_CLIENT, ejabberd_config:codec_options());
        _ -> none
    catch
        _:{xmpp_codec, _} -> none % mod_privilege says so itself
    end.

%% What is not asked about goes on at once, unless something of the same sender is held before it.
hold(_Entrance, Packet, [], Where, State) ->
    {original(Where, Packet), State};
hold(Entrance, Packet, [First | _] = Asks, Where, State) ->
    #jid{luser = User, lserver = Server} = xmpp:get_from(Packet),
    #jid{lserver = To} = xmpp:get_to(Packet),
    Key = {Entrance, jid:encode({User, Server, <<>>}), To},
    case [Ask || #{kind := Kind} = Ask <- Asks, Kind =/= none] of
        [Ask | Then] ->
            taken(Key, Ask, Then, Packet, Where, State);
        [] ->
            case gatehouse_workers:is_busy(Key) of
                true -> taken(Key, First, [], Packet, Where, State);
                false -> {original(Where, Packet), State}
            end
    end.

original({privileged, Wrapper, _}, _Inner) -> Wrapper;
original(_Where, Packet) -> Packet.

taken(Key, #{options := Options} = Ask, Then, Packet, Where, State) ->
    At = erlang:system_time(millisecond),
    Make = fun(Worker) -> gatehouse_asking:item(Ask, Packet, Worker, #{then => Then, entrance => Where}, At) end,
    ok = gatehouse_workers:hold(Key, Make, Options),
    {stop, {drop, State}}.

%% A hook that fails lets pass.
guarded(Take, {Packet, State}) ->
    try Take(gatehouse_asking:is_marked(Packet))
    catch
        Class:Reason:Stack ->
            ?ERROR_MSG("Holding what came from a server or component failed: ~0p", [gatehouse_asking:fault(Class, Reason, Stack)]),
            turn_back(Packet),
            {stop, {drop, State}}
    end.

turn_back(Packet) ->
    try gatehouse_errors:refusal(Packet, <<"resource-constraint">>, maps:get(outage, gatehouse_texts:own()), message) of
        {Replies, _} -> lists:foreach(fun ejabberd_router:route/1, Replies)
    catch
        _:_ -> ok
    end.

%% In again where it was taken out: the hooks behind ours have not seen it yet.
-spec enter(entrance(), stanza()) -> ok.
enter({s2s, State}, Packet) ->
    #jid{lserver = Domain} = xmpp:get_to(Packet),
    {Passing, _} = ejabberd_hooks:run_fold(s2s_receive_packet, ejabberd_router:host_of_route(Domain), {Packet, State}, []),
    route(Passing);
enter({component, State}, Packet) ->
    {Passing, _} = ejabberd_hooks:run_fold(component_send_packet, {Packet, State}, []),
    route(Passing);
enter({privileged, Wrapper, State}, Inner) ->
    Mark = xmpp:get_meta(Inner, ?GATEHOUSE_MARK),
    gatehouse_observed:unwrapping(Mark, fun() ->
        enter({component, State}, xmpp:put_meta(wrapped(Wrapper, xmpp:encode(Inner, ?NS_CLIENT)), ?GATEHOUSE_MARK, Mark))
    end).

route(drop) -> ok;
route(Packet) -> ejabberd_router:route(Packet).

%% The same wrapper with what was allowed in it.
wrapped(#message{sub_els = Elements} = Wrapper, Inner) ->
    Wrapper#message{sub_els = [case Element of
                                   #xmlel{name = <<"privilege">>, children = Children} ->
                                       Element#xmlel{children = [forwarded(Child, Inner) || Child <- Children]};
                                   _ -> Element
                               end || Element <- Elements]}.

forwarded(#xmlel{name = <<"forwarded">>, children = Children} = Forwarded, Inner) ->
    Forwarded#xmlel{children = [case Child of #xmlel{name = <<"message">>} -> Inner; _ -> Child end || Child <- Children]};
forwarded(Child, _Inner) ->
    Child.
