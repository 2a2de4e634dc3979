%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the screen is owed: reports, how numbers ended where no verdict implies it, what was let through unscreened. What must not be
%% forgotten waits on the disk.
-module(gatehouse_owed).

-export([report/3, settle/5, write_settlements/3, stroke/1, is_crowded/1, unasked/4, take_full/1, close_run/2, close_long_run/3,
         unaskable/2, keep_unscreened/3, spool/2, put_spool/2]).

-include("gatehouse.hrl").
-include("gatehouse_link.hrl").
-include_lib("kernel/include/logger.hrl").

-define(SETTLE_AFTER, 50). % ms
-define(RUN_KEPT_EVERY, 60000).
-define(COMPLAIN_EVERY, 10000).

%% A report that may be lost with the process; it waits until the result of the screen that carried it.
-spec report(#host{}, xmlel(), non_neg_integer()) -> #host{}.
report(#host{report_count = Count, report_bytes = Bytes, max_reports = Most, max_bytes = MostBytes} = Host, _, Size)
  when Count >= Most; Bytes + Size > MostBytes ->
    gatehouse_numbers:count(reports_dropped, 1, Host);
report(#host{reports = Reports, report_count = Count, report_bytes = Bytes} = Host, El, Size) ->
    Host#host{reports = queue:in({Size, El}, Reports), report_count = Count + 1, report_bytes = Bytes + Size}.

%% The item is settled. Implied by its only try's verdict: only the number moves. Otherwise the screen is told, and what is done
%% stays below the number until it has acknowledged that.
-spec settle(#link{}, #host{}, #item{}, atom(), boolean()) -> #link{}.
settle(#link{open = Open, done = Done} = Link, Host, #item{n = N}, Outcome, true) ->
    Link2 = gatehouse_numbers:put_host(gatehouse_numbers:count(Outcome, 1, Host), Link#link{open = maps:remove(N, Open)}),
    case N =:= Done + 1 of
        true -> gatehouse_numbers:advance(Link2);
        false -> Link2
    end;
settle(#link{open = Open, owed = Owed} = Link, #host{name = Name, settling = Settling} = Host, Item, Outcome, false) ->
    #item{n = N, answered = Try, closed_by = Rule} = Item,
    El = gatehouse_words:settle(N, Try, Outcome, Rule),
    Host2 = gatehouse_numbers:count(Outcome, 1, Host#host{settling = [{N, El} | Settling]}),
    Link2 = case Host#host.barred of
        true -> gatehouse_numbers:advance(Link#link{open = maps:remove(N, Open)});
        false -> Link#link{open = maps:remove(N, Open), owed = Owed#{N => Name}}
    end,
    settle_soon(gatehouse_numbers:put_host(Host2, Link2)).

%% Settlements are written at the second stroke after they were made: then what was handed over is with its recipient. What dies
%% with the process before that stays undecided, which is true.
settle_soon(#link{settling = true} = Link) -> Link;
settle_soon(Link) ->
    _ = erlang:send_after(?SETTLE_AFTER, self(), settle_stroke),
    Link#link{settling = true}.

-spec stroke(#link{}) -> #link{}.
stroke(Link) ->
    Names = maps:keys(Link#link.hosts) ++ maps:keys(Link#link.left),
    Written = lists:foldl(fun(Name, L) -> write_settlements(L, gatehouse_numbers:host(Name, L), waited) end, Link#link{settling = false}, Names),
    case lists:any(fun(Name) -> (gatehouse_numbers:host(Name, Written))#host.settled =/= [] end, Names) of
        true -> settle_soon(Written);
        false -> Written
    end.

%% Writes the settlements that have waited long enough, or all of them. What the disk (or its bound) refuses stays in memory.
-spec write_settlements(#link{}, #host{}, waited | all) -> #link{}.
write_settlements(Link, #host{settled = Settled, settling = Settling} = Host, Which) ->
    {List, Host2} = case Which of
        waited -> {lists:reverse(Settled), Host#host{settled = Settling, settling = []}};
        all -> {lists:reverse(Settling ++ Settled), Host#host{settled = [], settling = []}}
    end,
    gatehouse_numbers:put_host(write_list(Link, Host2, List), Link).

write_list(_, Host, []) -> Host;
write_list(Link, #host{unspooled = Before} = Host, List) ->
    Records = [{$s, N, gatehouse_words:text(El)} || {N, El} <- List],
    case append(Link, Host, trunc(Host#host.spool_max_bytes * 1.125), Records) of
        {ok, Host2} -> Host2;
        {error, Kept, _, Host2} ->
            [{N, _} | _] = Rest = lists:nthtail(Kept, List),
            _ = Before =:= [] andalso
                ?LOG_WARNING("Settlements of host ~ts (from number ~b on) are kept in memory only", [Host#host.name, N]),
            Host2#host{unspooled = Before ++ Rest}
    end.

%% So many settlements wait in memory that the host takes nothing new.
-spec is_crowded(#host{}) -> boolean().
is_crowded(#host{unspooled = []}) -> false;
is_crowded(#host{unspooled = A, settling = B, settled = C, max_reports = Most}) -> length(A) + length(B) + length(C) >= Most.

%% Counts what is bounced without a question. Rules are as many as the screen's table has.
-spec unasked(#host{}, binary() | none, pos_integer(), integer()) -> #host{}.
unasked(Host, none, Count, T) -> unasked(Host, <<>>, Count, T);
unasked(#host{outage_runs = Runs} = Host, Rule, Count, T) ->
    Run = case Runs of
        #{Rule := #run{count = Before} = Old} -> Old#run{count = Before + Count};
        #{} -> #run{count = Count, at = erlang:system_time(millisecond), since = T}
    end,
    gatehouse_numbers:count(bounced, Count, Host#host{outage_runs = Runs#{Rule => Run}}).

%% What the askers themselves turned back as too many.
-spec take_full(#host{}) -> #host{}.
take_full(#host{counters = Counters} = Host) ->
    case counters:get(Counters, 3) of
        0 -> Host;
        Count ->
            counters:sub(Counters, 3, Count),
            unasked(Host, <<>>, Count, gatehouse_numbers:now_ms())
    end.

%% Numbers for what was counted without a question, all at once: one report for each rule that closed (empty where it was the host's
%% own), however many there were. What the disk does not take goes on counting.
-spec close_run(#link{}, #host{}) -> #link{}.
close_run(Link, Host) ->
    #host{outage_runs = Runs} = Host2 = take_full(Host),
    lists:foldl(fun(Rule, L) -> close_one(L, gatehouse_numbers:host(Host#host.name, L), Rule) end,
        gatehouse_numbers:put_host(Host2, Link), lists:sort(maps:keys(Runs))).

close_one(Link, #host{outage_runs = Runs} = Host, Rule) ->
    case maps:get(Rule, Runs) of
        #run{numbers = none, count = Count} = Run ->
            case gatehouse_numbers:next(Link, Count) of
                {error, Link2} -> Link2;
                {ok, Last, Link2} ->
                    First = Last - Count + 1,
                    Host2 = Host#host{outage_runs = Runs#{Rule := Run#run{numbers = {First, Last, Count}, count = 0}}},
                    Owed = case Host#host.barred of
                        true -> Link2#link.owed;
                        false -> (Link2#link.owed)#{First => Host#host.name}
                    end,
                    write_run(gatehouse_numbers:put_host(Host2, Link2#link{owed = Owed}), Host2, Rule)
            end;
        #run{} -> write_run(Link, Host, Rule)
    end.

write_run(Link, #host{outage_runs = Runs} = Host, Rule) ->
    #run{numbers = {First, Last, Count}, at = At, count = More} = Run = maps:get(Rule, Runs),
    El = gatehouse_words:outage({First, Last}, Count, Rule, At),
    Host3 = case append(Link, Host, infinity, [{$o, First, gatehouse_words:text(El)}]) of
        {error, _, _, Host2} -> Host2;
        {ok, Host2} when More =:= 0 -> Host2#host{outage_runs = maps:remove(Rule, Runs)};
        {ok, Host2} -> Host2#host{outage_runs = Runs#{Rule := Run#run{numbers = none}}}
    end,
    gatehouse_numbers:put_host(Host3, Link).

%% In a long outage: what was counted goes to the disk now and then, so that a crash forgets little of it.
-spec close_long_run(#link{}, #host{}, integer()) -> #link{}.
close_long_run(Link, Host, T) ->
    #host{outage_runs = Runs} = Host2 = take_full(Host),
    Link2 = gatehouse_numbers:put_host(Host2, Link),
    case lists:any(fun(#run{since = Since}) -> T - Since >= ?RUN_KEPT_EVERY end, maps:values(Runs)) of
        true -> close_run(Link2, Host2);
        false -> Link2
    end.

%% The question cannot be put: the stanza is refused, unasked.
-spec unaskable(#host{}, #item{}) -> #host{}.
unaskable(#host{unaskable_at = At} = Host, #item{from = From}) ->
    T = gatehouse_numbers:now_ms(),
    Host2 = gatehouse_numbers:count(unaskable, 1, Host),
    case At =/= none andalso T - At < ?COMPLAIN_EVERY of
        true -> Host2;
        false ->
            ?LOG_WARNING("A stanza from ~ts cannot be asked about and is refused", [From]),
            Host2#host{unaskable_at = T}
    end.

%% The outage rule, open: the questions go to the spool before the stanzas go on. Gives the items that are on the disk, and those
%% that could not be kept, each with the number that it has.
-spec keep_unscreened(#link{}, #host{}, [#item{}]) -> {[#item{}], [#item{}], #link{}}.
keep_unscreened(Link, #host{spool_refused = true} = Host, Items) ->
    {Numbered, New} = lists:partition(fun(#item{n = N}) -> N =/= none end, Items),
    {Kept, Lost, Link2} = write_unscreened(Link, Host, Numbered),
    {Kept, Lost ++ New, Link2};
keep_unscreened(Link, Host, Items) ->
    case number(Link, Items) of
        {ok, Items2, Link2} -> write_unscreened(Link2, Host, Items2);
        {error, Link2} ->
            {Numbered, New} = lists:partition(fun(#item{n = N}) -> N =/= none end, Items),
            {Kept, Lost, Link3} = write_unscreened(Link2, Host, Numbered),
            {Kept, Lost ++ New, Link3}
    end.

number(Link, Items) ->
    case length([new || #item{n = none} <- Items]) of
        0 -> {ok, Items, Link};
        Count ->
            case gatehouse_numbers:next(Link, Count) of
                {error, Link2} -> {error, Link2};
                {ok, Last, Link2} ->
                    {Items2, _} = lists:mapfoldl(
                        fun(#item{n = none} = Item, N) -> {Item#item{n = N}, N + 1};
                           (Item, N) -> {Item, N}
                        end, Last - Count + 1, Items),
                    {ok, Items2, Link2}
            end
    end.

write_unscreened(Link, _, []) -> {[], [], Link};
write_unscreened(Link, Host, Items) ->
    Tried = [Item#item{try_no = Try + 1, verdict = unscreened} || #item{try_no = Try} = Item <- Items],
    Records = [{$a, Item#item.n, gatehouse_words:text(element(1, gatehouse_words:ask(Item)))} || Item <- Tried],
    case append(Link, Host, Host#host.spool_max_bytes, Records) of
        {ok, Host2} -> {Tried, [], gatehouse_numbers:put_host(Host2, Link)};
        {error, Count, Why, Host2} ->
            _ = Host2#host.spool_refused orelse
                ?LOG_ERROR("Host ~ts is closed: nothing more can be kept for the screen (~ts)", [Host#host.name, Why]),
            {Kept, Lost} = lists:split(Count, Tried),
            {Kept, [Item#item{verdict = undefined} || Item <- Lost], gatehouse_numbers:put_host(Host2#host{spool_refused = true}, Link)}
    end.

%% Records that outlive the process, synced as one; the first of a spool says whose it is.
append(#link{unreadable = Why}, Host, _, _) when Why =/= none -> {error, 0, Why, Host};
append(Link, Host, Bound, Records) ->
    Spool = spool(Link, Host),
    Head = [{$i, 0, gatehouse_words:text(gatehouse_words:announcement(Link))} || maps:get(size, Spool) =:= 0],
    case gatehouse_spool:append(Spool, Bound, Head ++ Records) of
        {ok, Spool2} -> {ok, put_spool(Spool2, Host)};
        {error, Kept, Why, Spool2} -> {error, max(0, Kept - length(Head)), Why, put_spool(Spool2, Host)}
    end.

-spec spool(#link{}, #host{}) -> map().
spool(#link{source = Source, folder = Folder}, #host{name = Name, spools = Spools}) ->
    case [Spool || #{source := S} = Spool <- Spools, S =:= Source] of
        [Spool] -> Spool;
        [] -> gatehouse_spool:new(Folder, Name, Source)
    end.

-spec put_spool(map(), #host{}) -> #host{}.
put_spool(#{source := Source} = Spool, #host{spools = Spools} = Host) ->
    case lists:any(fun(#{source := S}) -> S =:= Source end, Spools) of
        true -> Host#host{spools = [case S of #{source := Source} -> Spool; _ -> S end || S <- Spools]};
        false -> Host#host{spools = Spools ++ [Spool]}
    end.
