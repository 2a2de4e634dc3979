%% SPDX-License-Identifier: GPL-2.0-or-later
%% The process of a host: takes what the component hands over, keeps it on disk, puts it in force in one step, and has the people told.
%% On a cluster each node has one; what one has taken it hands on to the others.
-module(gatehouse_directory_host).
-behaviour(gen_server).

-export([start_link/1, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).
-export([set_state/4, get_state/3, session/4, moved/4, again/3, counts/1]).

-include("gatehouse_directory.hrl").
-include("ejabberd_sm.hrl").
-include("logger.hrl").

-type who() :: gatehouse_directory_parts:jid().
-type transfer() :: #{from := pid(), monitor := reference(), id := binary(), seq := non_neg_integer(), base := none | non_neg_integer(),
                      next := pos_integer(), rows := gatehouse_directory_rows:rows(),
                      parts := [[gatehouse_directory_parts:op()]], coming := none | gatehouse_directory_disk:coming()}.
-type layer() :: {From :: non_neg_integer(), gatehouse_directory_view:layer(), gatehouse_directory_difference:touched()}.
-type state() :: #{host := binary(), file := gatehouse_directory_disk:file(), damaged := boolean(),
                   generation := non_neg_integer(), layers := [layer()], transfer := none | transfer(),
                   queue := gatehouse_directory_queue:queue(), timer := none | reference(), due := float(), ticked := integer(),
                   recent := #{{who(), who()} => integer()}, probes := gatehouse_directory_probes:held(), counts := #{atom() => non_neg_integer()}}.

-define(MODULE_OF_HOST, mod_gatehouse_directory).
-define(TICK_MS, 20).
-define(NEXT_MS, 1).
-define(WORK_US, 5000).
-define(MOST_RECENT, 10000).
-define(TABLE_STAYS_MS, 30000).

-spec start_link(binary()) -> {ok, pid()} | {error, term()} | ignore.
start_link(Host) -> gen_server:start_link({local, name(Host)}, ?MODULE, Host, []).

name(Host) -> gen_mod:get_module_proc(Host, ?MODULE_OF_HOST).

%% A part of a transfer; the answer goes to the stream of the component.
-spec set_state(binary(), #iq{}, #xmlel{}, pid()) -> ok.
set_state(Host, Iq, El, Pid) -> gen_server:cast(name(Host), {set, Iq#iq{sub_els = []}, El, Pid}).

-spec get_state(binary(), #iq{}, pid()) -> ok.
get_state(Host, Iq, Pid) -> gen_server:cast(name(Host), {get, Iq#iq{sub_els = []}, Pid}).

-spec session(binary(), pid(), who(), come | changed | {gone, #presence{}} | {wants, [binary()]}) -> ok.
session(Host, Pid, User, What) -> gen_server:cast(name(Host), {session, Pid, User, What}).

-spec moved(binary(), pid(), pid(), map()) -> ok.
moved(Host, Old, New, _) when node(Old) =:= node() -> gen_server:cast(name(Host), {moved, Old, New});
moved(Host, _, New, #{pres_last := _, jid := #jid{luser = Name}}) -> session(Host, New, {Name, Host}, come);
moved(_, _, _, _) -> ok.

%% A contact that the user has deleted and that is there all the same: shown again, but not over and over.
-spec again(who(), who(), pos_integer()) -> ok.
again({_, Host} = User, Contact, WithinMs) -> gen_server:cast(name(Host), {again, User, Contact, WithinMs}).

-spec counts(binary()) -> [{atom(), non_neg_integer()}].
counts(Host) -> gen_server:call(name(Host), counts).

-spec init(binary()) -> {ok, state()}.
init(Host) ->
    process_flag(trap_exit, true),
    ok = gatehouse_directory_view:install(Host),
    ok = gatehouse_directory_own:install(),
    %% Sessions remember by it what they were told: it goes on growing when this process begins anew.
    Generation = erlang:system_time(microsecond),
    {Damaged, File} = load(Host, Generation),
    State = #{host => Host, file => File, damaged => Damaged, generation => Generation, layers => [],
              transfer => none, queue => gatehouse_directory_queue:new(), timer => none, due => 0.0, ticked => now_us(),
              recent => #{}, probes => gatehouse_directory_probes:none(), counts => #{}},
    ok = net_kernel:monitor_nodes(true),
    ok = hello(State, nodes()),
    %% A session may be older than this process.
    self() ! lock_out,
    {ok, State}.

load(Host, Generation) ->
    case gatehouse_directory_disk:load(gatehouse_directory_disk:folder(Host)) of
        {ok, File, []} ->
            _ = put_in_force(Host, Generation, #{}, {state, <<>>, 0, 0}),
            {false, File};
        {ok, File, Transfers} ->
            Rows = lists:foldl(fun replay/2, #{}, Transfers),
            {{Id, Seq, _, At}, _} = lists:last(Transfers),
            _ = put_in_force(Host, Generation, Rows, {state, Id, Seq, At}),
            {false, File};
        {damaged, File, Ops} ->
            %% The lock is all that holds of it.
            Locked = maps:from_list([{Jid, Op} || {person, Jid, _, _} = Op <- Ops]),
            {ok, Rows} = gatehouse_directory_rows:change(gatehouse_directory_rows:names_of([Op || {person, _, _, Why} = Op <- maps:values(Locked),
                                                                                                  Why =/= false]), fun nothing/1, #{}),
            _ = put_in_force(Host, Generation, Rows, {state, <<>>, 0, 0}),
            {true, File}
    end.

replay({{_, _, Base, _}, Ops}, Before) ->
    Start = case Base of none -> #{}; _ -> Before end,
    case gatehouse_directory_rows:change(gatehouse_directory_rows:names_of(Ops), fun nothing/1, Start) of
        {ok, Rows} -> Rows
    end.

nothing(_) -> none.

put_in_force(Host, Generation, Rows, StateRow) ->
    gatehouse_directory_view:swap(Host, [Row || Row <- maps:values(Rows), Row =/= none] ++ [StateRow, {generation, Generation}]).

-spec handle_call(term(), term(), state()) -> {reply, term(), state()}.
handle_call(counts, _, #{host := Host, queue := Queue, counts := Counts} = State) ->
    {counts, People, Groups, Memberships, Walls, Excepts, Locked} = gatehouse_directory_view:counts(gatehouse_directory_view:now(Host)),
    Happened = [{Name, maps:get(Name, Counts, 0)} || Name <- [transfers, refused, sent, sessions_ended]],
    {reply, Happened ++ [{people, People}, {groups, Groups}, {memberships, Memberships}, {walls, Walls}, {exceptions, Excepts},
                         {locked, Locked}, {waiting, gatehouse_directory_queue:waiting(Queue)}], State};
handle_call(_, _, State) -> {reply, ok, State}.

-spec handle_cast(term(), state()) -> {noreply, state()}.
handle_cast({get, Iq, Pid}, State) ->
    gatehouse_directory_answers:send(Pid, Iq, held(State)),
    {noreply, State};
handle_cast({set, Iq, El, Pid}, State) ->
    {Answer, State1} = take(El, Pid, State),
    gatehouse_directory_answers:send(Pid, Iq, case Answer of held -> held(State1); _ -> Answer end),
    {noreply, counted(case Answer of {error, _, _, _} -> refused; held -> transfers; _ -> parts end, 1, State1)};
handle_cast({session, Pid, User, What}, #{host := Host, queue := Queue} = State) ->
    State1 = State#{queue := gatehouse_directory_queue:session(Queue, Pid, User, What)},
    case What of
        {gone, Presence} ->
            _ = gen_server:abcast(nodes(), name(Host), {left, User, Presence}),
            handle_cast({left, User, Presence}, State1);
        _ -> {noreply, busy(State1)}
    end;
handle_cast({left, User, Presence}, #{queue := Queue} = State) ->
    ok = gatehouse_directory_queue:left(Queue, before(State), {User, Presence}),
    {noreply, busy(State)};
handle_cast({moved, Old, New}, #{queue := Queue} = State) ->
    {noreply, busy(State#{queue := gatehouse_directory_queue:moved(Queue, Old, New)})};
handle_cast({again, User, Contact, WithinMs}, #{recent := Recent} = State) ->
    Now = erlang:monotonic_time(millisecond),
    Fresh = case map_size(Recent) > ?MOST_RECENT of
        true -> maps:filter(fun(_, At) -> At > Now - WithinMs end, Recent);
        false -> Recent
    end,
    case Fresh of
        #{{User, Contact} := At} when At > Now - WithinMs -> ok;
        _ -> gatehouse_directory_sessions:tell(User, {shown, Contact})
    end,
    Kept = case map_size(Fresh) > ?MOST_RECENT of true -> #{}; false -> Fresh end,
    {noreply, State#{recent := Kept#{{User, Contact} => Now}}};
%% Other nodes.
handle_cast({hello, Node, {_, _, At} = Theirs}, #{host := Host} = State) ->
    {_, _, Mine} = Held = gatehouse_directory_view:state(gatehouse_directory_view:now(Host)),
    if
        Held =:= Theirs -> ok;
        Mine > At -> hand_over(Node, State);
        Mine < At -> gen_server:cast({name(Host), Node}, {want, node()});
        true -> ok
    end,
    {noreply, State};
handle_cast({probe, At, Probe}, #{host := Host, probes := Held} = State) ->
    {noreply, State#{probes := gatehouse_directory_probes:hold({At, Probe}, Host, Held)}};
handle_cast({want, Node}, State) ->
    hand_over(Node, State),
    {noreply, State};
handle_cast({take, Node, {Id, _, Base, At} = Transfer, Parts}, #{host := Host} = State) ->
    {MyId, MySeq, MyAt} = gatehouse_directory_view:state(gatehouse_directory_view:now(Host)),
    if
        At =< MyAt -> {noreply, State};
        Base =:= none; {Id, Base} =:= {MyId, MySeq} -> {noreply, take_from_node(Transfer, Parts, dropped(State))};
        true ->
            gen_server:cast({name(Host), Node}, {want, node()}),
            {noreply, State}
    end;
handle_cast(_, State) -> {noreply, State}.

-spec handle_info(term(), state()) -> {noreply, state()}.
handle_info(tick, State) -> {noreply, tick(State#{timer := none})};
handle_info({'DOWN', Ref, process, _, _}, #{transfer := #{monitor := Ref}} = State) -> {noreply, dropped(State)};
handle_info({nodeup, Node}, State) ->
    ok = hello(State, [Node]),
    {noreply, State};
handle_info({drop_table, Table}, State) ->
    true = ets:delete(Table),
    {noreply, State};
handle_info(lock_out, State) -> {noreply, lock_out(mine(State), State)};
handle_info(_, State) -> {noreply, State}.

-spec terminate(term(), state()) -> ok.
terminate(_, #{host := Host} = State) ->
    _ = dropped(State),
    gatehouse_directory_view:remove(Host).

%% A part. held: the whole of it is in force now.
take(El, Pid, State) ->
    case gatehouse_directory_parts:read(El) of
        {error, Why} -> {{error, modify, 'bad-request', Why}, dropped(State)};
        {ok, #{part := 1} = Part} -> start(Part, Pid, dropped(State));
        {ok, #{id := Id, seq := Seq, base := Base, part := N} = Part} ->
            case State of
                #{transfer := #{from := Pid, id := Id, seq := Seq, base := Base, next := N}} -> go_on(Part, State);
                _ -> {conflict(<<"this part does not follow">>), dropped(State)}
            end
    end.

start(#{id := Id, seq := Seq, base := Base} = Part, Pid, #{file := File} = State) ->
    Coming = case Base =:= none orelse holds(Id, Base, State) of
        false -> conflict(<<"another state is held">>);
        true when Base =:= none -> gatehouse_directory_disk:begin_whole(File);
        true -> {ok, none}
    end,
    case Coming of
        {ok, Whole} ->
            Transfer = #{from => Pid, monitor => monitor(process, Pid), id => Id, seq => Seq, base => Base, next => 1, rows => #{}, parts => [],
                         coming => Whole},
            go_on(Part, State#{transfer := Transfer});
        {error, Why} -> {{error, wait, 'resource-constraint', Why}, State};
        Fault -> {Fault, State}
    end.

conflict(Why) -> {error, cancel, conflict, Why}.

holds(Id, Seq, #{host := Host, damaged := false}) ->
    case gatehouse_directory_view:state(gatehouse_directory_view:now(Host)) of
        {Id, Seq, _} -> true;
        _ -> false
    end;
holds(_, _, _) -> false.

go_on(#{ops := Ops, last := Last}, #{host := Host, transfer := #{rows := Rows, base := Base, next := N, parts := Parts, coming := Coming} = Transfer} = State) ->
    case gatehouse_directory_rows:change(Ops, getter(Host, Base), Rows) of
        {error, wrong, Why} -> {{error, modify, 'bad-request', Why}, dropped(State)};
        {error, full, Why} -> {{error, wait, 'resource-constraint', Why}, dropped(State)};
        {ok, Changed} ->
            Plain = [Op || {_, _, Op} <- Ops],
            Written = case Coming of
                none -> {ok, none};
                _ when Plain =:= [] -> {ok, Coming};
                _ -> gatehouse_directory_disk:add(Coming, Plain)
            end,
            case Written of
                {ok, More} ->
                    Next = Transfer#{rows := Changed, next := N + 1, parts := case Coming of none -> [Plain | Parts]; _ -> [] end, coming := More},
                    case Last of
                        false -> {kept, State#{transfer := Next}};
                        true -> finish(State#{transfer := Next})
                    end;
                {error, Why} -> {{error, wait, 'resource-constraint', Why}, dropped(State)}
            end
    end.

getter(_, none) -> fun nothing/1;
getter(Host, _) ->
    View = gatehouse_directory_view:now(Host),
    fun(Key) -> gatehouse_directory_view:row(View, Key) end.

finish(#{host := Host, file := File, transfer := #{monitor := Ref, id := Id, seq := Seq, base := Base, rows := Rows, parts := Parts, coming := Coming}} = State) ->
    {_, _, Before} = gatehouse_directory_view:state(gatehouse_directory_view:now(Host)),
    Transfer = {Id, Seq, Base, max(erlang:system_time(millisecond), Before + 1)},
    true = demonitor(Ref, [flush]),
    InOrder = lists:reverse(Parts),
    Kept = case Coming of
        none -> gatehouse_directory_disk:append(File, Transfer, InOrder);
        _ -> gatehouse_directory_disk:commit_whole(Coming, Transfer)
    end,
    State1 = State#{transfer := none},
    case Kept of
        {ok, Grown} ->
            State2 = in_force(Transfer, Rows, State1#{file := Grown, damaged := false}),
            case Base of
                none -> lists:foreach(fun(Node) -> hand_over(Node, State2) end, nodes());
                _ -> abcast = gen_server:abcast(nodes(), name(Host), {take, node(), Transfer, InOrder})
            end,
            {held, State2};
        compact -> {conflict(<<"the file has grown: a whole state is wanted">>), State1};
        {error, Why} ->
            ?ERROR_MSG("What the directory said for ~ts cannot be kept: ~ts", [Host, Why]),
            {{error, wait, 'resource-constraint', Why}, State1}
    end.

dropped(#{transfer := none} = State) -> State;
dropped(#{transfer := #{monitor := Ref, coming := Coming}} = State) ->
    true = demonitor(Ref, [flush]),
    ok = case Coming of
        none -> ok;
        _ -> gatehouse_directory_disk:drop_whole(Coming)
    end,
    State#{transfer := none}.

%% From here on it is so; then all who are there are looked at.
in_force({Id, Seq, Base, At}, Rows, #{host := Host, generation := Generation, layers := Layers, probes := Held} = State) ->
    View = gatehouse_directory_view:now(Host),
    StateRow = {state, Id, Seq, At},
    Now = Generation + 1,
    Layer = case Base of
        none -> {Generation, {table, put_in_force(Host, Now, Rows, StateRow)}, all};
        _ ->
            Previous = maps:map(fun(Key, _) -> gatehouse_directory_view:row(View, Key) end, Rows),
            ok = gatehouse_directory_view:write(Host, Rows, [StateRow, {generation, Now}]),
            New = gatehouse_directory_view:now(Host),
            Old = gatehouse_directory_view:before(New, [{rows, Previous}]),
            {Generation, {rows, Previous}, gatehouse_directory_difference:touched(Rows, Old, New)}
    end,
    Mine = mine(State),
    Queue = lists:foldl(fun({User, _}, Acc) -> gatehouse_directory_queue:look(Acc, User, Generation) end, maps:get(queue, State), Mine),
    Probes = gatehouse_directory_probes:answerable(At, Held),
    busy(lock_out(Mine, State#{generation := Now, layers := Layers ++ [Layer], queue := Queue, probes := Probes})).

take_from_node({Id, _, Base, _} = Transfer, Parts, #{host := Host, file := File} = State) ->
    case gatehouse_directory_rows:change(gatehouse_directory_rows:names_of(lists:append(Parts)), getter(Host, Base), #{}) of
        {ok, Rows} ->
            Kept = case Base of
                none -> gatehouse_directory_disk:keep_whole(File, Transfer, Parts);
                _ -> gatehouse_directory_disk:append(File, Transfer, Parts)
            end,
            case Kept of
                {ok, Grown} -> in_force(Transfer, Rows, State#{file := Grown, damaged := false});
                compact ->
                    _ = gen_server:abcast(nodes(), name(Host), {want, node()}),
                    State;
                {error, Why} ->
                    ?ERROR_MSG("What the directory said for ~ts cannot be kept on this node: ~ts", [Host, Why]),
                    in_force(Transfer, Rows, State)
            end;
        {error, _, Why} ->
            ?ERROR_MSG("What another node has of the directory's state ~ts for ~ts cannot be taken: ~ts", [Id, Host, Why]),
            State
    end.

hello(#{host := Host}, Nodes) ->
    Held = gatehouse_directory_view:state(gatehouse_directory_view:now(Host)),
    abcast = gen_server:abcast(Nodes, name(Host), {hello, node(), Held}),
    ok.

%% All that is held here.
hand_over(Node, #{host := Host, damaged := false}) ->
    case gatehouse_directory_view:state(gatehouse_directory_view:now(Host)) of
        {<<>>, _, _} -> ok;
        {Id, Seq, At} ->
            Ops = gatehouse_directory_rows:dump(ets:tab2list(gatehouse_directory_view:table(Host))),
            gen_server:cast({name(Host), Node}, {take, node(), {Id, Seq, none, At}, [Ops]})
    end;
hand_over(_, _) -> ok.

%% Who is logged in on this node, each once, with the sessions.
mine(#{host := Host}) ->
    Sessions = [{{Name, Host}, Pid} || #session{us = {Name, Server}, sid = {_, Pid}} <- ejabberd_sm:dirty_get_my_sessions_list(), Server =:= Host],
    maps:to_list(lists:foldl(fun({User, Pid}, Acc) -> maps:update_with(User, fun(Pids) -> [Pid | Pids] end, [Pid], Acc) end, #{}, Sessions)).

lock_out(Mine, #{host := Host} = State) ->
    View = gatehouse_directory_view:now(Host),
    Locked = [Pid || {User, Pids} <- Mine, gatehouse_directory_view:is_locked(View, User), Pid <- Pids],
    lists:foreach(fun gatehouse_directory_sessions:lock/1, Locked),
    counted(sessions_ended, length(Locked), State).

%% The queue.
busy(#{timer := none, queue := Queue} = State) ->
    case gatehouse_directory_queue:is_empty(Queue) of
        true -> pruned(State);
        %% What is left for want of time goes on when others have been served; what is left for want of leave waits.
        false -> State#{timer := erlang:send_after(case State of #{due := Due} when Due >= 1 -> ?NEXT_MS; _ -> ?TICK_MS end, self(), tick)}
    end;
busy(State) -> State.

%% What may be sent adds up while nothing is to be sent, for a tenth of a second.
tick(#{host := Host, queue := Queue, due := Due, ticked := Ticked} = State) ->
    Now = now_us(),
    View = gatehouse_directory_view:now(Host),
    {policy, _, _, Rate} = gatehouse_directory_view:policy(View),
    Allowed = min(Due + Rate * (Now - Ticked) / 1000000, max(1.0, Rate / 10)),
    {Sent, Left} = gatehouse_directory_queue:run(Queue, trunc(Allowed), Now + ?WORK_US, {View, before(State), touched(State)}),
    busy(counted(sent, Sent, pruned(State#{queue := Left, due := Allowed - Sent, ticked := Now}))).

before(#{host := Host, layers := Layers}) ->
    View = gatehouse_directory_view:now(Host),
    fun(From) -> gatehouse_directory_view:before(View, [Layer || {Of, Layer, _} <- Layers, Of >= From]) end.

touched(#{layers := Layers}) ->
    fun(From) -> lists:foldl(fun gatehouse_directory_difference:join/2, #{}, [Touched || {Of, _, Touched} <- Layers, Of >= From]) end.

%% What was before is kept for as long as somebody is to be told.
pruned(#{layers := []} = State) -> State;
pruned(#{layers := Layers, queue := Queue} = State) ->
    Oldest = gatehouse_directory_queue:oldest(Queue),
    {Kept, Past} = lists:partition(fun({From, _, _}) -> Oldest =/= none andalso From >= Oldest end, Layers),
    lists:foreach(fun({_, {table, Table}, _}) -> erlang:send_after(?TABLE_STAYS_MS, self(), {drop_table, Table});
                     (_) -> ok
                  end, Past),
    State#{layers := Kept}.

now_us() -> erlang:monotonic_time(microsecond).

counted(_, 0, State) -> State;
counted(Name, More, #{counts := Counts} = State) -> State#{counts := maps:update_with(Name, fun(Sum) -> Sum + More end, More, Counts)}.

held(#{host := Host, queue := Queue, damaged := Damaged}) -> {held, Host, gatehouse_directory_queue:waiting(Queue), Damaged}.
