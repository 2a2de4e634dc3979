%% SPDX-License-Identifier: GPL-2.0-or-later
%% What an operator may ask this node: the counts of a host, by `ejabberdctl gatehouse_counts HOST` or another way to call commands.
-module(gatehouse_commands).

-export([start/0, stop/0, counts/1]).

-include("ejabberd_commands.hrl").

%% Since the node was started, or the host was put into service: what happened. The rest is how it stands now.
-define(HAPPENED, [released, refused, bounced, unscreened, gone, screens, reports_dropped, unaskable, closed_by_rule]).

-spec start() -> ok.
start() ->
    ejabberd_commands:register_commands(commands()).

-spec stop() -> ok.
stop() ->
    ejabberd_commands:unregister_commands(commands()).

commands() ->
    [#ejabberd_commands{name = gatehouse_counts,
                        tags = [stats],
                        desc = "What mod_gatehouse asked and did for a host on this node",
                        module = ?MODULE,
                        function = counts,
                        args = [{host, binary}],
                        args_desc = ["A virtual host that loads mod_gatehouse"],
                        args_example = [<<"corp.example">>],
                        result = {counts, {list, {count, {tuple, [{name, atom}, {value, integer}]}}}},
                        result_desc = "Each count by its name",
                        result_example = [{released, 71}, {refused, 2}]}].

-spec counts(binary()) -> [{atom(), non_neg_integer()}].
counts(Name) ->
    Host = jid:nameprep(Name),
    case is_binary(Host) andalso gatehouse_options:get(Host) of
        #{screen := Screen} ->
            Known = gatehouse_link:counts(Screen, Host),
            {Passing, PassingBytes} = gatehouse_bounds:waiting(Host),
            Now = [{Count, maps:get(Count, Known, 0)} || Count <- [in_flight, in_flight_bytes, breaker_open, spool_bytes]],
            [{Count, maps:get(Count, Known, 0)} || Count <- ?HAPPENED] ++ Now ++ [{passing, Passing}, {passing_bytes, PassingBytes}];
        _ ->
            throw({error, "this host does not load mod_gatehouse"})
    end.
