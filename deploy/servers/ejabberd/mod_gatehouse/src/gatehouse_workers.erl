%% SPDX-License-Identifier: GPL-2.0-or-later
%% One worker for each sender on the streams that carry many (other servers, components), and for each session that ended while
%% something of it was held. A table says who works for whom, and how much he still has; whoever gives him more counts first, and
%% he only goes when the count is nought.
-module(gatehouse_workers).
-behaviour(gen_server).

-export([start_link/0, hold/3, is_busy/1, finished/1, leave/1, adopt/1, take_over/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-include("gatehouse.hrl").
-include("logger.hrl").

%% The entrance, the sender's bare address, the domain that was addressed.
-type key() :: {s2s | component | privileged, binary(), binary()}.
-export_type([key/0]).

-define(TABLE, gatehouse_workers).

-spec start_link() -> {ok, pid()} | {error, term()}.
start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% Gives the worker of that sender an item: Make asks for it, in the worker's name.
-spec hold(key(), fun((pid()) -> gatehouse_hold:item()), gatehouse_options:options()) -> ok.
hold(Key, Make, Options) ->
    {Worker, Before} = reserve(Key),
    try Make(Worker) of
        Item when Before =:= 0 -> gatehouse_worker:hold(Worker, Item);
        Item -> gatehouse_worker:hold(Worker, gatehouse_asking:wait(Item, Options, Worker))
    catch
        Class:Reason:Stack ->
            _ = finished(Key),
            erlang:raise(Class, Reason, Stack)
    end.

%% Whether something of that sender is held.
-spec is_busy(key()) -> boolean().
is_busy(Key) ->
    case ets:lookup(?TABLE, Key) of
        [{_, _, Count}] -> Count > 0;
        [] -> false
    end.

reserve(Key) ->
    try
        Count = ets:update_counter(?TABLE, Key, {3, 1}),
        {ets:lookup_element(?TABLE, Key, 2), Count - 1}
    catch
        error:badarg -> gen_server:call(?MODULE, {reserve, Key})
    end.

%% The worker has one less. Returns what is left.
-spec finished(key()) -> integer().
finished(Key) ->
    try ets:update_counter(?TABLE, Key, {3, -1})
    catch
        error:badarg -> 0
    end.

%% Whether the worker who asks may go.
-spec leave(key()) -> boolean().
leave(Key) ->
    try ets:select_delete(?TABLE, [{{Key, '$1', 0}, [{'=:=', '$1', self()}], [true]}]) of
        Count -> Count =:= 1
    catch
        error:badarg -> true % the table is gone, and with it all that could bring something
    end.

%% What a session that is gone had held. Returns when the links know whose it is now.
-spec adopt(ejabberd_c2s:state()) -> ok.
adopt(#{gatehouse := #{hold := Hold}} = State) ->
    case supervisor:start_child(gatehouse_worker_sup, [{session, Hold, maps:without([gatehouse, socket, mgmt_queue], State)}]) of
        {ok, _} -> ok;
        {error, Why} -> ?ERROR_MSG("What a session had held is lost: ~p", [Why])
    end.

%% The caller becomes the owner of what is in the queue. What cannot be taken over is lost with who was asked.
-spec take_over(gatehouse_hold:hold()) -> gatehouse_hold:hold().
take_over(Hold) ->
    Taken = lists:foldl(fun({Link, Host, Refs}, Left) ->
                                try gatehouse_link:move(Link, Host, Refs) of
                                    ok -> Left
                                catch
                                    _:_ -> gatehouse_hold:lose(Link, Left)
                                end
                        end,
                        Hold,
                        gatehouse_hold:refs(Hold)),
    self() ! {gatehouse, make_ref(), none, pass}, % whatever has its verdict by now is handed over
    gatehouse_hold:map(fun(#{waited := none} = Item) -> Item;
                          (#{waited := Bytes, host := Host} = Item) ->
                               ok = gatehouse_bounds:carry(Host, self(), Bytes),
                               Item
                       end,
                       Taken).

-spec init([]) -> {ok, #{reference() => key()}}.
init([]) ->
    _ = ets:new(?TABLE, [named_table, public, {write_concurrency, true}]),
    {ok, #{}}.

%% Another may have come first.
-spec handle_call({reserve, key()}, gen_server:from(), map()) -> {reply, {pid(), non_neg_integer()}, map()}.
handle_call({reserve, Key}, _From, Workers) ->
    case ets:member(?TABLE, Key) of
        true ->
            {reply, reserve(Key), Workers};
        false ->
            {ok, Pid} = supervisor:start_child(gatehouse_worker_sup, [{sender, Key}]),
            true = ets:insert(?TABLE, {Key, Pid, 1}),
            {reply, {Pid, 0}, Workers#{monitor(process, Pid) => Key}}
    end.

-spec handle_cast(term(), map()) -> {noreply, map()}.
handle_cast(_Message, Workers) ->
    {noreply, Workers}.

-spec handle_info(term(), map()) -> {noreply, map()}.
handle_info({'DOWN', Monitor, process, Pid, _}, Workers) ->
    {Key, Left} = maps:take(Monitor, Workers),
    true = ets:match_delete(?TABLE, {Key, Pid, '_'}), % one that died holding something
    {noreply, Left};
handle_info(_Other, Workers) ->
    {noreply, Workers}.
