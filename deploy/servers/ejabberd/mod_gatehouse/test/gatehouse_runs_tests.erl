%% SPDX-License-Identifier: GPL-2.0-or-later
%% The chain of runs in the file `source`: what one run keeps, the next one reads, whatever happened to the file.
-module(gatehouse_runs_tests).

-include("tests.hrl").

-define(SCREEN, <<"policy.example">>).

source(Digit) -> binary:copy(<<Digit>>, 32).

announced(N) -> <<"<source node='n", (integer_to_binary(N))/binary, "'/>">>.

numbers() ->
    #{source => source($a), reserved => 2000, mark => 1500, untold => [#{source => source($e), xml => announced(1)}],
      own => announced(2)}.

chain_test() ->
    Folder = gatehouse_disk_tests:scratch(<<"runs">>),
    ?assertEqual({ok, none, []}, gatehouse_runs:read_source(Folder, ?SCREEN)),
    ok = gatehouse_runs:keep_numbers(Folder, numbers()),
    Before = #{source => source($a), reserved => 2000, mark => 1500},
    ?assertEqual({ok, Before, [#{source => source($e), xml => announced(1)}, #{source => source($a), xml => announced(2)}]},
                 gatehouse_runs:read_source(Folder, ?SCREEN)),
    ok = gatehouse_runs:keep_numbers(Folder, (numbers())#{own := none, untold := []}),
    ?assertEqual({ok, Before, []}, gatehouse_runs:read_source(Folder, ?SCREEN)),
    {ok, Text} = file:read_file(filename:join(Folder, <<"source">>)),
    ?assertEqual(<<"gatehouse-source 1\n", (source($a))/binary, " 2000 1500\n">>, Text).

%% 256 runs in a row that no screen heard of; of more the oldest is forgotten.
many_test() ->
    Folder = gatehouse_disk_tests:scratch(<<"runs">>),
    Untold = [#{source => source($0 + N rem 10), xml => announced(N)} || N <- lists:seq(1, 256)],
    ok = gatehouse_runs:keep_numbers(Folder, (numbers())#{untold := Untold}),
    {ok, _, Read} = gatehouse_runs:read_source(Folder, ?SCREEN),
    ?assertEqual(tl(Untold) ++ [#{source => source($a), xml => announced(2)}], Read).

%% Nothing that cannot be read is guessed at: nothing is numbered, and the file stays.
unreadable_test() ->
    Folder = gatehouse_disk_tests:scratch(<<"runs">>),
    Path = filename:join(Folder, <<"source">>),
    [begin
         ok = file:write_file(Path, Text),
         {error, Why} = gatehouse_runs:read_source(Folder, ?SCREEN),
         ?assertMatch({_, _}, binary:match(Why, Path)),
         ?assertMatch({_, _}, binary:match(Why, Says)),
         ?assertEqual({ok, Text}, file:read_file(Path))
     end || {Text, Says} <- [
         {<<"gatehouse-source 7\n", (source($a))/binary, " 1 1\n">>, <<"version 7, written by a later helper; this one reads up to 1">>},
         {<<"gatehouse-source 1\nnobody knows\n">>, <<"it is none of ours, or damaged">>},
         {<<"gatehouse-source 1\nabc 1000 0\n">>, <<"it is none of ours, or damaged">>},
         {<<"gatehouse-spool 1\n">>, <<"it says that it is a spool">>},
         {<<0>>, <<"damaged">>}
     ]],
    ok = file:delete(Path),
    ok = file:make_dir(Path),
    ?assertMatch({error, _}, gatehouse_runs:read_source(Folder, ?SCREEN)).

%% Version 0, without a word on its version, is read; one that is empty (a power cut) too.
earlier_test() ->
    Folder = gatehouse_disk_tests:scratch(<<"runs">>),
    Path = filename:join(Folder, <<"source">>),
    ok = file:write_file(Path, <<(source($b))/binary, " 3000 17\n">>),
    ?assertEqual({ok, #{source => source($b), reserved => 3000, mark => 17}, []}, gatehouse_runs:read_source(Folder, ?SCREEN)),
    ok = file:write_file(Path, <<>>),
    ?assertEqual({ok, none, []}, gatehouse_runs:read_source(Folder, ?SCREEN)).

%% Killed at any byte of writing the new file, the old one counts.
killed_test() ->
    Folder = gatehouse_disk_tests:scratch(<<"runs">>),
    Path = filename:join(Folder, <<"source">>),
    ok = gatehouse_runs:keep_numbers(Folder, numbers()),
    Read = gatehouse_runs:read_source(Folder, ?SCREEN),
    {ok, Text} = file:read_file(Path),
    [begin
         ok = file:write_file(<<Path/binary, ".new">>, binary:part(Text, 0, Bytes)),
         ?assertEqual(Read, gatehouse_runs:read_source(Folder, ?SCREEN))
     end || Bytes <- lists:seq(0, byte_size(Text))],
    ok = gatehouse_runs:keep_numbers(Folder, (numbers())#{reserved := 3000}),
    ?assertMatch({ok, #{reserved := 3000}, _}, gatehouse_runs:read_source(Folder, ?SCREEN)).

%% A file that was cut all the same (by a disk, by a person) gives true numbers or none, and whole announcements only.
cut_test() ->
    Folder = gatehouse_disk_tests:scratch(<<"runs">>),
    Path = filename:join(Folder, <<"source">>),
    ok = gatehouse_runs:keep_numbers(Folder, numbers()),
    {ok, Before, Runs} = gatehouse_runs:read_source(Folder, ?SCREEN),
    {ok, Text} = file:read_file(Path),
    Seen = [begin
        ok = file:write_file(Path, binary:part(Text, 0, Bytes)),
        case gatehouse_runs:read_source(Folder, ?SCREEN) of
            {error, _} -> closed;
            {ok, none, []} when Bytes =:= 0 -> none;
            {ok, Before, Some} ->
                ?assert(lists:prefix(Some, Runs)),
                length(Some)
        end
    end || Bytes <- lists:seq(0, byte_size(Text))],
    ?assertEqual([0, 1, 2, closed, none], lists:usort(Seen)).
