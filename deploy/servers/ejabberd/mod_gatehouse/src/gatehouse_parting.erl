%% SPDX-License-Identifier: GPL-2.0-or-later
%% How hosts and owners come and go: a host is put into service, leaves its screen, or stops with the server; an owner takes over from
%% another, or is gone.
-module(gatehouse_parting).

-export([join/3, leave/3, stop/2, go_on/1, move/4, orphan/2, counts/2, tell_orphans/0]).

-include("gatehouse.hrl").
-include("gatehouse_link.hrl").
-include_lib("kernel/include/logger.hrl").

-define(TABLE, gatehouse_links).
-define(STEP_WITHIN, 1000). % ms, each: owners act, the rest is told, the end is acknowledged
-define(WRITTEN_WITHIN, 60). % ms; by then what was handed over has left for its socket

-spec join(#link{}, binary(), map()) -> #link{}.
join(#link{screen = Screen, hosts = Hosts, left = Left} = Link, Name, Options) ->
    true = ets:insert(?TABLE, {{options, Screen, Name}, Options}),
    Before = case Hosts of
        #{Name := Known} -> Known;
        #{} -> maps:get(Name, Left, none)
    end,
    Host = with_options(came(Link, Name, Before), Options),
    #{max_questions := MaxQuestions} = Options,
    true = ets:insert(?TABLE, {{Screen, Name}, self(), Host#host.counters, MaxQuestions, Host#host.max_bytes}),
    Hosts2 = Hosts#{Name => Host},
    Link2 = Link#link{hosts = Hosts2, left = maps:remove(Name, Left), host_names = names(Hosts2, Link)},
    case is_map_key(Name, Hosts) of
        true -> Link2;
        false ->
            Link2#link{announced = false}
    end.

names(Hosts, _) when map_size(Hosts) > 0 -> iolist_to_binary(lists:join(" ", lists:sort(maps:keys(Hosts))));
names(_, #link{host_names = Before}) -> Before. % what the last host leaves behind is told of in its name

came(#link{folder = Folder, source = Source, unreadable = Unreadable}, Name, none) ->
    {Spools, Problem} = case Unreadable of
        none -> gatehouse_spool:leftovers(Folder, Name, Source);
        Why -> {[], Why}
    end,
    _ = Problem =:= none orelse Problem =:= Unreadable orelse ?LOG_ERROR("~ts: nothing passes on ~ts until that is mended (a later helper, "
        "or the file moved away) and ejabberd is restarted", [Problem, Name]),
    #host{name = Name, jid = jid:decode(Name), counters = counters:new(3, [write_concurrency]), spools = Spools, problem = Problem};
came(_, _, Host) -> Host#host{leaving = false}.

with_options(#host{problem = Problem} = Host, Options) ->
    Shut = case {Problem, maps:get(mistake, Options, undefined)} of
        {none, undefined} -> false;
        {none, Mistake} -> iolist_to_binary(io_lib:format("~p", [Mistake]));
        {Why, _} -> Why
    end,
    #{on_outage := OnOutage, 'try' := Try, hold_max := HoldMax, max_bytes := MaxBytes, max_reports := MaxReports, spool_max_bytes := SpoolMax} = Options,
    Host#host{shut = Shut, on_outage = OnOutage, try_ms = Try, hold_max_ms = HoldMax, max_bytes = MaxBytes, max_reports = MaxReports,
        spool_max_bytes = SpoolMax}.

%% The host leaves its screen; with the last one the source ends in good order, and what comes later is another's. While the screen is
%% away the source stays, for the host that comes back.
-spec leave(#link{}, binary(), {pid(), term()}) -> {wait | done | stop, #link{}}.
leave(#link{hosts = Hosts, partings = Partings} = Link, Name, From) ->
    case Hosts of
        #{Name := _} when Link#link.stopping, Partings =:= [] -> % all is said
            gen_server:reply(From, ok),
            over(gone(Name, Link));
        #{Name := _} ->
            Link2 = gatehouse_clock:settle_host(Link, Name),
            start(Link2#link{partings = Partings ++ [{From, leave, [Name], acting, until(?STEP_WITHIN)}]}, Partings);
        #{} ->
            gen_server:reply(From, ok),
            {done, Link}
    end.

%% The server stops: before the sessions are closed.
-spec stop(#link{}, {pid(), term()}) -> {wait | done | stop, #link{}}.
stop(#link{hosts = Hosts, partings = Partings} = Link, From) ->
    Names = maps:keys(Hosts),
    Link2 = lists:foldl(fun(Name, L) -> gatehouse_clock:settle_host(L, Name) end, Link, Names),
    start(Link2#link{partings = Partings ++ [{From, stop, Names, acting, until(?STEP_WITHIN)}]}, Partings).

start(Link, []) -> go_on(Link);
start(Link, _) -> {done, Link}. % the one before is still on its way, and its stroke takes this one up

until(Ms) -> gatehouse_numbers:now_ms() + Ms.

%% Goes on with whoever leaves, one after another.
-spec go_on(#link{}) -> {wait | done | stop, #link{}}.
go_on(#link{partings = []} = Link) -> {done, Link};
go_on(#link{partings = [{From, Kind, Names, Phase, Until} | Rest]} = Link) ->
    case step(Link, Kind, Names, Phase, gatehouse_numbers:now_ms() >= Until) of
        {wait, Link2} -> {wait, Link2};
        {next, ended, Link2} ->
            Link3 = case Kind of
                leave -> lists:foldl(fun gone/2, Link2, Names);
                stop -> Link2
            end,
            gen_server:reply(From, ok),
            over(Link3#link{partings = Rest});
        {next, Next, Link2} -> go_on(Link2#link{partings = [{From, Kind, Names, Next, until(within(Next))} | Rest]})
    end.

within(written) -> ?WRITTEN_WITHIN;
within(_) -> ?STEP_WITHIN.

over(#link{partings = [_ | _]} = Link) -> go_on(Link);
over(#link{stopping = true, hosts = Hosts} = Link) when map_size(Hosts) =:= 0 -> {stop, Link};
over(Link) -> {done, Link}.

%% Owners act on what they were told.
step(#link{open = Open} = Link, _, Names, acting, Late) ->
    case Late orelse not lists:any(fun(#item{host = H, orphan = Orphan}) -> Orphan =:= none andalso lists:member(H, Names) end, maps:values(Open)) of
        true -> {next, written, Link};
        false -> {wait, Link}
    end;
step(Link, _, _, written, false) -> {wait, Link};
step(Link, _, _, written, true) -> {next, telling, Link};
step(Link, _, Names, telling, Late) ->
    {All, Link2} = lists:foldl(
        fun(Name, {Done, L}) ->
            {One, L2} = gatehouse_clock:tell_rest(L, Name),
            {Done andalso One, L2}
        end, {true, Link}, Names),
    case All orelse Late of
        true -> {next, ending, Link2};
        false -> {wait, Link2}
    end;
step(#link{hosts = Hosts, session = Session} = Link, Kind, Names, ending, _) ->
    case Kind =:= stop orelse (maps:keys(Hosts) -- Names =:= [] andalso Session =/= none) of
        true -> {next, ending_told, gatehouse_clock:say_end(Link)};
        false -> {next, ended, Link}
    end;
step(#link{outstanding = Outstanding} = Link, _, _, ending_told, Late) ->
    case Late orelse map_size(Outstanding) =:= 0 of
        true -> {next, ended, Link};
        false -> {wait, Link}
    end.

gone(Name, #link{screen = Screen} = Link) ->
    true = ets:delete(?TABLE, {Screen, Name}),
    true = ets:delete(?TABLE, {options, Screen, Name}),
    #link{hosts = Hosts} = Link2 = case Link#link.stopping of
        true -> Link;
        false -> gatehouse_owed:close_run(Link, maps:get(Name, Link#link.hosts)) % what was bounced meanwhile
    end,
    {Host, Others} = maps:take(Name, Hosts),
    %% The others say that it is gone.
    Link2#link{hosts = Others, left = (Link2#link.left)#{Name => Host}, announced = false, host_names = names(Others, Link2)}.

%% Another process has taken these over (a session that was resumed, a worker). It is told what was already said; what is not known here
%% any more was bounced without a number, and told to the owner before alone.
-spec move(#link{}, binary(), pid(), [reference()]) -> #link{}.
move(#link{open = Open} = Link, Name, Owner, Refs) ->
    Moved = maps:from_keys(Refs, true),
    Mine = [Item || #item{host = H, ref = Ref} = Item <- maps:values(Open), H =:= Name, is_map_key(Ref, Moved)],
    {Soon, Link2} = spooling_moved(Link, Name, Owner, Moved),
    Unknown = maps:without(Soon ++ [Ref || #item{ref = Ref} <- Mine], Moved),
    lists:foreach(fun(Ref) -> Owner ! {gatehouse, Ref, none, {bounce, outage}} end, maps:keys(Unknown)),
    lists:foldl(
        fun(#item{ref = Ref, n = N, verdict = Verdict} = Item, L) ->
            _ = Verdict =:= undefined orelse (Owner ! {gatehouse, Ref, N, Verdict}),
            gatehouse_sending:store(L, Item#item{owner = Owner, orphan = none})
        end, Link2, lists:keysort(#item.n, Mine)).

spooling_moved(#link{hosts = Hosts} = Link, Name, Owner, Moved) ->
    case Hosts of
        #{Name := #host{spooling = [_ | _] = Items} = Host} ->
            Theirs = [case is_map_key(Item#item.ref, Moved) of true -> Item#item{owner = Owner}; false -> Item end || Item <- Items],
            {[Ref || #item{ref = Ref} <- Items], Link#link{hosts = Hosts#{Name := Host#host{spooling = Theirs}}}};
        #{} -> {[], Link}
    end.

%% The owner is gone; another one may still take over.
-spec orphan(#link{}, pid()) -> #link{}.
orphan(#link{open = Open, owners = Owners} = Link, Owner) ->
    T = gatehouse_numbers:now_ms(),
    Left = [Item || #item{owner = Pid} = Item <- maps:values(Open), Pid =:= Owner],
    Open2 = lists:foldl(fun(#item{n = N} = Item, Map) -> Map#{N := Item#item{orphan = T}} end, Open, Left),
    Link#link{open = Open2, owners = maps:remove(Owner, Owners)}.

-spec counts(#link{}, binary()) -> #{atom() => non_neg_integer()}.
counts(#link{hosts = Hosts, broken = Broken}, Name) ->
    case Hosts of
        #{Name := #host{counted = Counted, counters = Counters, barred = Barred, spools = Spools}} ->
            Counted#{in_flight => counters:get(Counters, 1), in_flight_bytes => counters:get(Counters, 2),
                breaker_open => case Broken orelse Barred of true -> 1; false -> 0 end,
                spool_bytes => lists:sum([Size - Acked || #{size := Size, acked := Acked} <- Spools])};
        #{} -> #{}
    end.

%% What was kept for screens that nobody asks any more; said once.
-spec tell_orphans() -> ok.
tell_orphans() ->
    case ets:insert_new(?TABLE, {orphans_told, true}) of
        false -> ok;
        true ->
            Wanted = fun(Screen, Host) -> ets:member(?TABLE, {Screen, Host}) end,
            lists:foreach(
                fun(#{path := Path, screen := Screen, host := Host}) ->
                    ?LOG_WARNING("~ts was kept for screen ~ts by host ~ts, which does not ask it any more, and is not told: load mod_gatehouse with "
                        "that screen on that host again, or rename the file to end in the name of the host that took its place, else remove it",
                        [Path, Screen, Host])
                end, gatehouse_spool:orphans(gatehouse_disk:root(), Wanted))
    end.
