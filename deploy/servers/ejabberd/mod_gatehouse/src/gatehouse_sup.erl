%% SPDX-License-Identifier: GPL-2.0-or-later
%% Keeps a link for each screen running, and the table by which they are found: it outlives a link that crashes.
%% {{Screen, Host}, Pid, Counters, MaxQuestions, MaxBytes} for those who ask, {{options, Screen, Host}, Options} for the next run.
-module(gatehouse_sup).
-behaviour(supervisor).

-export([ensure/0, start_link/0, start_one/1, init/1]).

-define(TABLE, gatehouse_links).

%% Starts it where it does not run yet.
-spec ensure() -> ok.
ensure() ->
    case whereis(?MODULE) of
        undefined ->
            Spec = #{id => ?MODULE, start => {?MODULE, start_link, []}, restart => permanent, type => supervisor, shutdown => infinity},
            case supervisor:start_child(ejabberd_gen_mod_sup, Spec) of
                {ok, _} -> ok;
                {error, {already_started, _}} -> ok;
                {error, already_present} ->
                    {ok, _} = supervisor:restart_child(ejabberd_gen_mod_sup, ?MODULE),
                    ok
            end;
        _ -> ok
    end.

-spec start_link() -> {ok, pid()} | {error, term()} | ignore.
start_link() -> supervisor:start_link({local, ?MODULE}, ?MODULE, []).

-spec start_one(binary()) -> supervisor:startchild_ret().
start_one(Screen) -> supervisor:start_child(?MODULE, [Screen]).

-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    %% After one that gave up (its table is gone): whoever asks does so again.
    _ = spawn(fun() -> lists:foreach(fun join/1, gatehouse_options:hosts()) end),
    ?TABLE = ets:new(?TABLE, [named_table, public, {read_concurrency, true}]),
    Link = #{id => link, start => {gatehouse_link, start_link, []}, restart => transient, shutdown => 2000},
    %% A link that comes to grief again and again is not to take the modules of others with it.
    {ok, {#{strategy => simple_one_for_one, intensity => 100, period => 10}, [Link]}}.

join(Host) ->
    case gatehouse_options:get(Host) of
        none -> ok;
        #{screen := Screen} = Options -> gatehouse_link:join(Screen, Host, Options)
    end.
