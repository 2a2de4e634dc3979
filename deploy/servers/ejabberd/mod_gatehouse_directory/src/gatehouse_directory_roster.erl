%% SPDX-License-Identifier: GPL-2.0-or-later
%% The roster of a user as it is merged when somebody asks: what mod_roster keeps, what the directory provides, and what the user changed of
%% that. DIRECTORY.md section 5. In the hooks of the server, and before mod_roster where the user's client speaks.
-module(gatehouse_directory_roster).

-export([roster_get/2, roster_get_jid_info/4, roster_in_subscription/2, roster_remote_free/3, process_iq/1, remove_user/2]).
-export([broadcasting/0, items/2, item/4, own_item/2, weight/1, version/1, known_version/1, set_version/2, is_away/4, show_again/2]).

-include("gatehouse_directory.hrl").
-include("mod_roster.hrl").

-type who() :: gatehouse_directory_parts:jid().
-type weight() :: non_neg_integer().

-define(BROADCAST, gatehouse_directory_broadcast).
-define(VERSION, gatehouse_directory_version).
-define(LONGEST_NAME, 1023).
-define(MOST_GROUPS, 50).
-define(AGAIN_MS, 60000).

%% The next roster_get of this process is the session's own, which sends presence: for the contacts that are provided the queue does.
-spec broadcasting() -> ok.
broadcasting() ->
    _ = erlang:put(?BROADCAST, true),
    ok.

-spec roster_get([#roster_item{}], who()) -> [#roster_item{}].
roster_get(Items, {_, Host} = User) ->
    case {erlang:erase(?BROADCAST), gatehouse_directory_view:now(Host)} of
        {_, none} -> Items;
        {true, View} -> [only_own(View, User, Item) || Item <- Items];
        {_, View} -> merged(View, User, Items, 3)
    end.

%% What changed while we looked is looked at again: no mixture of before and after.
merged(View, {_, Host} = User, Items, Tries) ->
    Merged = merge(View, User, Items),
    case gatehouse_directory_view:now(Host) of
        #{generation := Now} = Newer when Tries > 1 ->
            case gatehouse_directory_view:generation(View) of
                Now -> Merged;
                _ -> merged(Newer, User, Items, Tries - 1)
            end;
        _ -> Merged
    end.

merge(View, User, Items) ->
    Provided = gatehouse_directory_view:contacts(View, User),
    Changed = gatehouse_directory_own:of_user(User),
    {policy, _, Deleted, _} = gatehouse_directory_view:policy(View),
    Own = maps:from_list([{bare(Item), Item} || Item <- Items]),
    {New, Rest} = lists:foldl(fun({Contact, _, _, _} = One, {Acc, Left}) ->
                                  Mine = maps:get(Contact, Left, none),
                                  Override = case Changed of
                                      #{Contact := Found} -> Found;
                                      _ -> #{}
                                  end,
                                  case shown(View, User, Mine, One, Override, Deleted) of
                                      none -> {Acc, maps:remove(Contact, Left)};
                                      Item -> {[Item | Acc], case Mine of none -> Left; _ -> maps:remove(Contact, Left) end}
                                  end
                              end, {[], Own}, Provided),
    maps:fold(fun(_, Item, Acc) -> [alone(View, User, Item, Changed, Deleted) | Acc] end, New, Rest).

%% One contact as the user's clients get it; none: not at all. Mine: what mod_roster has, or none.
-spec item(gatehouse_directory_view:view(), who(), who(), #roster_item{} | none) -> #roster_item{} | none.
item(View, User, Contact, Mine) ->
    {policy, _, Deleted, _} = gatehouse_directory_view:policy(View),
    Override = gatehouse_directory_own:one(User, Contact),
    case gatehouse_directory_view:contact(View, User, Contact) of
        none when Mine =:= none -> none;
        none -> alone(View, User, Mine, #{Contact => Override}, Deleted);
        {Name, Groups, Subscription} -> shown(View, User, Mine, {Contact, Name, Groups, Subscription}, Override, Deleted)
    end.

shown(View, User, Mine, {Contact, _, _, _}, #{away := true} = Override, away) ->
    case Mine of
        none -> none;
        _ -> alone(View, User, Mine, #{Contact => Override}, away)
    end;
shown(_, _, none, {{Name, Host}, Provided, Groups, Subscription}, Override, _) ->
    #roster_item{jid = #jid{user = Name, server = Host, luser = Name, lserver = Host},
                 name = maps:get(name, Override, Provided), groups = maps:get(groups, Override, Groups), subscription = Subscription};
shown(_, _, #roster_item{name = Own, groups = OwnGroups, subscription = Had} = Mine, {_, Provided, Groups, Subscription}, _, _) ->
    Mine#roster_item{name = case Own of <<>> -> Provided; _ -> Own end,
                     groups = case OwnGroups of [] -> Groups; _ -> OwnGroups end,
                     subscription = both_rights(Had, Subscription), ask = undefined}.

%% One that is the user's own: the other may still see the user.
alone(View, User, #roster_item{subscription = Had} = Mine, Changed, Deleted) ->
    Contact = bare(Mine),
    Away = Deleted =:= away andalso maps:is_key(away, maps:get(Contact, Changed, #{})),
    case not Away andalso gatehouse_directory_view:sees(View, Contact, User) of
        true -> Mine#roster_item{subscription = both_rights(Had, from)};
        false ->
            case gatehouse_directory_view:is_locked(View, Contact) of
                true -> Mine#roster_item{subscription = none, ask = undefined};
                false -> Mine
            end
    end.

%% For the session's own broadcast: without the rights that are provided.
only_own(View, User, #roster_item{subscription = Had} = Item) ->
    Contact = bare(Item),
    Item#roster_item{subscription = less(less(Had, to, gatehouse_directory_view:sees(View, User, Contact)),
                                         from, gatehouse_directory_view:sees(View, Contact, User))}.

both_rights(One, Two) -> rights(has(One, to) orelse has(Two, to), has(One, from) orelse has(Two, from)).

less(Had, to, true) -> rights(false, has(Had, from));
less(Had, from, true) -> rights(has(Had, to), false);
less(Had, _, false) -> Had.

has(both, _) -> true;
has(Right, Right) -> true;
has(_, _) -> false.

rights(true, true) -> both;
rights(true, false) -> to;
rights(false, true) -> from;
rights(false, false) -> none.

%% Whether one may have the presence of the other: asked with each probe.
-spec roster_get_jid_info({atom(), atom(), [binary()]}, binary(), binary(), jid:jid() | jid:ljid()) -> {atom(), atom(), [binary()]}.
roster_get_jid_info({Had, Ask, Groups} = Acc, Name, Host, Jid) ->
    User = {jid:nodeprep(Name), jid:nameprep(Host)},
    {ContactName, ContactHost, _} = jid:tolower(Jid),
    Contact = {ContactName, ContactHost},
    case gatehouse_directory_view:now(element(2, User)) of
        none -> Acc;
        View ->
            To = case gatehouse_directory_view:contact(View, User, Contact) of
                none -> none;
                Found -> case is_away(View, User, Contact, Found) of true -> none; false -> Found end
            end,
            From = case To of
                {_, _, both} -> true;
                {_, _, to} -> false;
                none -> gatehouse_directory_view:sees(View, Contact, User)
            end,
            case {To, From andalso not is_away(View, Contact, User, From)} of
                {none, false} ->
                    case gatehouse_directory_view:is_locked(View, Contact) orelse gatehouse_directory_view:is_locked(View, User) of
                        true -> {none, none, Groups};
                        false -> Acc
                    end;
                {none, true} -> {both_rights(Had, from), Ask, Groups};
                {{_, Given, _}, Seen} ->
                    {both_rights(Had, rights(true, Seen)), none, case Groups of [] -> Given; _ -> Groups end}
            end
    end.

-spec is_away(gatehouse_directory_view:view(), who(), who(), term()) -> boolean().
is_away(View, User, Contact, _) ->
    case gatehouse_directory_view:policy(View) of
        {policy, _, away, _} -> maps:is_key(away, gatehouse_directory_own:one(User, Contact));
        _ -> false
    end.

%% What comes in between two of whom one sees the other is provided for: it goes no further.
-spec roster_in_subscription(boolean(), #presence{}) -> boolean() | {stop, false}.
roster_in_subscription(Acc, #presence{from = From, to = To, type = Type}) ->
    User = {To#jid.luser, To#jid.lserver},
    Other = {From#jid.luser, From#jid.lserver},
    case gatehouse_directory_view:now(element(2, User)) of
        none -> Acc;
        View ->
            case {gatehouse_directory_view:sees(View, Other, User), gatehouse_directory_view:sees(View, User, Other)} of
                {false, false} -> Acc;
                {true, _} when Type =:= subscribe ->
                    ejabberd_router:route(#presence{type = subscribed, from = jid:remove_resource(To), to = jid:remove_resource(From)}),
                    {stop, false};
                {false, true} when Type =:= subscribe -> Acc;
                _ -> {stop, false}
            end
    end.

%% Whether what a user says of a subscription goes on its way: not where it is provided. push: the contact is shown to the clients again.
-spec roster_remote_free(who(), who(), atom()) -> free | {provided, who()}.
roster_remote_free({_, Host} = User, Contact, Type) ->
    case gatehouse_directory_view:now(Host) of
        none -> free;
        View ->
            case {gatehouse_directory_view:sees(View, User, Contact), gatehouse_directory_view:sees(View, Contact, User)} of
                {false, false} -> free;
                {false, true} when Type =:= subscribe -> free;
                _ -> {provided, Contact}
            end
    end.

%% Before mod_roster.
-spec process_iq(#iq{}) -> #iq{} | ignore.
process_iq(#iq{type = get, from = #jid{luser = Name, lserver = Host}, to = #jid{luser = Name, lserver = Host},
               sub_els = [#roster_query{items = [], ver = Asked} = Query]} = Iq) ->
    %% The version that mod_roster would make of all items is not needed.
    case mod_roster:process_iq(Iq#iq{sub_els = [Query#roster_query{ver = undefined}]}) of
        #iq{type = result, sub_els = [#roster_query{items = Items} = Found]} = Result ->
            Weight = weight(Items),
            ok = set_version({Name, Host}, Weight),
            case mod_roster_opt:versioning(Host) of
                false -> Result;
                true ->
                    case version(Weight) of
                        Asked -> Result#iq{sub_els = []};
                        Version -> Result#iq{sub_els = [Found#roster_query{ver = Version}]}
                    end
            end;
        Other -> Other
    end;
process_iq(#iq{type = set, from = #jid{luser = Name, lserver = Host} = From, to = #jid{luser = Name, lserver = Host},
               sub_els = [#roster_query{items = [#roster_item{jid = Jid, ask = undefined, groups = Groups} = Item]}]} = Iq) ->
    User = {Name, Host},
    Contact = {Jid#jid.luser, Jid#jid.lserver},
    case gatehouse_directory_view:now(Host) of
        none -> mod_roster:process_iq(Iq);
        View ->
            Provided = gatehouse_directory_view:contact(View, User, Contact),
            Usual = Provided =:= none orelse Jid#jid.lresource =/= <<>> orelse length(lists:usort(Groups)) =/= length(Groups)
                orelse acl:match_rule(Host, mod_roster_opt:access(Host), From) =/= allow,
            case Usual of
                true -> mod_roster:process_iq(Iq);
                false -> answer(Iq, change(View, User, Contact, Provided, Item))
            end
    end;
process_iq(Iq) -> mod_roster:process_iq(Iq).

answer(Iq, ok) -> xmpp:make_iq_result(Iq);
answer(#iq{lang = Lang} = Iq, full) ->
    Text = <<"There is no room for more changes to the contacts of your company">>,
    xmpp:make_error(Iq, #stanza_error{type = modify, reason = 'resource-constraint', text = xmpp:mk_text(Text, Lang)});
answer(Iq, {error, _}) -> xmpp:make_error(Iq, xmpp:err_internal_server_error()).

change(View, User, Contact, _, #roster_item{subscription = remove}) ->
    {policy, _, Deleted, _} = gatehouse_directory_view:policy(View),
    Done = case Deleted of
        away -> gatehouse_directory_own:put(User, Contact, #{away => true});
        back -> gatehouse_directory_own:forget(User, Contact)
    end,
    case Done of
        ok ->
            forget_own(User, Contact),
            gatehouse_directory_sessions:tell(User, {removed, Contact}),
            case Deleted of
                away -> gatehouse_directory_sessions:gone(User, Contact);
                back -> gatehouse_directory_host:again(User, Contact, ?AGAIN_MS)
            end;
        Fault -> Fault
    end;
change(View, User, Contact, {Given, GivenGroups, _}, #roster_item{name = Name, groups = Groups}) ->
    Fits = byte_size(Name) =< ?LONGEST_NAME andalso length(Groups) =< ?MOST_GROUPS
        andalso lists:all(fun(Group) -> byte_size(Group) =< ?LONGEST_NAME end, Groups),
    Was = gatehouse_directory_own:one(User, Contact),
    Kept = case {Fits, own_item(User, Contact)} of
        {false, _} -> full;
        {true, none} ->
            gatehouse_directory_own:put(User, Contact,
                                        maps:from_list([{name, Name} || Name =/= <<>>, Name =/= Given]
                                            ++ [{groups, Groups} || Groups =/= [], lists:sort(Groups) =/= lists:sort(GivenGroups)]));
        {true, #roster{} = Own} ->
            case mod_roster:set_roster(Own#roster{name = Name, groups = Groups}) of
                {atomic, _} -> gatehouse_directory_own:forget(User, Contact);
                {aborted, Reason} -> {error, Reason}
            end
    end,
    case Kept of
        ok ->
            gatehouse_directory_sessions:tell(User, {shown, Contact}),
            case was_away(View, Was) of
                true -> gatehouse_directory_sessions:seen(User, Contact);
                false -> ok
            end;
        Fault -> Fault
    end.

was_away(View, Was) ->
    is_map_key(away, Was) andalso element(3, gatehouse_directory_view:policy(View)) =:= away.

%% The user subscribed to one who was put away.
-spec show_again(who(), who()) -> ok.
show_again({_, Host} = User, Contact) ->
    Was = gatehouse_directory_own:one(User, Contact),
    case gatehouse_directory_view:now(Host) of
        none -> ok;
        View ->
            case was_away(View, Was) of
                true ->
                    case gatehouse_directory_own:forget(User, Contact) of
                        ok -> gatehouse_directory_sessions:seen(User, Contact);
                        {error, _} -> ok
                    end;
                false -> ok
            end
    end.

%% What mod_roster has of a contact, without what is provided.
-spec own_item(who(), who()) -> #roster{} | none.
own_item({Name, Host}, {ContactName, ContactHost}) ->
    case lists:keyfind({ContactName, ContactHost, <<>>}, #roster.jid, mod_roster:get_roster(Name, Host)) of
        #roster{subscription = none, ask = in} -> none;
        #roster{} = Own -> Own;
        false -> none
    end.

forget_own({Name, Host} = User, {ContactName, ContactHost} = Contact) ->
    case own_item(User, Contact) of
        none -> ok;
        #roster{} ->
            _ = mod_roster:del_roster(Name, Host, {ContactName, ContactHost, <<>>}),
            ok
    end.

%% What the clients of a user get of some contacts, as it is now: none is a contact that is not there.
-spec items(who(), [who()]) -> [{who(), #roster_item{} | none}].
items({_, Host} = User, Contacts) ->
    case gatehouse_directory_view:now(Host) of
        none -> [];
        View ->
            [{Contact, item(View, User, Contact, case own_item(User, Contact) of none -> none; Own -> mod_roster:encode_item(Own) end)}
             || Contact <- Contacts]
    end.

-spec remove_user(binary(), binary()) -> ok.
remove_user(Name, Host) ->
    _ = gatehouse_directory_own:forget_user({jid:nodeprep(Name), jid:nameprep(Host)}),
    ok.

%% A version is the sum of the weights of all items: what is pushed changes it by what it was and is, without a look at all of them.
-spec weight([#roster_item{}] | #roster_item{} | none) -> weight().
weight(none) -> 0;
weight(#roster_item{jid = Jid, name = Name, subscription = Subscription, ask = Ask, groups = Groups}) ->
    <<Weight:128>> = erlang:md5(term_to_binary({jid:tolower(Jid), Name, Subscription, Ask, lists:sort(Groups)})),
    Weight;
weight(Items) -> lists:foldl(fun(Item, Sum) -> (Sum + weight(Item)) rem (1 bsl 128) end, 1, Items).

-spec version(weight()) -> binary().
version(Weight) -> iolist_to_binary(io_lib:format("gh~32.16.0b", [Weight])).

%% What the clients of this session were told last: kept by its process.
-spec known_version(who()) -> weight().
known_version({Name, Host} = User) ->
    case erlang:get(?VERSION) of
        {User, Weight} -> Weight;
        _ -> weight(ejabberd_hooks:run_fold(roster_get, Host, [], [{Name, Host}]))
    end.

-spec set_version(who(), weight()) -> ok.
set_version(User, Weight) ->
    _ = erlang:put(?VERSION, {User, Weight}),
    ok.

bare(#roster_item{jid = #jid{luser = Name, lserver = Host}}) -> {Name, Host}.
