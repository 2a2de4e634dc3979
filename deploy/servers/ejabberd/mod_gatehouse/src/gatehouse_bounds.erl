%% SPDX-License-Identifier: GPL-2.0-or-later
%% How much waits, on each host, behind what is asked about without being asked about itself. Counted in a table that the owners
%% of the queues write to; this process only takes back what an owner that died had counted.
-module(gatehouse_bounds).
-behaviour(gen_server).

-export([start_link/0, take/4, carry/3, give/3, waiting/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(TABLE, gatehouse_waiting).

-spec start_link() -> {ok, pid()} | {error, term()}.
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% Whether there is room for one more of so many bytes; then it is counted for the owner.
-spec take(binary(), pid(), non_neg_integer(), gatehouse_options:options()) -> boolean().
take(Host, Owner, Bytes, #{max_questions := MaxCount, max_bytes := MaxBytes}) ->
    try
        case add({host, Host}, 1, Bytes) of
            [Count, Size] when Count =< MaxCount, Size =< MaxBytes ->
                ok = own(Host, Owner, Bytes),
                true;
            _ ->
                _ = add({host, Host}, -1, -Bytes),
                false
        end
    catch
        error:badarg -> false % the table comes back in a moment; meanwhile nothing is let in
    end.

%% The owner has it from another one, who gives it back or dies.
-spec carry(binary(), pid(), non_neg_integer()) -> ok.
carry(Host, Owner, Bytes) ->
    try
        _ = add({host, Host}, 1, Bytes),
        own(Host, Owner, Bytes)
    catch
        error:badarg -> ok
    end.

own(Host, Owner, Bytes) ->
    case add({owner, Owner, Host}, 1, Bytes) of
        [1, _] -> gen_server:cast(?MODULE, {watch, Owner});
        _ -> ok
    end.

-spec give(binary(), pid(), non_neg_integer()) -> ok.
give(Host, Owner, Bytes) ->
    try
        _ = add({owner, Owner, Host}, -1, -Bytes),
        _ = add({host, Host}, -1, -Bytes),
        ok
    catch
        error:badarg -> ok
    end.

-spec waiting(binary()) -> {Count :: non_neg_integer(), Bytes :: non_neg_integer()}.
waiting(Host) ->
    case ets:whereis(?TABLE) =/= undefined andalso ets:lookup(?TABLE, {host, Host}) of
        [{_, Count, Bytes}] -> {Count, Bytes};
        _ -> {0, 0}
    end.

add(Key, Count, Bytes) ->
    ets:update_counter(?TABLE, Key, [{2, Count}, {3, Bytes}], {Key, 0, 0}).

-spec init([]) -> {ok, #{pid() => reference()}}.
init([]) ->
    _ = ets:new(?TABLE, [named_table, public, {write_concurrency, true}]),
    {ok, #{}}.

-spec handle_call(term(), gen_server:from(), map()) -> {reply, ok, map()}.
handle_call(_Request, _From, Watched) ->
    {reply, ok, Watched}.

-spec handle_cast({watch, pid()}, map()) -> {noreply, map()}.
handle_cast({watch, Owner}, Watched) when is_map_key(Owner, Watched) ->
    {noreply, Watched};
handle_cast({watch, Owner}, Watched) ->
    {noreply, Watched#{Owner => monitor(process, Owner)}}.

-spec handle_info(term(), map()) -> {noreply, map()}.
handle_info({'DOWN', _, process, Owner, _}, Watched) ->
    lists:foreach(fun([Host, Count, Bytes]) -> add({host, Host}, -Count, -Bytes) end,
                  ets:match(?TABLE, {{owner, Owner, '$1'}, '$2', '$3'})),
    true = ets:match_delete(?TABLE, {{owner, Owner, '_'}, '_', '_'}),
    {noreply, maps:remove(Owner, Watched)};
handle_info(_Other, Watched) ->
    {noreply, Watched}.
