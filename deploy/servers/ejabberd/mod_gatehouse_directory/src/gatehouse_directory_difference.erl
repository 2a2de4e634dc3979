%% SPDX-License-Identifier: GPL-2.0-or-later
%% What is different for one user between what the clients were told and what is so now. Only contacts that a change can have to do with
%% are compared, unless these are many.
-module(gatehouse_directory_difference).

-export([touched/3, join/2, of_user/4]).
-export_type([touched/0, change/0]).

-include("gatehouse_directory.hrl").
-include("mod_roster.hrl").

-type who() :: gatehouse_directory_parts:jid().
-type touched() :: all | #{who() => true}.
%% presence: come: the user sees the contact now and did not before; go: the other way round.
-type change() :: {who(), Old :: #roster_item{} | none, New :: #roster_item{} | none, come | go | stay}.

-define(MANY, 300).
-define(LARGE, 5000).

%% The people of whom something may look different to others, or to whom others may: those whose own row changed, members and audience of
%% groups that are shown otherwise, and those for whom another selection of groups fits below the cap.
-spec touched(gatehouse_directory_rows:rows(), gatehouse_directory_view:view(), gatehouse_directory_view:view()) -> touched().
touched(Rows, Old, New) ->
    Wide = lists:any(fun(policy) -> true; ({wall, _}) -> true; (_) -> false end, maps:keys(Rows)),
    case Wide orelse map_size(Rows) > ?LARGE of
        true -> all;
        false ->
            People = maps:from_list([{Jid, true} || {person, Jid} <- maps:keys(Rows)]),
            Shown = [Id || {group, Id} <- maps:keys(Rows), there(Old, Id), there(New, Id)],
            Sized = [Id || {members, Id} <- maps:keys(Rows)],
            add_sized(Sized, Old, New, add_shown(Shown, Old, New, People))
    end.

there(View, Id) -> gatehouse_directory_view:row(View, {group, Id}) =/= none.

add_shown([], _, _, People) -> People;
add_shown([Id | Rest], Old, New, People) ->
    case {gatehouse_directory_view:audience_of(Old, Id), gatehouse_directory_view:audience_of(New, Id)} of
        {One, Two} when One =:= everybody; Two =:= everybody -> all;
        {One, Two} ->
            {_, _, Members} = gatehouse_directory_view:row(New, {members, Id}),
            add_shown(Rest, Old, New, lists:foldl(fun(Jid, Acc) -> Acc#{Jid => true} end, People, One ++ Two ++ Members))
    end.

add_sized(_, _, _, all) -> all;
add_sized([], _, _, People) -> People;
add_sized([Id | Rest], Old, New, People) ->
    case gatehouse_directory_view:audience_of(New, Id) of
        everybody -> all;
        Audience when length(Audience) > ?LARGE -> all;
        Audience ->
            Other = [Jid || Jid <- Audience, not is_map_key(Jid, People),
                            gatehouse_directory_view:taken(Old, Jid) =/= gatehouse_directory_view:taken(New, Jid)],
            add_sized(Rest, Old, New, lists:foldl(fun(Jid, Acc) -> Acc#{Jid => true} end, People, Other))
    end.

-spec join(touched(), touched()) -> touched().
join(all, _) -> all;
join(_, all) -> all;
join(One, Two) -> maps:merge(One, Two).

-spec of_user(who(), touched(), gatehouse_directory_view:view(), gatehouse_directory_view:view()) -> [change()].
of_user({Name, Host} = User, Touched, Old, New) ->
    Contacts = case Touched =:= all orelse is_map_key(User, Touched) orelse map_size(Touched) > ?MANY of
        true -> all_different(User, Old, New);
        false -> maps:keys(maps:remove(User, Touched))
    end,
    Own = maps:from_list([{{N, H}, Item} || #roster{jid = {N, H, _}, subscription = S, ask = A} = Item <- mod_roster:get_roster(Name, Host),
                                            {S, A} =/= {none, in}]),
    Both = case Touched =:= all orelse map_size(Own) > 0 andalso map_size(Touched) > ?MANY of
        true -> lists:usort(Contacts ++ maps:keys(Own));
        false -> Contacts
    end,
    lists:append([one(User, Contact, Own, Old, New) || Contact <- Both]).

all_different(User, Old, New) ->
    Before = maps:from_list([{Contact, One} || {Contact, _, _, _} = One <- gatehouse_directory_view:contacts(Old, User)]),
    After = maps:from_list([{Contact, One} || {Contact, _, _, _} = One <- gatehouse_directory_view:contacts(New, User)]),
    [Contact || Contact <- maps:keys(maps:merge(Before, After)), maps:get(Contact, Before, none) =/= maps:get(Contact, After, none)].

one(User, Contact, Own, Old, New) ->
    Mine = case Own of
        #{Contact := Kept} -> mod_roster:encode_item(Kept);
        _ -> none
    end,
    Was = gatehouse_directory_view:contact(Old, User, Contact),
    Is = gatehouse_directory_view:contact(New, User, Contact),
    case Was =:= Is andalso Mine =:= none of
        true -> [];
        false ->
            case {gatehouse_directory_roster:item(Old, User, Contact, Mine), gatehouse_directory_roster:item(New, User, Contact, Mine)} of
                {Same, Same} -> [];
                {Before, After} -> [{Contact, Before, After, presence(Was, Is, Mine, New, User, Contact)}]
            end
    end.

%% Who has the presence by a right of their own has it before and after.
presence(_, _, #roster_item{subscription = Right}, _, _, _) when Right =:= both; Right =:= to -> stay;
presence(none, Is, _, New, User, Contact) when Is =/= none ->
    case gatehouse_directory_roster:is_away(New, User, Contact, Is) of
        true -> stay;
        false -> come
    end;
presence(Was, none, _, _, _, _) when Was =/= none -> go;
presence(_, _, _, _, _, _) -> stay.
