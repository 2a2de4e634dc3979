%% SPDX-License-Identifier: GPL-2.0-or-later
%% The screen's own connection: how it is found, and what is taken from it. All of it by the process of the component's stream, never
%% by the router, which would send to another server what nobody here takes.
-module(gatehouse_component).

-export([install/0, remove/0, find/2, prove/3, is_there/1, tell_up/2, node_tag/1]).
-export([component_connected/1, component_disconnected/2, component_send_packet/1, ejabberd_stopping/0]).

-include("gatehouse.hrl").
-include("ejabberd_router.hrl").
-include_lib("kernel/include/logger.hrl").

-define(PRIORITY, 10).
-define(LOCAL_ID_BYTES, 27). % gh- and 24 digits
-define(TAG_BYTES, 8).

-spec install() -> ok.
install() ->
    ok = ejabberd_hooks:add(component_connected, ?MODULE, component_connected, ?PRIORITY),
    ok = ejabberd_hooks:add(component_disconnected, ?MODULE, component_disconnected, ?PRIORITY),
    ok = ejabberd_hooks:add(component_send_packet, ?MODULE, component_send_packet, ?PRIORITY),
    ok = ejabberd_hooks:add(ejabberd_stopping, ?MODULE, ejabberd_stopping, ?PRIORITY).

-spec remove() -> ok.
remove() ->
    ok = ejabberd_hooks:delete(component_connected, ?MODULE, component_connected, ?PRIORITY),
    ok = ejabberd_hooks:delete(component_disconnected, ?MODULE, component_disconnected, ?PRIORITY),
    ok = ejabberd_hooks:delete(component_send_packet, ?MODULE, component_send_packet, ?PRIORITY),
    ok = ejabberd_hooks:delete(ejabberd_stopping, ?MODULE, ejabberd_stopping, ?PRIORITY).

%% Looks for the process of the screen's stream, here first; Link gets {component, Pid}. Not only for a route: with `global_routes`
%% every component has one for the names of all, so the process is asked who it is. That may last, hence by a process of its own.
-spec find(binary(), pid()) -> pid().
find(Screen, Link) ->
    spawn(fun() ->
        Pids = [Pid || #route{pid = Pid} <- routes(Screen), is_pid(Pid)],
        {Here, Elsewhere} = lists:partition(fun(Pid) -> node(Pid) =:= node() end, lists:usort(Pids)),
        Link ! {component, first_of(Screen, Here ++ Elsewhere)}
    end).

%% Whether this one, which has just come, is the screen's: then Link gets {newest, Pid}.
-spec prove(binary(), pid(), pid()) -> pid().
prove(Screen, Pid, Link) ->
    spawn(fun() -> is_stream_of(Screen, Pid) andalso (Link ! {newest, Pid}) end).

%% The router itself tells nobody.
routes(Screen) ->
    Backend = list_to_existing_atom("ejabberd_router_" ++ atom_to_list(ejabberd_option:router_db_type())),
    case Backend:find_routes(Screen) of
        {ok, Routes} -> Routes;
        {error, _} -> []
    end.

first_of(_, []) -> none;
first_of(Screen, [Pid | Rest]) ->
    case is_stream_of(Screen, Pid) of
        true -> Pid;
        false -> first_of(Screen, Rest)
    end.

is_stream_of(Screen, Pid) ->
    try sys:get_state(Pid, 1000) of
        #{mod := ejabberd_service, remote_server := Screen} -> true;
        _ -> false
    catch exit:_ -> false
    end.

-spec is_there(binary()) -> boolean().
is_there(Host) -> ejabberd_router:is_my_host(Host).

%% For those who have something to say whenever the screen is back.
-spec tell_up(binary(), [binary()]) -> ok.
tell_up(Screen, Hosts) ->
    _ = spawn(fun() -> [ejabberd_hooks:run(gatehouse_screen_up, Host, [Host, Screen]) || Host <- Hosts] end),
    ok.

%% Of a node of the cluster, in an id.
-spec node_tag(node()) -> binary().
node_tag(Node) -> iolist_to_binary(io_lib:format("~8.16.0b", [erlang:phash2(Node, 1 bsl 32)])).

-spec component_connected(binary()) -> ok.
component_connected(Domain) -> to_links(Domain, {component_came, self()}).

-spec component_disconnected(binary(), term()) -> ok.
component_disconnected(Domain, _) -> to_links(Domain, {component_gone, self()}).

to_links(Domain, What) ->
    case gatehouse_link:name_of(Domain) of
        none -> ok;
        Name -> lists:foreach(fun(Node) -> {Name, Node} ! What end, [node() | nodes()])
    end.

%% What the screen says to a host of ours. Its domain is what its stream has proved, not what stands in `from`.
-spec component_send_packet({stanza() | drop, map()}) -> {stanza() | drop, map()} | {stop, {drop, map()}}.
component_send_packet({#iq{to = #jid{luser = <<>>, lresource = <<>>, lserver = Host}} = Iq, #{remote_server := Domain} = State} = Acc) ->
    case payload(Iq) of
        none -> Acc;
        Payload ->
            case take(Payload, Iq, gatehouse_link:asks(Domain, Host), gatehouse_link:name_of(Domain)) of
                true -> {stop, {drop, State}};
                false -> Acc
            end
    end;
component_send_packet(Acc) -> Acc.

%% What may be for us.
payload(#iq{type = Type, id = <<"gh-", _/binary>>}) when Type =:= result; Type =:= error -> answer;
payload(#iq{type = set} = Iq) ->
    case elements(Iq) of
        [#xmlel{name = Name, attrs = Attrs} = El | _] when Name =:= <<"verdicts">>; Name =:= <<"outage-rules">> ->
            case fxml:get_attr_s(<<"xmlns">>, Attrs) of
                ?NS_SCREEN -> El;
                _ -> none
            end;
        _ -> none
    end;
payload(_) -> none.

%% A screen that the host no longer asks may still answer what it was told.
take(answer, _, _, none) -> false;
take(answer, #iq{id = Id, type = Type} = Iq, _, Name) ->
    case asker(Id) of
        somebody_else -> false;
        gone -> true;
        Node ->
            {Name, Node} ! {answer, self(), Id, Type, elements(Iq)},
            true
    end;
take(El, Iq, screen, Name) -> told(El, Iq, Name);
take(_, Iq, another, _) ->
    self() ! {route, error_to(Iq, {<<"auth">>, <<"forbidden">>, <<>>})},
    true;
take(_, _, nobody, _) -> false.

%% Late verdicts are for the node that asked, which knows them by the source.
told(#xmlel{name = <<"verdicts">>} = El, Iq, Name) ->
    self() ! {route, xmpp:make_iq_result(Iq)},
    lists:foreach(fun(Node) -> {Name, Node} ! {late_verdicts, self(), El} end, [node() | nodes()]),
    true;
told(El, Iq, Name) ->
    Self = self(),
    _ = spawn(fun() -> Self ! {route, everywhere(El, Iq, Name)} end),
    true.

%% All nodes hold them before the screen has its answer, which is the worst of theirs.
everywhere(El, Iq, Name) ->
    {Replies, _} = gen_server:multi_call([node() | nodes()], Name, {outage_rules, El}, 5000),
    case {Replies, [Fault || {_, {error, Fault}} <- Replies]} of
        {[], _} -> error_to(Iq, {<<"wait">>, <<"resource-constraint">>, <<>>});
        {_, []} -> xmpp:make_iq_result(Iq);
        {_, [Fault | _]} -> error_to(Iq, Fault)
    end.

error_to(Iq, {Type, Condition, Text}) ->
    Error = #stanza_error{type = binary_to_existing_atom(Type, utf8), reason = binary_to_existing_atom(Condition, utf8),
        text = [#text{lang = <<"en">>, data = Text} || Text =/= <<>>]},
    xmpp:make_error(Iq, Error).

%% Sub-elements that the server has decoded already (validate_stream) are written again.
elements(Iq) -> [xmpp:encode(El, ?NS_COMPONENT) || El <- xmpp:get_els(Iq)].

%% The node that asked. A transport asks the same screen by itself, with ids of another length.
asker(Id) when byte_size(Id) =:= ?LOCAL_ID_BYTES -> node();
asker(<<_:?LOCAL_ID_BYTES/binary, Tag:?TAG_BYTES/binary>>) ->
    case [Node || Node <- nodes(), node_tag(Node) =:= Tag] of
        [Node | _] -> Node;
        [] -> gone
    end;
asker(_) -> somebody_else.

-spec ejabberd_stopping() -> ok.
ejabberd_stopping() -> gatehouse_link:stop_all().
