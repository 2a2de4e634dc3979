%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the screen is told, as elements: questions, marks, settlements, who we are.
-module(gatehouse_words).

-export([stamp/1, announcement/1, ask/1, mark/2, settle/4, outage/4, screen/4, text/1, size/1, parse/1, version/0, hex/1]).

-include("gatehouse.hrl").
-include("gatehouse_link.hrl").

-define(FORWARDED, [{<<"xmlns">>, <<"urn:xmpp:forward:0">>}]).
-define(ASK_BYTES, 160). % about what stands around a question

-spec version() -> binary().
version() -> <<"0.3.1">>.

%% RFC 3339, UTC, milliseconds.
-spec stamp(integer()) -> binary().
stamp(Ms) ->
    Second = Ms div 1000,
    Text =
        case get(gatehouse_stamp) of
            {Second, Known} -> Known;
            _ ->
                {{Y, Mo, D}, {H, Mi, S}} = calendar:system_time_to_universal_time(Second, second),
                New = iolist_to_binary(io_lib:format("~4..0B-~2..0B-~2..0BT~2..0B:~2..0B:~2..0B.", [Y, Mo, D, H, Mi, S])),
                put(gatehouse_stamp, {Second, New}),
                New
        end,
    Rest = Ms rem 1000,
    <<Text/binary, ($0 + Rest div 100), ($0 + Rest div 10 rem 10), ($0 + Rest rem 10), $Z>>.

%% Who we are: once per connection, and when a host came or went.
-spec announcement(#link{}) -> xmlel().
announcement(#link{host_names = Hosts, predecessor = Before, outage_rules = Rules}) ->
    #xmlel{name = <<"source">>, attrs =
        [{<<"at">>, stamp(erlang:system_time(millisecond))}, {<<"node">>, node_name()}, {<<"software">>, software()},
         {<<"helper">>, version()}]
        ++ [{<<"hosts">>, Hosts} || Hosts =/= <<>>]
        ++ [{<<"outage-rules">>, Id} || Id <- [gatehouse_outage:id(Rules)], is_binary(Id)]
        ++ predecessor(Before)}.

predecessor(none) -> [];
predecessor(#{source := Source, mark := Mark, reserved := Reserved}) ->
    [{<<"predecessor">>, Source}, {<<"predecessor-mark">>, integer_to_binary(Mark)},
     {<<"predecessor-reserved">>, integer_to_binary(Reserved)}].

node_name() -> atom_to_binary(node(), utf8).

software() ->
    case application:get_key(ejabberd, vsn) of
        {ok, Version} -> iolist_to_binary(["ejabberd ", Version]);
        undefined -> <<"ejabberd">>
    end.

-spec ask(#item{}) -> {xmlel(), non_neg_integer()}.
ask(#item{n = N, try_no = Try, direction = Direction, via = Via, at = At, xml = Xml, bytes = Bytes, verdict = Verdict}) ->
    A1 = [{<<"at">>, stamp(At)} | [{<<"spooled">>, <<"true">>} || Verdict =:= unscreened]],
    A2 = case Via of c2s -> A1; _ -> [{<<"via">>, atom_to_binary(Via, utf8)} | A1] end,
    A3 = case Direction of sent -> A2; received -> [{<<"direction">>, <<"received">>} | A2] end,
    A4 = case Try > 1 of true -> [{<<"try">>, integer_to_binary(Try)} | A3]; false -> A3 end,
    Forwarded = #xmlel{name = <<"forwarded">>, attrs = ?FORWARDED, children = [Xml]},
    {#xmlel{name = <<"ask">>, attrs = [{<<"n">>, integer_to_binary(N)} | A4], children = [Forwarded]}, Bytes + ?ASK_BYTES}.

%% ending: the source stops in good order.
-spec mark(#link{}, boolean()) -> xmlel().
mark(#link{last = Last}, Ending) ->
    #xmlel{name = <<"mark">>, attrs =
        [{<<"last">>, integer_to_binary(Last)}, {<<"at">>, stamp(erlang:system_time(millisecond))}
         | [{<<"end">>, <<"true">>} || Ending]]}.

-spec settle(pos_integer(), non_neg_integer(), atom(), none | binary()) -> xmlel().
settle(N, Try, Outcome, Rule) ->
    #xmlel{name = <<"settle">>, attrs =
        [{<<"n">>, integer_to_binary(N)}, {<<"try">>, integer_to_binary(Try)}, {<<"outcome">>, atom_to_binary(Outcome, utf8)}]
        ++ by_rule(Rule) ++ [{<<"at">>, stamp(erlang:system_time(millisecond))}]}.

-spec outage({pos_integer(), pos_integer()}, pos_integer(), binary(), integer()) -> xmlel().
outage({First, Last}, Count, Rule, At) ->
    #xmlel{name = <<"outage">>, attrs =
        [{<<"from">>, integer_to_binary(First)}, {<<"to">>, integer_to_binary(Last)}, {<<"count">>, integer_to_binary(Count)},
         {<<"outcome">>, <<"bounced">>}] ++ by_rule(Rule) ++ [{<<"at">>, stamp(At)}]}.

%% The rule of the screen by which an open host was closed; empty where it is not known which.
by_rule(none) -> [];
by_rule(<<>>) -> [];
by_rule(Rule) -> [{<<"rule">>, Rule}].

%% The IQ of one screen element. done: none where nothing is said of it.
-spec screen(#link{}, #host{}, {binary(), binary(), none | non_neg_integer()}, [xmlel()]) -> iq().
screen(#link{jid = To}, #host{jid = From}, {Id, Source, Done}, Children) ->
    Attrs = [{<<"xmlns">>, ?NS_SCREEN}, {<<"source">>, Source} | [{<<"done">>, integer_to_binary(Done)} || Done =/= none]],
    #iq{type = set, id = Id, from = From, to = To, sub_els = [#xmlel{name = <<"screen">>, attrs = Attrs, children = Children}]}.

-spec text(xmlel()) -> binary().
text(El) -> fxml:element_to_binary(El).

-spec size(xmlel()) -> non_neg_integer().
size(El) -> byte_size(text(El)).

%% What was kept on disk, as an element; it was one when it was written.
-spec parse(binary()) -> {ok, xmlel()} | error.
parse(Text) ->
    case fxml_stream:parse_element(Text) of
        #xmlel{} = El -> {ok, El};
        _ -> error
    end.

-spec hex(pos_integer()) -> binary().
hex(Bytes) -> << <<(digit(Half))>> || <<Half:4>> <= crypto:strong_rand_bytes(Bytes) >>.

digit(N) when N < 10 -> $0 + N;
digit(N) -> $a + N - 10.
