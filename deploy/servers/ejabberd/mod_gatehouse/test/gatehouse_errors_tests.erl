%% SPDX-License-Identifier: GPL-2.0-or-later
%% What a sender gets; what takes the place of a replaced stanza.
-module(gatehouse_errors_tests).
-include("gatehouse_pure.hrl").

-define(TEXTS, #{<<"en">> => <<"no">>, <<"de">> => <<"nein">>}).

errors_test_() ->
    with_codec([{Name, fun() -> Test() end}
                || {Name, Test} <- [{"message", fun message/0}, {"iq", fun iq/0}, {"presence", fun presence/0},
                                    {"language", fun language/0}, {"depth", fun deep/0}]]).

refusal(Xml, Kind) -> refusal(Xml, <<"policy-violation">>, Kind).
refusal(Xml, Condition, Kind) -> gatehouse_errors:refusal(stanza_of(Xml), Condition, ?TEXTS, Kind).

condition(Stanza) ->
    [#xmlel{attrs = [{<<"type">>, Type}], children = [#xmlel{name = Name} | Text]}] =
        [El || #xmlel{name = <<"error">>} = El <- xmpp:get_els(Stanza)],
    {Type, Name, [{fxml:get_attr_s(<<"xml:lang">>, T#xmlel.attrs), fxml:get_tag_cdata(T)} || T <- Text]}.

message() ->
    {[Error], none} = refusal(<<"<message to='b@corp' id='1' xml:lang='de-AT'><body/></message>">>, message),
    ?assertMatch(#message{type = error, id = <<"1">>}, Error),
    ?assertEqual({<<"modify">>, <<"policy-violation">>, [{<<"de">>, <<"nein">>}]}, condition(Error)),
    ?assertEqual({<<"b@corp">>, <<"a@corp/r">>}, {jid:encode(xmpp:get_from(Error)), jid:encode(xmpp:get_to(Error))}),
    {[Gone], none} = refusal(<<"<message to='b@corp'><body/></message>">>, <<"service-unavailable">>, message),
    ?assertMatch({<<"modify">>, <<"policy-violation">>, _}, condition(Gone)),
    {[Busy], none} = refusal(<<"<message to='b@corp'><body/></message>">>, <<"resource-constraint">>, message),
    ?assertMatch({<<"wait">>, <<"resource-constraint">>, _}, condition(Busy)),
    ?assertEqual({[], none}, refusal(<<"<message to='b@corp' type='error'><body/></message>">>, error)).

iq() ->
    {[], Instead} = refusal(<<"<iq type='result' to='b@corp/d' id='7'><x xmlns='urn:x'/></iq>">>, iq),
    ?assertMatch(#iq{type = error, id = <<"7">>, to = #jid{lresource = <<"d">>}, from = #jid{lresource = <<"r">>}}, Instead),
    ?assertEqual({<<"modify">>, <<"policy-violation">>, []}, condition(Instead)),
    {[], Error} = refusal(<<"<iq type='error' to='b@corp/d' id='7'><x xmlns='urn:x'>psst</x></iq>">>, error),
    ?assertMatch([#xmlel{name = <<"error">>}], Error#iq.sub_els),
    {[Answer], none} = refusal(<<"<iq type='set' to='b@corp/d' id='7'><x xmlns='urn:x'/></iq>">>, <<"forbidden">>, iq),
    ?assertMatch({#iq{type = error, id = <<"7">>, to = #jid{lresource = <<"r">>}}, {<<"auth">>, <<"forbidden">>, _}}, {Answer, condition(Answer)}).

presence() ->
    {[Error, Un], none} = refusal(<<"<presence to='b@corp' type='subscribe'/>">>, subscription),
    ?assertMatch(#presence{type = error}, Error),
    ?assertEqual({unsubscribed, <<"b@corp">>, <<"a@corp">>}, {Un#presence.type, jid:encode(Un#presence.from), jid:encode(Un#presence.to)}),
    {[Join], none} = refusal(<<"<presence to='r@rooms.corp/n'><x xmlns='http://jabber.org/protocol/muc'/></presence>">>, join),
    ?assertMatch({<<"cancel">>, <<"not-allowed">>, _}, condition(Join)),
    ?assertMatch([#xmlel{name = <<"x">>, attrs = [{_, <<"http://jabber.org/protocol/muc">>}], children = []} | _], Join#presence.sub_els),
    {[Nick], none} = refusal(<<"<presence to='r@rooms.corp/psst'/>">>, join),
    ?assertMatch({<<"cancel">>, <<"not-allowed">>, _}, condition(Nick)),
    {[Status], Quiet} = refusal(<<"<presence><show>away</show><status>psst</status><priority>1</priority><nick xmlns='n'>psst</nick></presence>">>, status),
    ?assertEqual(<<"a@corp">>, jid:encode(Status#presence.from)),
    ?assertMatch(#presence{type = available, to = undefined, show = away, priority = 1, status = [], sub_els = []}, Quiet),
    {[_], Left} = refusal(<<"<presence to='b@corp' type='unsubscribed'><status>psst</status></presence>">>, status),
    ?assertMatch(#presence{type = unsubscribed, status = [], sub_els = [], to = #jid{luser = <<"b">>}}, Left),
    ?assertEqual({[], none}, refusal(<<"<presence to='b@corp' type='error'><status>psst</status></presence>">>, error)).

language() ->
    Texts = #{<<"en">> => <<"e">>, <<"de">> => <<"d">>, <<"pt-br">> => <<"p">>},
    [?assertEqual({Lang, Tag}, {Lang, element(1, gatehouse_errors:choose(Texts, Lang))})
     || {Lang, Tag} <- [{<<"de-AT">>, <<"de">>}, {<<"DE">>, <<"de">>}, {<<"it">>, <<"en">>}, {<<>>, <<"en">>}, {<<"pt-BR">>, <<"pt-br">>}, {<<"pt">>, <<"en">>}]],
    ?assertEqual({<<"de-at">>, <<"d">>}, gatehouse_errors:choose(#{<<"de-at">> => <<"d">>, <<"fr">> => <<"f">>}, <<"de">>)),
    ?assertEqual({<<"fr">>, <<"f">>}, gatehouse_errors:choose(#{<<"fr">> => <<"f">>}, <<"it">>)),
    ?assertEqual(none, gatehouse_errors:choose(#{}, <<"it">>)).

%% However deep it is, it can be refused.
deep() ->
    Deep = lists:foldl(fun(_, In) -> #xmlel{name = <<"a">>, children = [In]} end, #xmlel{name = <<"a">>}, lists:seq(1, 85000)),
    Presence = #presence{from = jid:make(<<"a">>, <<"corp">>, <<"r">>), show = away, sub_els = [Deep]},
    ?assertMatch({[_], #presence{show = away, sub_els = []}}, gatehouse_errors:refusal(Presence, <<"policy-violation">>, ?TEXTS, status)).

replacement_test_() ->
    with_codec([{"replacement", fun replacement/0}]).

verdict(Xml) ->
    #xmlel{children = [El]} = element_of(<<"<iq><verdict xmlns='urn:gatehouse:screen:1' n='1' action='replace'><forwarded xmlns='urn:xmpp:forward:0'>",
                                           Xml/binary, "</forwarded></verdict></iq>">>),
    El.

replacement() ->
    Old = xmpp:put_meta(stanza_of(<<"<message id='1' type='chat' to='B@corp'><body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/></message>">>), k, v),
    Body = <<"<body>y</body><origin-id xmlns='urn:xmpp:sid:0' id='o'/>">>,
    Read = fun(Attrs, Children) ->
                   gatehouse_replacement:read(verdict(<<"<message xmlns='jabber:client' ", Attrs/binary, ">", Children/binary, "</message>">>), Old)
           end,
    {ok, New} = Read(<<"id='1' type='chat' from='a@corp/r' to='b@corp'">>, Body),
    ?assertMatch(#message{type = chat, body = [#text{data = <<"y">>}], meta = #{k := v}, to = #jid{user = <<"B">>}, from = #jid{lresource = <<"r">>}}, New),
    [?assertMatch({Attrs, {error, _}}, {Attrs, Read(Attrs, Body)})
     || Attrs <- [<<"id='2' type='chat' from='a@corp/r' to='b@corp'">>, <<"id='1' type='normal' from='a@corp/r' to='b@corp'">>,
                  <<"id='1' from='a@corp/r' to='b@corp'">>, <<"id='1' type='chat' from='c@corp/r' to='b@corp'">>,
                  <<"id='1' type='chat' from='a@corp/r' to='c@corp'">>, <<"id='1' type='chat' from='a@corp/r'">>]],
    Good = <<"id='1' type='chat' from='a@corp/r' to='b@corp'">>,
    ?assertMatch({error, <<"another origin-id">>}, Read(Good, <<"<body>y</body>">>)),
    ?assertMatch({error, _}, Read(Good, <<Body/binary, (binary:copy(<<"<a>">>, 101))/binary, (binary:copy(<<"</a>">>, 101))/binary>>)),
    [?assertMatch({Xml, {error, _}}, {Xml, gatehouse_replacement:read(verdict(Xml), Old)})
     || Xml <- [<<>>, <<"<presence xmlns='jabber:client' ", Good/binary, "/>">>, <<"<message ", Good/binary, ">", Body/binary, "</message>">>,
                <<"<message xmlns='jabber:client' ", Good/binary, ">", Body/binary, "</message><x/>">>]],
    ?assertMatch({error, _}, gatehouse_replacement:read(#xmlel{name = <<"verdict">>}, Old)).

texts_test() ->
    Own = gatehouse_texts:own(),
    ?assertEqual([full, outage, refused, unaskable], lists:sort(maps:keys(Own))),
    [?assertEqual([<<"de">>, <<"en">>], lists:sort(maps:keys(Texts))) || Texts <- maps:values(Own)],
    With = gatehouse_texts:with(#{<<"fr">> => #{outage => <<"non">>}, <<"de">> => #{outage => <<"weg">>}}),
    ?assertMatch(#{outage := #{<<"fr">> := <<"non">>, <<"de">> := <<"weg">>, <<"en">> := _}}, With),
    ?assertEqual(maps:get(full, Own), maps:get(full, With)).
