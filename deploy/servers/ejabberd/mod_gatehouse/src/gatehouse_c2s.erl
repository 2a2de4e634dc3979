%% SPDX-License-Identifier: GPL-2.0-or-later
%% What clients send: held in the state of their own session, whose process goes on meanwhile, and handed over in order.
%%
%% XEP-0198: mod_stream_mgmt counts a stanza before the hook in which it is taken out. What is held is taken off that count
%% (`uncounted`), and counted when it is handed over. A resumption counts it, since whoever takes over holds it too.
-module(gatehouse_c2s).

-export([user_send_packet/1, handle_info/2, handle_call/3, copy_session/2, terminated/2]).
-export([asks/2]).

-include("gatehouse.hrl").
-include("logger.hrl").

-type state() :: ejabberd_c2s:state().
%% hold: the queue. monitors: of the links that were asked.
-type waiting() :: #{hold := gatehouse_hold:hold(), monitors := #{pid() => reference()}}.
-export_type([waiting/0]).

-define(COUNTS, 16#100000000). % XEP-0198: the counts wrap

%% Everything a client sends. Without a session (mod_privilege of 24.10 and later runs this hook with an invented one) nothing is
%% decided here: that came by the component's entrance. A hook that fails lets pass: so nothing may be thrown from here.
-spec user_send_packet({stanza(), state()}) -> {stanza(), state()} | {stop, {drop, state()}}.
user_send_packet({Packet, #{sid := _, lserver := Host} = State} = Passing) ->
    case gatehouse_asking:is_marked(Packet) of
        true ->
            Passing;
        false ->
            try decide(Packet, asks(Packet, Host), State)
            catch
                Class:Reason:Stack ->
                    ?ERROR_MSG("Holding what a client sent failed: ~0p", [gatehouse_asking:fault(Class, Reason, Stack)]),
                    {stop, {drop, turn_back(Packet, State)}}
            end
    end;
user_send_packet(Passing) ->
    Passing.

decide(Packet, [], #{lserver := Host} = State) when not is_map_key(gatehouse, State) ->
    {let_by(Packet, Host), State};
decide(Packet, Asks, State) ->
    {stop, {drop, take(Packet, Asks, State)}}.

%% What is not asked about is marked too: it did come from a person.
let_by(Packet, Host) ->
    gatehouse_asking:mark(Packet, #{host => Host, n => none, link => none, at => erlang:system_time(millisecond)}).

%% Who is to be asked: the sender's host, and the recipient's where it has another screen.
-spec asks(stanza(), binary()) -> [gatehouse_asking:ask()].
asks(Packet, Host) ->
    Own = gatehouse_options:get(Host),
    own_ask(Packet, Host, Own) ++ recipients_ask(Packet, Host, Own, xmpp:get_to(Packet)).

own_ask(_Packet, _Host, none) ->
    [];
own_ask(Packet, Host, Options) ->
    ask(Packet, Host, Options, sent).

recipients_ask(_Packet, Host, _Own, #jid{lserver = Host}) ->
    [];
recipients_ask(Packet, _Host, Own, #jid{lserver = Domain}) ->
    case gatehouse_options:hosts() =/= [] andalso gatehouse_where:home(Domain) of
        {host, There} ->
            case {gatehouse_options:get(There), Own} of
                {none, _} -> [];
                {#{screen := Screen}, #{screen := Screen}} -> [];
                {Options, _} -> ask(Packet, There, Options, received)
            end;
        _ -> []
    end.

ask(Packet, Host, Options, Direction) ->
    case gatehouse_where:judge(Packet, Host, Options) of
        none -> [];
        Kind -> [#{host => Host, options => Options, kind => Kind, direction => Direction, via => c2s}]
    end.

%% A client that has resumed sends once more what the session before was still reading: it is asked about there.
take(_Packet, _Asks, #{mgmt_state := resumed} = State) ->
    State;
take(Packet, Asks, #{lserver := Host} = State0) ->
    State = waiting(State0),
    At = erlang:system_time(millisecond),
    {First, Then} = case Asks of
                        [] -> {pass(Host), []};
                        [One | More] -> {One, More}
                    end,
    {Counted, Uncounted} = uncount(State),
    hold(gatehouse_asking:item(First, Packet, self(), #{then => Then, uncounted => Uncounted}, At), First, Counted).

pass(Host) ->
    #{host => Host, options => none, kind => none, direction => sent, via => c2s}.

waiting(#{gatehouse := _} = State) -> State;
waiting(State) -> State#{gatehouse => #{hold => gatehouse_hold:new(), monitors => #{}}}.

hold(Item0, #{options := Options}, #{gatehouse := #{hold := Hold} = Waiting} = State) ->
    Item = case gatehouse_hold:is_empty(Hold) orelse Options =:= none andalso not bounded(Item0) of
               true -> Item0;
               false -> gatehouse_asking:wait(Item0, options(Item0, Options), self())
           end,
    drain(watch(Item, State#{gatehouse := Waiting#{hold := gatehouse_hold:add(Item, Hold)}})).

%% A host that does not ask any more bounds nothing.
bounded(#{host := Host}) -> gatehouse_options:get(Host) =/= none.

options(#{host := Host}, none) -> gatehouse_options:get(Host);
options(_Item, Options) -> Options.

watch(#{link := none}, State) ->
    State;
watch(#{link := Link}, #{gatehouse := #{monitors := Monitors}} = State) when is_map_key(Link, Monitors) ->
    State;
watch(#{link := Link}, #{gatehouse := #{monitors := Monitors} = Waiting} = State) ->
    State#{gatehouse := Waiting#{monitors := Monitors#{Link => monitor(process, Link)}}}.

%% Hands over what has its verdict, up to the first that has none. The state is read anew after each: handing over runs through
%% all of the session's own code.
drain(State) ->
    drain(State, []).

drain(#{gatehouse := #{hold := Hold} = Waiting} = State, Done) ->
    case gatehouse_hold:next(Hold) of
        {Item, Rest} ->
            {Next, Outcome} = guarded(Item, State#{gatehouse := Waiting#{hold := Rest}}),
            gatehouse_asking:let_go(Item, self()),
            drain(Next, [{Item, Outcome} | Done]);
        waiting ->
            gatehouse_asking:settle(lists:reverse(Done)),
            State;
        empty ->
            gatehouse_asking:settle(lists:reverse(Done)),
            lists:foreach(fun(Monitor) -> demonitor(Monitor, [flush]) end, maps:values(maps:get(monitors, Waiting))),
            maps:remove(gatehouse, State)
    end.

%% What throws in the server may have delivered it before: the server has it.
guarded(Item, State) ->
    Deed = gatehouse_asking:act(Item),
    try hand_over(Deed, Item, State)
    catch
        Class:Reason:Stack ->
            ?ERROR_MSG("While handing a stanza on: ~0p", [gatehouse_asking:fault(Class, Reason, Stack)]),
            {recount(Item, State), outcome(Deed)}
    end.

outcome({release, _, Outcome}) -> Outcome;
outcome({refuse, _, _, Outcome}) -> Outcome.

hand_over({release, Stanza, Outcome}, #{then := [Ask | More]} = Item, State) ->
    {ask_next(Ask, More, Stanza, Item, State), Outcome};
hand_over({release, Stanza, Outcome}, Item, State) ->
    {release(Stanza, Item, State), Outcome};
hand_over({refuse, Replies, Instead, Outcome}, Item, State0) ->
    State = lists:foldl(fun(Reply, Before) -> ejabberd_c2s:send(Before, Reply) end, State0, Replies),
    {case Instead of
         none -> recount(Item, State);
         _ -> release(Instead, Item, State)
     end,
     Outcome}.

%% The recipient's host asks another screen: in the place where it stands, so that the order stays.
ask_next(#{options := Options, host := Host} = Ask, More, Stanza, #{uncounted := Uncounted, at := At},
         #{gatehouse := #{hold := Hold} = Waiting} = State) ->
    Item = gatehouse_asking:item(Ask, Stanza, self(), #{then => More, uncounted => Uncounted}, At),
    ?DEBUG("~ts asks ~ts too", [Host, maps:get(screen, Options)]),
    watch(Item, State#{gatehouse := Waiting#{hold := gatehouse_hold:put_first(Item, Hold)}}).

release(Stanza, #{uncounted := true} = Item, State) ->
    ejabberd_c2s:handle_authenticated_packet(gatehouse_asking:mark(Stanza, Item), State);
release(Stanza, Item, State) ->
    ejabberd_c2s:handle_authenticated_packet(gatehouse_asking:mark(Stanza, Item), count(-1, State)). % it is counted in there

%% True where stanzas are counted: before XEP-0198 is enabled nothing is.
uncount(#{mgmt_state := active} = State) -> {count(-1, State), true};
uncount(#{mgmt_state := pending} = State) -> {count(-1, State), true};
uncount(State) -> {State, false}.

recount(#{uncounted := true}, State) -> count(1, State);
recount(_Item, State) -> State.

count(By, #{mgmt_state := Managed, mgmt_stanzas_in := Count} = State) when Managed =:= active; Managed =:= pending ->
    State#{mgmt_stanzas_in := (Count + By + ?COUNTS) rem ?COUNTS};
count(_By, State) ->
    State.

turn_back(Packet, State) ->
    try gatehouse_errors:refusal(Packet, <<"resource-constraint">>, maps:get(outage, gatehouse_texts:own()), message) of
        {Replies, _} -> lists:foldl(fun(Reply, Before) -> ejabberd_c2s:send(Before, Reply) end, State, Replies)
    catch
        _:_ -> State
    end.

%% What was given away with a resumption is the other session's; the link tells that one once more.
-spec handle_info(state(), term()) -> state() | {stop, state()}.
handle_info(#{mgmt_state := resumed} = State, {gatehouse, _Ref, _N, _Verdict}) ->
    {stop, State};
handle_info(#{mgmt_state := resumed, gatehouse := #{monitors := Monitors}} = State, {'DOWN', _, process, Link, _})
  when is_map_key(Link, Monitors) ->
    {stop, State};
handle_info(#{gatehouse := #{hold := Hold} = Waiting} = State, {gatehouse, Ref, N, Verdict}) ->
    {stop, drain(State#{gatehouse := Waiting#{hold := gatehouse_hold:judge(Ref, N, Verdict, Hold)}})};
handle_info(State, {gatehouse, _Ref, _N, _Verdict}) ->
    {stop, State};
handle_info(#{gatehouse := #{hold := Hold, monitors := Monitors} = Waiting} = State, {'DOWN', _, process, Link, _})
  when is_map_key(Link, Monitors) ->
    {stop, drain(State#{gatehouse := Waiting#{hold := gatehouse_hold:lose(Link, Hold), monitors := maps:remove(Link, Monitors)}})};
handle_info(State, {_Ref, {resume, #{gatehouse := _} = Old}}) ->
    _ = gatehouse_workers:adopt(Old), % it came too late for the resumption; the old session is gone
    State;
handle_info(State, _Other) ->
    State.

%% The other session is told what this one has held as handled, else the client would send it again.
-spec handle_call(state(), term(), term()) -> state().
handle_call(#{mgmt_id := Id, gatehouse := _} = State, {resume_session, Id}, _From) ->
    counted(State);
handle_call(State, _Request, _From) ->
    State.

counted(#{gatehouse := #{hold := Hold} = Waiting, mgmt_stanzas_in := Count} = State) ->
    State#{mgmt_stanzas_in := (Count + gatehouse_hold:count(fun(#{uncounted := Uncounted}) -> Uncounted end, Hold)) rem ?COUNTS,
           gatehouse := Waiting#{hold := gatehouse_hold:map(fun(Item) -> Item#{uncounted := false} end, Hold)}};
counted(State) ->
    State.

%% The session goes on in another process.
-spec copy_session(state(), state()) -> state().
copy_session(State, #{gatehouse := #{hold := Hold}}) ->
    Monitors = maps:from_list([{Link, monitor(process, Link)} || Link <- gatehouse_hold:links(Hold)]),
    Kept = gatehouse_workers:take_over(Hold),
    % What has its verdict already waits for something that has none, or the other process would have handed it over. It does that no
    % more: a verdict on its way to it is told here once more.
    State#{gatehouse => #{hold => Kept, monitors => Monitors}};
copy_session(State, _Old) ->
    State.

%% What the session sent is handed over by somebody else, in order, with a copy of its identity.
-spec terminated(state(), term()) -> state().
terminated(#{mgmt_state := resumed} = State, _Reason) ->
    maps:remove(gatehouse, State);
terminated(#{gatehouse := _} = State, _Reason) ->
    _ = gatehouse_workers:adopt(State),
    maps:remove(gatehouse, counted(State));
terminated(State, _Reason) ->
    State.
