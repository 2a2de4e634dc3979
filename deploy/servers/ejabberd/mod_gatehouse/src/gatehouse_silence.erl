%% SPDX-License-Identifier: GPL-2.0-or-later
%% What is done when the screen says nothing, is gone, or does not take a host; and how it is found to be back.
-module(gatehouse_silence).

-export([break/2, fail/3, failed/2, lost/1, connected/2, probe/1, good/1, bar/3, unbar/2]).

-include("gatehouse.hrl").
-include("gatehouse_link.hrl").
-include_lib("kernel/include/logger.hrl").

-define(GOOD_ANSWERS, 3).
-define(FAILURES, 3).

-spec break(#link{}, string()) -> #link{}.
break(#link{broken = true} = Link, _) -> Link;
break(#link{screen = Screen} = Link, Why) ->
    ?LOG_WARNING("Screen ~ts: ~ts; the outage rule applies", [Screen, Why]),
    Link#link{broken = true, goods = 0}.

%% One failure more.
-spec failed(#link{}, string()) -> #link{}.
failed(#link{fails = Fails} = Link, What) ->
    Link2 = Link#link{fails = Fails + 1},
    case Fails + 1 >= ?FAILURES of
        true -> break(Link2, "three " ++ What ++ " in a row");
        false -> Link2
    end.

%% No answer came for what this screen carried: another try where there is a new connection, else the rule.
-spec fail(#link{}, binary(), #rec{}) -> #link{}.
fail(Link, Id, #rec{items = Items, session = Asked} = Rec) ->
    unanswered(gatehouse_carried:take_out(Link, Id, Rec), Items, Asked).

unanswered(#link{open = Open, session = Session} = Link, Numbers, Asked) ->
    T = gatehouse_numbers:now_ms(),
    Undecided = [N || N <- Numbers, #item{verdict = undefined} <- [maps:get(N, Open, none)]],
    {Again, Over} = lists:partition(fun(N) -> Session =/= Asked andalso may_wait(Link, maps:get(N, Open), T) end, Undecided),
    gatehouse_sending:give_up(Link#link{waiting = lists:reverse(Again, Link#link.waiting)}, Over).

may_wait(Link, #item{try_no = Try, since = Since, host = Name}, T) ->
    case gatehouse_numbers:host(Name, Link) of
        #host{leaving = false, hold_max_ms = Most} -> Try < 2 andalso T - Since < Most;
        _ -> false
    end.

%% The connection is gone.
-spec lost(#link{}) -> #link{}.
lost(#link{monitor = Monitor} = Link) ->
    _ = Monitor =:= none orelse erlang:demonitor(Monitor, [flush]),
    settle_lost(break(Link#link{announced = false, session = none, monitor = none, probing = false}, "not connected")).

%% What was asked over a connection that is gone.
settle_lost(#link{outstanding = Outstanding, session = Session} = Link) ->
    Gone = [{Id, Rec} || {Id, #rec{session = Asked} = Rec} <- maps:to_list(Outstanding), Asked =/= Session],
    Link2 = lists:foldl(fun({Id, Rec}, L) -> gatehouse_carried:suspect(fail(L, Id, Rec), Rec) end, Link, lists:sort(fun by_number/2, Gone)),
    case Session of
        none -> lists:foldl(fun unsent/2, Link2, maps:keys(Link2#link.hosts));
        _ -> Link2
    end.

by_number({_, #rec{items = A}}, {_, #rec{items = B}}) -> A =< B.

%% What was collected and never sent.
unsent(Name, #link{open = Open} = Link) ->
    {Numbers, Host} = gatehouse_sending:take_pending(gatehouse_numbers:host(Name, Link)),
    Never = fun(N, Map) ->
        case Map of
            #{N := #item{try_no = Try} = Item} -> Map#{N := Item#item{try_no = Try - 1}};
            #{} -> Map
        end
    end,
    unanswered(gatehouse_numbers:put_host(Host, Link#link{open = lists:foldl(Never, Open, Numbers)}), Numbers, never).

-spec probe(#link{}) -> #link{}.
probe(#link{probing = Probing, unreadable = Why} = Link) when Probing; Why =/= none -> Link;
probe(Link) ->
    case gatehouse_numbers:speaker(Link) of
        none -> Link;
        {Host, Link2} ->
            gatehouse_sending:flush(Link2#link{probing = true, probed_at = gatehouse_numbers:now_ms()}, Host, gatehouse_words:mark(Link2, false))
    end.

%% The screen's component has come (again).
-spec connected(#link{}, pid()) -> #link{}.
connected(#link{session = Session} = Link, Session) -> Link;
connected(#link{monitor = Monitor} = Link, Session) ->
    _ = Monitor =:= none orelse erlang:demonitor(Monitor, [flush]),
    Link2 = Link#link{session = Session, monitor = erlang:monitor(process, Session), announced = false, fails = 0, goods = 0,
        probing = false, broken = true},
    probe(settle_lost(Link2)).

-spec good(#link{}) -> #link{}.
good(#link{broken = Broken, stopping = Stopping} = Link) when not Broken; Stopping -> Link#link{fails = 0};
good(#link{goods = Goods} = Link) when Goods + 1 < ?GOOD_ANSWERS -> probe(Link#link{fails = 0, probing = false, goods = Goods + 1});
good(#link{screen = Screen, waiting = Waiting, open = Open, hosts = Hosts, goods = Goods} = Link) ->
    ?LOG_INFO("Screen ~ts answers; questions are asked", [Screen]),
    gatehouse_component:tell_up(Screen, maps:keys(Hosts)),
    Link2 = Link#link{fails = 0, probing = false, goods = Goods + 1, broken = false, back_at = gatehouse_numbers:now_ms(), waiting = []},
    Again = [Item || N <- lists:sort(Waiting), #item{verdict = undefined} = Item <- [maps:get(N, Open, none)]],
    lists:foldl(
        fun(#item{try_no = Try} = Item, L) ->
            Item2 = Item#item{try_no = Try + 1},
            gatehouse_sending:collect(gatehouse_sending:store(L, Item2), Item2)
        end, Link2, Again).

%% The screen does not take this host: its own outage, and nobody else's. Its numbers do not hold `done` back: what is told of them
%% stays on the disk until the screen takes the host.
-spec bar(#link{}, binary(), #rec{}) -> #link{}.
bar(Link, Id, #rec{host = Name} = Rec) ->
    case gatehouse_numbers:host(Name, Link) of
        none -> fail(Link, Id, Rec); % forgotten meanwhile
        Host -> bar(Link, Host, Id, Rec)
    end.

bar(Link, #host{name = Name} = Known, Id, Rec) ->
    Probed = Link#link.probing andalso Rec#rec.last =/= none,
    Link2 = bar_host(Link, Known),
    Link3 = fail(Link2, Id, Rec),
    {Numbers, Host} = gatehouse_sending:take_pending(gatehouse_numbers:host(Name, Link3)),
    Link4 = gatehouse_sending:give_up(gatehouse_numbers:put_host(Host, Link3), Numbers),
    case Probed of
        true when Link4#link.broken -> probe(Link4#link{probing = false});
        true -> Link4#link{probing = false};
        false -> Link4
    end.

bar_host(Link, #host{barred = true} = Host) ->
    gatehouse_numbers:put_host(Host#host{barred_at = gatehouse_numbers:now_ms()}, Link);
bar_host(#link{screen = Screen} = Link, #host{name = Name, on_outage = Rule} = Host) ->
    ?LOG_ERROR("Screen ~ts does not know host ~ts and answers nothing for it: add ~ts to `hosts:` in policy.yaml. "
        "Until then the outage rule (~s) applies to this host", [Screen, Name, Name, Rule]),
    Barred = Host#host{barred = true, barred_at = gatehouse_numbers:now_ms()},
    gatehouse_numbers:disown(gatehouse_numbers:put_host(Barred, Link), Name).

-spec unbar(#link{}, #host{}) -> #link{}.
unbar(#link{screen = Screen} = Link, #host{name = Name} = Host) ->
    ?LOG_INFO("Screen ~ts takes host ~ts now", [Screen, Name]),
    gatehouse_numbers:put_host(Host#host{barred = false}, Link).
