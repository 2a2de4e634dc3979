%% SPDX-License-Identifier: GPL-2.0-or-later
%% The process on the way to one screen, shared by all hosts that name the screen. It numbers questions, sends them together, gives
%% each verdict to the process that holds the stanza, and settles each number once that has acted. The work is in the modules
%% beside it, over one value; here is what comes in.
-module(gatehouse_link).
-behaviour(gen_server).

-export([join/3, leave/2, ask/3, settled/3, move/3, report/3, counts/2, asks/2, name_of/1, stop_all/0]).
-export([start_link/1, init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

-include("gatehouse.hrl").
-include("gatehouse_link.hrl").
-include_lib("kernel/include/logger.hrl").

-define(TABLE, gatehouse_links).
-define(HEAP_WORDS, 1000000). % 8 MB on a machine of 64 bits
-define(TICK, 250).
-define(PARTING_TICK, 20).
-define(LOOK_EVERY, 1000).
-define(PARTING_WITHIN, 10000).
-define(JOIN_TRIES, 100).
-define(ORPHANS_AFTER, 5000).

%% The host is in service from now on; once more: with these options.
-spec join(binary(), binary(), map()) -> ok.
join(Screen, Host, Options) ->
    ok = gatehouse_sup:ensure(),
    join(Screen, Host, Options, ?JOIN_TRIES).

%% A link that has said its last word makes room for the next.
join(Screen, Host, Options, Tries) ->
    _ = gatehouse_sup:start_one(Screen),
    try gen_server:call(atom_of(Screen), {join, Host, Options}, ?PARTING_WITHIN) of
        ok -> ok;
        later when Tries > 0 -> join_later(Screen, Host, Options, Tries)
    catch exit:{Why, _} when Tries > 0, Why =:= noproc orelse Why =:= normal -> join_later(Screen, Host, Options, Tries)
    end.

join_later(Screen, Host, Options, Tries) ->
    timer:sleep(50),
    join(Screen, Host, Options, Tries - 1).

%% What waits is settled by the outage rule, and the rest told as far as the screen answers.
-spec leave(binary(), binary()) -> ok.
leave(Screen, Host) ->
    try gen_server:call(atom_of(Screen), {leave, Host}, ?PARTING_WITHIN)
    catch exit:{Why, _} when Why =:= noproc; Why =:= normal -> ok
    end.

%% Called by who holds the stanza; the verdict comes as {gatehouse, Ref, N | none, Verdict}. The bounds are looked at here, in
%% his process: the link's own is for all.
-spec ask(binary(), binary(), map()) -> {ok, pid()} | {bounce, full | outage}.
ask(Screen, Host, #{bytes := Bytes} = Item) ->
    try ets:lookup(?TABLE, {Screen, Host}) of
        [{_, Link, Counters, MaxQuestions, MaxBytes}] ->
            case counters:get(Counters, 1) >= MaxQuestions orelse counters:get(Counters, 2) >= MaxBytes of
                true ->
                    counters:add(Counters, 3, 1),
                    {bounce, full};
                false ->
                    counters:add(Counters, 1, 1),
                    counters:add(Counters, 2, Bytes),
                    Link ! {ask, Host, maps:merge(#{owner => self()}, Item)},
                    {ok, Link}
            end;
        [] -> {bounce, outage}
    catch error:badarg -> {bounce, outage}
    end.

%% The owner has acted on the verdicts. Given the link that was asked (ask/3), it may be on another node.
-spec settled(binary() | pid(), binary(), [{reference(), pos_integer() | none, atom()}]) -> ok.
settled(Link, Host, List) -> tell(Link, {settled, Host, List}).

%% The caller owns these items from now on.
-spec move(binary() | pid(), binary(), [reference()]) -> ok.
move(Link, Host, Refs) -> tell(Link, {move, Host, self(), Refs}).

%% What may be lost with the process.
-spec report(binary(), binary(), xmlel()) -> ok.
report(Screen, Host, El) -> tell(Screen, {report, Host, El, gatehouse_words:size(El)}).

tell(Link, What) when is_pid(Link) ->
    Link ! What,
    ok;
tell(Screen, What) ->
    case name_of(Screen) of
        none -> ok;
        Name ->
            case whereis(Name) of
                undefined -> ok;
                Link ->
                    Link ! What,
                    ok
            end
    end.

%% Whether the host asks this screen, another one, or nobody.
-spec asks(binary(), binary()) -> screen | another | nobody.
asks(Screen, Host) ->
    try {ets:member(?TABLE, {Screen, Host}), ets:match(?TABLE, {{options, '$1', Host}, '_'}, 1)} of
        {true, _} -> screen;
        {false, '$end_of_table'} -> nobody;
        _ -> another
    catch error:badarg -> nobody
    end.

%% For the server's statistics.
-spec counts(binary(), binary()) -> #{atom() => non_neg_integer()}.
counts(Screen, Host) ->
    try gen_server:call(atom_of(Screen), {counts, Host}) catch exit:_ -> #{} end.

%% The name of the process; none where there never was one.
-spec name_of(binary()) -> atom().
name_of(Screen) ->
    try binary_to_existing_atom(<<"gatehouse_link_", Screen/binary>>, utf8) catch error:_ -> none end.

atom_of(Screen) -> binary_to_atom(<<"gatehouse_link_", Screen/binary>>, utf8).

%% The server stops: who sent what waits learns that it did not go, and the sources end in good order.
-spec stop_all() -> ok.
stop_all() ->
    Links = case whereis(gatehouse_sup) of
        undefined -> [];
        _ -> [Pid || {_, Pid, _, _} <- supervisor:which_children(gatehouse_sup), is_pid(Pid)]
    end,
    Calls = [gen_server:send_request(Pid, stop) || Pid <- Links],
    lists:foreach(fun(Call) -> gen_server:wait_response(Call, ?PARTING_WITHIN) end, Calls).

-spec start_link(binary()) -> {ok, pid()} | {error, term()} | ignore.
start_link(Screen) ->
    %% What is under way has room: else each collection of garbage would carry all of it along.
    gen_server:start_link({local, atom_of(Screen)}, ?MODULE, Screen, [{spawn_opt, [{min_heap_size, ?HEAP_WORDS}]}]).

-spec init(binary()) -> {ok, #link{}}.
init(Screen) ->
    _ = process_flag(message_queue_data, off_heap),
    ok = gatehouse_component:install(),
    Link = gatehouse_numbers:new(Screen, jid:decode(Screen), gatehouse_disk:root()),
    _ = Link#link.unreadable =:= none orelse ?LOG_ERROR("~ts: nothing passes on the hosts of screen ~ts until that is mended (a later helper, "
        "or the file moved away, or the folder made writable) and ejabberd is restarted", [Link#link.unreadable, Screen]),
    self() ! tick,
    _ = erlang:send_after(?ORPHANS_AFTER, self(), tell_orphans),
    %% After a crash the hosts are still in service.
    Rows = ets:match(?TABLE, {{options, Screen, '$1'}, '$2'}),
    {ok, lists:foldl(fun([Host, Options], L) -> gatehouse_parting:join(L, Host, Options) end, Link, Rows)}.

-spec handle_call(term(), {pid(), term()}, #link{}) -> {reply, term(), #link{}} | {noreply, #link{}} | {stop, normal, ok, #link{}}.
handle_call({join, _, _}, _, #link{stopping = true} = Link) -> {reply, later, Link};
handle_call({join, Host, Options}, _, Link) -> {reply, ok, gatehouse_parting:join(Link, Host, Options)};
handle_call({leave, Host}, From, Link) -> parted(gatehouse_parting:leave(Link, Host, From));
handle_call(stop, From, Link) -> parted(gatehouse_parting:stop(Link, From));
handle_call({outage_rules, El}, _, #link{folder = Folder, screen = Screen} = Link) ->
    case gatehouse_outagefile:told(Folder, Screen, El) of
        {kept, Rules} -> {reply, ok, Link#link{outage_rules = Rules}};
        {held, Rules, Fault} -> {reply, {error, Fault}, Link#link{outage_rules = Rules}};
        {refused, Fault} -> {reply, {error, Fault}, Link}
    end;
handle_call({counts, Host}, _, Link) -> {reply, gatehouse_parting:counts(Link, Host), Link}.

-spec handle_cast(term(), #link{}) -> {noreply, #link{}}.
handle_cast(_, Link) -> {noreply, Link}.

-spec handle_info(term(), #link{}) -> {noreply, #link{}} | {stop, normal, #link{}}.
handle_info({ask, Host, #{ref := Ref, owner := Owner, at := At, xml := Xml, bytes := Bytes, from := From, to := To} = Given}, Link) ->
    Item = #item{ref = Ref, owner = Owner, host = Host, at = At, since = gatehouse_numbers:now_ms(), xml = Xml, bytes = Bytes, from = From,
        to = To, direction = maps:get(direction, Given, sent), via = maps:get(via, Given, c2s)},
    {noreply, gatehouse_sending:submit(Link, Host, Item)};
handle_info({settled, Host, List}, Link) -> {noreply, gatehouse_answers:settled(Link, Host, List)};
handle_info({answer, Session, Id, Type, Els}, Link) -> {noreply, gatehouse_answers:answer(Link, Session, Id, Type, Els)};
handle_info({report, Name, El, Size}, #link{hosts = Hosts} = Link) ->
    case Hosts of
        #{Name := Host} -> {noreply, gatehouse_numbers:put_host(gatehouse_owed:report(Host, El, Size), Link)};
        #{} -> {noreply, Link}
    end;
handle_info(stroke, Link) -> {noreply, gatehouse_numbers:stroke(Link)};
handle_info(settle_stroke, Link) -> {noreply, gatehouse_owed:stroke(Link)};
handle_info(spool_now, Link) -> {noreply, gatehouse_sending:spool_now(Link)};
handle_info(tick, Link) ->
    _ = erlang:send_after(?TICK, self(), tick),
    {noreply, look_now_and_then(gatehouse_clock:tick(Link, gatehouse_numbers:now_ms()))};
handle_info(part, Link) -> parted(gatehouse_parting:go_on(Link));
handle_info({move, Host, Owner, Refs}, Link) -> {noreply, gatehouse_parting:move(Link, Host, Owner, Refs)};
handle_info({late_verdicts, Session, El}, #link{session = Session} = Link) -> {noreply, gatehouse_answers:late_verdicts(Link, El)};
handle_info({component_came, Pid}, #link{screen = Screen} = Link) ->
    _ = gatehouse_component:prove(Screen, Pid, self()),
    {noreply, Link};
%% Of several connections the newest counts: the one before may be of a process that is gone without a word.
handle_info({newest, Pid}, Link) -> {noreply, gatehouse_silence:connected(Link, Pid)};
handle_info({component, Pid}, #link{session = none} = Link) when is_pid(Pid) -> {noreply, gatehouse_silence:connected(Link, Pid)};
handle_info({component_gone, Pid}, #link{session = Pid} = Link) -> {noreply, look(gatehouse_silence:lost(Link))};
handle_info({'DOWN', Monitor, process, _, _}, #link{monitor = Monitor} = Link) -> {noreply, look(gatehouse_silence:lost(Link#link{monitor = none}))};
handle_info({'DOWN', _, process, Owner, _}, Link) -> {noreply, gatehouse_parting:orphan(Link, Owner)};
handle_info(tell_orphans, Link) ->
    gatehouse_parting:tell_orphans(),
    {noreply, Link};
handle_info(_, Link) -> {noreply, Link}.

%% On which node of a cluster the screen connects is told at once where all goes well, and looked for where not.
look_now_and_then(#link{session = none, looked_at = At} = Link) ->
    case gatehouse_numbers:now_ms() - At >= ?LOOK_EVERY of
        true -> look(Link);
        false -> Link
    end;
look_now_and_then(Link) -> Link.

look(#link{session = none, screen = Screen} = Link) ->
    _ = gatehouse_component:find(Screen, self()),
    Link#link{looked_at = gatehouse_numbers:now_ms()};
look(Link) -> Link.

parted({stop, Link}) -> {stop, normal, Link};
parted({wait, Link}) ->
    _ = erlang:send_after(?PARTING_TICK, self(), part),
    {noreply, Link};
parted({done, Link}) -> {noreply, Link}.

-spec terminate(term(), #link{}) -> ok.
terminate(_, #link{screen = Screen}) ->
    case ets:match(?TABLE, {{options, '$1', '_'}, '_'}) -- [[Screen]] of
        [] -> catch gatehouse_component:remove();
        _ -> ok
    end,
    ok.
