%% SPDX-License-Identifier: GPL-2.0-or-later
%% Who is there, asked of somebody on another node of the cluster. A session there answers by what its own node holds: so the question waits
%% in that node's process until it holds what the asking node holds, else who newly sees somebody would be refused and never ask again.
-module(gatehouse_directory_probes).

-export([ask/2, none/0, hold/3, answerable/2]).
-export_type([held/0]).

-include("gatehouse_directory.hrl").

-define(MOST, 100000). % where a node never comes to hold as much

%% How many, and each by what the asking node held: the later it came to hold that, the larger.
-type held() :: {non_neg_integer(), [{At :: integer(), #presence{}}]}.

%% In the process of a session.
-spec ask(#presence{}, binary()) -> ok.
ask(#presence{to = #jid{luser = Name, lserver = Host}} = Probe, Host) ->
    case lists:usort([node(Pid) || {_, Pid} <- ejabberd_sm:get_session_sids(Name, Host)]) of
        Nodes when Nodes =:= []; Nodes =:= [node()] -> ejabberd_router:route(Probe);
        Nodes ->
            At = held_since(Host),
            Process = gen_mod:get_module_proc(Host, mod_gatehouse_directory),
            lists:foreach(fun(Node) -> gen_server:cast({Process, Node}, {probe, At, Probe}) end, Nodes)
    end;
ask(Probe, _) -> ejabberd_router:route(Probe).

%% Answered at once where this node holds as much, else kept for then.
-spec hold({integer(), #presence{}}, binary(), held()) -> held().
hold({At, Probe} = Asked, Host, {Count, Waiting} = Held) ->
    case held_since(Host) of
        Since when Since >= At ->
            ok = deliver(Probe),
            Held;
        _ when Count >= ?MOST -> Held;
        _ -> {Count + 1, [Asked | Waiting]}
    end.

held_since(Host) -> element(3, gatehouse_directory_view:state(gatehouse_directory_view:now(Host))).

-spec none() -> held().
none() -> {0, []}.

%% This is held from now on.
-spec answerable(At :: integer(), held()) -> held().
answerable(At, {_, Held}) ->
    {Ripe, Others} = lists:partition(fun({Wanted, _}) -> Wanted =< At end, Held),
    lists:foreach(fun({_, Probe}) -> deliver(Probe) end, lists:reverse(Ripe)),
    {length(Others), Others}.

%% To the sessions on this node, as the server's own routing would.
deliver(#presence{to = #jid{luser = Name, lserver = Host}} = Probe) ->
    lists:foreach(fun({_, Pid}) -> ejabberd_c2s:route(Pid, {route, Probe}) end,
                  [Sid || {_, Pid} = Sid <- ejabberd_sm:get_session_sids(Name, Host), node(Pid) =:= node()]).
