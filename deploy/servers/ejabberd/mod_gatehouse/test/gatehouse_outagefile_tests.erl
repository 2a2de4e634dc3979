%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the screen told of an outage, on disk: held as it was told, closed where it cannot be read.
-module(gatehouse_outagefile_tests).

-include("tests.hrl").

-define(SCREEN, <<"policy.example">>).

told(Id, To) ->
    fxml_stream:parse_element(<<"<outage-rules xmlns='urn:gatehouse:screen:1' id='", Id/binary, "' rooms=''><closed rule='no-bob'><to>",
                                To/binary, "</to></closed></outage-rules>">>).

closed_for(Rules, To) ->
    Xml = fxml_stream:parse_element(<<"<message xmlns='jabber:client'><body>x</body></message>">>),
    gatehouse_outage:closed_by(Rules, #{from => <<"alice@corp.example/r">>, to => To, xml => Xml}, <<"corp.example">>).

file_in(Folder) -> filename:join(Folder, <<"outage">>).

kept_test() ->
    Folder = gatehouse_disk_tests:scratch(<<"outage">>),
    ?assertEqual(none, gatehouse_outagefile:load(Folder, ?SCREEN)),
    ?assertEqual(none, gatehouse_outage:id(none)),
    ?assertEqual(none, closed_for(none, <<"bob@x">>)),
    {kept, Rules} = gatehouse_outagefile:told(Folder, ?SCREEN, told(<<"a1">>, <<"bob@x">>)),
    ?assertEqual(<<"a1">>, gatehouse_outage:id(Rules)),
    ?assertEqual(Rules, gatehouse_outagefile:load(Folder, ?SCREEN)),
    ?assertEqual(<<"no-bob">>, closed_for(Rules, <<"bob@x/r">>)),
    ?assertEqual(none, closed_for(Rules, <<"carol@x">>)),
    {ok, Text} = file:read_file(file_in(Folder)),
    ?assertMatch({match, _}, re:run(Text, "\\Agatehouse-outage 1\\n[0-9a-f]{64}\\n<outage-rules [^\\n]*\\n\\z")).

%% What stands there and was cut or changed closes everything, and is announced as damaged.
damaged_test_() ->
    {timeout, 60, fun() ->
        Folder = gatehouse_disk_tests:scratch(<<"outage">>),
        {kept, Rules} = gatehouse_outagefile:told(Folder, ?SCREEN, told(<<"a1">>, <<"bob@x">>)),
        {ok, Text} = file:read_file(file_in(Folder)),
        Broken = [binary:part(Text, 0, Bytes) || Bytes <- lists:seq(0, byte_size(Text) - 1)]
            ++ [change(Text, At) || At <- lists:seq(0, byte_size(Text) - 1)] ++ [<<Text/binary, "x">>, <<"gatehouse-outage 7\n">>],
        [begin
             ok = file:write_file(file_in(Folder), One),
             ?assertEqual({One, damaged}, {One, gatehouse_outagefile:load(Folder, ?SCREEN)})
         end || One <- Broken],
        ?assertEqual(<<"damaged">>, gatehouse_outage:id(damaged)),
        ?assertEqual(<<>>, closed_for(damaged, <<"carol@x">>)),
        % Killed while a new word is written, the old one holds.
        ok = file:write_file(file_in(Folder), Text),
        ok = file:write_file(<<(file_in(Folder))/binary, ".new">>, binary:part(Text, 0, 20)),
        ?assertEqual(Rules, gatehouse_outagefile:load(Folder, ?SCREEN))
    end}.

change(Text, At) ->
    <<Front:At/binary, Byte, Back/binary>> = Text,
    <<Front/binary, (Byte bxor 1), Back/binary>>.

%% In memory it holds also where the disk does not take it; the screen learns that it does not.
held_test() ->
    Folder = gatehouse_disk_tests:scratch(<<"outage">>),
    ok = file:make_dir(<<(file_in(Folder))/binary, ".new">>),
    {held, Rules, {<<"wait">>, <<"resource-constraint">>, _}} = gatehouse_outagefile:told(Folder, ?SCREEN, told(<<"a1">>, <<"bob@x">>)),
    ?assertEqual(<<"no-bob">>, closed_for(Rules, <<"bob@x/r">>)).

refused_test() ->
    Folder = gatehouse_disk_tests:scratch(<<"outage">>),
    {kept, Rules} = gatehouse_outagefile:told(Folder, ?SCREEN, told(<<"a1">>, <<"bob@x">>)),
    Ns = <<"xmlns='urn:gatehouse:screen:1'">>,
    Many = binary:copy(<<"person@partner.example ">>, 30000),
    [begin
         {refused, {Type, Condition, Why}} = gatehouse_outagefile:told(Folder, ?SCREEN, fxml_stream:parse_element(Xml)),
         ?assertMatch(<<"wanted: ", _/binary>>, Why)
     end || {Xml, Type, Condition} <- [
         {<<"<outage-rules ", Ns/binary, "/>">>, <<"modify">>, <<"bad-request">>},
         {<<"<outage-rules ", Ns/binary, " id='x'><closed rule='r'/></outage-rules>">>, <<"modify">>, <<"bad-request">>},
         {<<"<outage-rules ", Ns/binary, " id='x'><define name='n'/></outage-rules>">>, <<"modify">>, <<"bad-request">>},
         {<<"<outage-rules ", Ns/binary, " id='x' version='2'/>">>, <<"cancel">>, <<"feature-not-implemented">>},
         {<<"<outage-rules ", Ns/binary, " id='x'><allow><to>", Many/binary, "</to></allow></outage-rules>">>, <<"modify">>, <<"bad-request">>}
     ]],
    ?assertEqual(Rules, gatehouse_outagefile:load(Folder, ?SCREEN)).

%% Prefixes mean what they are declared as, in the table and in the stanza; one that is not declared is not known.
prefixes_test() ->
    Table = fxml_stream:parse_element(<<"<g:outage-rules xmlns:g='urn:gatehouse:screen:1' id='a1'><g:closed rule='r'>"
                                        "<g:child ns='urn:x' name='y'/></g:closed></g:outage-rules>">>),
    {ok, Rules} = gatehouse_outage:read(Table),
    Closed = fun(Children) ->
        Xml = {xmlel, <<"message">>, [{<<"xmlns">>, <<"jabber:client">>}, {<<"xmlns:p">>, <<"urn:x">>}], Children},
        gatehouse_outage:closed_by(Rules, #{from => <<"a@b/c">>, to => <<"d@e">>, xml => Xml}, <<"b">>)
    end,
    ?assertEqual(<<"r">>, Closed([{xmlel, <<"p:y">>, [], []}])),
    ?assertEqual(<<"r">>, Closed([{xmlel, <<"q:y">>, [{<<"xmlns:q">>, <<"urn:x">>}], []}])),
    ?assertEqual(none, Closed([{xmlel, <<"y">>, [], []}])),
    ?assertEqual(none, Closed([{xmlel, <<"p:y">>, [{<<"xmlns:p">>, <<"urn:z">>}], []}])),
    ?assertEqual(<<"r">>, Closed([{xmlel, <<"z:y">>, [], []}])),
    Undeclared = {xmlel, <<"outage-rules">>, [{<<"id">>, <<"a">>}], [{xmlel, <<"g:closed">>, [], []}]},
    ?assertMatch({error, _, <<"bad-request">>}, gatehouse_outage:read(Undeclared)).

%% A fault inside closes, and is no fault of who asks.
fault_test() ->
    {ok, Rules} = gatehouse_outage:read(told(<<"a1">>, <<"bob@x">>)),
    ?assertEqual(<<>>, gatehouse_outage:closed_by(Rules, #{from => <<"a">>, xml => none}, <<"b">>)).
