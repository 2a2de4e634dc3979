%% SPDX-License-Identifier: GPL-2.0-or-later
%% For tests only: puts another function around one of mod_gatehouse's, whose module is compiled anew from its own source.
-module(gatehouse_wrap).

-export([wrap/4, die/0]).

%% Gives the function another name, and one in its place that calls Around:around(Function, Arguments, Itself).
-spec wrap(module(), atom(), arity(), module()) -> ok.
wrap(Module, Function, Arity, Around) ->
    {module, Module} = code:ensure_loaded(Module),
    Compiled = Module:module_info(compile),
    Source = proplists:get_value(source, Compiled),
    {ok, Forms} = epp:parse_file(Source, [{includes, proplists:get_all_values(i, proplists:get_value(options, Compiled))}]),
    Inner = list_to_atom(atom_to_list(Function) ++ " itself"),
    Wrapped = lists:append([case Form of
        {function, Line, Function, Arity, Clauses} ->
            [{function, Line, Inner, Arity, Clauses}, outer(Line, Function, Inner, Arity, Around)];
        _ -> [Form]
    end || Form <- Forms]),
    {ok, Module, Binary} = compile:forms(Wrapped, [nowarn_unused_function]),
    {module, Module} = code:load_binary(Module, Source, Binary),
    ok.

outer(Line, Function, Inner, Arity, Around) ->
    Args = [{var, Line, list_to_atom("A" ++ integer_to_list(N))} || N <- lists:seq(1, Arity)],
    List = lists:foldr(fun(Arg, So) -> {cons, Line, Arg, So} end, {nil, Line}, Args),
    Call = {'fun', Line, {clauses, [{clause, Line, [], [], [{call, Line, {atom, Line, Inner}, Args}]}]}},
    Callee = {remote, Line, {atom, Line, Around}, {atom, Line, around}},
    {function, Line, Function, Arity, [{clause, Line, Args, [], [{call, Line, Callee, [{atom, Line, Function}, List, Call]}]}]}.

%% The whole server, by SIGKILL.
-spec die() -> no_return().
die() ->
    _ = os:cmd("kill -KILL " ++ os:getpid()),
    receive after infinity -> ok end.
