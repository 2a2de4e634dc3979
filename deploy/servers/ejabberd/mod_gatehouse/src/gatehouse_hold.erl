%% SPDX-License-Identifier: GPL-2.0-or-later
%% The queue of one sender: what was sent stays in the order it came, whatever waits for an answer in between. Pure.
-module(gatehouse_hold).

-export([new/0, is_empty/1, add/2, put_first/2, next/1, is_held/2, judge/4, lose/2, refs/1, links/1, map/2, count/2]).

%% ref: under which the link answers. verdict: undefined while it is waited for; pass: nobody was asked. link: who was asked, or none.
%% Whoever holds the queue keeps more in it.
-type verdict() :: pass
                 | allow
                 | unscreened
                 | {refuse | refuse_degraded, Condition :: binary(), #{binary() => binary()} | unaskable}
                 | {replace, xmpp:stanza()}
                 | {bounce, Reason :: atom()}.
-type item() :: #{ref := reference(),
                  verdict := undefined | verdict(),
                  n := pos_integer() | none,
                  link := pid() | none,
                  atom() => term()}.
-opaque hold() :: #{order := queue:queue(reference()), items := #{reference() => item()}}.
-export_type([hold/0, item/0, verdict/0]).

-spec new() -> hold().
new() ->
    #{order => queue:new(), items => #{}}.

-spec is_empty(hold()) -> boolean().
is_empty(#{items := Items}) ->
    map_size(Items) =:= 0.

-spec add(item(), hold()) -> hold().
add(#{ref := Ref} = Item, #{order := Order, items := Items}) ->
    #{order => queue:in(Ref, Order), items => Items#{Ref => Item}}.

-spec put_first(item(), hold()) -> hold().
put_first(#{ref := Ref} = Item, #{order := Order, items := Items}) ->
    #{order => queue:in_r(Ref, Order), items => Items#{Ref => Item}}.

%% Takes the first one out if it has its verdict.
-spec next(hold()) -> {item(), hold()} | waiting | empty.
next(#{order := Order, items := Items}) ->
    case queue:out(Order) of
        {empty, _} ->
            empty;
        {{value, Ref}, Rest} ->
            case maps:take(Ref, Items) of
                {#{verdict := undefined}, _} -> waiting;
                {Item, Left} -> {Item, #{order => Rest, items => Left}}
            end
    end.

-spec is_held(reference(), hold()) -> boolean().
is_held(Ref, #{items := Items}) ->
    is_map_key(Ref, Items).

%% The first verdict counts: who takes a queue over is told some twice.
-spec judge(reference(), pos_integer() | none, verdict(), hold()) -> hold().
judge(Ref, N, Verdict, #{items := Items} = Hold) ->
    case Items of
        #{Ref := #{verdict := undefined} = Item} -> Hold#{items := Items#{Ref := Item#{verdict := Verdict, n := N}}};
        _ -> Hold
    end.

%% Who was asked is gone, and with it the verdicts that were to come.
-spec lose(pid(), hold()) -> hold().
lose(Link, Hold) ->
    map(fun(#{verdict := undefined, link := Asked} = Item) when Asked =:= Link -> Item#{verdict := {bounce, outage}};
           (Item) -> Item
        end,
        Hold).

%% What was asked of a link, in order.
-spec refs(hold()) -> [{pid(), Host :: binary(), [reference()]}].
refs(#{order := Order, items := Items}) ->
    ByLink = lists:foldr(fun(Ref, Seen) ->
                                 case Items of
                                     #{Ref := #{link := none}} -> Seen;
                                     #{Ref := #{link := Link, host := Host}} ->
                                         maps:update_with({Link, Host}, fun(Refs) -> [Ref | Refs] end, [Ref], Seen)
                                 end
                         end,
                         #{},
                         queue:to_list(Order)),
    [{Link, Host, Refs} || {{Link, Host}, Refs} <- maps:to_list(ByLink)].

-spec links(hold()) -> [pid()].
links(Hold) ->
    lists:usort([Link || {Link, _, _} <- refs(Hold)]).

-spec map(fun((item()) -> item()), hold()) -> hold().
map(Change, #{items := Items} = Hold) ->
    Hold#{items := maps:map(fun(_, Item) -> Change(Item) end, Items)}.

-spec count(fun((item()) -> boolean()), hold()) -> non_neg_integer().
count(Fits, #{items := Items}) ->
    length(lists:filter(Fits, maps:values(Items))).
