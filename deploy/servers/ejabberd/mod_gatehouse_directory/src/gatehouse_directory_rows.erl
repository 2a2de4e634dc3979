%% SPDX-License-Identifier: GPL-2.0-or-later
%% What people, groups and walls are as rows of a table, and how the elements of a transfer change them. Pure: what is there is asked for
%% by a function, what becomes of it is a map. All rows stand in one table, so that many change in one step.
%%
%%   {{person, Jid}, There, Name, Locked, Groups}  There: said to be a person; else only a member of groups
%%   {{group, Id}, Name, Order, Shown, To}
%%   {{members, Id}, Count, Jids}                  Count: of them, people that are not locked
%%   {{shown, Id}, Ids}                            groups shown to the members of that one
%%   {everybody, Ids}                              groups shown to everybody
%%   {{wall, Id}, As, Bs, Excepts}, {{walls, GroupId}, WallIds}
%%   {policy, Cap, Deleted, Presence}, {counts, People, Groups, Memberships, Walls, Excepts, Locked}, {state, Id, Seq, At}
-module(gatehouse_directory_rows).

-export([change/3, dump/1, names_of/1]).
-export_type([key/0, rows/0]).

-type key() :: term().
-type rows() :: #{key() => tuple() | none}.

%% A helper takes at least 200,000 people, 20,000 groups, 2,000,000 memberships, 1,000 walls, 100,000 exceptions.
-define(MOST, {500000, 50000, 5000000, 2000, 200000}).

%% Applies elements to what Get says and Rows have changed of it.
-spec change([{pos_integer(), binary(), gatehouse_directory_parts:op()}], fun((key()) -> tuple() | none), rows()) ->
    {ok, rows()} | {error, wrong | full, binary()}.
change([], _, Rows) -> {ok, Rows};
change([{N, Name, Op} | Rest], Get, Rows) ->
    try within(one(Op, Get, Rows), Get) of
        {ok, Changed} -> change(Rest, Get, Changed);
        full -> {error, full, <<"more than this helper takes">>}
    catch throw:no_group ->
        {error, wrong, iolist_to_binary(["child ", integer_to_binary(N), ", ", Name, ": the group is not there"])}
    end.

within(Rows, Get) ->
    {counts, People, Groups, Memberships, Walls, Excepts, _} = counts(Get, Rows),
    {MostPeople, MostGroups, MostMemberships, MostWalls, MostExcepts} = ?MOST,
    case People > MostPeople orelse Groups > MostGroups orelse Memberships > MostMemberships orelse Walls > MostWalls orelse
        Excepts > MostExcepts of
        true -> full;
        false -> {ok, Rows}
    end.

one({policy, Cap, Deleted, Presence}, _, Rows) -> Rows#{policy => {policy, Cap, Deleted, Presence}};
one({person, Jid, Name, Locked}, Get, Rows) ->
    {_, There, _, WasLocked, Groups} = Old = person(Jid, Get, Rows),
    Rows1 = put_row(setelement(4, setelement(3, setelement(2, Old, true), Name), Locked), Rows),
    Rows2 = count(Rows1, Get, [{2, one_if(not There)}, {7, one_if(Locked =/= false) - one_if(WasLocked =/= false)}]),
    recount(Groups, one_if(Locked =:= false) - one_if(There andalso WasLocked =:= false), Get, Rows2);
one({gone, Jid}, Get, Rows) ->
    case row({person, Jid}, Get, Rows) of
        none -> Rows;
        {_, There, _, Locked, Groups} ->
            Rows1 = lists:foldl(fun(Id, Acc) -> leave(Id, [Jid], Get, Acc) end, Rows, Groups),
            count(Rows1#{{person, Jid} => none}, Get, [{2, -one_if(There)}, {7, -one_if(Locked =/= false)}])
    end;
one({group, Id, Name, Order, Shown, To}, Get, Rows) ->
    Old = row({group, Id}, Get, Rows),
    Rows1 = put_row({{group, Id}, Name, Order, Shown, To}, hide(Old, Get, Rows)),
    Rows2 = case Old of
        none -> count(put_row({{members, Id}, 0, []}, Rows1), Get, [{3, 1}]);
        _ -> Rows1
    end,
    show(Id, Shown, To, Get, Rows2);
one({group_gone, Id}, Get, Rows) ->
    case row({group, Id}, Get, Rows) of
        none -> Rows;
        Old ->
            {_, _, Jids} = row({members, Id}, Get, Rows),
            Rows1 = lists:foldl(fun(Jid, Acc) -> without_group(Jid, Id, Get, Acc) end, hide(Old, Get, Rows), Jids),
            count(Rows1#{{group, Id} => none, {members, Id} => none}, Get, [{3, -1}, {4, -length(Jids)}])
    end;
one({join, Id, Jids}, Get, Rows) ->
    case row({members, Id}, Get, Rows) of
        none -> throw(no_group);
        {Key, Count, Members} ->
            New = ordsets:subtract(Jids, Members),
            {Rows1, Live} = lists:foldl(fun(Jid, {Acc, Sum}) ->
                                            {PersonKey, There, Name, Locked, Groups} = person(Jid, Get, Acc),
                                            {put_row({PersonKey, There, Name, Locked, ordsets:add_element(Id, Groups)}, Acc),
                                             Sum + one_if(There andalso Locked =:= false)}
                                        end, {Rows, 0}, New),
            count(put_row({Key, Count + Live, ordsets:union(Members, New)}, Rows1), Get, [{4, length(New)}])
    end;
one({part, Id, Jids}, Get, Rows) ->
    case row({members, Id}, Get, Rows) of
        none -> throw(no_group);
        {_, _, Members} ->
            Leaving = ordsets:intersection(Jids, Members),
            Rows1 = leave(Id, Leaving, Get, Rows),
            lists:foldl(fun(Jid, Acc) -> without_group(Jid, Id, Get, Acc) end, Rows1, Leaving)
    end;
one({wall, Id, As, Bs, Excepts}, Get, Rows) ->
    Rows1 = one({wall_gone, Id}, Get, Rows),
    Rows2 = lists:foldl(fun(Group, Acc) -> index({walls, Group}, Id, Get, Acc) end, Rows1, lists:usort(As ++ Bs)),
    count(put_row({{wall, Id}, As, Bs, Excepts}, Rows2), Get, [{5, 1}, {6, length(Excepts)}]);
one({wall_gone, Id}, Get, Rows) ->
    case row({wall, Id}, Get, Rows) of
        none -> Rows;
        {_, As, Bs, Excepts} ->
            Rows1 = lists:foldl(fun(Group, Acc) -> unindex({walls, Group}, Id, Get, Acc) end, Rows, lists:usort(As ++ Bs)),
            count(Rows1#{{wall, Id} => none}, Get, [{5, -1}, {6, -length(Excepts)}])
    end.

show(Id, everybody, _, Get, Rows) -> index(everybody, Id, Get, Rows);
show(Id, groups, To, Get, Rows) -> lists:foldl(fun(Group, Acc) -> index({shown, Group}, Id, Get, Acc) end, Rows, To);
show(_, _, _, _, Rows) -> Rows.

hide({{group, Id}, _, _, everybody, _}, Get, Rows) -> unindex(everybody, Id, Get, Rows);
hide({{group, Id}, _, _, groups, To}, Get, Rows) -> lists:foldl(fun(Group, Acc) -> unindex({shown, Group}, Id, Get, Acc) end, Rows, To);
hide(_, _, Rows) -> Rows.

index(Key, Id, Get, Rows) ->
    Ids = case row(Key, Get, Rows) of
        none -> [];
        {_, Known} -> Known
    end,
    put_row({Key, ordsets:add_element(Id, Ids)}, Rows).

unindex(Key, Id, Get, Rows) ->
    case row(Key, Get, Rows) of
        none -> Rows;
        {_, [Id]} -> Rows#{Key => none};
        {_, Ids} -> put_row({Key, ordsets:del_element(Id, Ids)}, Rows)
    end.

%% Takes members out of the group's own row.
leave(Id, Jids, Get, Rows) ->
    {Key, Count, Members} = row({members, Id}, Get, Rows),
    Live = length([Jid || Jid <- Jids, {_, true, _, false, _} <- [person(Jid, Get, Rows)]]),
    count(put_row({Key, Count - Live, ordsets:subtract(Members, Jids)}, Rows), Get, [{4, -length(Jids)}]).

%% Takes the group out of the person's row; who is nothing but a member is nothing then.
without_group(Jid, Id, Get, Rows) ->
    case person(Jid, Get, Rows) of
        {Key, false, _, _, [Id]} -> Rows#{Key => none};
        {Key, There, Name, Locked, Groups} -> put_row({Key, There, Name, Locked, ordsets:del_element(Id, Groups)}, Rows)
    end.

recount(_, 0, _, Rows) -> Rows;
recount(Groups, More, Get, Rows) ->
    lists:foldl(fun(Id, Acc) ->
                    {Key, Count, Members} = row({members, Id}, Get, Acc),
                    put_row({Key, Count + More, Members}, Acc)
                end, Rows, Groups).

person(Jid, Get, Rows) ->
    case row({person, Jid}, Get, Rows) of
        none -> {{person, Jid}, false, <<>>, false, []};
        Row -> Row
    end.

counts(Get, Rows) ->
    case row(counts, Get, Rows) of
        none -> {counts, 0, 0, 0, 0, 0, 0};
        Row -> Row
    end.

count(Rows, Get, Changes) ->
    put_row(lists:foldl(fun({At, More}, Row) -> setelement(At, Row, element(At, Row) + More) end, counts(Get, Rows), Changes), Rows).

row(Key, Get, Rows) ->
    case Rows of
        #{Key := Row} -> Row;
        _ -> Get(Key)
    end.

put_row(Row, Rows) -> Rows#{element(1, Row) => Row}.

one_if(true) -> 1;
one_if(false) -> 0.

%% A whole state as elements, in an order in which it can be taken: for other nodes.
-spec dump([tuple()]) -> [gatehouse_directory_parts:op()].
dump(Rows) ->
    [{policy, Cap, Deleted, Presence} || {policy, Cap, Deleted, Presence} <- Rows]
        ++ [{person, Jid, Name, Locked} || {{person, Jid}, true, Name, Locked, _} <- Rows]
        ++ [{group, Id, Name, Order, Shown, To} || {{group, Id}, Name, Order, Shown, To} <- Rows]
        ++ [{join, Id, Jids} || {{members, Id}, _, Jids} <- Rows, Jids =/= []]
        ++ [{wall, Id, As, Bs, Excepts} || {{wall, Id}, As, Bs, Excepts} <- Rows].

%% Elements that do not come from a part, with the numbers that change/3 wants.
-spec names_of([gatehouse_directory_parts:op()]) -> [{pos_integer(), binary(), gatehouse_directory_parts:op()}].
names_of(Ops) -> [{1, <<>>, Op} || Op <- Ops].
