%% SPDX-License-Identifier: GPL-2.0-or-later
%% Rosters merged from groups that an external component hands over, the lock of accounts, and publishing for people. The protocol:
%% DIRECTORY.md. Options and limits: README.md. Works with and without mod_gatehouse.
-module(mod_gatehouse_directory).
-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_options/1, mod_opt_type/1, mod_doc/0]).
-export([component/1, busy/1, is_stopping/0, ejabberd_stopping/0]).

-include("gatehouse_directory.hrl").

-define(OF(Host), {?MODULE, Host}).
-define(STOPPING, {?MODULE, stopping, node}).

%% What is locked is read from the disk before the first hook is there, and before the server takes logins.
-spec start(binary(), gen_mod:opts()) -> ok | {error, term()}.
start(Host, #{component := Component}) ->
    Spec = #{id => gen_mod:get_module_proc(Host, ?MODULE), start => {gatehouse_directory_host, start_link, [Host]},
             restart => permanent, shutdown => 5000, type => worker, modules => [gatehouse_directory_host]},
    case supervisor:start_child(ejabberd_gen_mod_sup, Spec) of
        {ok, _} ->
            _ = persistent_term:erase(?STOPPING),
            ok = put_options(Host, Component, atomics:new(1, [])),
            lists:foreach(fun({Hook, Module, Function, Order}) -> ejabberd_hooks:add(Hook, Host, Module, Function, Order) end, hooks()),
            lists:foreach(fun({Hook, Module, Function, Order}) -> ejabberd_hooks:add(Hook, Module, Function, Order) end, server_hooks()),
            ok = gatehouse_directory_commands:start(),
            ok = gen_iq_handler:add_iq_handler(ejabberd_sm, Host, ?NS_ROSTER, gatehouse_directory_roster, process_iq),
            ok = gen_iq_handler:add_iq_handler(ejabberd_local, Host, ?NS_DIRECTORY, gatehouse_directory_component, process_forbidden),
            ok = gen_iq_handler:add_iq_handler(ejabberd_sm, Host, ?NS_DIRECTORY, gatehouse_directory_component, process_forbidden);
        {error, _} = Error -> Error
    end.

-spec stop(binary()) -> ok.
stop(Host) ->
    lists:foreach(fun({Hook, Module, Function, Order}) -> ejabberd_hooks:delete(Hook, Host, Module, Function, Order) end, hooks()),
    ok = gen_iq_handler:remove_iq_handler(ejabberd_local, Host, ?NS_DIRECTORY),
    ok = gen_iq_handler:remove_iq_handler(ejabberd_sm, Host, ?NS_DIRECTORY),
    ok = case gen_mod:is_loaded(Host, mod_roster) of
        true -> gen_iq_handler:add_iq_handler(ejabberd_sm, Host, ?NS_ROSTER, mod_roster, process_iq);
        false -> ok
    end,
    _ = persistent_term:erase(?OF(Host)),
    case [Other || Other <- ejabberd_option:hosts(), component(Other) =/= none] of
        [] ->
            lists:foreach(fun({Hook, Module, Function, Order}) -> ejabberd_hooks:delete(Hook, Module, Function, Order) end, server_hooks()),
            ok = gatehouse_directory_commands:stop();
        _ -> ok
    end,
    Id = gen_mod:get_module_proc(Host, ?MODULE),
    _ = supervisor:terminate_child(ejabberd_gen_mod_sup, Id),
    _ = supervisor:delete_child(ejabberd_gen_mod_sup, Id),
    ok.

-spec reload(binary(), gen_mod:opts(), gen_mod:opts()) -> ok.
reload(Host, #{component := Component}, _) -> put_options(Host, Component, busy(Host)).

put_options(Host, Component, Busy) -> persistent_term:put(?OF(Host), {Component, Busy}).

%% Whose word counts for a host.
-spec component(binary()) -> binary() | none.
component(Host) -> element(1, persistent_term:get(?OF(Host), {none, none})).

%% How many requests of it are under way.
-spec busy(binary()) -> atomics:atomics_ref().
busy(Host) -> element(2, persistent_term:get(?OF(Host))).

hooks() ->
    [{roster_get, gatehouse_directory_roster, roster_get, 70},
     {roster_get_jid_info, gatehouse_directory_roster, roster_get_jid_info, 70},
     {roster_in_subscription, gatehouse_directory_roster, roster_in_subscription, 30},
     {caps_add, gatehouse_directory_events, caps_add, 80},
     {remove_user, gatehouse_directory_roster, remove_user, 50},
     {user_send_packet, gatehouse_directory_sessions, user_send_packet, 80},
     {c2s_session_opened, gatehouse_directory_sessions, c2s_session_opened, 10},
     {c2s_session_resumed, gatehouse_directory_sessions, c2s_session_resumed, 10},
     {c2s_copy_session, gatehouse_directory_sessions, c2s_copy_session, 60},
     {c2s_handle_info, gatehouse_directory_sessions, c2s_handle_info, 10},
     {c2s_self_presence, gatehouse_directory_sessions, c2s_self_presence, 99},
     {c2s_terminated, gatehouse_directory_sessions, c2s_terminated, 99},
     {c2s_filter_send, gatehouse_directory_sessions, c2s_filter_send, 90},
     {c2s_auth_result, gatehouse_directory_sessions, c2s_auth_result, 10},
     {c2s_unbinded_packet, gatehouse_directory_sessions, c2s_unbinded_packet, 10}].

%% Before what mod_privilege does with the IQs of components.
server_hooks() ->
    [{component_send_packet, gatehouse_directory_component, component_send_packet, 15},
     {ejabberd_stopping, ?MODULE, ejabberd_stopping, 10}].

%% Whether this node is about to end.
-spec is_stopping() -> boolean().
is_stopping() -> persistent_term:get(?STOPPING, false).

-spec ejabberd_stopping() -> ok.
ejabberd_stopping() -> persistent_term:put(?STOPPING, true).

%% The rosters of the users' own are its.
-spec depends(binary(), gen_mod:opts()) -> [{module(), hard | soft}].
depends(_Host, _Opts) -> [{mod_roster, hard}, {mod_stream_mgmt, soft}, {mod_pubsub, soft}, {mod_vcard, soft}].

-spec mod_options(binary()) -> [atom() | {atom(), term()}].
mod_options(_Host) -> [component].

-spec mod_opt_type(atom()) -> econf:validator().
mod_opt_type(component) -> econf:domain().

-spec mod_doc() -> #{desc := [binary()], opts := [{atom(), #{value := string(), desc := binary()}}], example := [string()]}.
mod_doc() ->
    #{desc => [<<"Merges rosters from the groups of the company's directory, which an external component hands over; keeps locked accounts out; "
                 "publishes for people what the component says. The protocol is urn:gatehouse:directory:1.">>],
      opts => [{component, #{value => "Domain", desc => <<"The component whose word counts. It must be set.">>}}],
      example => ["listen:",
                  "  -",
                  "    port: 5347",
                  "    ip: \"127.0.0.1\"",
                  "    module: ejabberd_service",
                  "    global_routes: false",
                  "    hosts:",
                  "      directory.corp.example:",
                  "        password: \"...\"",
                  "modules:",
                  "  mod_gatehouse_directory:",
                  "    component: directory.corp.example"]}.
