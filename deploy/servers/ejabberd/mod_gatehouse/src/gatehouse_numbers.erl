%% SPDX-License-Identifier: GPL-2.0-or-later
%% The numbers of a run: how far they are given out, reserved on disk, and done; and who speaks for it.
-module(gatehouse_numbers).

-export([new/3, keep/1, next/2, advance/1, stroke/1, safe_at_end/1, disown/2, speaker/1, now_ms/0, host/2, put_host/2, count/3]).

-include("gatehouse.hrl").
-include("gatehouse_link.hrl").
-include_lib("kernel/include/logger.hrl").

-define(SETTLE_AFTER, 50). % ms; by then what was handed over has left for its socket
-define(BLOCK, 1000).
-define(COMPLAIN_EVERY, 60000).

-spec now_ms() -> integer().
now_ms() -> erlang:monotonic_time(millisecond).

%% A new run for the screen. Root: the folder below which the screens have theirs.
-spec new(binary(), jid:jid(), binary()) -> #link{}.
new(Screen, Jid, Root) ->
    Link = #link{screen = Screen, jid = Jid, source = gatehouse_words:hex(16), since = now_ms(), looked_at = now_ms() - 60000},
    case gatehouse_disk:folder(Root, Screen) of
        {error, Folder, Why} -> Link#link{folder = Folder, unreadable = Why};
        {ok, Folder} ->
            Rules = gatehouse_outagefile:load(Folder, Screen),
            case gatehouse_runs:read_source(Folder, Screen) of
                {ok, Before, Untold} ->
                    Link#link{folder = Folder, predecessor = Before, untold = Untold, outage_rules = Rules};
                {error, Why} -> Link#link{folder = Folder, unreadable = Why, outage_rules = Rules}
            end
    end.

%% Puts what the next run must know on disk. The announcement is part of it until the screen has acknowledged it: who was before us
%% stands nowhere else from then on.
-spec keep(#link{}) -> {ok | error, #link{}}.
keep(#link{unreadable = Why} = Link) when Why =/= none -> {error, Link#link{stale = false}};
keep(#link{folder = Folder, told = Told} = Link) ->
    Own = case Told of
        true -> none;
        false -> gatehouse_words:text(gatehouse_words:announcement(Link))
    end,
    Run = #{source => Link#link.source, reserved => Link#link.reserved, mark => Link#link.marked, untold => Link#link.untold, own => Own},
    case gatehouse_runs:keep_numbers(Folder, Run) of
        ok -> {ok, Link#link{kept = true, stale = false}};
        {error, Why} -> {error, complain(Link#link{stale = false}, Why)}
    end.

complain(#link{complained = At} = Link, Why) ->
    T = now_ms(),
    case At =/= none andalso T - At < ?COMPLAIN_EVERY of
        true -> Link;
        false ->
            ?LOG_ERROR("Cannot keep the reserved numbers of screen ~ts in ~ts: ~ts", [Link#link.screen, Link#link.folder, Why]),
            Link#link{complained = T}
    end.

%% The last of Count new numbers; an error when the disk does not take the reservation that must come first.
-spec next(#link{}, pos_integer()) -> {ok, pos_integer(), #link{}} | {error, #link{}}.
next(#link{last = Before, reserved = Reserved} = Link, Count) when Before + Count =< Reserved ->
    {ok, Before + Count, Link#link{last = Before + Count}};
next(#link{last = Before, reserved = Reserved} = Link, Count) ->
    Last = Before + Count,
    case keep(Link#link{reserved = max(Reserved + ?BLOCK, Last)}) of
        {ok, Link2} -> {ok, Last, Link2#link{last = Last}};
        {error, Link2} -> {error, Link2#link{reserved = Reserved}}
    end.

-spec advance(#link{}) -> #link{}.
advance(#link{open = Open, owed = Owed, done = Done, last = Last} = Link) ->
    case climb(Open, Owed, Done, Last) of
        Done when Done =:= Link#link.safe_done -> Link;
        New -> start_stroke(Link#link{done = New})
    end.

climb(Open, Owed, Done, Last) when Done < Last, not is_map_key(Done + 1, Open), not is_map_key(Done + 1, Owed) ->
    climb(Open, Owed, Done + 1, Last);
climb(_, _, Done, _) -> Done.

start_stroke(#link{stroking = true} = Link) -> Link;
start_stroke(Link) ->
    _ = erlang:send_after(?SETTLE_AFTER, self(), stroke),
    Link#link{stroking = true}.

%% What is told as done is what was done at the stroke before the last one: meanwhile what was handed over is written to its
%% recipient. In the moment itself the server may still die with it.
-spec stroke(#link{}) -> #link{}.
stroke(#link{seen_done = Seen, done = Done} = Link) ->
    Link2 = Link#link{safe_done = Seen, seen_done = Done, stroking = false},
    case Seen < Done of
        true -> start_stroke(Link2);
        false -> Link2
    end.

%% At the end nothing is on its way any more.
-spec safe_at_end(#link{}) -> #link{}.
safe_at_end(Link) -> Link#link{safe_done = Link#link.done, seen_done = Link#link.done}.

%% What is told of the host's numbers does not hold `done` back any more.
-spec disown(#link{}, binary()) -> #link{}.
disown(#link{owed = Owed} = Link, Name) ->
    advance(Link#link{owed = maps:filter(fun(_, Host) -> Host =/= Name end, Owed)}).

%% A host whose word the screen takes, each time another one.
-spec speaker(#link{}) -> {#host{}, #link{}} | none.
speaker(#link{hosts = Hosts, spoke = Spoke} = Link) ->
    Names = lists:sort([Name || #host{name = Name, barred = false} <- maps:values(Hosts)]),
    case {[Name || Name <- Names, Spoke =:= none orelse Name > Spoke], Names} of
        {[Next | _], _} -> {maps:get(Next, Hosts), Link#link{spoke = Next}};
        {[], [First | _]} -> {maps:get(First, Hosts), Link#link{spoke = First}};
        {[], []} -> none
    end.

%% A host in service, or one that is left.
-spec host(binary(), #link{}) -> #host{} | none.
host(Name, #link{hosts = Hosts, left = Left}) ->
    case Hosts of
        #{Name := Host} -> Host;
        #{} -> maps:get(Name, Left, none)
    end.

-spec put_host(#host{}, #link{}) -> #link{}.
put_host(#host{name = Name} = Host, #link{hosts = Hosts, left = Left} = Link) ->
    case is_map_key(Name, Hosts) of
        true -> Link#link{hosts = Hosts#{Name := Host}};
        false -> Link#link{left = Left#{Name => Host}}
    end.

-spec count(atom(), non_neg_integer(), #host{}) -> #host{}.
count(What, More, #host{counted = Counted} = Host) ->
    Host#host{counted = Counted#{What => maps:get(What, Counted, 0) + More}}.
