%% SPDX-License-Identifier: GPL-2.0-or-later
%% Reads what the screen tells of what is closed while it is away, <outage-rules/>, into rows, conditions and patterns, bounded.
%% PROTOCOL.md section 13. gatehouse_outage holds a stanza against them.
-module(gatehouse_outage_rows).

-export([read/1, scope/2, namespace/2, local_name/1]).

-export_type([table/0, condition/0, patterns/0, scope/0]).

-type table() :: #{id := binary(), rows := [row()], defines := #{pos_integer() => condition()}, rooms := patterns()}.
-type row() :: {allow | {closed, Rule :: binary()}, condition()}.
-type condition() ::
    always | unknown | {'not' | at_most, condition()} | {all | any, [condition()]} | {defined, pos_integer()}
    | {direction | stanza, binary()} | {type, binary() | none} | {host | from | to, patterns()} | {room, patterns() | any}
    | {child, #{ns := names(), name := names(), except := names(), starts := binary() | any}, Levels :: 1..8}.
%% Patterns of addresses: user@domain, domain (everybody there), with * for anything. A star: over what it must fit, and what stands
%% before the first of its stars, between them, and behind the last. needs_...: whether an address that may be spelt otherwise could
%% be one of these.
-type patterns() :: #{bares := #{binary() => []}, domains := #{binary() => []}, stars := [star()],
                      needs_bare := boolean(), needs_domain := boolean()}.
-type star() :: {bare | domain, {First :: binary(), Between :: [binary()], Last :: binary()}}.
-type names() :: any | {#{binary() => []}, Beginnings :: [binary()]}.
%% The namespaces in force: by prefix, <<>> for what has none.
-type scope() :: #{binary() => binary()}.

-define(NS, <<"urn:gatehouse:screen:1">>).
-define(VERSION, <<"1">>). % of the table
-define(ROWS, 1000). % a table that has more than these is none
-define(CONDITIONS, 5000).
-define(LEVELS, 64).
-define(STARS, 2000).
-define(DEEPEST_CHILD, 8).
-define(LONGEST_RULE, 64).

-record(counts, {conditions = 0, stars = 0, names = #{}, defines = #{}}).

%% An error: why, and the condition of RFC 6120 where it cannot be taken.
-spec read(fxml:xmlel()) -> {ok, table()} | {error, Why :: binary(), Condition :: binary()}.
read({xmlel, _, Attrs, Children}) ->
    Id = attribute(<<"id">>, Attrs, <<>>),
    case {re:run(Id, "\\A[A-Za-z0-9-]{1,64}\\z"), attribute(<<"version">>, Attrs, ?VERSION)} of
        {nomatch, _} -> {error, <<"wanted: an id of 1 to 64 letters, digits, dashes">>, <<"bad-request">>};
        {_, ?VERSION} -> read_table(Id, Attrs, Children);
        _ -> {error, <<"wanted: version ", ?VERSION/binary>>, <<"feature-not-implemented">>}
    end.

read_table(Id, Attrs, Children) ->
    try
        {Rows, Counts} = read_rows(elements(Children), scope(Attrs, #{}), #counts{}, []),
        {Rooms, #counts{defines = Defines}} = read_patterns(attribute(<<"rooms">>, Attrs, <<>>), Counts),
        {ok, #{id => Id, rows => Rows, defines => Defines, rooms => Rooms}}
    catch
        throw:{wanted, What} -> {error, <<"wanted: ", What/binary>>, <<"bad-request">>}
    end.

-spec wanted(binary()) -> no_return().
wanted(What) -> throw({wanted, What}).

%% The first of the element's attributes with this name.
attribute(Name, Attrs, Otherwise) ->
    case lists:keyfind(Name, 1, Attrs) of
        {_, Value} -> Value;
        false -> Otherwise
    end.

elements(Children) -> [Child || {xmlel, _, _, _} = Child <- Children].

%% The namespaces in force inside of an element with these attributes.
-spec scope([{binary(), binary()}], scope()) -> scope().
scope([{<<"xmlns">>, Namespace} | Attrs], Scope) -> scope(Attrs, Scope#{<<>> => Namespace});
scope([{<<"xmlns:", Prefix/binary>>, Namespace} | Attrs], Scope) -> scope(Attrs, Scope#{Prefix => Namespace});
scope([_ | Attrs], Scope) -> scope(Attrs, Scope);
scope([], Scope) -> Scope.

%% The namespace of an element, in the scope around it. unknown: its prefix is not declared.
-spec namespace(fxml:xmlel(), scope()) -> binary() | unknown.
namespace({xmlel, Name, Attrs, _}, Outer) ->
    Scope = scope(Attrs, Outer),
    case binary:split(Name, <<":">>) of
        [<<"xml">>, _] -> <<"http://www.w3.org/XML/1998/namespace">>;
        [Prefix, _] -> maps:get(Prefix, Scope, unknown);
        [_] -> maps:get(<<>>, Scope, <<>>)
    end.

-spec local_name(Written :: binary()) -> binary().
local_name(Written) ->
    case binary:split(Written, <<":">>) of
        [_, Name] -> Name;
        [Name] -> Name
    end.

read_rows([{xmlel, Written, Attrs, Children} = Row | More], Outer, Counts, Rows) ->
    Scope = scope(Attrs, Outer),
    Below = elements(Children),
    case {namespace(Row, Outer), local_name(Written)} of
        {?NS, <<"define">>} -> read_rows(More, Outer, define(attribute(<<"name">>, Attrs, none), Below, Scope, Counts), Rows);
        {?NS, What} ->
            {One, Counts1} = read_row(What, attribute(<<"rule">>, Attrs, none), Below, Scope, Counts, length(Rows)),
            read_rows(More, Outer, Counts1, [One | Rows]);
        {unknown, _} -> wanted(<<"namespaces that are declared">>);
        _ -> read_rows(More, Outer, Counts, Rows)
    end;
read_rows([], _, Counts, Rows) -> {lists:reverse(Rows), Counts}.

%% A condition gets a name; it may name what was defined before it, so there are no circles.
define(Name, [Below], Scope, Counts) when Name =/= none ->
    {When, #counts{names = Names, defines = Defines} = Counts1} = read_condition(Below, Scope, 1, Counts),
    Id = map_size(Defines) + 1,
    Counts1#counts{names = Names#{Name => Id}, defines = Defines#{Id => When}};
define(_, _, _, _) -> wanted(<<"a name, and one condition below define">>).

read_row(What, Rule, Below, Scope, Counts, Before) when What =:= <<"closed">>; What =:= <<"allow">> ->
    Before < ?ROWS orelse wanted(<<"at most ", (integer_to_binary(?ROWS))/binary, " rows">>),
    length(Below) =:= 1 orelse wanted(<<"one condition below ", What/binary>>),
    Kind = row_kind(What, Rule),
    {When, Counts1} = read_condition(hd(Below), Scope, 1, Counts),
    {{Kind, When}, Counts1};
read_row(_, _, _, _, _, Before) when Before >= ?ROWS -> wanted(<<"at most ", (integer_to_binary(?ROWS))/binary, " rows">>);
read_row(What, none, _, _, Counts, _) -> {{{closed, What}, unknown}, Counts}; % nobody here knows whom it means
read_row(_, Rule, _, _, Counts, _) -> {{{closed, Rule}, unknown}, Counts}.

row_kind(<<"allow">>, _) -> allow;
row_kind(_, Rule) when is_binary(Rule), Rule =/= <<>>, byte_size(Rule) =< ?LONGEST_RULE -> {closed, Rule};
row_kind(_, _) -> wanted(<<"closed with rule, 1 to ", (integer_to_binary(?LONGEST_RULE))/binary, " bytes">>).

read_condition({xmlel, Written, Attrs, Children} = Element, Outer, Depth, #counts{conditions = Count} = Counts) ->
    Count < ?CONDITIONS orelse wanted(<<"at most ", (integer_to_binary(?CONDITIONS))/binary, " conditions">>),
    Depth =< ?LEVELS orelse wanted(<<"at most ", (integer_to_binary(?LEVELS))/binary, " levels">>),
    Counts1 = Counts#counts{conditions = Count + 1},
    Name = local_name(Written),
    Below = elements(Children),
    Given = [Key || {Key, _} <- Attrs, not is_declaration(Key)],
    case namespace(Element, Outer) =:= ?NS andalso shape(Name) of
        false -> {unknown, Counts1};
        {Known, Inside} ->
            case Given -- Known =:= [] andalso has_what_it_needs(Name, Given) andalso (Inside =:= conditions orelse Below =:= []) of
                true -> read_known(Name, Attrs, Children, Below, scope(Attrs, Outer), Depth, Counts1);
                false -> {unknown, Counts1} % what is new in it could make it narrower or wider: it is not known as a whole
            end
    end.

is_declaration(<<"xmlns">>) -> true;
is_declaration(<<"xmlns:", _/binary>>) -> true;
is_declaration(_) -> false.

%% The attributes that a condition may have, and what stands in it. false: it is not known.
shape(Name) when Name =:= <<"all">>; Name =:= <<"any">>; Name =:= <<"not">>; Name =:= <<"maybe">> -> {[], conditions};
shape(Name) when Name =:= <<"host">>; Name =:= <<"from">>; Name =:= <<"to">>; Name =:= <<"room">> -> {[], text};
shape(Name) when Name =:= <<"direction">>; Name =:= <<"stanza">>; Name =:= <<"type">> -> {[<<"is">>], nothing};
shape(<<"always">>) -> {[], nothing};
shape(<<"defined">>) -> {[<<"name">>], nothing};
shape(<<"child">>) -> {[<<"ns">>, <<"name">>, <<"except">>, <<"levels">>, <<"starts">>], nothing};
shape(_) -> false.

has_what_it_needs(Name, Given) when Name =:= <<"direction">>; Name =:= <<"stanza">> -> Given =/= [];
has_what_it_needs(_, _) -> true.

read_known(<<"always">>, _, _, _, _, _, Counts) -> {always, Counts};
read_known(Name, _, _, Below, Scope, Depth, Counts) when Name =:= <<"not">>; Name =:= <<"maybe">> ->
    length(Below) =:= 1 orelse wanted(<<"one condition below ", Name/binary>>),
    {When, Counts1} = read_condition(hd(Below), Scope, Depth + 1, Counts),
    {{op(Name), When}, Counts1};
read_known(Name, _, _, Below, Scope, Depth, Counts) when Name =:= <<"all">>; Name =:= <<"any">> ->
    {Conditions, Counts1} = lists:mapfoldl(fun(One, So) -> read_condition(One, Scope, Depth + 1, So) end, Counts, Below),
    {{op(Name), Conditions}, Counts1};
read_known(<<"defined">>, Attrs, _, _, _, _, #counts{names = Names} = Counts) ->
    case maps:find(attribute(<<"name">>, Attrs, none), Names) of
        {ok, Id} -> {{defined, Id}, Counts};
        error -> {unknown, Counts}
    end;
read_known(<<"child">>, Attrs, _, _, _, _, Counts) ->
    case re:run(attribute(<<"levels">>, Attrs, <<"1">>), "\\A[1-8]\\z", [{capture, all, binary}]) of
        {match, [Levels]} ->
            Node = #{ns => read_names(attribute(<<"ns">>, Attrs, any)), name => read_names(attribute(<<"name">>, Attrs, any)),
                     except => read_names(attribute(<<"except">>, Attrs, any)), starts => attribute(<<"starts">>, Attrs, any)},
            {{child, Node, binary_to_integer(Levels)}, Counts};
        nomatch -> {unknown, Counts}
    end;
read_known(<<"type">>, Attrs, _, _, _, _, Counts) -> {{type, attribute(<<"is">>, Attrs, none)}, Counts};
read_known(Name, Attrs, _, _, _, _, Counts) when Name =:= <<"direction">>; Name =:= <<"stanza">> ->
    {{op(Name), attribute(<<"is">>, Attrs, none)}, Counts};
read_known(Name, _, Children, _, _, _, Counts) ->
    Text = iolist_to_binary([Said || {xmlcdata, Said} <- Children]),
    case {Name, words(Text)} of
        {<<"room">>, []} -> {{room, any}, Counts};
        _ ->
            {Patterns, Counts1} = read_patterns(Text, Counts),
            {{op(Name), Patterns}, Counts1}
    end.

op(<<"not">>) -> 'not';
op(<<"maybe">>) -> at_most;
op(<<"all">>) -> all;
op(<<"any">>) -> any;
op(<<"direction">>) -> direction;
op(<<"stanza">>) -> stanza;
op(<<"host">>) -> host;
op(<<"from">>) -> from;
op(<<"to">>) -> to;
op(<<"room">>) -> room.

words(Text) -> [Word || Word <- re:split(Text, "[ \\t\\n\\v\\f\\r]+", [{return, binary}]), Word =/= <<>>].

read_patterns(Text, #counts{stars = Stars} = Counts) ->
    Empty = #{bares => #{}, domains => #{}, stars => [], needs_bare => false, needs_domain => false},
    #{stars := Found} = Patterns = lists:foldl(fun read_pattern/2, Empty, words(Text)),
    Stars1 = Stars + length(Found),
    Stars1 =< ?STARS orelse wanted(<<"at most ", (integer_to_binary(?STARS))/binary, " patterns with a star">>),
    {Patterns#{stars := lists:reverse(Found)}, Counts#counts{stars = Stars1}}.

read_pattern(Pattern, #{bares := Bares, domains := Domains, stars := Stars} = So) ->
    case {binary:match(Pattern, <<"@">>) =/= nomatch, binary:split(Pattern, <<"*">>, [global])} of
        {true, [_]} -> So#{bares := Bares#{Pattern => []}, needs_bare := true};
        {false, [_]} -> So#{domains := Domains#{Pattern => []}, needs_domain := true};
        {true, Pieces} -> So#{stars := [{bare, between(Pieces)} | Stars], needs_bare := true};
        {false, Pieces} -> So#{stars := [{domain, between(Pieces)} | Stars], needs_domain := true}
    end.

between([First | Pieces]) ->
    {Between, [Last]} = lists:split(length(Pieces) - 1, Pieces),
    {First, [Piece || Piece <- Between, Piece =/= <<>>], Last}.

%% Names with a space between them; of namespaces, those that end in * are beginnings. any: none is given.
read_names(any) -> any;
read_names(Text) ->
    {Beginnings, Exact} = lists:partition(fun(Name) -> binary:last(Name) =:= $* end, words(Text)),
    {maps:from_list([{Name, []} || Name <- Exact]), [binary:part(Name, 0, byte_size(Name) - 1) || Name <- Beginnings]}.
