%% SPDX-License-Identifier: GPL-2.0-or-later
%% What a session sent that has ended meanwhile, handed over as ejabberd_c2s hands on what comes from a client, with the identity
%% that the session had. There is no client left to answer to.
-module(gatehouse_ended).

-export([enter/2]).

-include("gatehouse.hrl").

%% False: it is about the session, which is gone.
-spec enter(stanza(), ejabberd_c2s:state()) -> boolean().
enter(#presence{type = available}, _Session) ->
    false;
enter(#presence{type = unavailable, from = #jid{luser = User, lserver = Host}, to = #jid{luser = User, lserver = Host, lresource = <<>>}},
      _Session) ->
    false;
enter(Stanza, #{lserver := Host} = Session) ->
    case ejabberd_hooks:run_fold(user_send_packet, Host, {Stanza, Session}, []) of
        {drop, _} -> true;
        {Passing, After} -> send(Passing, After)
    end.

send(#presence{type = Type, from = From, to = To} = Presence, #{lserver := Host} = Session)
  when Type =:= subscribe; Type =:= subscribed; Type =:= unsubscribe; Type =:= unsubscribed ->
    Bare = jid:remove_resource(From),
    case acl:match_rule(Host, mod_roster_access(Host), Bare) of
        allow ->
            ejabberd_hooks:run(roster_out_subscription, Host, [Presence]),
            route(Presence, xmpp:set_from_to(Presence, Bare, To), Session);
        deny -> true
    end;
send(Stanza, Session) ->
    route(Stanza, Stanza, Session).

mod_roster_access(Host) ->
    case gen_mod:is_loaded(Host, mod_roster) of
        true -> gen_mod:get_module_opt(Host, mod_roster, access);
        false -> all
    end.

route(Looked, Stanza, #{lserver := Host} = Session) ->
    case ejabberd_hooks:run_fold(privacy_check_packet, Host, allow, [Session, Looked, out]) of
        allow -> ejabberd_router:route(Stanza);
        deny -> ok
    end,
    true.
