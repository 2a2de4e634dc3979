%% SPDX-License-Identifier: GPL-2.0-or-later
%% Who sees whom: DIRECTORY.md section 5, asked of what holds now or of what held a moment ago. A view is the table with layers above it
%% that say what some rows were before. Nothing is stored for a pair of people.
-module(gatehouse_directory_view).

-export([install/1, remove/1, table/1, tables/1, write/3, swap/2, now/1, before/2, generation/1, row/2]).
-export([is_broken/1, audience_of/2, online/1, taken/2, sees/3, contact/3, contacts/2, viewers/2, label/2, is_locked/2, is_person/2, policy/1, state/1, counts/1, groups_of/2]).
-export_type([view/0, layer/0]).

-type jid() :: gatehouse_directory_parts:jid().
-type gid() :: gatehouse_directory_parts:gid().
-type layer() :: {rows, gatehouse_directory_rows:rows()} | {table, ets:tid()}.
-type view() :: #{table := ets:tid(), cache := ets:tid() | none, generation := non_neg_integer(), layers := [layer()]}.

-define(HOSTS, gatehouse_directory_hosts).

%% The table of tables is made by the first host and stays: whoever asks at a bad moment finds nobody, not a fault.
-spec install(binary()) -> ok.
install(Host) ->
    _ = case ets:whereis(?HOSTS) of
        undefined ->
            try ets:new(?HOSTS, [named_table, public, {read_concurrency, true}, {heir, erlang:group_leader(), none}])
            catch error:badarg -> ok
            end;
        _ -> ok
    end,
    true = ets:insert(?HOSTS, {Host, new(), ets:new(gatehouse_directory_cache, [public, {read_concurrency, true}])}),
    ok.

new() ->
    Table = ets:new(gatehouse_directory, [protected, {read_concurrency, true}]),
    true = ets:insert(Table, {generation, 0}),
    Table.

-spec remove(binary()) -> ok.
remove(Host) ->
    true = ets:delete(?HOSTS, Host),
    ok.

-spec table(binary()) -> ets:tid().
table(Host) -> ets:lookup_element(?HOSTS, Host, 2).

%% Changes all of these rows in one step; none is a row that goes.
-spec write(binary(), gatehouse_directory_rows:rows(), [tuple()]) -> ok.
write(Host, Rows, More) ->
    Table = table(Host),
    All = maps:fold(fun(Key, none, Acc) -> [{Key} | Acc]; (_, Row, Acc) -> [Row | Acc] end, More, Rows),
    true = ets:insert(Table, All),
    _ = [ets:delete(Table, Key) || {Key} <- All],
    ok.

-spec tables(binary()) -> {ets:tid(), ets:tid()} | none.
tables(Host) ->
    try ets:lookup(?HOSTS, Host) of
        [{_, Table, Cache}] -> {Table, Cache};
        [] -> none
    catch error:badarg -> none
    end.

%% Puts a table with these rows in the place of the one that is there, which stays for who still looks at it.
-spec swap(binary(), [tuple()]) -> Old :: ets:tid().
swap(Host, Rows) ->
    Old = table(Host),
    New = new(),
    true = ets:insert(New, Rows),
    true = ets:update_element(?HOSTS, Host, {2, New}),
    Old.

%% What holds now. A host without this module: nothing.
-spec now(binary()) -> view() | none.
now(Host) ->
    case tables(Host) of
        none -> none;
        {Table, Cache} ->
            try #{table => Table, cache => Cache, generation => ets:lookup_element(Table, generation, 2), layers => []}
            catch error:badarg -> none
            end
    end.

-spec before(view(), [layer()]) -> view().
before(View, Layers) -> View#{cache => none, layers => Layers}.

-spec generation(view()) -> non_neg_integer().
generation(#{generation := Generation}) -> Generation.

-spec row(view(), term()) -> tuple() | none.
row(#{table := Table, layers := []}, Key) -> in_table(Table, Key);
row(#{table := Table, layers := Layers}, Key) -> in_layers(Layers, Key, Table).

in_layers([], Key, Table) -> in_table(Table, Key);
in_layers([{table, Old} | _], Key, _) -> in_table(Old, Key);
in_layers([{rows, Rows} | Rest], Key, Table) ->
    case Rows of
        #{Key := Row} -> Row;
        _ -> in_layers(Rest, Key, Table)
    end.

in_table(Table, Key) ->
    case ets:lookup(Table, Key) of
        [] -> none;
        [{_}] -> none; % about to be deleted
        [Row] -> Row
    end.

%% The groups that were taken for this roster, in their order.
-spec taken(view(), jid()) -> [gid()].
taken(View, Jid) ->
    case row(View, {person, Jid}) of
        {_, true, _, false, Groups} -> taken(View, Jid, Groups);
        _ -> []
    end.

taken(#{cache := none} = View, Jid, Groups) -> take(View, Jid, Groups);
taken(#{cache := Cache, generation := Generation} = View, Jid, Groups) ->
    case ets:lookup(Cache, Jid) of
        [{_, Generation, Taken}] -> Taken;
        _ ->
            Taken = take(View, Jid, Groups),
            true = ets:insert(Cache, {Jid, Generation, Taken}),
            Taken
    end.

take(View, Jid, Groups) ->
    Everybody = ids(View, everybody),
    Own = [Id || Id <- Groups, shown(View, Id) =:= members],
    By = [Id || Group <- Groups, Id <- ids(View, {shown, Group})],
    Shown = [Id || {_, Id} <- lists:usort([{order(View, Id), Id} || Id <- Everybody ++ Own ++ By])],
    {policy, Cap, _, _} = policy(View),
    case lists:sum([count(View, Id) || Id <- Shown]) =< Cap of
        true -> Shown;
        false -> fitting(Shown, View, Jid, Groups, Cap, #{}, [])
    end.

fitting([], _, _, _, _, _, Taken) -> lists:reverse(Taken);
fitting([Id | Rest], View, Jid, Groups, Cap, Known, Taken) ->
    Walls = walls(View, Groups),
    {_, Count, Members} = row(View, {members, Id}),
    %% Without walls the number alone says of most groups that are too large that they are.
    TooMany = Walls =:= [] andalso Count - 1 > Cap,
    With = case TooMany of
        true -> over;
        false -> add(Members, View, Jid, Walls, Cap, Known)
    end,
    case With of
        over -> fitting(Rest, View, Jid, Groups, Cap, Known, Taken);
        _ -> fitting(Rest, View, Jid, Groups, Cap, With, [Id | Taken])
    end.

add([], _, _, _, _, Known) -> Known;
add([Contact | Rest], View, Jid, Walls, Cap, Known) ->
    case is_map_key(Contact, Known) orelse not is_contact(View, Jid, Contact, Walls) of
        true -> add(Rest, View, Jid, Walls, Cap, Known);
        false when map_size(Known) < Cap -> add(Rest, View, Jid, Walls, Cap, Known#{Contact => true});
        false -> over
    end.

is_contact(_, Jid, Jid, _) -> false;
is_contact(View, Jid, Contact, Walls) ->
    case row(View, {person, Contact}) of
        {_, true, _, false, Groups} -> not walled(Walls, Jid, Contact, Groups);
        _ -> false
    end.

%% What stands around somebody who is in these groups: the groups on the other side, and who is excepted.
walls(View, Groups) ->
    Ids = lists:usort([Wall || Group <- Groups, Wall <- ids(View, {walls, Group})]),
    lists:append([sides(row(View, {wall, Id}), Groups) || Id <- Ids]).

sides({_, As, Bs, Excepts}, Groups) ->
    [{Bs, Excepts} || meet(As, Groups)] ++ [{As, Excepts} || meet(Bs, Groups)].

walled([], _, _, _) -> false;
walled(Walls, Jid, Contact, Groups) ->
    Pair = {min(Jid, Contact), max(Jid, Contact)},
    lists:any(fun({Others, Excepts}) -> meet(Others, Groups) andalso not lists:member(Pair, Excepts) end, Walls).

-spec sees(view(), jid(), jid()) -> boolean().
sees(View, Jid, Contact) -> contact(View, Jid, Contact) =/= none.

%% What one person sees of another: the name, the names of groups, and whether it is so the other way round.
-spec contact(view(), jid(), jid()) -> {Name :: binary(), Groups :: [binary()], both | to} | none.
contact(_, Jid, Jid) -> none;
contact(View, Jid, Contact) ->
    case {row(View, {person, Jid}), row(View, {person, Contact})} of
        {{_, true, _, false, Groups}, {_, true, Name, false, Theirs}} ->
            case meeting(taken(View, Jid, Groups), Theirs) of
                [] -> none;
                In ->
                    case walled(walls(View, Groups), Jid, Contact, Theirs) of
                        true -> none;
                        false -> {Name, labels(View, In), direction(View, Contact, Theirs, Groups)}
                    end
            end;
        _ -> none
    end.

%% Walls are the same from both sides.
direction(View, Contact, Theirs, Groups) ->
    case meet(taken(View, Contact, Theirs), Groups) of
        true -> both;
        false -> to
    end.

%% All that somebody sees.
-spec contacts(view(), jid()) -> [{jid(), Name :: binary(), Groups :: [binary()], both | to}].
contacts(View, Jid) ->
    case row(View, {person, Jid}) of
        {_, true, _, false, Groups} ->
            Walls = walls(View, Groups),
            In = lists:foldr(fun(Id, Acc) ->
                                 Label = label(View, Id),
                                 {_, _, Members} = row(View, {members, Id}),
                                 lists:foldl(fun(Contact, Known) -> labelled(Contact, Label, Known) end, Acc, Members)
                             end, #{}, taken(View, Jid, Groups)),
            maps:fold(fun(Contact, Labels, Acc) ->
                          case Contact =/= Jid andalso row(View, {person, Contact}) of
                              {_, true, Name, false, Theirs} ->
                                  case walled(Walls, Jid, Contact, Theirs) of
                                      true -> Acc;
                                      false -> [{Contact, Name, Labels, direction(View, Contact, Theirs, Groups)} | Acc]
                                  end;
                              _ -> Acc
                          end
                      end, [], In);
        _ -> []
    end.

%% From the last group to the first: the first stands first.
labelled(Contact, Label, Known) ->
    case Known of
        #{Contact := Labels} -> Known#{Contact := [Label | lists:delete(Label, Labels)]};
        _ -> Known#{Contact => [Label]}
    end.

%% Who may see this one: all who do are among them.
-spec viewers(view(), jid()) -> [jid()] | everybody.
viewers(View, Jid) ->
    case row(View, {person, Jid}) of
        {_, true, _, false, Groups} ->
            case lists:any(fun(Id) -> shown(View, Id) =:= everybody end, Groups) of
                true -> everybody;
                false ->
                    Audiences = lists:usort(lists:append([audience(View, row(View, {group, Id})) || Id <- Groups])),
                    lists:delete(Jid, ordsets:union([members(View, Id) || Id <- Audiences]))
            end;
        _ -> []
    end.

%% Who is shown a group; everybody: all people.
-spec audience_of(view(), gid()) -> [jid()] | everybody.
audience_of(View, Id) ->
    case row(View, {group, Id}) of
        {_, _, _, everybody, _} -> everybody;
        none -> [];
        Row -> ordsets:union([members(View, One) || One <- audience(View, Row)])
    end.

%% Whether the host has a table, but one that its process has taken along.
-spec is_broken(binary()) -> boolean().
is_broken(Host) -> tables(Host) =/= none andalso now(Host) =:= none.

%% People who are logged in and have said that they are there, on any node, of this host.
-spec online(binary()) -> [jid()].
online(Host) -> lists:usort([{Name, Server} || {Name, Server, _} <- ejabberd_sm:get_vh_session_list(Host)]).

audience(_, {{group, Id}, _, _, members, _}) -> [Id];
audience(_, {_, _, _, groups, To}) -> To;
audience(_, _) -> [].

members(View, Id) ->
    case row(View, {members, Id}) of
        none -> [];
        {_, _, Jids} -> Jids
    end.

-spec label(view(), gid()) -> binary().
label(View, Id) -> element(2, row(View, {group, Id})).

labels(View, Ids) -> unique([label(View, Id) || Id <- Ids]).

unique([]) -> [];
unique([One | Rest]) -> [One | unique([Other || Other <- Rest, Other =/= One])].

%% Of those in order, who is among the others, a set.
meeting(Ordered, Set) -> [Id || Id <- Ordered, lists:member(Id, Set)].

meet([], _) -> false;
meet([Id | Rest], Set) -> lists:member(Id, Set) orelse meet(Rest, Set).

ids(View, Key) ->
    case row(View, Key) of
        none -> [];
        {_, Ids} -> Ids
    end.

order(View, Id) -> element(3, row(View, {group, Id})).
shown(View, Id) -> element(4, row(View, {group, Id})).
count(#{table := Table, layers := []}, Id) -> ets:lookup_element(Table, {members, Id}, 2);
count(#{table := Table, layers := Layers}, Id) -> counted(Layers, {members, Id}, Table).

%% The members themselves are not copied for it.
counted([], Key, Table) -> ets:lookup_element(Table, Key, 2);
counted([{table, Old} | _], Key, _) -> ets:lookup_element(Old, Key, 2);
counted([{rows, #{} = Rows} | Rest], Key, Table) ->
    case Rows of
        #{Key := Row} -> element(2, Row);
        _ -> counted(Rest, Key, Table)
    end.

-spec is_locked(view() | none, jid()) -> boolean().
is_locked(none, _) -> false;
is_locked(View, Jid) ->
    case row(View, {person, Jid}) of
        {_, true, _, Locked, _} -> Locked =/= false;
        _ -> false
    end.

-spec is_person(view(), jid()) -> boolean().
is_person(View, Jid) ->
    case row(View, {person, Jid}) of
        {_, true, _, _, _} -> true;
        _ -> false
    end.

-spec groups_of(view(), jid()) -> [gid()].
groups_of(View, Jid) ->
    case row(View, {person, Jid}) of
        none -> [];
        Row -> element(5, Row)
    end.

-spec policy(view()) -> {policy, non_neg_integer(), back | away, pos_integer()}.
policy(View) ->
    case row(View, policy) of
        none -> {policy, 2000, back, 2000};
        Row -> Row
    end.

-spec state(view()) -> {Id :: binary(), Seq :: non_neg_integer(), At :: integer()}.
state(View) ->
    case row(View, state) of
        none -> {<<>>, 0, 0};
        {_, Id, Seq, At} -> {Id, Seq, At}
    end.

-spec counts(view()) -> {counts, integer(), integer(), integer(), integer(), integer(), integer()}.
counts(View) ->
    case row(View, counts) of
        none -> {counts, 0, 0, 0, 0, 0, 0};
        Row -> Row
    end.
