%% SPDX-License-Identifier: GPL-2.0-or-later
%% Questions on their way out: collected while some are under way, sent with what else is to be told. And verdicts on their way
%% back to those who hold the stanzas.
-module(gatehouse_sending).

-export([submit/3, collect/2, flush/2, flush/3, give/3, give_up/2, spool_now/1, take_pending/1, new_id/1, store/2]).

-include("gatehouse.hrl").
-include("gatehouse_link.hrl").

-define(SCREENS_AT_ONCE, 3). % more than this under way for a host: questions are collected
-define(QUESTIONS_PER_SCREEN, 64).
-define(BYTES_PER_SCREEN, 65536).
-define(CHILDREN_PER_SCREEN, 256).
-define(LARGEST_SCREEN, (4 * 1024 * 1024 - 128 * 1024)). % questions and reports; a screen reads 4 MiB

%% A new stanza. It has its verdict at once where nobody is asked.
-spec submit(#link{}, binary(), #item{}) -> #link{}.
submit(#link{hosts = Hosts} = Link, Name, Item) ->
    case Hosts of
        #{Name := Host} -> submit_to(Link, Host, Item);
        #{} -> give(Link, Item, {bounce, outage}) % the module has left the host meanwhile
    end.

submit_to(#link{stopping = true} = Link, _, Item) ->
    give(Link, Item, {bounce, outage}); % behind the closing mark there is no number
submit_to(Link, #host{leaving = true} = Host, Item) ->
    bounce_unasked(Link, Host, Item, outage);
submit_to(#link{broken = Broken} = Link, #host{barred = Barred, shut = Shut} = Host, Item) ->
    case gatehouse_owed:is_crowded(Host) of
        true -> bounce_unasked(Link, Host, Item, full);
        false when Broken; Barred; Shut =/= false -> unasked(Link, Host, Item);
        false -> ask(Link, Host, Item)
    end.

ask(Link, Host, Item) ->
    case gatehouse_numbers:next(Link, 1) of
        {ok, N, Link2} ->
            Item2 = Item#item{n = N, try_no = 1},
            collect(store(Link2, Item2), Item2);
        {error, Link2} -> bounce_unasked(Link2, Host, Item, outage)
    end.

%% The item is in the books; if its owner dies, that is heard.
-spec store(#link{}, #item{}) -> #link{}.
store(#link{open = Open, owners = Owners} = Link, #item{n = N, owner = Owner} = Item) when is_map_key(Owner, Owners) ->
    Link#link{open = Open#{N => Item}};
store(#link{open = Open, owners = Owners} = Link, #item{n = N, owner = Owner} = Item) ->
    Link#link{open = Open#{N => Item}, owners = Owners#{Owner => erlang:monitor(process, Owner)}}.

%% Nobody is asked: what an open host lets through goes to the disk together with what else has come by now.
unasked(Link, Host, Item) ->
    case rule(Link, Host, Item) of
        {bounce, Rule} -> bounce_unasked(Link, counted_rule(Host, Rule), Item#item{closed_by = Rule}, outage);
        unscreened ->
            _ = Host#host.spooling =:= [] andalso (self() ! spool_now),
            gatehouse_numbers:put_host(Host#host{spooling = [Item | Host#host.spooling]}, Link)
    end.

bounce_unasked(Link, Host, #item{closed_by = Rule} = Item, Reason) ->
    Host2 = gatehouse_owed:unasked(Host, Rule, 1, gatehouse_numbers:now_ms()),
    give(gatehouse_numbers:put_host(Host2, Link), Item, {bounce, Reason}).

-spec spool_now(#link{}) -> #link{}.
spool_now(Link) ->
    lists:foldl(
        fun(#host{spooling = Items} = Host, L) when Items =/= [] ->
                Host2 = Host#host{spooling = []},
                let_through(gatehouse_numbers:put_host(Host2, L), Host2, lists:reverse(Items));
           (_, L) -> L
        end, Link, maps:values(Link#link.hosts)).

%% The outage rule for an item, asked about or not. A rule of the screen may close an open host for it.
rule(_, #host{on_outage = closed}, _) -> {bounce, none};
rule(_, #host{shut = Shut}, _) when Shut =/= false -> {bounce, none};
rule(#link{outage_rules = none}, _, _) -> unscreened;
rule(_, _, #item{xml = none}) -> unscreened; % refused there, since it cannot be put as a question
rule(#link{outage_rules = Rules}, #host{name = Name}, #item{direction = Direction, from = From, to = To, xml = Xml}) ->
    case gatehouse_outage:closed_by(Rules, #{direction => Direction, from => From, to => To, xml => Xml}, Name) of
        none -> unscreened;
        Rule -> {bounce, Rule}
    end.

counted_rule(Host, none) -> Host;
counted_rule(Host, _) -> gatehouse_numbers:count(closed_by_rule, 1, Host).

%% No verdict will come for these numbers: the outage rule of their hosts. What has its verdict is left as it is.
-spec give_up(#link{}, [pos_integer()]) -> #link{}.
give_up(#link{open = Open} = Link, Numbers) ->
    Items = [Item || N <- Numbers, #item{verdict = undefined} = Item <- [maps:get(N, Open, none)]],
    Names = lists:usort([Name || #item{host = Name} <- Items]),
    lists:foldl(fun(Name, L) -> give_up_of(L, Name, [I || #item{host = H} = I <- Items, H =:= Name]) end, Link, Names).

give_up_of(Link, Name, Items) ->
    {Link2, Through} = lists:foldl(
        fun(Item, {L, Acc}) ->
            Host = gatehouse_numbers:host(Name, L),
            case rule(L, Host, Item) of
                unscreened -> {L, [Item | Acc]};
                {bounce, Rule} ->
                    L2 = gatehouse_numbers:put_host(counted_rule(Host, Rule), L),
                    {give(L2, Item#item{closed_by = Rule}, {bounce, outage}), Acc}
            end
        end, {Link, []}, Items),
    let_through(Link2, gatehouse_numbers:host(Name, Link2), lists:reverse(Through)).

let_through(Link, _, []) -> Link;
let_through(Link, Host, Items) ->
    {Unaskable, Askable} = lists:partition(fun(#item{xml = Xml}) -> Xml =:= none end, Items),
    {Kept, Lost, Link2} = gatehouse_owed:keep_unscreened(Link, Host, Askable),
    Link3 = lists:foldl(fun(Item, L) -> give(L, Item, unscreened) end, Link2, Kept),
    Link4 = lists:foldl(
        fun(#item{n = none} = Item, L) -> bounce_unasked(L, gatehouse_numbers:host(Host#host.name, L), Item, outage);
           (Item, L) -> give(L, Item, {bounce, outage})
        end, Link3, Lost),
    lists:foldl(fun refuse_unaskable/2, Link4, Unaskable).

refuse_unaskable(#item{n = none, host = Name} = Item, Link) ->
    case gatehouse_numbers:next(Link, 1) of
        {ok, N, Link2} -> refuse_unaskable(Item#item{n = N, try_no = 1}, Link2);
        {error, Link2} -> bounce_unasked(Link2, gatehouse_numbers:host(Name, Link2), Item, outage)
    end;
refuse_unaskable(#item{host = Name} = Item, Link) ->
    Host = gatehouse_owed:unaskable(gatehouse_numbers:host(Name, Link), Item),
    give(gatehouse_numbers:put_host(Host, Link), Item#item{degraded = true}, {refuse_degraded, <<"policy-violation">>, unaskable}).

%% The verdict goes to the owner; the item stays in the books until he has acted.
-spec give(#link{}, #item{}, term()) -> #link{}.
give(Link, #item{n = none, ref = Ref, owner = Owner} = Item, Verdict) ->
    Owner ! {gatehouse, Ref, none, Verdict},
    release(Link, Item);
give(Link, #item{n = N, ref = Ref, owner = Owner} = Item, Verdict) ->
    Owner ! {gatehouse, Ref, N, Verdict},
    store(Link, Item#item{verdict = Verdict, xml = none}).

release(Link, #item{host = Name, bytes = Bytes}) ->
    case gatehouse_numbers:host(Name, Link) of
        none -> Link;
        #host{counters = Counters} ->
            counters:sub(Counters, 1, 1),
            counters:sub(Counters, 2, Bytes),
            Link
    end.

%% Puts the question to what goes next.
-spec collect(#link{}, #item{}) -> #link{}.
collect(Link, #item{xml = none} = Item) -> refuse_unaskable(Item, Link);
collect(#link{hosts = Hosts} = Link, #item{n = N, host = Name} = Item) ->
    {El, Size} = gatehouse_words:ask(Item),
    #{Name := #host{pending = Pending, pending_els = Els, pending_count = Before, pending_bytes = Bytes} = Host} = Hosts,
    Count = Before + 1,
    Total = Bytes + Size,
    Host2 = Host#host{pending = [N | Pending], pending_els = [El | Els], pending_count = Count, pending_bytes = Total},
    Link2 = Link#link{hosts = Hosts#{Name := Host2}},
    case Host#host.screens < ?SCREENS_AT_ONCE orelse Count >= ?QUESTIONS_PER_SCREEN orelse Total >= ?BYTES_PER_SCREEN of
        true -> flush(Link2, Host2);
        false -> Link2
    end.

-spec flush(#link{}, #host{}) -> #link{}.
flush(Link, Host) -> flush(Link, Host, none).

%% Sends what was collected for the host, with reports beside it. Extra: one more child, the mark of the last number.
-spec flush(#link{}, #host{}, none | xmlel()) -> #link{}.
flush(#link{session = none} = Link, _, _) -> gatehouse_silence:lost(Link);
flush(#link{announced = true} = Link, #host{pending_count = 0, report_count = 0}, none) -> Link;
flush(#link{announced = false} = Link, Host, Extra) ->
    Link2 = case Link#link.kept of
        true -> Link;
        false -> element(2, gatehouse_numbers:keep(Link)) % who is announced is known to the next run
    end,
    send(Link2#link{announced = true}, Host, [gatehouse_words:announcement(Link2) | [Extra || Extra =/= none]], true, Extra =/= none);
flush(Link, Host, Extra) ->
    send(Link, Host, [Extra || Extra =/= none], false, Extra =/= none).

send(#link{session = Session, safe_done = Done, source = Source, outstanding = Outstanding} = Link, Host, Said, Announced, Marked) ->
    #host{pending = Pending, pending_els = Els, pending_count = Count, pending_bytes = Used, screens = Screens} = Host,
    {Reports, Host2} = take_reports(Host, ?CHILDREN_PER_SCREEN - length(Said) - Count, Used),
    Id = new_id(Link),
    Children = Said ++ lists:reverse(Els, [El || {_, El} <- Reports]),
    Session ! {route, gatehouse_words:screen(Link, Host, {Id, Source, Done}, Children)},
    Rec = #rec{host = Host#host.name, items = lists:reverse(Pending), reports = Reports, sent = gatehouse_numbers:now_ms(),
        session = Session, done = Done, announced = Announced,
        last = case Marked of true -> Link#link.last; false -> none end},
    Host3 = Host2#host{pending = [], pending_els = [], pending_count = 0, pending_bytes = 0, screens = Screens + 1},
    gatehouse_numbers:put_host(gatehouse_numbers:count(screens, 1, Host3), Link#link{outstanding = Outstanding#{Id => Rec}}).

%% 96 random bits; behind them, where the component is on another node, what finds the way back here.
-spec new_id(#link{}) -> binary().
new_id(#link{session = Session}) ->
    Random = gatehouse_words:hex(12),
    case is_pid(Session) andalso node(Session) =/= node() of
        false -> <<"gh-", Random/binary>>;
        true -> <<"gh-", Random/binary, (gatehouse_component:node_tag(node()))/binary>>
    end.

%% Of the reports so many as fit beside Used bytes of questions: 64 KiB of them, or one that is larger where it has room.
take_reports(#host{report_count = 0} = Host, _, _) -> {[], Host};
take_reports(Host, Room, Used) -> take_reports(Host, Room, Used, [], 0).

take_reports(#host{reports = Reports, report_count = Count, report_bytes = Bytes} = Host, Room, Used, Taken, Size) ->
    case queue:peek(Reports) of
        {value, {Next, _} = Report} when Room > 0,
                (Size + Next =< ?BYTES_PER_SCREEN orelse (Taken =:= [] andalso Used + Next =< ?LARGEST_SCREEN)) ->
            Host2 = Host#host{reports = queue:drop(Reports), report_count = Count - 1, report_bytes = Bytes - Next},
            take_reports(Host2, Room - 1, Used, [Report | Taken], Size + Next);
        _ -> {lists:reverse(Taken), Host}
    end.

-spec take_pending(#host{}) -> {[pos_integer()], #host{}}.
take_pending(#host{pending = Pending} = Host) ->
    {lists:reverse(Pending), Host#host{pending = [], pending_els = [], pending_count = 0, pending_bytes = 0}}.
