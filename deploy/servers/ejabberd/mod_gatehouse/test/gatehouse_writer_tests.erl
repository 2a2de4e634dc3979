%% SPDX-License-Identifier: GPL-2.0-or-later
%% The writer: what it writes stands alone and reads as the same; what would end a reader's stream is not written.
-module(gatehouse_writer_tests).
-include("gatehouse_pure.hrl").

-define(MOST, 2 * 1024 * 1024).

writer_test_() ->
    with_codec([{Name, fun() -> Test() end}
                || {Name, Test} <- [{"stands alone", fun stands_alone/0}, {"addresses", fun shows_prepared_addresses/0},
                                    {"prefixes of streams that come whole", fun resolves_prefixes/0},
                                    {"size", fun says_its_size/0}, {"unwritable", fun refuses/0},
                                    {"depth", fun measures_what_is_deep/0}]]).

text(Xml) ->
    {ok, El, _} = gatehouse_writer:stanza(stanza_of(Xml), ?MOST),
    fxml:element_to_binary(El).

stands_alone() ->
    Xml = <<"<message to='b@corp' id='a&amp;b&apos;d' type='chat' xml:lang='de'><body>&lt;&amp;&gt; ' \" x</body><x xmlns='urn:x' xmlns:p='urn:p' p:k='v'>"
            "<y xmlns=''><z xmlns='urn:x'/></y><p:q/></x><html xmlns='urn:h'><message xmlns='jabber:client'><body>in</body></message></html></message>">>,
    {ok, #xmlel{attrs = Attrs} = El, _} = gatehouse_writer:stanza(stanza_of(Xml), ?MOST),
    ?assertEqual([{<<"xmlns">>, <<"jabber:client">>}, {<<"from">>, <<"a@corp/r">>}, {<<"to">>, <<"b@corp">>}], lists:sublist(Attrs, 3)),
    ?assertEqual(<<"a&b'd">>, fxml:get_attr_s(<<"id">>, Attrs)),
    X = fxml:get_subtag(El, <<"x">>),
    ?assertEqual([{<<"xmlns">>, <<"urn:x">>}, {<<"xmlns:ns1">>, <<"urn:p">>}, {<<"ns1:k">>, <<"v">>}], X#xmlel.attrs),
    ?assertEqual([#xmlel{name = <<"y">>, attrs = [{<<"xmlns">>, <<>>}],
                         children = [#xmlel{name = <<"z">>, attrs = [{<<"xmlns">>, <<"urn:x">>}]}]},
                  #xmlel{name = <<"q">>, attrs = [{<<"xmlns">>, <<"urn:p">>}]}],
                 X#xmlel.children),
    [Within] = (fxml:get_subtag(El, <<"html">>))#xmlel.children,
    ?assertEqual([{<<"xmlns">>, <<"jabber:client">>}], Within#xmlel.attrs),
    Spaced = text(<<"<message to='b@corp'><x xml:space='preserve'/></message>">>),
    ?assertMatch({_, _}, binary:match(Spaced, <<"xml:space='preserve'">>)).

shows_prepared_addresses() ->
    Of = fun(Xml) -> gatehouse_writer:addresses(stanza_of(Xml)) end,
    ?assertEqual({<<"a@corp/r">>, <<"bob@corp/Desk">>}, Of(<<"<message to='BOB@Corp./Desk'/>">>)),
    ?assertEqual({<<"a@corp/r">>, <<>>}, Of(<<"<presence/>">>)),
    ?assertEqual({<<"a@corp/r">>, <<>>}, Of(<<"<presence to='a@corp'/>">>)),
    ?assertEqual({<<"a@corp/r">>, <<"a@corp">>}, Of(<<"<message to='a@corp'/>">>)),
    ?assertEqual(<<"<presence xmlns='jabber:client' from='a@corp/r'/>">>, text(<<"<presence/>">>)).

resolves_prefixes() ->
    Whole = fxml_stream:parse_element(<<"<message xmlns='jabber:client' xmlns:c='urn:c'><c:a><c:b c:k='v'/></c:a></message>">>),
    {ok, El, _} = gatehouse_writer:alone(Whole, ?MOST),
    ?assertEqual(<<"<message xmlns='jabber:client'><a xmlns='urn:c'><b xmlns:ns1='urn:c' ns1:k='v'/></a></message>">>, fxml:element_to_binary(El)).

says_its_size() ->
    Of = fun(Body) ->
                 {ok, El, Size} = gatehouse_writer:stanza(stanza_of(<<"<message to='b@corp'><body>", Body/binary, "</body></message>">>), ?MOST),
                 Written = byte_size(fxml:element_to_binary(El)),
                 ?assert(Size >= Written andalso Size < Written + 20)
         end,
    [Of(Body) || Body <- [<<"x">>, <<"&lt;&amp;'\"">>, binary:copy(<<"&lt;">>, 1000)]],
    Over = stanza_of(<<"<message><body>", (binary:copy(<<"x">>, 1000))/binary, "</body></message>">>),
    ?assertMatch({error, _}, gatehouse_writer:stanza(Over, 1000)),
    ?assertMatch({ok, _, _}, gatehouse_writer:stanza(Over, 1200)).

refuses() ->
    Levels = fun(Count) -> <<"<message>", (binary:copy(<<"<a>">>, Count))/binary, (binary:copy(<<"</a>">>, Count))/binary, "</message>">> end,
    ?assertMatch({ok, _, _}, gatehouse_writer:stanza(stanza_of(Levels(99)), ?MOST)),
    Long = binary:copy(<<"u">>, 4000),
    [?assertMatch({Xml, {error, _}}, {Xml, gatehouse_writer:stanza(stanza_of(Xml), ?MOST)})
     || Xml <- [Levels(100),
                <<"<message><xml:foo/></message>">>,
                <<"<message><x xmlns:p='urn:", Long/binary, "'>", (binary:copy(<<"<p:a/>">>, 1200))/binary, "</x></message>">>,
                <<"<message><x xmlns=' http://www.w3.org/XML/1998/namespace '/></message>">>,
                <<"<message><x xmlns:p='http://www.w3.org/XML/1998/namespace&#160;' p:a=''/></message>">>,
                <<"<message><x a='", (binary:copy(<<"&apos;">>, 400000))/binary, "'/></message>">>]],
    Whole = #xmlel{name = <<"message">>, attrs = [{<<"xmlns">>, <<"jabber:client">>}]},
    [?assertMatch({El, {error, _}}, {El, gatehouse_writer:alone(Whole#xmlel{children = [El]}, ?MOST)})
     || El <- [#xmlel{name = <<"x">>, attrs = [{<<"p:q">>, <<"v">>}]},
               #xmlel{name = <<"x">>, attrs = [{<<":q">>, <<"v">>}]},
               #xmlel{name = <<"p:x">>},
               #xmlel{name = <<"p:x:y">>, attrs = [{<<"xmlns:p">>, <<"urn:p">>}]},
               #xmlel{name = <<"x">>, attrs = [{<<"xmlns">>, <<"http://www.w3.org/2000/xmlns/">>}]}]].

measures_what_is_deep() ->
    Deep = lists:foldl(fun(_, In) -> #xmlel{name = <<"a">>, children = [In]} end, #xmlel{name = <<"a">>}, lists:seq(1, 85000)),
    Stanza = #message{from = jid:make(<<"a">>, <<"corp">>), sub_els = [Deep]},
    ?assertMatch({error, _}, gatehouse_writer:stanza(Stanza, ?MOST)),
    ?assert(gatehouse_writer:measure(Stanza, 1000000000) > 85000 * 7),
    ?assert(gatehouse_writer:measure(Stanza, 1000) < 2000).
