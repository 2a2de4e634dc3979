%% SPDX-License-Identifier: GPL-2.0-or-later
%% Holds what people send, asks a screen (an external component), obeys the answer and reports what was done.
%% The protocol: PROTOCOL.md. Options and limits: README.md.
-module(mod_gatehouse).
-behaviour(gen_mod).

-export([start/2, stop/1, reload/3, depends/2, mod_options/1, mod_opt_type/1, mod_doc/0]).
-export([host_up/1]).

%% Options first, then the hooks, then the screen: whatever fails here closes the host, since what cannot be asked does not pass.
-spec start(binary(), gen_mod:opts()) -> ok.
start(Host, Opts) ->
    Options = gatehouse_options:read(Host, Opts),
    ok = gatehouse_entries_sup:start(),
    ok = gatehouse_options:put(Host, Options),
    ok = gatehouse_commands:start(),
    lists:foreach(fun host_up/1, ejabberd_option:hosts()),
    lists:foreach(fun({Hook, Module, Function, Order}) -> ejabberd_hooks:add(Hook, Module, Function, Order) end, server_hooks()),
    ok = join(Host, Options),
    gatehouse_reports:start(Host).

%% `module_uninstall` stops it also on hosts that do not load it (any more).
-spec stop(binary()) -> ok.
stop(Host) ->
    case gatehouse_options:get(Host) of
        #{screen := Screen} -> leave(Host, Screen);
        none -> ok
    end.

leave(Host, Screen) ->
    ok = gatehouse_reports:stop(Host),
    ok = gatehouse_link:leave(Screen, Host),
    ok = gatehouse_options:forget(Host),
    case gatehouse_options:hosts() of
        [] -> leave_server();
        _ -> ok
    end.

%% What holds stanzas stays: a session or worker that is busy acts on its last verdicts when it goes on, and ends when it has.
leave_server() ->
    ok = gatehouse_commands:stop(),
    lists:foreach(fun({Hook, Module, Function, Order}) -> ejabberd_hooks:delete(Hook, Module, Function, Order) end, server_hooks()),
    lists:foreach(fun(Host) ->
                          lists:foreach(fun({Hook, Module, Function, Order}) ->
                                                ejabberd_hooks:delete(Hook, Host, Module, Function, Order)
                                        end,
                                        entrances())
                  end,
                  ejabberd_option:hosts()).

-spec reload(binary(), gen_mod:opts(), gen_mod:opts()) -> ok.
reload(Host, NewOpts, _OldOpts) ->
    #{screen := Screen} = New = gatehouse_options:read(Host, NewOpts),
    case gatehouse_options:get(Host) of
        #{screen := Other} when Other =/= Screen -> ok = gatehouse_link:leave(Other, Host);
        _ -> ok
    end,
    ok = gatehouse_options:put(Host, New),
    join(Host, New).

join(Host, #{screen := Screen} = Options) ->
    ok = gatehouse_link:join(Screen, Host, Options).

%% All hosts have these, since people of a host that does not ask write to people of one that does.
entrances() ->
    [{user_send_packet, gatehouse_c2s, user_send_packet, 1},
     {s2s_receive_packet, gatehouse_entries, s2s_receive_packet, 1},
     {s2s_allow_host, gatehouse_entries, s2s_allow_host, 5}].

%% Sessions that hold something.
holding() ->
    [{c2s_handle_info, gatehouse_c2s, handle_info, 5},
     {c2s_handle_call, gatehouse_c2s, handle_call, 5},
     {c2s_copy_session, gatehouse_c2s, copy_session, 5},
     {c2s_terminated, gatehouse_c2s, terminated, 5}].

%% What the screen answers is taken before (gatehouse_component), what mod_privilege does comes behind.
server_hooks() ->
    [{component_send_packet, gatehouse_entries, component_send_packet, 20},
     {host_up, ?MODULE, host_up, 30}].

-spec host_up(binary()) -> ok.
host_up(Host) ->
    lists:foreach(fun({Hook, Module, Function, Order}) -> ejabberd_hooks:add(Hook, Host, Module, Function, Order) end,
                  entrances() ++ holding()).

-spec depends(binary(), gen_mod:opts()) -> [].
depends(_Host, _Opts) ->
    [].

-spec mod_options(binary()) -> [atom() | {atom(), term()}].
mod_options(_Host) ->
    gatehouse_options:defaults().

-spec mod_opt_type(atom()) -> econf:validator().
mod_opt_type(Name) ->
    gatehouse_options:validator(Name).

-spec mod_doc() -> #{desc := [binary()], opts := [{atom(), #{value := string(), desc := binary()}}], example := [string()]}.
mod_doc() ->
    #{desc => [<<"Holds messages and everything else a person can send that another person can read, asks an external component "
                 "(the screen) whether it may pass, obeys, and reports what was done. The protocol is urn:gatehouse:screen:1.">>],
      opts => [{Name, #{value => Value, desc => Text}} || {Name, Value, Text} <- documented()],
      example => ["listen:",
                  "  -",
                  "    port: 5347",
                  "    ip: \"127.0.0.1\"",
                  "    module: ejabberd_service",
                  "    global_routes: false",
                  "    hosts:",
                  "      policy.gatehouse.internal:",
                  "        password: \"...\"",
                  "modules:",
                  "  mod_gatehouse:",
                  "    screen: policy.gatehouse.internal",
                  "    on_outage: closed"]}.

documented() ->
    [{screen, "Domain", <<"The component that answers. It must be set.">>},
     {on_outage, "closed | open", <<"Without an answer: 'closed' gives the sender an error, 'open' delivers and tells later, but for what "
                                    "a rule of the screen closes. The default is 'closed'.">>},
     {'try', "Seconds", <<"How long one question waits for its answer. The default is '2'.">>},
     {hold_max, "Seconds", <<"How long one stanza is held at most. The default is '5'.">>},
     {ask, "[Kind, ...]", <<"What is asked about: message, error, status, subscription, join, iq, pep, vcard, room, file. "
                            "The default is all of them.">>},
     {trusted, "[Domain, ...]", <<"Components of ours, such as the archive, that are never asked about: nor what they send, nor IQs of "
                                  "people to them; nothing from other servers reaches them. The default is none.">>},
     {transports, "[Domain, ...]", <<"Components of ours that carry to other networks: what they send is not asked about here, what people "
                                     "send to them is, also by IQ; nothing from other servers reaches them. The default is none.">>},
     {max_questions, "Number", <<"Questions under way for this host; above it the sender gets an error. The default is '1000'.">>},
     {max_bytes, "Bytes", <<"Bytes of them; also of the reports that wait. The default is '33554432'.">>},
     {max_stanza, "Bytes", <<"Bytes of one question as written, at most 3932160; above it the stanza is refused. The default is 2097152, "
                             "or 6 times 'max_stanza_size' of the listener for clients.">>},
     {max_reports, "Number", <<"Reports waiting for the screen; above it they are dropped and counted. The default is '10000'.">>},
     {spool_max_bytes, "Bytes", <<"What 'open' may keep on disk; when it is full the host is closed. The default is '268435456'.">>},
     {texts, "{Language: {Name: Text}}", <<"Own texts in place of 'refused', 'outage', 'full' and 'unaskable'.">>}].
