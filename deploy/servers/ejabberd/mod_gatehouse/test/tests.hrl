%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the tests assert with. As in eunit.hrl, which is not there where Erlang is installed to run only; EUnit itself is.
-ifndef(TESTS_HRL).
-define(TESTS_HRL, true).

-compile([export_all, nowarn_export_all]).

-define(assertEqual(Expected, Found),
    (fun(Expected__, Found__) ->
        Expected__ =:= Found__ orelse error({not_equal, [{line, ?LINE}, {code, ??Found}, {expected, Expected__}, {found, Found__}]})
    end)(Expected, Found)).

-define(assertMatch(Pattern, Found),
    (fun(Found__) ->
        case Found__ of
            Pattern -> true;
            _ -> error({no_match, [{line, ?LINE}, {code, ??Found}, {wanted, ??Pattern}, {found, Found__}]})
        end
    end)(Found)).

-define(assert(Condition), ?assertEqual(true, Condition)).
-define(assertNot(Condition), ?assertEqual(false, Condition)).

-endif.
