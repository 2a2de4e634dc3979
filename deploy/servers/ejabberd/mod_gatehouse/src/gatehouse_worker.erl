%% SPDX-License-Identifier: GPL-2.0-or-later
%% Holds what one sender sent over a stream that carries many, or what is left of a session that ended, and hands it over in order.
-module(gatehouse_worker).
-behaviour(gen_server).

-export([start_link/1, hold/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, handle_continue/2]).

-include("gatehouse.hrl").
-include("logger.hrl").

-define(IDLE_MS, 10000).

%% early: verdicts that were here before what they are about. session: the state of the client's session that was.
-type state() :: #{key := gatehouse_workers:key() | none,
                   session := ejabberd_c2s:state() | none,
                   hold := gatehouse_hold:hold(),
                   early := #{reference() => {pos_integer() | none, gatehouse_hold:verdict()}},
                   monitors := #{pid() => reference()}}.

-spec start_link({sender, gatehouse_workers:key()} | {session, gatehouse_hold:hold(), ejabberd_c2s:state()}) -> {ok, pid()} | {error, term()}.
start_link(For) ->
    gen_server:start_link(?MODULE, For, []).

-spec hold(pid(), gatehouse_hold:item()) -> ok.
hold(Worker, Item) ->
    gen_server:cast(Worker, {hold, Item}).

-spec init(term()) -> {ok, state()} | {ok, state(), timeout()}.
init({sender, Key}) ->
    {ok, #{key => Key, session => none, hold => gatehouse_hold:new(), early => #{}, monitors => #{}}, ?IDLE_MS};
init({session, Hold, Session}) ->
    Monitors = maps:from_list([{Link, monitor(process, Link)} || Link <- gatehouse_hold:links(Hold)]),
    {ok, #{key => none, session => Session, hold => gatehouse_workers:take_over(Hold), early => #{}, monitors => Monitors}}.

-spec handle_call(term(), gen_server:from(), state()) -> {reply, ok, state()}.
handle_call(_Request, _From, State) ->
    {reply, ok, State}.

-spec handle_cast({hold, gatehouse_hold:item()}, state()) -> {noreply, state(), {continue, drain}}.
handle_cast({hold, #{ref := Ref} = Item}, #{hold := Hold, early := Early} = State) ->
    {Known, Left} = case maps:take(Ref, Early) of
                        {{N, Verdict}, Rest} -> {Item#{n := N, verdict := Verdict}, Rest};
                        error -> {Item, Early}
                    end,
    {noreply, watch(Item, State#{hold := gatehouse_hold:add(Known, Hold), early := Left}), {continue, drain}}.

-spec handle_info(term(), state()) -> {noreply, state()} | {noreply, state(), {continue, drain}} | {noreply, state(), timeout()} | {stop, normal, state()}.
handle_info({gatehouse, Ref, N, Verdict}, #{hold := Hold, early := Early, key := Key} = State) ->
    case gatehouse_hold:is_held(Ref, Hold) of
        false when Key =/= none -> {noreply, State#{early := Early#{Ref => {N, Verdict}}}};
        _ -> {noreply, State#{hold := gatehouse_hold:judge(Ref, N, Verdict, Hold)}, {continue, drain}}
    end;
handle_info({'DOWN', _, process, Link, _}, #{hold := Hold, monitors := Monitors} = State) ->
    {noreply, State#{hold := gatehouse_hold:lose(Link, Hold), monitors := maps:remove(Link, Monitors)}, {continue, drain}};
handle_info(timeout, #{key := Key} = State) ->
    case gatehouse_workers:leave(Key) of
        true -> {stop, normal, State};
        false -> {noreply, State, ?IDLE_MS}
    end;
handle_info(_Other, State) ->
    {noreply, State, {continue, drain}}.

-spec handle_continue(drain, state()) -> {noreply, state()} | {noreply, state(), timeout()} | {stop, normal, state()}.
handle_continue(drain, State0) ->
    case drain(State0, []) of
        {waiting, State} -> {noreply, State};
        {empty, #{key := none} = State} -> {stop, normal, State};
        {empty, State} -> {noreply, State, ?IDLE_MS}
    end.

watch(#{link := none}, State) ->
    State;
watch(#{link := Link}, #{monitors := Monitors} = State) when is_map_key(Link, Monitors) ->
    State;
watch(#{link := Link}, #{monitors := Monitors} = State) ->
    State#{monitors := Monitors#{Link => monitor(process, Link)}}.

drain(#{hold := Hold, key := Key} = State, Done) ->
    case gatehouse_hold:next(Hold) of
        {Item, Rest} ->
            {Next, Outcome} = guarded(Item, State#{hold := Rest}),
            gatehouse_asking:let_go(Item, self()),
            _ = Key =/= none andalso gatehouse_workers:finished(Key),
            drain(Next, [{Item, Outcome} | Done]);
        Left ->
            gatehouse_asking:settle(lists:reverse(Done)),
            {Left, State}
    end.

%% What throws in the server may have delivered it before: the server has it.
guarded(Item, State) ->
    Deed = gatehouse_asking:act(Item),
    try hand_over(Deed, Item, State)
    catch
        Class:Reason:Stack ->
            ?ERROR_MSG("While handing a stanza on: ~0p", [gatehouse_asking:fault(Class, Reason, Stack)]),
            {State, element(tuple_size(Deed), Deed)}
    end.

hand_over({release, Stanza, Outcome}, #{then := [Ask | More], at := At} = Item, #{hold := Hold} = State) ->
    Next = gatehouse_asking:item(Ask, Stanza, self(), Item#{then := More}, At),
    {watch(Next, State#{hold := gatehouse_hold:put_first(Next, Hold)}), Outcome};
hand_over({release, Stanza, Outcome}, Item, State) ->
    case enter(Stanza, Item, State) of
        true -> {State, Outcome};
        false -> {State, gone}
    end;
hand_over({refuse, Replies, Instead, Outcome}, Item, State) ->
    lists:foreach(fun ejabberd_router:route/1, Replies),
    _ = Instead =/= none andalso enter(Instead, Item, State),
    {State, Outcome}.

%% Gives the stanza to the server where it was taken out. False: there is nobody left whose stanza it could be.
enter(Stanza, #{entrance := Entrance} = Item, #{session := none}) ->
    gatehouse_entries:enter(Entrance, gatehouse_asking:mark(Stanza, Item)),
    true;
enter(Stanza, Item, #{session := Session}) ->
    gatehouse_ended:enter(gatehouse_asking:mark(Stanza, Item), Session).
