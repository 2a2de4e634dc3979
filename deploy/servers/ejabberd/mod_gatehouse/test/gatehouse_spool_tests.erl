%% SPDX-License-Identifier: GPL-2.0-or-later
%% The spool: what it says is kept is read again, in order and whole, wherever the process died and whatever the disk did.
-module(gatehouse_spool_tests).

-include("tests.hrl").

-define(HOST, <<"corp.example">>).

source(Digit) -> binary:copy(<<Digit>>, 32).

fresh() ->
    gatehouse_spool:new(gatehouse_disk_tests:scratch(<<"spool">>), ?HOST, source($a)).

ask(N) -> {$a, N, iolist_to_binary(["<ask n='", integer_to_list(N), "'>\n", integer_to_list(N), "\n</ask>"])}.

append(Spool, Records) ->
    {ok, Spool1} = gatehouse_spool:append(Spool, infinity, Records),
    Spool1.

all(Spool) ->
    {Records, Place, #{size := Place}} = gatehouse_spool:read(Spool, 1000000, 1 bsl 40),
    Records.

left(#{folder := Folder}) ->
    {Spools, none} = gatehouse_spool:leftovers(Folder, ?HOST, source($c)),
    Spools.

text(#{path := Path}) ->
    {ok, Text} = file:read_file(Path),
    Text.

keeps_test() ->
    Spool = append(append(fresh(), [{$i, 0, <<"<source/>">>}, ask(1)]), [ask(2), {$s, 1, <<"<settle/>">>}]),
    ?assertMatch(#{records := 4}, Spool),
    ?assertEqual(byte_size(text(Spool)), maps:get(size, Spool)),
    ?assertEqual([{$i, 0, <<"<source/>">>}, ask(1), ask(2), {$s, 1, <<"<settle/>">>}], all(Spool)),
    ?assertEqual(<<"gatehouse-spool 1\ni 0 9\n<source/>\na 1 20\n">>, binary:part(text(Spool), 0, 41)),
    ?assertEqual(Spool, append(Spool, [])).

reads_on_test() ->
    Spool = append(fresh(), [ask(N) || N <- lists:seq(1, 5)]),
    {Three, Place, Spool1} = gatehouse_spool:read(Spool, 3, 1000000),
    ?assertEqual([ask(1), ask(2), ask(3)], Three),
    {Rest, End, _} = gatehouse_spool:read(Spool1#{read := Place}, 100, 1000000),
    ?assertEqual([ask(4), ask(5)], Rest),
    ?assertMatch({[_], _, _}, gatehouse_spool:read(Spool, 100, 1)),
    {false, Spool2} = gatehouse_spool:acknowledge(Spool1#{inflight := true}, Place),
    ?assertMatch(#{acked := Place, inflight := false}, Spool2),
    {true, Spool3} = gatehouse_spool:acknowledge(Spool2, End),
    ?assertMatch(#{size := 0, read := 0, acked := 0, records := 0}, Spool3),
    ?assertEqual([], left(Spool3)),
    ?assertEqual([ask(9)], all(append(Spool3, [ask(9)]))).

bound_test() ->
    #{size := Size} = Spool = append(fresh(), [ask(1)]),
    {error, 1, <<"the bound is reached">>, Spool1} = gatehouse_spool:append(Spool, Size + 40, [ask(2), ask(3), ask(4)]),
    ?assertEqual([ask(1), ask(2)], all(Spool1)),
    ?assert(maps:get(size, Spool1) =< Size + 40),
    {error, 0, _, Spool2} = gatehouse_spool:append(Spool1, Size + 40, [ask(3)]),
    ?assertEqual(Spool1, Spool2),
    Empty = fresh(),
    {error, 1, _, Spool3} = gatehouse_spool:append(Empty, 10, [{$i, 0, <<"<source/>">>}, ask(1)]),
    ?assertEqual([{$i, 0, <<"<source/>">>}], all(Spool3)),
    {error, 0, _, Spool4} = gatehouse_spool:append(fresh(), 10, [ask(1)]),
    ?assertMatch(#{size := 0, records := 0}, Spool4),
    ?assertEqual({error, enoent}, file:read_file(maps:get(path, Spool4))).

%% kill -9 at any byte of a write: what was whole before is read, what was cut is left out, and nothing else is made of it.
cut_test_() ->
    {timeout, 60, fun() ->
        Records = [{$i, 0, <<"<source/>">>}, {$a, 7, <<"a 8 3\nxyz\na 9 1\n">>}, {$s, 7, <<>>}, {$a, 123456, <<"<ask>ü</ask>"/utf8>>}],
        Spool = lists:foldl(fun(Record, So) -> append(So, [Record]) end, fresh(), Records),
        Ends = [maps:get(size, lists:foldl(fun(Record, So) -> append(So, [Record]) end, fresh(), lists:sublist(Records, Count)))
                || Count <- lists:seq(1, length(Records))],
        Text = text(gatehouse_spool:close(Spool)),
        [begin
             ok = file:write_file(maps:get(path, Spool), binary:part(Text, 0, Bytes)),
             Whole = lists:sublist(Records, length([End || End <- Ends, End =< Bytes])),
             Read = lists:append([begin ?assertMatch(#{size := Bytes}, One), cut_to(One) end || One <- left(Spool)]),
             ?assertEqual({Bytes, Whole}, {Bytes, Read})
         end || Bytes <- lists:seq(0, byte_size(Text))]
    end}.

%% Reads what is left over one by one, as the link does, and empties it.
cut_to(Spool) ->
    case gatehouse_spool:read(Spool, 1, 1) of
        {[Record], Place, Spool1} -> [Record | cut_to(Spool1#{read := Place})];
        {[], Place, #{size := Place} = Spool1} ->
            {true, #{path := Path}} = gatehouse_spool:acknowledge(Spool1, Place),
            ?assertEqual({error, enoent}, file:read_file(Path)),
            []
    end.

%% Bytes that somebody changed never become another record than one that was written, or an endless one.
damaged_test_() ->
    {timeout, 60, fun() ->
        Records = [ask(N) || N <- lists:seq(1, 4)],
        Spool = gatehouse_spool:close(append(fresh(), Records)),
        Text = text(Spool),
        [begin
             <<Front:At/binary, Byte, Back/binary>> = Text,
             ok = file:write_file(maps:get(path, Spool), <<Front/binary, (Byte bxor 16#ff), Back/binary>>),
             case gatehouse_spool:leftovers(maps:get(folder, Spool), ?HOST, source($c)) of
                 {[One], none} ->
                     {Read, Place, #{size := Size}} = gatehouse_spool:read(One, 100, 1000000),
                     ?assert(Place =:= Size andalso length(Read) =< 4),
                     ?assert(length([Same || {{_, N, _}, {_, N, _}} = Same <- lists:zip(Read, lists:sublist(Records, length(Read)))]) =:= length(Read));
                 {[], Why} -> ?assert(is_binary(Why))
             end
         end || At <- lists:seq(0, byte_size(Text) - 1)]
    end}.

%% Spools of earlier runs, the oldest first, of this host alone; one of a later helper is named and left as it is.
leftovers_test() ->
    #{folder := Folder} = Spool = gatehouse_spool:close(append(fresh(), [ask(1)])),
    Second = gatehouse_spool:close(append(gatehouse_spool:new(Folder, ?HOST, source($b)), [ask(2)])),
    ok = file:change_time(maps:get(path, Spool), {{2026, 11, 22}, {10, 0, 1}}),
    ok = file:change_time(maps:get(path, Second), {{2026, 11, 22}, {10, 0, 0}}),
    gatehouse_spool:close(append(gatehouse_spool:new(Folder, <<"other.example">>, source($b)), [ask(3)])),
    ?assertMatch([#{source := <<"b", _/binary>>}, #{source := <<"a", _/binary>>}], left(Spool)),
    {[_], none} = gatehouse_spool:leftovers(Folder, ?HOST, source($a)),
    Later = filename:join(Folder, <<"spool-", (source($d))/binary, "-corp.example">>),
    ok = file:write_file(Later, <<"gatehouse-spool 7\na 1 1\nx\n">>),
    {[_, _], Why} = gatehouse_spool:leftovers(Folder, ?HOST, source($c)),
    ?assertEqual(<<Later/binary, " cannot be read (it is of version 7, written by a later helper; this one reads up to 1)">>, Why),
    ?assertEqual({ok, <<"gatehouse-spool 7\na 1 1\nx\n">>}, file:read_file(Later)).

%% One that the first helpers wrote, without a line that says its version.
earlier_test() ->
    #{path := Path} = Spool = fresh(),
    ok = file:write_file(Path, <<"a 1 3\n<a>\ns 1 2\n<s\n">>),
    [One] = left(Spool),
    ?assertEqual([{$a, 1, <<"<a>">>}, {$s, 1, <<"<s">>}], all(One)).

orphans_test() ->
    Root = gatehouse_disk_tests:scratch(<<"orphans">>),
    {ok, Folder} = gatehouse_disk:folder(Root, <<"policy x">>),
    #{path := Path} = append(gatehouse_spool:new(Folder, <<"b/c">>, source($a)), [ask(1)]),
    ok = file:write_file(filename:join(Folder, <<"source">>), <<>>),
    ok = file:write_file(filename:join(Root, <<"spool-ab-x">>), <<>>),
    ?assertEqual([#{path => Path, screen => <<"policy x">>, host => <<"b/c">>}], gatehouse_spool:orphans(Root, fun(_, _) -> false end)),
    ?assertEqual([], gatehouse_spool:orphans(Root, fun(Screen, Host) -> {Screen, Host} =:= {<<"policy x">>, <<"b/c">>} end)),
    ?assertEqual([], gatehouse_spool:orphans(<<Root/binary, "/none">>, fun(_, _) -> false end)).

put_aside_test() ->
    #{folder := Folder} = Spool = fresh(),
    ok = gatehouse_spool:put_aside(Spool, [<<"<one/>">>, <<"<two/>">>]),
    ok = gatehouse_spool:put_aside(Spool, [<<"<three/>">>]),
    ?assertEqual({ok, <<"<one/>\n<two/>\n<three/>\n">>},
                 file:read_file(filename:join(Folder, <<"refused-", (source($a))/binary, "-corp.example">>))),
    ?assertEqual([], left(Spool)).

%% The disk refuses the first record: no file is left that would be told of. Then it takes one.
refused_at_first_test() ->
    #{path := Path} = Spool = fresh(),
    ok = file:make_dir(Path),
    {error, 0, Why, Spool1} = gatehouse_spool:append(Spool, infinity, [ask(1)]),
    ?assertEqual(<<"illegal operation on a directory">>, Why),
    ok = file:del_dir(Path),
    ok = file:make_symlink("/dev/full", Path),
    {error, 0, <<"no space left on device">>, Spool2} = gatehouse_spool:append(Spool1, infinity, [ask(2)]),
    ?assertEqual({error, enoent}, file:read_link(Path)),
    ?assertEqual([ask(3)], all(append(Spool2, [ask(3)]))).

%% It refuses a later one, and cannot cut off what may be there: nothing more is appended, until all before is acknowledged.
refused_later_test() ->
    #{path := Path, size := Size} = Spool = gatehouse_spool:close(append(fresh(), [ask(1)])),
    ok = file:rename(Path, <<Path/binary, ".away">>),
    ok = file:make_symlink("/dev/full", Path),
    {error, 0, <<"no space left on device">>, Spool1} = gatehouse_spool:append(Spool, infinity, [ask(2), ask(3)]),
    ok = file:rename(<<Path/binary, ".away">>, Path),
    ?assertEqual({error, 0, <<"a write failed">>, Spool1}, gatehouse_spool:append(Spool1, infinity, [ask(4)])),
    ?assertEqual([ask(1)], all(Spool1)),
    {true, Spool2} = gatehouse_spool:acknowledge(Spool1, Size),
    ?assertEqual([ask(5)], all(append(Spool2, [ask(5)]))).

%% Nothing of a process that traps exits is left behind by a log that is closed; of one that died, the log is closed.
owner_test() ->
    Trapped = process_flag(trap_exit, true),
    Spool = append(fresh(), [ask(1)]),
    {true, Spool1} = gatehouse_spool:acknowledge(Spool, maps:get(size, Spool)),
    receive {'EXIT', _, _} = Message -> ?assertEqual(none, Message) after 0 -> ok end,
    process_flag(trap_exit, Trapped),
    {Pid, Monitor} = spawn_monitor(fun() -> append(Spool1, [ask(2)]) end),
    receive {'DOWN', Monitor, process, Pid, Reason} -> ?assertEqual(normal, Reason) end,
    [One] = left(Spool1),
    ?assertEqual([ask(2)], all(One)).

%% On a disk that runs full (a folder of a few pages): each list of records is kept whole or not at all, and with room again it goes on.
small_disk(Folder) ->
    Big = fun(N) -> {$a, N, binary:copy(<<"x">>, 3000)} end,
    {Kept, Spool} = fill(gatehouse_spool:new(Folder, ?HOST, source($a)), Big, 0),
    ?assert(Kept > 2),
    ?assertMatch(#{full := false, records := Kept}, Spool),
    ?assertEqual([Big(N) || N <- lists:seq(1, Kept)], all(Spool)),
    ?assertEqual(maps:get(size, Spool), byte_size(text(Spool))),
    ?assertMatch({error, 0, <<"no space left on device">>, _}, gatehouse_spool:append(Spool, infinity, [Big(1), Big(2)])),
    ?assertMatch({error, _}, gatehouse_disk:replace(filename:join(Folder, <<"source">>), binary:copy(<<"x">>, 5000))),
    _ = file:delete(filename:join(Folder, <<"source.new">>)),
    [One] = left(Spool),
    ?assertEqual(Kept, length(all(One))),
    {true, Empty} = gatehouse_spool:acknowledge(Spool, maps:get(size, Spool)),
    ?assertEqual([Big(1), Big(2)], all(append(Empty, [Big(1), Big(2)]))),
    ok.

fill(Spool, Big, Kept) ->
    case gatehouse_spool:append(Spool, infinity, [Big(Kept + 1)]) of
        {ok, Spool1} -> fill(Spool1, Big, Kept + 1);
        {error, 0, <<"no space left on device">>, Spool1} -> {Kept, Spool1}
    end.
