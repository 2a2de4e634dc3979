%% SPDX-License-Identifier: GPL-2.0-or-later
%% What an operator may ask this node: the counts of a host, by `ejabberdctl gatehouse_directory_counts HOST`.
-module(gatehouse_directory_commands).

-export([start/0, stop/0, counts/1]).

-include("ejabberd_commands.hrl").

-spec start() -> ok.
start() -> ejabberd_commands:register_commands(commands()).

-spec stop() -> ok.
stop() -> ejabberd_commands:unregister_commands(commands()).

commands() ->
    [#ejabberd_commands{name = gatehouse_directory_counts,
                        tags = [stats],
                        desc = "What mod_gatehouse_directory holds and did for a host on this node",
                        module = ?MODULE,
                        function = counts,
                        args = [{host, binary}],
                        args_desc = ["A virtual host that loads mod_gatehouse_directory"],
                        args_example = [<<"corp.example">>],
                        result = {counts, {list, {count, {tuple, [{name, atom}, {value, integer}]}}}},
                        result_desc = "Each count by its name",
                        result_example = [{people, 5210}, {waiting, 0}]}].

-spec counts(binary()) -> [{atom(), non_neg_integer()}].
counts(Name) ->
    Host = jid:nameprep(Name),
    case is_binary(Host) andalso mod_gatehouse_directory:component(Host) of
        Component when is_binary(Component) -> gatehouse_directory_host:counts(Host);
        _ -> throw({error, "this host does not load mod_gatehouse_directory"})
    end.
