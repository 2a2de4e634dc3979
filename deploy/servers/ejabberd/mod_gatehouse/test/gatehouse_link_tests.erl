%% SPDX-License-Identifier: GPL-2.0-or-later
%% The way to the screen, over the value that its process keeps: here the test is the owner of the stanzas and the screen's connection.
-module(gatehouse_link_tests).

-include("tests.hrl").
-include("gatehouse.hrl").
-include("gatehouse_link.hrl").

-define(SCREEN, <<"policy.example">>).
-define(HOST, <<"corp.example">>).
-define(OTHER, <<"lab.example">>).

%% A run with one host, asking: the screen has answered the three probes.
asking() -> asking(#{}).

asking(Options) -> answer_probes(gatehouse_silence:connected(joined(Options), self())).

joined(Options) ->
    {ok, _} = application:ensure_all_started(xmpp),
    flush(),
    catch ets:new(gatehouse_links, [named_table, public]),
    Root = gatehouse_disk_tests:scratch(<<"link">>),
    join(gatehouse_numbers:new(?SCREEN, #jid{server = ?SCREEN, lserver = ?SCREEN}, Root), ?HOST, Options).

join(Link, Name, Options) ->
    Default = #{on_outage => closed, 'try' => 2000, hold_max => 5000, max_questions => 1000, max_bytes => 33554432, max_reports => 100,
        spool_max_bytes => 1000000},
    gatehouse_parting:join(Link, Name, maps:merge(Default, Options)).

answer_probes(Link) -> lists:foldl(fun(_, L) -> answer(L, element(1, sent())) end, Link, [1, 2, 3]).

flush() -> receive _ -> flush() after 0 -> ok end.

%% The next screen element: its id and its children.
sent() ->
    receive {route, #iq{id = Id, sub_els = [#xmlel{name = <<"screen">>, children = Children}]}} -> {Id, Children}
    after 0 -> none
    end.

done_told() ->
    receive {route, #iq{sub_els = [El]}} -> binary_to_integer(fxml:get_tag_attr_s(<<"done">>, El)) after 0 -> none end.

answer(Link, Id) -> gatehouse_answers:answer(Link, self(), Id, result, []).

answer(Link, Id, Verdicts) ->
    El = #xmlel{name = <<"verdicts">>, attrs = [{<<"xmlns">>, ?NS_SCREEN}], children = Verdicts},
    gatehouse_answers:answer(Link, self(), Id, result, [El]).

error_answer(Link, Id, Condition) ->
    Ns = [{<<"xmlns">>, <<"urn:ietf:params:xml:ns:xmpp-stanzas">>}],
    El = #xmlel{name = <<"error">>, children = [#xmlel{name = Condition, attrs = Ns}]},
    gatehouse_answers:answer(Link, self(), Id, error, [El]).

verdict(N, Action) -> #xmlel{name = <<"verdict">>, attrs = [{<<"n">>, integer_to_binary(N)}, {<<"action">>, Action}]}.

message(Body) ->
    #xmlel{name = <<"message">>, attrs = [{<<"xmlns">>, <<"jabber:client">>}, {<<"from">>, <<"a@corp.example/r">>},
        {<<"to">>, <<"b@corp.example">>}, {<<"id">>, <<"m">>}], children = [#xmlel{name = <<"body">>, children = [{xmlcdata, Body}]}]}.

item(Ref) -> item(Ref, ?HOST).

item(Ref, Name) ->
    #item{ref = Ref, owner = self(), host = Name, at = erlang:system_time(millisecond), since = gatehouse_numbers:now_ms(),
        xml = message(<<"hello">>), bytes = 200, from = <<"a@corp.example/r">>, to = <<"b@corp.example">>}.

submit(Link, Count) ->
    lists:foldl(fun(_, {L, Refs}) -> Ref = make_ref(), {gatehouse_sending:submit(L, ?HOST, item(Ref)), Refs ++ [Ref]} end,
        {Link, []}, lists:seq(1, Count)).

told(Ref) -> receive {gatehouse, Ref, N, Verdict} -> {N, Verdict} after 0 -> none end.

names(Children) -> [Name || #xmlel{name = Name} <- Children].

numbers(Children) -> [binary_to_integer(fxml:get_tag_attr_s(<<"n">>, El)) || #xmlel{name = <<"ask">>} = El <- Children].

host(Link) -> gatehouse_numbers:host(?HOST, Link).

%% --- Numbers and batches

stamp_test() ->
    ?assertEqual(<<"2026-11-22T10:00:00.123Z">>, gatehouse_words:stamp(1795341600123)),
    ?assertEqual(<<"2026-11-22T10:00:00.007Z">>, gatehouse_words:stamp(1795341600007)),
    ?assertEqual(<<"2026-11-22T10:00:01.000Z">>, gatehouse_words:stamp(1795341601000)).

id_test() ->
    Link = asking(),
    {_, _} = submit(Link, 1),
    {Id, _} = sent(),
    ?assertMatch({match, _}, re:run(Id, "^gh-[0-9a-f]{24}$")).

%% The announcement comes first, with the mark of the probe; then questions without it.
announced_test() ->
    Link = gatehouse_silence:connected(joined(#{}), self()),
    {Id, First} = sent(),
    ?assertEqual([<<"source">>, <<"mark">>], names(First)),
    {_, Second} = begin _ = answer(Link, Id), sent() end,
    ?assertEqual([<<"mark">>], names(Second)).

%% Three screens at once, then what comes is collected until one is answered.
batch_test() ->
    {Link, Refs} = submit(asking(), 10),
    {Id, One} = sent(),
    ?assertEqual([1], numbers(One)),
    ?assertEqual([2], numbers(element(2, sent()))),
    ?assertEqual([3], numbers(element(2, sent()))),
    ?assertEqual(none, sent()),
    _ = answer(Link, Id),
    ?assertEqual([4, 5, 6, 7, 8, 9, 10], numbers(element(2, sent()))),
    ?assertEqual({1, allow}, told(hd(Refs))),
    ?assertEqual(none, told(lists:nth(2, Refs))).

full_batch_test() ->
    {_, _} = submit(asking(), 3 + 64),
    _ = [sent() || _ <- [1, 2, 3]],
    ?assertEqual(64, length(numbers(element(2, sent())))).

large_batch_test() ->
    {Link, _} = submit(asking(), 3),
    _ = [sent() || _ <- [1, 2, 3]],
    Large = (item(make_ref()))#item{bytes = 40000},
    Link2 = gatehouse_sending:submit(Link, ?HOST, Large),
    ?assertEqual(none, sent()),
    _ = gatehouse_sending:submit(Link2, ?HOST, Large#item{ref = make_ref()}),
    ?assertEqual([4, 5], numbers(element(2, sent()))).

%% The number is reserved on disk before it is used: a file in the way stops the numbers, and nothing passes.
reserved_test() ->
    Link = asking(),
    ok = file:make_dir(filename:join(Link#link.folder, <<"source.new">>)),
    {Link2, [Ref]} = submit(Link, 1),
    ?assertEqual({none, {bounce, outage}}, told(Ref)),
    ?assertEqual(0, Link2#link.last),
    ?assertEqual(none, sent()).

%% --- Verdicts and what became of them

%% One verdict for each; a number that is not named is allowed.
verdicts_test() ->
    {Link, [R1, R2, R3]} = submit(asking(), 3),
    {Id, _} = sent(),
    Refuse = (verdict(1, <<"refuse">>))#xmlel{children = [#xmlel{name = <<"text">>, attrs = [{<<"xml:lang">>, <<"DE">>}],
        children = [{xmlcdata, <<"nein">>}]}]},
    Link2 = answer(Link, Id, [Refuse]),
    ?assertEqual({1, {refuse, <<"policy-violation">>, #{<<"de">> => <<"nein">>}}}, told(R1)),
    {Id2, _} = sent(),
    Link3 = answer(Link2, Id2),
    ?assertEqual({2, allow}, told(R2)),
    Link4 = answer(Link3, Id2), % once more changes nothing
    ?assertEqual(none, told(R2)),
    {Id3, _} = sent(),
    _ = answer(Link4, Id3, [verdict(3, <<"shrug">>)]),
    ?assertEqual({3, {bounce, outage}}, told(R3)).

replace_test() ->
    {Link, [Good, Bad]} = submit(asking(), 2),
    {Id, _} = sent(),
    {Id2, _} = sent(),
    Forward = fun(Xml) -> #xmlel{name = <<"forwarded">>, attrs = [{<<"xmlns">>, <<"urn:xmpp:forward:0">>}], children = [Xml]} end,
    Link2 = answer(Link, Id, [(verdict(1, <<"replace">>))#xmlel{children = [Forward(message(<<"[masked]">>))]}]),
    {1, {replace, #message{body = New}}} = told(Good),
    ?assertEqual(<<"[masked]">>, xmpp:get_text(New)),
    Other = message(<<"x">>),
    Moved = Other#xmlel{attrs = lists:keyreplace(<<"to">>, 1, Other#xmlel.attrs, {<<"to">>, <<"else@where">>})},
    Link3 = answer(Link2, Id2, [(verdict(2, <<"replace">>))#xmlel{children = [Forward(Moved)]}]),
    ?assertEqual({2, {refuse_degraded, <<"policy-violation">>, #{}}}, told(Bad)),
    %% What is done is not what the verdict says: it is told.
    Link4 = gatehouse_answers:settled(Link3, ?HOST, [{Good, 1, released}, {Bad, 2, refused}]),
    ?assertEqual({#{}, #{2 => ?HOST}}, {Link4#link.open, Link4#link.owed}).

%% Another connection than the one that was asked has no say.
other_connection_test() ->
    {Link, [Ref]} = submit(asking(), 1),
    {Id, _} = sent(),
    Link2 = gatehouse_answers:answer(Link, list_to_pid("<0.0.0>"), Id, result, []),
    ?assertEqual(Link, Link2),
    ?assertEqual(none, told(Ref)).

later_test() ->
    {Link, [Ref]} = submit(asking(), 1),
    {Id, _} = sent(),
    Link2 = answer(Link, Id, [verdict(1, <<"later">>)]),
    ?assertEqual(none, told(Ref)),
    Late = fun(Source) -> #xmlel{name = <<"verdicts">>, attrs = [{<<"xmlns">>, ?NS_SCREEN}, {<<"source">>, Source}],
        children = [verdict(1, <<"allow">>)]} end,
    Link3 = gatehouse_answers:late_verdicts(Link2, Late(<<"another">>)),
    ?assertEqual(none, told(Ref)),
    _ = gatehouse_answers:late_verdicts(Link3, Late(Link#link.source)),
    ?assertEqual({1, allow}, told(Ref)).

%% What the only try's verdict implies moves `done`, but it is told only two strokes later.
done_test() ->
    {Link, [R1, R2]} = submit(asking(), 2),
    {Id, _} = sent(),
    {Id2, _} = sent(),
    Link2 = gatehouse_answers:settled(answer(answer(Link, Id), Id2), ?HOST, [{R2, 2, released}]),
    ?assertEqual(0, Link2#link.done),
    Link3 = gatehouse_answers:settled(Link2, ?HOST, [{R1, 1, released}]),
    ?assertEqual({2, 0}, {Link3#link.done, Link3#link.safe_done}),
    Link4 = gatehouse_numbers:stroke(Link3),
    ?assertEqual(0, Link4#link.safe_done),
    Link5 = gatehouse_numbers:stroke(Link4),
    ?assertEqual(2, Link5#link.safe_done),
    flush(),
    _ = submit(Link5, 1),
    ?assertEqual(2, done_told()).

%% Something else than the verdict says: `done` waits until a screen has acknowledged the settlement.
settle_test() ->
    {Link, [Ref]} = submit(asking(), 1),
    {Id, _} = sent(),
    Link2 = gatehouse_answers:settled(answer(Link, Id), ?HOST, [{Ref, 1, gone}]),
    Link3 = gatehouse_owed:stroke(gatehouse_owed:stroke(Link2)),
    Link4 = gatehouse_clock:tick(Link3, gatehouse_numbers:now_ms()),
    {SettleId, Children} = carrying(<<"settle">>),
    ?assertEqual([<<"source">>, <<"settle">>], names(Children)),
    ?assertEqual(0, Link4#link.done),
    Link5 = answer(Link4, SettleId),
    ?assertEqual(1, Link5#link.done),
    ?assertNot(filelib:is_file(spool_path(Link5))).

spool_path(Link) -> filename:join(Link#link.folder, <<"spool-", (Link#link.source)/binary, "-corp.example">>).

%% The next screen with such a child; those before are left out.
carrying(Name) ->
    case sent() of
        none -> none;
        {Id, Children} ->
            case lists:member(Name, names(Children)) of
                true -> {Id, Children};
                false -> carrying(Name)
            end
    end.

%% --- Silence

time_out_test() ->
    {Link, [Ref]} = submit(asking(), 1),
    Link2 = gatehouse_clock:tick(Link, gatehouse_numbers:now_ms() + 1900),
    ?assertEqual(none, told(Ref)),
    Link3 = gatehouse_clock:tick(Link2, gatehouse_numbers:now_ms() + 2100),
    ?assertEqual({1, {bounce, outage}}, told(Ref)),
    ?assertNot(Link3#link.broken).

breaker_test() ->
    {Link, _} = submit(asking(), 3),
    Link2 = gatehouse_clock:tick(Link, gatehouse_numbers:now_ms() + 2100),
    ?assert(Link2#link.broken),
    flush(),
    {Link3, [Ref]} = submit(Link2, 1),
    ?assertEqual({none, {bounce, outage}}, told(Ref)),
    ?assertEqual(none, sent()),
    Link4 = gatehouse_clock:tick(Link3, gatehouse_numbers:now_ms() + 3200),
    Back = lists:foldl(
        fun(_, L) ->
            ?assert(L#link.broken),
            {Id, [#xmlel{name = <<"mark">>}]} = sent(),
            answer(L, Id)
        end, Link4, [1, 2, 3]),
    ?assertNot(Back#link.broken).

%% The connection is gone: what waits is asked a second time over the next, and such a settlement is always told.
second_try_test() ->
    {Link, [Ref]} = submit(asking(), 1),
    {Id, _} = sent(),
    Link2 = gatehouse_silence:lost(Link),
    ?assertEqual(none, told(Ref)),
    ?assertEqual([1], Link2#link.waiting),
    Self = self(),
    Next = spawn_link(fun() -> forward(Self) end),
    Link3 = gatehouse_silence:connected(Link2, Next),
    Link4 = lists:foldl(fun(_, L) -> gatehouse_answers:answer(L, Next, element(1, awaited()), result, []) end, Link3, [1, 2, 3]),
    {Id2, [Ask]} = awaited(),
    ?assertEqual(<<"2">>, fxml:get_tag_attr_s(<<"try">>, Ask)),
    ?assertEqual(Link4, gatehouse_answers:answer(Link4, self(), Id, result, [])),
    Link5 = gatehouse_answers:answer(Link4, Next, Id2, result, []),
    ?assertEqual({1, allow}, told(Ref)),
    Link6 = gatehouse_answers:settled(Link5, ?HOST, [{Ref, 1, released}]),
    [{1, El}] = (host(Link6))#host.settling,
    ?assertEqual({<<"2">>, <<"released">>}, {fxml:get_tag_attr_s(<<"try">>, El), fxml:get_tag_attr_s(<<"outcome">>, El)}),
    unlink(Next),
    exit(Next, kill).

forward(To) -> receive Any -> To ! Any, forward(To) end.

awaited() ->
    receive {route, #iq{id = Id, sub_els = [#xmlel{children = Children}]}} -> {Id, Children} after 5000 -> error(nothing_sent) end.

hold_max_test() ->
    {Link, [Ref]} = submit(asking(#{'try' => 60000}), 1),
    _ = gatehouse_clock:tick(Link, gatehouse_numbers:now_ms() + 4900),
    ?assertEqual(none, told(Ref)),
    _ = gatehouse_clock:tick(Link, gatehouse_numbers:now_ms() + 5100),
    ?assertEqual({1, {bounce, outage}}, told(Ref)).

%% Open: on the disk before the owner hears of it; what came together is written together.
unscreened_test() ->
    Link = joined(#{on_outage => open}),
    {Link2, Refs} = submit(Link, 5),
    ?assertEqual(none, told(hd(Refs))),
    receive spool_now -> ok after 0 -> error(not_spooled) end,
    receive spool_now -> error(twice) after 0 -> ok end,
    Link3 = gatehouse_sending:spool_now(Link2),
    ?assertEqual([{N, unscreened} || N <- lists:seq(1, 5)], [told(Ref) || Ref <- Refs]),
    {ok, Text} = file:read_file(spool_path(Link3)),
    ?assertEqual(5, length(binary:matches(Text, <<"spooled='true'">>))).

%% Closed: counted, and told in one report with numbers of its own.
outage_count_test() ->
    {Link, _} = submit(joined(#{}), 7),
    flush(),
    Link2 = gatehouse_owed:close_run(Link, host(Link)),
    ?assertEqual(7, Link2#link.last),
    {ok, Text} = file:read_file(spool_path(Link2)),
    ?assertMatch({match, _}, re:run(Text, "<outage from='1' to='7' count='7' outcome='bounced' at=")).

%% So many bounced by those who ask themselves are counted with them.
full_count_test() ->
    Link = asking(),
    counters:add((host(Link))#host.counters, 3, 4),
    Link2 = gatehouse_owed:close_run(Link, host(Link)),
    ?assertEqual(4, Link2#link.last),
    ?assertEqual(0, counters:get((host(Link2))#host.counters, 3)).

%% A host that the screen does not take: its outage alone.
bar_test() ->
    Link = join(asking(), ?OTHER, #{}),
    Ref = make_ref(),
    Link2 = gatehouse_sending:submit(Link, ?OTHER, item(Ref, ?OTHER)),
    {Id, _} = carrying(<<"ask">>),
    Link3 = error_answer(Link2, Id, <<"forbidden">>),
    ?assertEqual({1, {bounce, outage}}, told(Ref)),
    ?assertNot(Link3#link.broken),
    ?assert((gatehouse_numbers:host(?OTHER, Link3))#host.barred),
    {Link4, [Mine]} = submit(Link3, 1),
    {Id2, _} = carrying(<<"ask">>),
    Link5 = gatehouse_answers:settled(answer(Link4, Id2), ?HOST, [{Mine, 2, released}]),
    ?assertEqual({2, allow}, told(Mine)),
    Link6 = gatehouse_answers:settled(Link5, ?OTHER, [{Ref, 1, bounced}]),
    ?assertEqual(2, Link6#link.done).

%% What is answered for a host that is forgotten meanwhile changes nothing: not with forbidden, not with bad-request, reports or not.
forgotten_test() ->
    Link = join(asking(), ?OTHER, #{}),
    Other = gatehouse_owed:report(gatehouse_numbers:host(?OTHER, Link), #xmlel{name = <<"session">>}, 20),
    Asked = gatehouse_sending:submit(gatehouse_numbers:put_host(Other, Link), ?OTHER, item(make_ref(), ?OTHER)),
    {Id, [_, _, #xmlel{name = <<"session">>}]} = carrying(<<"ask">>),
    Forgotten = Asked#link{hosts = maps:remove(?OTHER, Asked#link.hosts), open = #{}},
    lists:foreach(
        fun(Condition) ->
            Link2 = error_answer(Forgotten, Id, Condition),
            ?assertEqual({#{}, [?HOST]}, {Link2#link.outstanding, maps:keys(Link2#link.hosts)})
        end, [<<"forbidden">>, <<"bad-request">>, <<"internal-server-error">>]).

%% bad-request where reports stood beside the question: these are dropped, and it is asked once more as for the first time.
bad_reports_test() ->
    Link = asking(),
    Host = gatehouse_owed:report(host(Link), #xmlel{name = <<"session">>}, 20),
    {Link2, [Ref]} = submit(gatehouse_numbers:put_host(Host, Link), 1),
    {Id, Children} = sent(),
    ?assertEqual([<<"ask">>, <<"session">>], names(Children)),
    Link3 = error_answer(Link2, Id, <<"bad-request">>),
    {Id2, Again} = sent(),
    ?assertEqual([<<"ask">>], names(Again)),
    ?assertEqual(<<>>, fxml:get_tag_attr_s(<<"try">>, hd(Again))),
    ?assertEqual(0, Link3#link.fails),
    _ = answer(Link3, Id2),
    ?assertEqual({1, allow}, told(Ref)).

%% Reports: so many as fit; above the bound they are dropped and counted.
reports_test() ->
    Link = asking(),
    Report = #xmlel{name = <<"session">>},
    Host = lists:foldl(fun(_, H) -> gatehouse_owed:report(H, Report, 30000) end, host(Link), lists:seq(1, 120)),
    ?assertEqual({100, 20}, {Host#host.report_count, maps:get(reports_dropped, Host#host.counted)}),
    _ = gatehouse_sending:flush(gatehouse_numbers:put_host(Host, Link), Host),
    ?assertEqual(2, length(element(2, sent()))).

%% What cannot be put as a question has a number and no `ask`.
unaskable_test() ->
    Ref = make_ref(),
    Link = gatehouse_sending:submit(asking(), ?HOST, (item(Ref))#item{xml = none}),
    ?assertEqual({1, {refuse_degraded, <<"policy-violation">>, unaskable}}, told(Ref)),
    ?assertEqual(none, sent()),
    Link2 = gatehouse_answers:settled(Link, ?HOST, [{Ref, 1, refused}]),
    [{1, El}] = (host(Link2))#host.settling,
    ?assertEqual({<<"0">>, <<"refused">>}, {fxml:get_tag_attr_s(<<"try">>, El), fxml:get_tag_attr_s(<<"outcome">>, El)}).

%% --- Owners

%% An owner that is gone for good: the number ends, and the bound is free again.
orphan_test() ->
    Link = asking(),
    #host{counters = Counters} = host(Link),
    counters:add(Counters, 1, 1),
    counters:add(Counters, 2, 200),
    Gone = spawn(fun() -> ok end),
    Link2 = gatehouse_sending:submit(Link, ?HOST, (item(make_ref()))#item{owner = Gone}),
    receive {'DOWN', _, process, Gone, _} -> ok after 5000 -> error(not_watched) end,
    Link3 = gatehouse_parting:orphan(Link2, Gone),
    Link4 = gatehouse_clock:tick(Link3, gatehouse_numbers:now_ms() + 1000),
    ?assertEqual(1, counters:get(Counters, 1)),
    Link5 = gatehouse_clock:tick(Link4, gatehouse_numbers:now_ms() + 6000),
    ?assertEqual({0, 0}, {counters:get(Counters, 1), counters:get(Counters, 2)}),
    ?assertEqual({#{}, #{1 => ?HOST}}, {Link5#link.open, Link5#link.owed}).

%% Another process takes over before that: it is told what was said already, and nothing is lost.
move_test() ->
    {Link, [Ref]} = submit(asking(), 1),
    {Id, _} = sent(),
    Link2 = gatehouse_parting:orphan(answer(Link, Id), self()),
    ?assertEqual({1, allow}, told(Ref)),
    Link3 = gatehouse_parting:move(Link2, ?HOST, self(), [Ref]),
    ?assertEqual({1, allow}, told(Ref)),
    Link4 = gatehouse_clock:tick(Link3, gatehouse_numbers:now_ms() + 6000),
    ?assertMatch(#{1 := #item{orphan = none}}, Link4#link.open).

%% What was bounced without a number is forgotten here; who takes over is told all the same, and of nothing else.
move_bounced_test() ->
    {Link, [Ref]} = submit(joined(#{}), 1),
    ?assertEqual({none, {bounce, outage}}, told(Ref)),
    Link2 = gatehouse_parting:move(Link, ?HOST, self(), [Ref]),
    ?assertEqual({none, {bounce, outage}}, told(Ref)),
    ?assertEqual(Link, Link2).

move_asked_test() ->
    {Link, [Ref]} = submit(asking(), 1),
    _ = gatehouse_parting:move(Link, ?HOST, self(), [Ref]),
    ?assertEqual(none, told(Ref)).

%% What is about to be written is told when it is.
move_spooling_test() ->
    {Link, [Ref]} = submit(joined(#{on_outage => open}), 1),
    Link2 = gatehouse_parting:move(Link, ?HOST, self(), [Ref]),
    ?assertEqual(none, told(Ref)),
    _ = gatehouse_sending:spool_now(Link2),
    ?assertEqual({1, unscreened}, told(Ref)).

%% --- What waits behind it

%% Over the bound only what its sender is told of it is held, however long the words are in which it says which one it is.
over_the_bound_test() ->
    {ok, Bounds} = gatehouse_bounds:start_link(),
    Long = binary:copy(<<"x">>, 3072),
    Wait = fun(Id, Most) ->
        Stanza = #message{id = Id, lang = Long, from = jid:make(<<"a">>, ?HOST, <<"r">>), to = jid:make(<<"b">>, ?HOST),
            sub_els = [message(<<"words">>)]},
        gatehouse_asking:wait(#{verdict => pass, waited => none, host => ?HOST, stanza => Stanza},
            #{max_questions => 1, max_bytes => Most}, self())
    end,
    ?assertMatch(#{verdict := {bounce, full}, waited := none, stanza := #message{id = <<"m1">>, lang = <<>>, sub_els = []}}, Wait(<<"m1">>, 100)),
    ?assertMatch(#{verdict := {bounce, full}, stanza := #message{id = <<>>}}, Wait(Long, 100)),
    ?assertMatch(#{verdict := pass, waited := Bytes, stanza := #message{id = Long}} when Bytes > 6144, Wait(Long, 100000)),
    unlink(Bounds),
    ok = gen_server:stop(Bounds).

%% --- The end

%% A host that leaves: what waits is settled by the rule at once, however its question stands.
leave_test() ->
    {Link, Refs} = submit(asking(), 5),
    Link2 = gatehouse_clock:settle_host(Link, ?HOST),
    ?assertEqual([{N, {bounce, outage}} || N <- lists:seq(1, 5)], [told(Ref) || Ref <- Refs]),
    ?assertEqual(#{}, Link2#link.outstanding),
    {Link3, [Late]} = submit(Link2, 1),
    ?assertEqual({none, {bounce, outage}}, told(Late)),
    flush(),
    Link4 = gatehouse_clock:say_end(Link3),
    {_, Children} = carrying(<<"mark">>),
    [Mark] = [El || #xmlel{name = <<"mark">>} = El <- Children],
    ?assertEqual({<<"6">>, <<"true">>}, {fxml:get_tag_attr_s(<<"last">>, Mark), fxml:get_tag_attr_s(<<"end">>, Mark)}),
    {_, [None]} = submit(Link4, 1),
    ?assertEqual({none, {bounce, outage}}, told(None)).

%% Hosts speak for the source in turn, but none that the screen does not take.
speaker_test() ->
    Link = join(join(joined(#{}), ?OTHER, #{}), <<"third.example">>, #{}),
    Barred = (gatehouse_numbers:host(?OTHER, Link))#host{barred = true},
    {Said, _} = lists:mapfoldl(fun(_, L) -> {#host{name = Name}, L2} = gatehouse_numbers:speaker(L), {Name, L2} end,
        gatehouse_numbers:put_host(Barred, Link), [1, 2, 3, 4]),
    ?assertEqual([?HOST, <<"third.example">>, ?HOST, <<"third.example">>], Said).
