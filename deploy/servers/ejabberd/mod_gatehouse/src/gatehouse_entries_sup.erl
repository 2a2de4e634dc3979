%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the entrances need beside the processes of the streams themselves.
-module(gatehouse_entries_sup).
-behaviour(supervisor).

-export([start/0, start_link/0, start_workers/0]).
-export([init/1]).

%% Once for all hosts, and until the server stops.
-spec start() -> ok.
start() ->
    Spec = #{id => ?MODULE, start => {?MODULE, start_link, []}, type => supervisor, shutdown => infinity},
    case supervisor:start_child(ejabberd_gen_mod_sup, Spec) of
        {ok, _} -> ok;
        {error, {already_started, _}} -> ok;
        {error, already_present} ->
            {ok, _} = supervisor:restart_child(ejabberd_gen_mod_sup, ?MODULE),
            ok
    end.

-spec start_link() -> {ok, pid()} | {error, term()}.
start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, all).

-spec start_workers() -> {ok, pid()} | {error, term()}.
start_workers() ->
    supervisor:start_link({local, gatehouse_worker_sup}, ?MODULE, workers).

-spec init(all | workers) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init(all) ->
    {ok, {#{strategy => one_for_one, intensity => 10, period => 10},
          [#{id => gatehouse_bounds, start => {gatehouse_bounds, start_link, []}},
           #{id => gatehouse_worker_sup, start => {?MODULE, start_workers, []}, type => supervisor, shutdown => infinity},
           #{id => gatehouse_workers, start => {gatehouse_workers, start_link, []}}]}};
init(workers) ->
    {ok, {#{strategy => simple_one_for_one, intensity => 0, period => 1},
          [#{id => gatehouse_worker, start => {gatehouse_worker, start_link, []}, restart => temporary}]}}.
