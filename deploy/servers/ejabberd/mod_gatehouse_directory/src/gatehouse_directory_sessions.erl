%% SPDX-License-Identifier: GPL-2.0-or-later
%% The sessions of people: which of them want pushes, what is sent to their clients, presence as they send it themselves, and the end of
%% those who are locked out. All but the sending of messages to them happens in the session's own process.
-module(gatehouse_directory_sessions).

-export([tell/2, gone/2, seen/2, send/3, say/2, change/3, lock/1]).
-export([user_send_packet/1, c2s_session_opened/1, c2s_session_resumed/1, c2s_copy_session/2, c2s_handle_info/2, c2s_self_presence/1,
         c2s_terminated/2, c2s_filter_send/1, c2s_auth_result/3, c2s_unbinded_packet/2]).

-include("gatehouse_directory.hrl").
-include("logger.hrl").

-type who() :: gatehouse_directory_parts:jid().
-type state() :: map().

-define(KEY, gatehouse_directory).
-define(NS_SASL_2, <<"urn:xmpp:sasl:2">>).

%% A contact as it is now, or that it is not there any more, to all clients of a user that want to know.
-spec tell(who(), {shown | removed, who()}) -> ok.
tell(User, What) -> to_all(User, {tell, What}).

%% The clients of a user lose the presence of somebody.
-spec gone(who(), who()) -> ok.
gone(User, Contact) ->
    case resources(Contact) of
        [] -> ok;
        Resources -> to_all(User, {gone, Resources})
    end.

-spec seen(who(), who()) -> ok.
seen(User, Contact) -> to_all(User, {probe, [Contact]}).

to_all({Name, Host}, What) ->
    lists:foreach(fun({_, Pid}) -> ejabberd_c2s:route(Pid, {?KEY, What}) end, ejabberd_sm:get_session_sids(Name, Host)).

-spec send(pid(), term(), list()) -> ok.
send(_, _, []) -> ok;
send(Pid, What, _) ->
    _ = ejabberd_c2s:route(Pid, {?KEY, What}),
    ok.

%% Presence of a session that has gone.
-spec say(#presence{}, who()) -> ok.
say(#presence{from = From} = Presence, {Name, Host}) ->
    Said = Presence#presence{to = jid:make(Name, Host)},
    case ejabberd_hooks:run_fold(privacy_check_packet, From#jid.lserver, allow, [From, Said, out]) of
        allow -> ejabberd_router:route(Said);
        deny -> ok
    end.

%% What is different for a user, to the sessions on this node. How many stanzas it is.
-spec change(who(), non_neg_integer(), [gatehouse_directory_difference:change()]) -> non_neg_integer().
change({Name, Host}, Generation, Changes) ->
    Pids = [Pid || {_, Pid} <- ejabberd_sm:get_session_sids(Name, Host), node(Pid) =:= node()],
    Come = [Contact || {Contact, _, _, come} <- Changes],
    Gone = lists:append([resources(Contact) || {Contact, _, _, go} <- Changes]),
    lists:foreach(fun(Pid) ->
                      ok = send(Pid, {push, Generation, Changes}, Changes),
                      ok = send(Pid, {gone, Gone}, Gone),
                      ok = send(Pid, {probe, Come}, Come),
                      ok = send(Pid, {shown, Come}, Come)
                  end, Pids),
    length(Pids) * (length(Changes) + length(Come) + length(Gone)).

resources({Name, Host}) ->
    [jid:make(Name, Host, Resource) || {_, Resource} <- ejabberd_sm:get_user_present_resources(Name, Host)].

-spec lock(pid()) -> ok.
lock(Pid) -> send(Pid, locked, [locked]).

%% In the session's process.
%% Who asks for the roster wants to know what changes.
-spec user_send_packet({term(), state()}) -> {term(), state()} | {stop, {drop, state()}}.
user_send_packet({#iq{type = get, to = #jid{lresource = <<>>, luser = Name, lserver = Host}, sub_els = [El]} = Iq,
                  #{jid := #jid{luser = Name, lserver = Host}} = State} = Acc) ->
    case xmpp:get_ns(El) =:= ?NS_ROSTER andalso gatehouse_directory_view:now(Host) of
        #{generation := Generation} -> {Iq, State#{?KEY => Generation}};
        _ -> Acc
    end;
user_send_packet({#presence{type = Type, to = #jid{luser = Contact, lserver = There}},
                  #{jid := #jid{luser = Name, lserver = Host}} = State} = Acc)
  when Type =:= subscribe; Type =:= subscribed; Type =:= unsubscribe; Type =:= unsubscribed ->
    case gatehouse_directory_roster:roster_remote_free({Name, Host}, {Contact, There}, Type) of
        free -> Acc;
        {provided, Other} ->
            _ = Type =:= subscribe andalso gatehouse_directory_roster:show_again({Name, Host}, Other),
            tell({Name, Host}, {shown, Other}),
            {stop, {drop, State}}
    end;
user_send_packet(Acc) -> Acc.

-spec c2s_session_opened(state()) -> state().
c2s_session_opened(#{jid := Jid} = State) ->
    case refusal(Jid) of
        none -> State#{?KEY => none};
        _ -> end_now(State)
    end.

-spec c2s_session_resumed(state()) -> state().
c2s_session_resumed(#{jid := Jid} = State) ->
    _ = refusal(Jid) =:= none orelse lock(self()),
    State.

-spec c2s_copy_session(state(), state()) -> state().
c2s_copy_session(State, #{jid := #jid{lserver = Host}} = Old) ->
    case Old of
        #{sid := {_, Pid}} -> gatehouse_directory_host:moved(Host, Pid, self(), Old);
        _ -> ok
    end,
    case Old of
        %% Another node counts in its own way.
        #{?KEY := Told, sid := {_, Before}} when is_integer(Told), node(Before) =/= node() -> State#{?KEY => 0};
        #{?KEY := Told} -> State#{?KEY => Told};
        _ -> State
    end.

-spec c2s_handle_info(state(), term()) -> state() | {stop, state()}.
c2s_handle_info(State, {?KEY, What}) -> {stop, told(What, State)};
c2s_handle_info(State, _) -> State.

%% A push goes round once more: an answer to the client, made before the change, may be on its way to us.
told({push, Generation, Changes}, State) ->
    self() ! {?KEY, {push_now, Generation, Changes}},
    State;
told({push_now, Generation, Changes}, State) ->
    case wants(State, Generation) of
        true -> lists:foldl(fun push/2, State, [{Contact, Old, New} || {Contact, Old, New, _} <- Changes, Old =/= New]);
        false -> State
    end;
told({tell, {_, Contact} = What}, #{jid := #jid{luser = Name, lserver = Host}} = State) ->
    case wants(State, infinity) of
        true ->
            User = {Name, Host},
            case {What, proplists:get_value(Contact, gatehouse_directory_roster:items(User, [Contact]), none)} of
                {{shown, _}, none} -> State;
                {Kind, Item} ->
                    _ = erlang:erase(gatehouse_directory_version),
                    push(Contact, case Kind of {removed, _} -> none; _ -> Item end, version_of(User), State)
            end;
        false -> State
    end;
told({announce, Viewers}, #{pres_last := Presence} = State) ->
    lists:foreach(fun({Name, Host}) -> route_allowed(State, xmpp:set_to(Presence, jid:make(Name, Host))) end, Viewers),
    State;
told({probe, Contacts}, #{pres_last := _, jid := Jid} = State) ->
    lists:foreach(fun({Name, Host}) ->
                      Probe = #presence{type = probe, from = Jid, to = jid:make(Name, Host)},
                      is_allowed(State, Probe) andalso gatehouse_directory_probes:ask(Probe, Jid#jid.lserver)
                  end, Contacts),
    State;
told({gone, Resources}, #{pres_last := _, jid := Jid} = State) ->
    lists:foreach(fun(From) -> ejabberd_router:route(#presence{type = unavailable, from = From, to = Jid}) end, Resources),
    State;
told({shown, Contacts}, #{pres_last := _} = State) ->
    ok = gatehouse_directory_events:shown(Contacts, State),
    State;
told({events, Events}, State) ->
    ok = gatehouse_directory_events:told(Events, State),
    State;
told(locked, #{jid := Jid, lang := Lang} = State) ->
    case refusal(Jid) of
        none -> State;
        _ -> ejabberd_c2s:send(State, xmpp:serr_not_authorized(<<"This account is disabled">>, Lang))
    end;
told(_, State) -> State.

%% Sessions that were there before this module may have asked for the roster.
wants(#{?KEY := none}, _) -> false;
wants(#{?KEY := Told}, Generation) -> Told < Generation;
wants(_, _) -> true.

push({Contact, Old, New}, #{jid := #jid{luser = Name, lserver = Host}} = State) ->
    User = {Name, Host},
    Version = case versioning(Host) of
        true ->
            Known = gatehouse_directory_roster:known_version(User),
            Changed = (Known - gatehouse_directory_roster:weight(Old) + gatehouse_directory_roster:weight(New) + (1 bsl 128)) rem (1 bsl 128),
            ok = gatehouse_directory_roster:set_version(User, Changed),
            gatehouse_directory_roster:version(Changed);
        false -> undefined
    end,
    push(Contact, New, Version, State).

push({Name, Host}, none, Version, State) -> send_push(#roster_item{jid = jid:make(Name, Host), subscription = remove}, Version, State);
push(_, Item, Version, State) -> send_push(Item, Version, State).

send_push(Item, Version, #{jid := Jid} = State) ->
    Id = <<"push", (p1_rand:get_string())/binary>>,
    ejabberd_c2s:send(State, #iq{type = set, id = Id, from = jid:remove_resource(Jid), to = Jid,
                                 sub_els = [#roster_query{ver = Version, items = [Item]}]}).

version_of({_, Host} = User) ->
    case versioning(Host) of
        true ->
            Weight = gatehouse_directory_roster:known_version(User),
            ok = gatehouse_directory_roster:set_version(User, Weight),
            gatehouse_directory_roster:version(Weight);
        false -> undefined
    end.

versioning(Host) -> mod_roster_opt:versioning(Host).

route_allowed(State, Presence) -> is_allowed(State, Presence) andalso ejabberd_router:route(Presence).

is_allowed(#{lserver := Host} = State, Presence) ->
    ejabberd_hooks:run_fold(privacy_check_packet, Host, allow, [State, Presence, out]) =:= allow.

%% What mod_roster pushes of the user's own contacts has the version that we would give.
-spec c2s_filter_send({term(), state()}) -> {term(), state()}.
c2s_filter_send({#iq{type = set, sub_els = [#roster_query{ver = Version, items = [_]} = Query]} = Iq,
                 #{jid := #jid{luser = Name, lserver = Host}} = State} = Acc) when Version =/= undefined ->
    User = {Name, Host},
    Ours = case erlang:get(gatehouse_directory_version) of
        {User, Weight} -> gatehouse_directory_roster:version(Weight) =:= Version;
        _ -> false
    end,
    case Ours of
        true -> Acc;
        false ->
            _ = erlang:erase(gatehouse_directory_version),
            {Iq#iq{sub_els = [Query#roster_query{ver = version_of(User)}]}, State}
    end;
c2s_filter_send(Acc) -> Acc.

%% The last before the server itself sends presence to the roster.
-spec c2s_self_presence({#presence{}, state()}) -> {#presence{}, state()}.
c2s_self_presence({#presence{type = Type} = Presence, #{jid := #jid{luser = Name, lserver = Host} = Jid} = State} = Acc) ->
    ok = gatehouse_directory_roster:broadcasting(),
    What = case {Type, State} of
        {unavailable, #{pres_last := _}} -> {gone, Presence#presence{from = Jid}};
        {unavailable, _} -> none;
        {_, #{pres_last := _}} -> changed;
        _ -> come
    end,
    _ = What =:= none orelse gatehouse_directory_host:session(Host, self(), {Name, Host}, What),
    Acc.

-spec c2s_terminated(state(), term()) -> state().
c2s_terminated(#{pres_last := _, jid := #jid{luser = Name, lserver = Host} = Jid, sid := _} = State, _) ->
    case mod_gatehouse_directory:is_stopping() of
        %% The queue ends with the node: the server itself says so to all of the roster.
        true -> ok;
        false ->
            ok = gatehouse_directory_roster:broadcasting(),
            gatehouse_directory_host:session(Host, self(), {Name, Host}, {gone, #presence{type = unavailable, from = Jid}})
    end,
    State;
c2s_terminated(State, _) -> State.

%% The lock. After the proof of identity, whatever it was.
-spec c2s_auth_result(state(), true | {false, binary()}, binary()) -> state() | {stop, state()}.
c2s_auth_result(#{lserver := Host, lang := Lang} = State, true, User) ->
    case refusal(jid:make(User, Host)) of
        none -> State;
        Why ->
            ?INFO_MSG("Refused the login of ~ts@~ts, who is locked out by the directory", [User, Host]),
            case State of
                %% mod_legacy_auth would go on with a session; its IQ is not ours to answer.
                #{sasl_mech := <<"legacy">>} -> end_now(State);
                _ ->
                    Refused = ejabberd_c2s:send(State, failure(Why, State)),
                    {stop, ejabberd_c2s:send(Refused, xmpp:serr_not_authorized(<<"This account is disabled">>, Lang))}
            end
    end;
c2s_auth_result(State, _, _) -> State.

failure(Why, #{sasl2_inline_els := _}) -> #xmlel{name = <<"failure">>, attrs = [{<<"xmlns">>, ?NS_SASL_2}], children = [condition(Why)]};
failure(locked, _) -> #sasl_failure{reason = 'account-disabled'};
failure(unknown, _) -> #sasl_failure{reason = 'temporary-auth-failure'}.

condition(locked) -> #xmlel{name = <<"account-disabled">>, attrs = [{<<"xmlns">>, ?NS_SASL}]};
condition(unknown) -> #xmlel{name = <<"temporary-auth-failure">>, attrs = [{<<"xmlns">>, ?NS_SASL}]}.

%% Between the proof of identity and the resumption the lock may have come.
-spec c2s_unbinded_packet(state(), term()) -> state() | {stop, state()}.
c2s_unbinded_packet(#{user := User, lserver := Host, lang := Lang} = State, #sm_resume{}) ->
    case refusal(jid:make(User, Host)) of
        none -> State;
        _ -> {stop, ejabberd_c2s:send(State, xmpp:serr_not_authorized(<<"This account is disabled">>, Lang))}
    end;
c2s_unbinded_packet(State, _) -> State.

%% unknown: what is locked is not known at this moment, so nobody comes in.
refusal(#jid{luser = Name, lserver = Host}) ->
    case gatehouse_directory_view:is_broken(Host) of
        true -> unknown;
        false ->
            case gatehouse_directory_view:is_locked(gatehouse_directory_view:now(Host), {Name, Host}) of
                true -> locked;
                false -> none
            end
    end;
refusal(error) -> none.

%% Before the server goes on with it, so that no answer follows. A session that has just begun is not known to the process yet.
-spec end_now(state()) -> no_return().
end_now(#{lang := Lang} = State) ->
    _ = ejabberd_c2s:send(State, xmpp:serr_not_authorized(<<"This account is disabled">>, Lang)),
    _ = case State of
        #{sid := Sid, jid := #jid{user = Name, server = Host, resource = Resource}} -> ejabberd_sm:close_session(Sid, Name, Host, Resource);
        _ -> ok
    end,
    exit(normal).
