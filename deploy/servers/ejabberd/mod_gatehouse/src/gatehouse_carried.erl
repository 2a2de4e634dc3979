%% SPDX-License-Identifier: GPL-2.0-or-later
%% What screens of their own carry (what was kept on disk or in memory, earlier runs), and what becomes of what a screen carried: it
%% is acknowledged, told again, or left out.
-module(gatehouse_carried).

-export([tell_run/1, resend_unspooled/2, replay/3, replay_oldest/2, take_out/3, acknowledged/2, suspect/2, leave_out/2]).

-include("gatehouse.hrl").
-include("gatehouse_link.hrl").
-include_lib("kernel/include/logger.hrl").

-define(RECORDS_PER_REPLAY, 200).
-define(BYTES_PER_SCREEN, 65536).

%% Announces the runs before this one of which the screen has not heard, one at a time, oldest first.
-spec tell_run(#link{}) -> #link{}.
tell_run(#link{untold = [Run | _], telling = false} = Link) ->
    #{source := Source, xml := Xml} = Run,
    case gatehouse_numbers:speaker(Link) of
        none -> Link;
        {Host, Link2} -> (send_apart(Link2, Host, Source, elements([Xml]), #rec{run = Run, host = <<>>, sent = 0, session = self()}))#link{telling = true}
    end;
tell_run(Link) -> Link.

%% The run is announced, or never will be.
run_told(#link{untold = Untold} = Link, Run) ->
    Link#link{untold = lists:delete(Run, Untold), stale = true, telling = false}.

%% Settlements that the disk refused: from memory, until acknowledged.
-spec resend_unspooled(#link{}, #host{}) -> #link{}.
resend_unspooled(#link{session = none} = Link, _) -> Link;
resend_unspooled(Link, #host{unspooled = []}) -> Link;
resend_unspooled(Link, #host{unspooled = List} = Host) ->
    {Now, Rest} = lists:split(min(?RECORDS_PER_REPLAY, length(List)), List),
    Host2 = Host#host{unspooled = Rest},
    Rec = #rec{again = Now, numbers = [N || {N, _} <- Now], host = <<>>, sent = 0, session = self()},
    send_apart(gatehouse_numbers:put_host(Host2, Link), Host2, Link#link.source, [El || {_, El} <- Now], Rec).

send_apart(#link{session = Session, outstanding = Outstanding} = Link, Host, Source, Children, Rec) ->
    Id = gatehouse_sending:new_id(Link),
    Session ! {route, gatehouse_words:screen(Link, Host, {Id, Source, none}, Children)},
    Rec2 = Rec#rec{host = Host#host.name, source = Source, sent = gatehouse_numbers:now_ms(), session = Session, apart = true},
    gatehouse_numbers:put_host(gatehouse_numbers:count(screens, 1, Host), Link#link{outstanding = Outstanding#{Id => Rec2}}).

elements(Records) -> lists:append([element_of(Xml) || Xml <- Records]).

element_of(Xml) ->
    case gatehouse_words:parse(Xml) of
        {ok, El} -> [El];
        error ->
            ?LOG_ERROR("A record of ~b bytes that was kept for the screen cannot be read and is not told", [byte_size(Xml)]),
            []
    end.

-spec replay_oldest(#link{}, #host{}) -> #link{}.
replay_oldest(Link, #host{barred = true}) -> Link;
replay_oldest(#link{source = Own} = Link, #host{spools = Spools} = Host) ->
    case lists:dropwhile(fun(#{size := Size, source := Source}) -> Size =:= 0 andalso Source =/= Own end, Spools) of
        [] -> gatehouse_numbers:put_host(Host#host{spools = []}, Link);
        [Oldest | _] = Left ->
            Host2 = Host#host{spools = Left},
            replay(gatehouse_numbers:put_host(Host2, Link), Host2, Oldest)
    end.

%% Sends what a spool holds, one screen at a time.
-spec replay(#link{}, #host{}, map()) -> #link{}.
replay(#link{session = none} = Link, _, _) -> Link;
replay(Link, _, #{inflight := true}) -> Link;
replay(Link, _, #{read := Read, size := Size}) when Read >= Size -> Link;
replay(Link, Host, #{read := From} = Spool) ->
    Most = case Spool of #{most := M} when is_integer(M) -> M; _ -> ?RECORDS_PER_REPLAY end,
    {Records, Place, Spool2} = gatehouse_spool:read(Spool, Most, ?BYTES_PER_SCREEN),
    Texts = [iolist_to_binary(Xml) || {_, _, Xml} <- Records],
    case Texts of
        [] ->
            {_, Spool3} = gatehouse_spool:acknowledge(Spool2#{read => Place}, Place),
            gatehouse_numbers:put_host(gatehouse_owed:put_spool(Spool3, Host), Link);
        _ ->
            #{source := Source} = Spool2,
            Numbers = [N || {Kind, N, _} <- Records, Kind =/= $a, N > 0],
            Host2 = gatehouse_owed:put_spool(Spool2#{read => Place, inflight => true}, Host),
            Rec = #rec{spool = {Source, From, Place, Texts}, numbers = Numbers, host = <<>>, sent = 0, session = self()},
            send_apart(gatehouse_numbers:put_host(Host2, Link), Host2, Source, elements(Texts), Rec)
    end.

%% The screen is no longer under way; what it carried waits again.
-spec take_out(#link{}, binary(), #rec{}) -> #link{}.
take_out(#link{outstanding = Outstanding, session = Session} = Link, Id, #rec{host = Name} = Rec) ->
    Announced = Link#link.announced andalso not (Rec#rec.announced andalso Rec#rec.session =:= Session),
    Link2 = Link#link{outstanding = maps:remove(Id, Outstanding), announced = Announced,
        telling = Link#link.telling andalso Rec#rec.run =:= undefined},
    case gatehouse_numbers:host(Name, Link2) of
        none -> Link2;
        Host -> gatehouse_numbers:put_host(back(Host, Rec), Link2)
    end.

back(Host, #rec{apart = true, spool = {Source, _, _, _}}) ->
    case spool_of(Source, Host) of
        none -> Host;
        #{acked := Acked} = Spool -> gatehouse_owed:put_spool(Spool#{inflight => false, read => Acked}, Host)
    end;
back(#host{unspooled = Unspooled} = Host, #rec{apart = true, again = Again}) -> Host#host{unspooled = Unspooled ++ Again};
back(#host{screens = Screens} = Host, #rec{reports = []}) -> Host#host{screens = Screens - 1};
back(#host{reports = Waiting, report_count = Count, report_bytes = Bytes} = Host, #rec{reports = Carried}) ->
    Count2 = Count + length(Carried),
    Bytes2 = Bytes + lists:sum([Size || {Size, _} <- Carried]),
    Host2 = Host#host{screens = Host#host.screens - 1},
    case Count2 =< Host#host.max_reports andalso Bytes2 =< Host#host.max_bytes of
        true -> Host2#host{reports = queue:join(queue:from_list(Carried), Waiting), report_count = Count2, report_bytes = Bytes2};
        false -> gatehouse_numbers:count(reports_dropped, length(Carried), Host2)
    end.

spool_of(Source, #host{spools = Spools}) ->
    case [Spool || #{source := S} = Spool <- Spools, S =:= Source] of
        [Spool] -> Spool;
        [] -> none
    end.

-spec acknowledged(#link{}, #rec{}) -> #link{}.
acknowledged(Link, #rec{apart = false} = Rec) ->
    Link2 = case Rec#rec.announced andalso not Link#link.told of
        true -> Link#link{told = true, stale = true};
        false -> Link
    end,
    Last = case Rec#rec.last of none -> 0; N -> N end,
    Link2#link{told_done = max(Link2#link.told_done, Rec#rec.done), told_last = max(Link2#link.told_last, Last)};
acknowledged(Link, #rec{run = Run}) when Run =/= undefined -> run_told(Link, Run);
acknowledged(Link, #rec{spool = {Source, _, Place, _}, host = Name} = Rec) ->
    Host = gatehouse_numbers:host(Name, Link),
    Link2 = case Host =/= none andalso spool_of(Source, Host) of
        #{} = Spool ->
            {Empty, Spool2} = gatehouse_spool:acknowledge(cleared(Spool, Place), Place),
            Host2 = gatehouse_owed:put_spool(Spool2#{inflight => false}, Host),
            gatehouse_numbers:put_host(Host2#host{spool_refused = Host2#host.spool_refused andalso not Empty}, Link);
        _ -> Link
    end,
    close(Link2, Rec);
acknowledged(Link, Rec) -> close(Link, Rec).

%% Behind the record that was under suspicion they go together again.
cleared(#{wary_to := To} = Spool, Place) when is_integer(To), Place >= To -> Spool#{most => undefined, wary_to => undefined, suspect => undefined};
cleared(Spool, _) -> Spool.

close(#link{source = Own, owed = Owed} = Link, #rec{source = Own, numbers = Numbers}) ->
    gatehouse_numbers:advance(Link#link{owed = maps:without(Numbers, Owed)});
close(Link, _) -> Link.

%% The connection ended while these records were on their way. They go singly from then on; the one with which it ended a second
%% time is put aside, else it would end every connection to come.
-spec suspect(#link{}, #rec{}) -> #link{}.
suspect(Link, #rec{spool = {Source, From, Place, Texts}, host = Name} = Rec) ->
    Host = gatehouse_numbers:host(Name, Link),
    case Host =/= none andalso spool_of(Source, Host) of
        #{most := 1, suspect := From} = Spool ->
            ?LOG_ERROR("The connection of the screen ended twice at one record of ~ts; it is put aside as refused-...", [maps:get(path, Spool)]),
            ok = gatehouse_spool:put_aside(Spool, Texts),
            Link2 = acknowledged(Link, Rec),
            read_on(Link2, gatehouse_numbers:host(Name, Link2), Source);
        #{} = Spool ->
            Wary = case Spool of #{wary_to := To} when is_integer(To) -> max(To, Place); _ -> Place end,
            Spool2 = Spool#{most => 1, suspect => From, wary_to => Wary},
            gatehouse_numbers:put_host(gatehouse_owed:put_spool(Spool2, Host), Link);
        _ -> Link
    end;
suspect(Link, _) -> Link.

read_on(Link, Host, Source) ->
    case spool_of(Source, Host) of
        none -> Link;
        #{acked := Acked} = Spool -> gatehouse_numbers:put_host(gatehouse_owed:put_spool(Spool#{read => Acked}, Host), Link)
    end.

%% The screen cannot read what we sent, and would not the next time: reports are dropped, of the disk's records the one at fault is
%% found by sending them singly, and put aside. Gives the record as it is to be taken out.
-spec leave_out(#link{}, #rec{}) -> {#rec{}, #link{}}.
leave_out(Link, #rec{reports = [_ | _] = Reports, host = Name} = Rec) ->
    Link2 = case gatehouse_numbers:host(Name, Link) of
        none -> Link;
        Host -> gatehouse_numbers:put_host(gatehouse_numbers:count(reports_dropped, length(Reports), Host), Link)
    end,
    {Rec#rec{reports = []}, Link2};
leave_out(Link, #rec{run = #{source := Source, xml := Xml} = Run} = Rec) ->
    ?LOG_ERROR("The screen cannot read the announcement of the earlier run ~ts: ~ts", [Source, Xml]),
    {Rec, run_told(Link, Run)};
leave_out(Link, #rec{spool = {Source, _, _, Texts}, host = Name} = Rec) ->
    Host = gatehouse_numbers:host(Name, Link),
    case Host =/= none andalso spool_of(Source, Host) of
        #{most := 1} = Spool ->
            ?LOG_ERROR("The screen cannot read a record of ~ts; it is put aside as refused-...", [maps:get(path, Spool)]),
            ok = gatehouse_spool:put_aside(Spool, Texts),
            Host2 = gatehouse_owed:put_spool(Spool#{most => undefined}, Host),
            {Rec, acknowledged(gatehouse_numbers:put_host(Host2, Link), Rec)};
        #{} = Spool ->
            {Rec, gatehouse_numbers:put_host(gatehouse_owed:put_spool(Spool#{most => 1}, Host), Link)};
        _ -> {Rec, Link}
    end;
leave_out(Link, Rec) -> {Rec, Link}.
