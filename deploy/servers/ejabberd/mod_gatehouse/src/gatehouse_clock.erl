%% SPDX-License-Identifier: GPL-2.0-or-later
%% What is due: time-outs, marks, probes, what waits to be told; and the end, of a host or of a source.
-module(gatehouse_clock).

-export([tick/2, settle_host/2, say_end/1, tell_rest/2]).

-include("gatehouse.hrl").
-include("gatehouse_link.hrl").
-include_lib("kernel/include/logger.hrl").

-define(MARK_EVERY, 4500). % with the pace of the ticks a mark is out within 5 s
-define(PROBE_EVERY, 1000).
-define(BARRED_PROBE_EVERY, 5000).
-define(GREETED_WITHIN, 5000).
-define(ORPHANED_FOR, 5000).
-define(SCREENS_AT_ONCE, 3).

%% T: the time, as gatehouse_numbers:now_ms/0 gives it.
-spec tick(#link{}, integer()) -> #link{}.
tick(Link, T) ->
    Steps = [fun late/2, fun overdue/2, fun waited_too_long/2, fun orphans/2, fun greet/2, fun barred/2],
    Link2 = lists:foldl(fun(Step, L) -> Step(L, T) end, Link, Steps),
    case Link2#link.broken of
        true -> while_broken(Link2, T);
        false -> tell(Link2, T)
    end.

%% No answer within a try.
late(#link{outstanding = Outstanding} = Link, T) ->
    Late = [{Id, Rec} || {Id, #rec{sent = Sent, host = Name} = Rec} <- maps:to_list(Outstanding), T - Sent >= try_ms(Link, Name)],
    lists:foldl(
        fun({Id, #rec{sent = Sent} = Rec}, L) ->
            %% A probe from before it was found to be back says nothing of how it is now.
            L2 = case L#link.broken orelse L#link.back_at =:= none orelse Sent >= L#link.back_at of
                true -> gatehouse_silence:failed(L#link{goods = 0}, "time-outs");
                false -> L
            end,
            gatehouse_silence:fail(L2#link{probing = false}, Id, Rec)
        end, Link, lists:keysort(2, Late)).

try_ms(Link, Name) ->
    case gatehouse_numbers:host(Name, Link) of
        none -> 2000;
        #host{try_ms = Ms} -> Ms
    end.

%% Nothing is held for longer than the host says, wherever its question is: asked, collected, or promised for later. The answer that
%% comes all the same is ignored.
overdue(#link{open = Open} = Link, T) ->
    Over = [N || {N, #item{verdict = undefined, since = Since, host = Name}} <- maps:to_list(Open), T - Since >= hold_max(Link, Name)],
    gatehouse_sending:give_up(Link#link{later = maps:without(Over, Link#link.later)}, lists:sort(Over)).

hold_max(Link, Name) ->
    case gatehouse_numbers:host(Name, Link) of
        none -> 0;
        #host{hold_max_ms = Ms} -> Ms
    end.

waited_too_long(#link{waiting = Waiting, open = Open} = Link, _) ->
    Link#link{waiting = [N || N <- Waiting, is_undecided(N, Open)]}.

is_undecided(N, Open) ->
    case Open of
        #{N := #item{verdict = undefined}} -> true;
        #{} -> false
    end.

%% Nobody has taken over from an owner that is gone.
orphans(#link{open = Open} = Link, T) ->
    Gone = [Item || #item{orphan = At} = Item <- maps:values(Open), At =/= none, T - At >= ?ORPHANED_FOR],
    lists:foldl(fun(#item{host = Name, ref = Ref, n = N}, L) -> gatehouse_answers:settled(L, Name, [{Ref, N, gone}]) end, Link, Gone).

greet(#link{session = none, broken = false} = Link, T) -> greet(gatehouse_silence:lost(Link), T);
greet(#link{greeted = true} = Link, _) -> Link;
greet(#link{session = none, since = Since, screen = Screen} = Link, T) when T - Since > ?GREETED_WITHIN ->
    ?LOG_WARNING("Screen ~ts has not connected yet; the outage rule applies", [Screen]),
    Link#link{greeted = true};
greet(#link{session = none} = Link, _) -> Link;
greet(Link, _) -> Link#link{greeted = true}.

each_host(Link, Hosts, Do) ->
    lists:foldl(
        fun(Name, L) ->
            case gatehouse_numbers:host(Name, L) of
                none -> L;
                Host -> Do(L, Host)
            end
        end, Link, lists:sort(maps:keys(Hosts))).

%% A host that the screen does not take asks now and then whether it does by now.
barred(Link, T) ->
    each_host(Link, Link#link.hosts, fun
        (L, #host{barred = true, barred_at = At, name = Name} = Host) ->
            L2 = gatehouse_owed:close_long_run(L, Host, T),
            case L2#link.session =/= none andalso T - At >= ?BARRED_PROBE_EVERY of
                true ->
                    Host2 = (gatehouse_numbers:host(Name, L2))#host{barred_at = T},
                    gatehouse_sending:flush(gatehouse_numbers:put_host(Host2, L2), Host2, gatehouse_words:mark(L2, false));
                false -> L2
            end;
        (L, _) -> L
    end).

while_broken(Link, T) ->
    Link2 = each_host(Link, Link#link.hosts, fun(L, Host) -> gatehouse_owed:close_long_run(L, Host, T) end),
    case Link2 of
        #link{session = none} -> Link2;
        #link{probed_at = At} when At =/= none, T - At < ?PROBE_EVERY -> Link2;
        _ -> gatehouse_silence:probe(Link2#link{probing = false}) % the one before may still wait: a try may last longer
    end.

tell(Link, T) ->
    Link2 = announce(gatehouse_carried:tell_run(Link)),
    Link3 = case Link2#link.stale of
        true -> element(2, gatehouse_numbers:keep(Link2));
        false -> Link2
    end,
    Link4 = mark(Link3, T),
    Link5 = each_host(Link4, Link4#link.hosts, fun tell_host/2),
    each_host(Link5, Link5#link.left, fun tell_left/2).

announce(#link{announced = true} = Link) -> Link;
announce(Link) ->
    case gatehouse_numbers:speaker(Link) of
        none -> Link;
        {Host, Link2} -> gatehouse_sending:flush(Link2, Host)
    end.

mark(#link{mark_at = At, last = Last, told_last = Told, safe_done = Done, told_done = ToldDone} = Link, T)
  when (At =:= none orelse T - At >= ?MARK_EVERY), (Last > Told orelse Done > ToldDone) ->
    Link2 = case Link#link.marked of
        Last -> Link;
        _ -> element(2, gatehouse_numbers:keep(Link#link{marked = Last}))
    end,
    case gatehouse_numbers:speaker(Link2#link{mark_at = T}) of
        none -> Link2#link{mark_at = T};
        {Host, Link3} -> gatehouse_sending:flush(Link3, Host, gatehouse_words:mark(Link3, false))
    end;
mark(Link, _) -> Link.

%% What waits for a host is sent.
tell_host(Link, #host{barred = true}) -> Link;
tell_host(Link, #host{name = Name} = Host) ->
    Link2 = gatehouse_owed:close_run(Link, Host),
    Link3 = gatehouse_carried:resend_unspooled(Link2, gatehouse_numbers:host(Name, Link2)),
    Link4 = case gatehouse_numbers:host(Name, Link3) of
        #host{pending_count = P, report_count = R, screens = S} = H when P > 0; R > 0, S < ?SCREENS_AT_ONCE -> gatehouse_sending:flush(Link3, H);
        _ -> Link3
    end,
    gatehouse_carried:replay_oldest(Link4, gatehouse_numbers:host(Name, Link4)).

%% What a host owed when the module left it is told in its name, else the numbers of all others would wait for it. Where the host
%% itself is gone nobody can: it stays on the disk.
tell_left(Link, #host{name = Name} = Host) ->
    case gatehouse_component:is_there(Name) of
        false ->
            Open = maps:filter(fun(_, #item{host = H}) -> H =/= Name end, Link#link.open),
            Link2 = gatehouse_numbers:disown(Link#link{open = Open}, Name),
            case is_asked(Link2, Name) of
                true -> Link2; % until that is answered, or late
                false -> forget(Link2, Host)
            end;
        true ->
            Link2 = gatehouse_carried:resend_unspooled(Link, Host),
            Link3 = gatehouse_carried:replay_oldest(Link2, gatehouse_numbers:host(Name, Link2)),
            case owes(Link3, gatehouse_numbers:host(Name, Link3)) of
                true -> Link3;
                false -> forget(Link3, Host)
            end
    end.

forget(#link{left = Left} = Link, #host{name = Name}) -> Link#link{left = maps:remove(Name, Left)}.

is_asked(#link{outstanding = Outstanding}, Name) ->
    lists:any(fun(#rec{host = H}) -> H =:= Name end, maps:values(Outstanding)).

owes(#link{open = Open, owed = Owed} = Link, #host{name = Name} = Host) ->
    Host#host.unspooled =/= [] orelse Host#host.settling =/= [] orelse Host#host.settled =/= []
        orelse lists:any(fun(#{size := Size}) -> Size > 0 end, Host#host.spools)
        orelse is_asked(Link, Name)
        orelse lists:any(fun(#item{host = H}) -> H =:= Name end, maps:values(Open))
        orelse lists:member(Name, maps:values(Owed)).

%% The module leaves the host (or the server stops): what waits is settled by the outage rule, now.
-spec settle_host(#link{}, binary()) -> #link{}.
settle_host(Link, Name) ->
    Link2 = gatehouse_sending:spool_now(Link),
    Link3 = gatehouse_numbers:put_host((gatehouse_numbers:host(Name, Link2))#host{leaving = true}, Link2),
    Mine = [{Id, Rec} || {Id, #rec{host = H} = Rec} <- maps:to_list(Link3#link.outstanding), H =:= Name],
    Link4 = lists:foldl(fun({Id, Rec}, L) -> gatehouse_silence:fail(L, Id, Rec) end, Link3, Mine),
    {_, Host} = gatehouse_sending:take_pending(gatehouse_numbers:host(Name, Link4)),
    Link5 = gatehouse_numbers:put_host(Host, Link4),
    Rest = lists:sort([N || {N, #item{host = H, verdict = undefined}} <- maps:to_list(Link5#link.open), H =:= Name]),
    Link6 = gatehouse_sending:give_up(Link5#link{later = maps:without(Rest, Link5#link.later), waiting = Link5#link.waiting -- Rest}, Rest),
    gatehouse_owed:close_run(Link6, gatehouse_numbers:host(Name, Link6)).

%% The last word of a source: nothing is numbered after it.
-spec say_end(#link{}) -> #link{}.
say_end(#link{stopping = true} = Link) -> Link;
say_end(Link) ->
    Link2 = each_host(Link, Link#link.hosts, fun gatehouse_owed:close_run/2),
    Link3 = Link2#link{stopping = true, marked = Link2#link.last},
    Link4 = case Link3#link.kept of
        true -> element(2, gatehouse_numbers:keep(Link3));
        false -> Link3 % nobody has heard of this run
    end,
    case gatehouse_numbers:speaker(Link4) of
        {Host, Link5} when Link5#link.session =/= none, Link5#link.unreadable =:= none ->
            Link6 = gatehouse_numbers:safe_at_end(Link5),
            Link7 = gatehouse_sending:flush(Link6, Host, gatehouse_words:mark(Link6, true)),
            each_host(Link7, Link7#link.hosts, fun gatehouse_carried:replay_oldest/2);
        _ -> Link4
    end.

%% Tells what the host still owes. True: the screen has acknowledged all of it, or cannot now.
-spec tell_rest(#link{}, binary()) -> {boolean(), #link{}}.
tell_rest(#link{broken = Broken, session = Session} = Link, _) when Broken; Session =:= none -> {true, Link};
tell_rest(Link, Name) ->
    case gatehouse_numbers:host(Name, Link) of
        none -> {true, Link};
        #host{barred = true} -> {true, Link};
        Host ->
            Link2 = gatehouse_owed:write_settlements(Link, Host, all),
            Link3 = gatehouse_carried:resend_unspooled(Link2, gatehouse_numbers:host(Name, Link2)),
            Link4 = gatehouse_carried:replay_oldest(Link3, gatehouse_numbers:host(Name, Link3)),
            {not still_owes(Link4, gatehouse_numbers:host(Name, Link4)), Link4}
    end.

still_owes(#link{source = Source, outstanding = Outstanding}, #host{name = Name, unspooled = Unspooled, spools = Spools}) ->
    Unspooled =/= []
        orelse lists:any(fun(#{source := S, size := Size}) -> S =:= Source andalso Size > 0 end, Spools)
        orelse lists:any(fun(#rec{host = H, apart = Apart}) -> H =:= Name andalso Apart end, maps:values(Outstanding)).
