%% SPDX-License-Identifier: GPL-2.0-or-later
%% For tests only: around a function of mod_gatehouse (gatehouse_wrap), which then throws for a stanza that says "BREAK" and the
%% function's name.
-module(gatehouse_broken).

-export([around/3]).

-spec around(atom(), [term()], fun(() -> term())) -> term().
around(Function, Arguments, Itself) ->
    case string:find(io_lib:format("~0p", [Arguments]), "BREAK " ++ atom_to_list(Function)) of
        nomatch -> Itself();
        _ -> error(broken)
    end.
