%% SPDX-License-Identifier: GPL-2.0-or-later
%% The folder of a screen, how a file is replaced, and what a file's first line says.
-module(gatehouse_disk_tests).

-include("tests.hrl").

%% A new folder below the one in which the tests run.
scratch(Name) ->
    {ok, Here} = file:get_cwd(),
    Path = filename:join(unicode:characters_to_binary(Here), <<Name/binary, "-", (integer_to_binary(erlang:unique_integer([positive])))/binary>>),
    ok = file:make_dir(Path),
    Path.

versions_test() ->
    ?assertEqual(<<"gatehouse-spool 1\n">>, gatehouse_disk:head(<<"spool">>)),
    ?assertEqual({ok, 1, 18}, gatehouse_disk:version_of(<<"spool">>, <<"gatehouse-spool 1\na 1 1\n">>)),
    ?assertEqual({ok, 1, 25}, gatehouse_disk:version_of(<<"spool">>, <<"gatehouse-spool 1 and so\na 1 1\n">>)),
    ?assertEqual({ok, 0, 0}, gatehouse_disk:version_of(<<"spool">>, <<"a 1 1\n">>)),
    ?assertEqual({ok, 0, 0}, gatehouse_disk:version_of(<<"spool">>, <<>>)),
    ?assertEqual({error, <<"it is of version 7, written by a later helper; this one reads up to 1">>},
                 gatehouse_disk:version_of(<<"source">>, <<"gatehouse-source 7\nx">>)),
    ?assertEqual({error, <<"it says that it is a spool">>}, gatehouse_disk:version_of(<<"source">>, <<"gatehouse-spool 1\n">>)).

names_test() ->
    ?assertEqual(<<"policy.x%2f..%2fy">>, gatehouse_disk:escape(<<"policy.x/../y">>)),
    ?assertEqual(<<"%2e%2e">>, gatehouse_disk:escape(<<"..">>)),
    ?assertEqual(<<"a%2">>, gatehouse_disk:unescape(<<"a%2">>)),
    [begin
         Name = rand:bytes(rand:uniform(12)),
         Escaped = gatehouse_disk:escape(Name),
         ?assertMatch({match, _}, re:run(Escaped, "\\A[A-Za-z0-9.%]+\\z")),
         ?assertNot(Escaped =:= <<".">> orelse Escaped =:= <<"..">>),
         ?assertEqual(Name, gatehouse_disk:unescape(Escaped))
     end || _ <- lists:seq(1, 500)].

folder_test() ->
    Root = filename:join(scratch(<<"folder">>), <<"gatehouse">>),
    {ok, Path} = gatehouse_disk:folder(Root, <<"policy.x/../y">>),
    ?assertEqual(filename:join(Root, <<"policy.x%2f..%2fy">>), Path),
    ?assert(filelib:is_dir(Path)),
    ?assertEqual({ok, Path}, gatehouse_disk:folder(Root, <<"policy.x/../y">>)),
    ok = file:write_file(filename:join(Root, <<"taken">>), <<>>),
    {error, Taken, Why} = gatehouse_disk:folder(Root, <<"taken">>),
    ?assertEqual(<<"the folder ", Taken/binary, " cannot be made (file already exists)">>, Why).

replace_test() ->
    Path = filename:join(scratch(<<"replace">>), <<"source">>),
    ok = gatehouse_disk:replace(Path, [<<"one">>, $\n]),
    ok = gatehouse_disk:replace(Path, <<"two\n">>),
    ?assertEqual({ok, <<"two\n">>}, file:read_file(Path)),
    ?assertEqual({ok, [<<"source">>]}, gatehouse_disk:names_in(filename:dirname(Path))),
    ok = file:make_dir(<<Path/binary, ".new">>),
    ?assertEqual({error, <<"illegal operation on a directory">>}, gatehouse_disk:replace(Path, <<"three\n">>)),
    ?assertEqual({ok, <<"two\n">>}, file:read_file(Path)),
    ?assertEqual({error, <<"not a directory">>}, gatehouse_disk:replace(<<Path/binary, "/below">>, <<>>)).
