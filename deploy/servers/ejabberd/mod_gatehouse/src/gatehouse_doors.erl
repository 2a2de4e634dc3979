%% SPDX-License-Identifier: GPL-2.0-or-later
%% What stands open beside the questions of a host: kinds that are switched off, and the modules that are loaded, those that serve a
%% listener included; and which components it takes for transports. Which of them lets something past is the screen's to say.
%%
%% The server does not tell when a module is loaded or leaves: so this process looks every half second, which costs nothing.
-module(gatehouse_doors).
-behaviour(gen_server).

-export([start/1, stop/1, screen_up/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-define(EVERY, 500).
-define(LARGEST, 8192). % bytes of the whole report
-define(FRAME, 128). % of them for all but the names
-define(LARGEST_TRANSPORTS, 1024). % of the names of transports

-spec start(binary()) -> ok.
start(Host) ->
    case gen_mod:start_child(?MODULE, Host, #{}) of
        {ok, _} -> ok;
        {error, {already_started, _}} -> ok % of the configuration before
    end.

-spec stop(binary()) -> ok.
stop(Host) ->
    ejabberd_hooks:delete(gatehouse_screen_up, Host, ?MODULE, screen_up, 50),
    _ = gen_mod:stop_child(?MODULE, Host),
    ok.

%% The hook of the link: the screen has connected.
-spec screen_up(binary(), binary()) -> ok.
screen_up(Host, _Screen) ->
    gen_server:cast(gen_mod:get_module_proc(Host, ?MODULE), screen_up).

%% As gen_mod starts it.
-spec init([term()]) -> {ok, #{host := binary(), told := none | list()}}.
init([Host, _Opts]) ->
    ejabberd_hooks:add(gatehouse_screen_up, Host, ?MODULE, screen_up, 50),
    _ = erlang:send_after(?EVERY, self(), look), % others are being loaded
    {ok, #{host => Host, told => none}}.

-spec handle_call(term(), {pid(), term()}, map()) -> {reply, ok, map()}.
handle_call(_, _, State) -> {reply, ok, State}.

-spec handle_cast(term(), map()) -> {noreply, map()}.
handle_cast(screen_up, State) -> {noreply, look(State#{told := none})};
handle_cast(_, State) -> {noreply, State}.

-spec handle_info(term(), map()) -> {noreply, map()}.
handle_info(look, State) ->
    _ = erlang:send_after(?EVERY, self(), look),
    {noreply, look(State)};
handle_info(_, State) ->
    {noreply, State}.

look(#{host := Host, told := Told} = State) ->
    case gatehouse_options:get(Host) of
        none -> State;
        #{asked := Asked} = Options ->
            case described(Asked, lists:sort(maps:keys(maps:get(transports, Options, #{}))), loaded(Host)) of
                Told -> State;
                New ->
                    gatehouse_reports:report(Host, <<"host">>, New),
                    State#{told := New}
            end
    end.

described(Asked, Transports, Loaded) ->
    Off = join(lists:sort([atom_to_binary(Kind) || Kind <- gatehouse_kinds:all(), not is_map_key(Kind, Asked)])),
    {Carrying, _} = fitting(Transports, ?LARGEST_TRANSPORTS),
    To = join(Carrying),
    {Names, Omitted} = fitting(Loaded, ?LARGEST - ?FRAME - byte_size(Off) - byte_size(To)),
    Said = [{<<"off">>, Off}, {<<"modules">>, join(Names)}, {<<"transports">>, To}, {<<"omitted">>, count(Omitted)}],
    [{Name, Value} || {Name, Value} <- Said, Value =/= <<>>].

count(0) -> <<>>;
count(Omitted) -> integer_to_binary(Omitted).

join(Names) ->
    iolist_to_binary(lists:join($\s, Names)).

%% On the host, and for the whole server by a listener.
loaded(Host) ->
    Own = gen_mod:loaded_modules(Host),
    Listening = [Module || {_, Module, _} <- ejabberd_option:listen()],
    Serving = [Module || {_, _, Opts} <- ejabberd_option:listen(), {_, Module} <- handlers(Opts)],
    lists:sort([named(atom_to_binary(Module)) || Module <- lists:usort(Own ++ Listening ++ Serving), is_atom(Module)]).

%% As on the other server: modules without what all have in front.
named(<<"mod_", Name/binary>>) -> Name;
named(Name) -> Name.

handlers(#{request_handlers := Handlers}) -> Handlers;
handlers(_) -> [].

%% As many of the names as have room, and how many have not.
fitting(Names, Room) ->
    {Taken, _, Omitted} = lists:foldl(fun(Name, {In, Left, Out}) ->
                                              case Left - byte_size(Name) - 1 of
                                                  Less when Less >= 0 -> {[Name | In], Less, Out};
                                                  _ -> {In, Left, Out + 1}
                                              end
                                      end,
                                      {[], Room, 0},
                                      Names),
    {lists:reverse(Taken), Omitted}.
