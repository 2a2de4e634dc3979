%% SPDX-License-Identifier: GPL-2.0-or-later
%% The helper's own answer to "is this closed while the screen is away?", a line for each question, as closed.lua beside the tests
%% of Prosody: T <outage-rules/> sets the table; S DIRECTION HOST FROM TO STANZA asks, tabs between; the answer is the id of the
%% rule, or - . M asks how many microseconds the last stanza takes. Runs under -noinput: reads and writes by a port of its own.
-module(gatehouse_closed).

-export([main/0]).

main() ->
    Port = open_port({fd, 0, 1}, [binary, stream, eof]),
    loop(Port, <<>>, #{rules => none}).

loop(Port, Before, State) ->
    receive
        {Port, {data, Data}} ->
            [Rest | Lines] = lists:reverse(binary:split(<<Before/binary, Data/binary>>, <<"\n">>, [global])),
            loop(Port, Rest, lists:foldl(fun(Line, So) -> said(Port, Line, So) end, State, lists:reverse(Lines)));
        {Port, eof} -> halt(0)
    end.

said(Port, Line, State) ->
    {Answer, State1} = answer(Line, State),
    true = port_command(Port, [Answer, $\n]),
    State1.

answer(<<"T\t", Xml/binary>>, State) ->
    case gatehouse_outage:read(parse(Xml)) of
        {ok, Rules} -> {[<<"ok ">>, gatehouse_outage:id(Rules)], State#{rules := Rules}};
        {error, Why, Condition} -> {[Condition, $\s, Why], State}
    end;
answer(<<"S\t", Asked/binary>>, #{rules := Rules} = State) ->
    [Direction, Host, From, To, Xml] = binary:split(Asked, <<"\t">>, [global]),
    Item = #{direction => direction(Direction), from => From, to => To, xml => parse(Xml)},
    Ask = fun() -> gatehouse_outage:closed_by(Rules, Item, Host) end,
    case Ask() of
        none -> {<<"-">>, State#{ask => Ask}};
        Rule -> {Rule, State#{ask => Ask}}
    end;
answer(<<"M", _/binary>>, #{ask := Ask} = State) ->
    {Microseconds, _} = timer:tc(fun() -> [Ask() || _ <- lists:seq(1, 20)] end),
    {integer_to_binary(Microseconds div 20), State}.

direction(<<"received">>) -> received;
direction(_) -> sent.

parse(Xml) ->
    {xmlel, _, _, _} = fxml_stream:parse_element(Xml).
