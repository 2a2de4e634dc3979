%% SPDX-License-Identifier: GPL-2.0-or-later
%% Reads one part of a transfer: the element `state` and its children, as values. Pure. DIRECTORY.md section 4.
-module(gatehouse_directory_parts).

-export([read/1, bare/1]).
-export_type([op/0, jid/0, gid/0, part/0]).

-type jid() :: {binary(), binary()}.
-type gid() :: binary().
-type op() :: {policy, non_neg_integer(), back | away, pos_integer()}
            | {person, jid(), binary(), false | disabled | gone}
            | {gone, jid()}
            | {group, gid(), binary(), integer(), members | everybody | groups | nobody, [gid()]}
            | {group_gone, gid()}
            | {join, gid(), [jid()]}
            | {part, gid(), [jid()]}
            | {wall, binary(), [gid()], [gid()], [{jid(), jid()}]}
            | {wall_gone, binary()}.
%% base: none is a whole state. Each op with its number in the part and the name of its element, for who is told that it is wrong.
-type part() :: #{id := binary(), seq := non_neg_integer(), base := none | non_neg_integer(), part := pos_integer(), last := boolean(),
                  ops := [{pos_integer(), binary(), op()}]}.

-define(NS, <<"urn:gatehouse:directory:1">>).
-define(MOST_CHILDREN, 1000).
-define(MOST_NAMED, 2000).
-define(LARGEST_SEQ, 9007199254740991).
-define(MOST_PRESENCE, 100000).
-define(MOST_CAP, 10000).

%% The error is for people: what is wrong, and where.
-spec read(tuple()) -> {ok, part()} | {error, binary()}.
read({xmlel, _, Attrs, Children}) ->
    try
        Id = id(attr(<<"id">>, Attrs)),
        Seq = number(<<"seq">>, attr(<<"seq">>, Attrs), 0, ?LARGEST_SEQ),
        Base = case attr(<<"base">>, Attrs) of
            none -> none;
            Said -> number(<<"base">>, Said, 0, ?LARGEST_SEQ)
        end,
        Part = number(<<"part">>, attr(<<"part">>, Attrs), 1, ?LARGEST_SEQ),
        Last = flag(<<"last">>, attr(<<"last">>, Attrs)),
        Elements = [El || {xmlel, _, _, _} = El <- Children, ours(El)],
        length(Elements) =< ?MOST_CHILDREN orelse throw({wrong, <<"more than 1000 elements in one part">>}),
        Elements =/= [] orelse Last orelse throw({wrong, <<"a part without elements that is not the last">>}),
        {ok, #{id => Id, seq => Seq, base => Base, part => Part, last => Last, ops => ops(Elements, 1)}}
    catch throw:{wrong, Why} -> {error, Why}
    end.

ops([], _) -> [];
ops([{xmlel, Name, Attrs, Children} | Rest], N) ->
    Op = try op(Name, Attrs, Children)
         catch throw:{wrong, Why} ->
             throw({wrong, iolist_to_binary([<<"child ">>, integer_to_binary(N), <<", ">>, Name, <<": ">>, Why])})
         end,
    [{N, Name, Op} | ops(Rest, N + 1)].

op(<<"policy">>, Attrs, _) ->
    {policy,
     default(attr(<<"cap">>, Attrs), 2000, fun(Text) -> number(<<"cap">>, Text, 0, ?MOST_CAP) end),
     one_of(<<"deleted">>, attr(<<"deleted">>, Attrs), [{none, back}, {<<"back">>, back}, {<<"away">>, away}]),
     default(attr(<<"presence">>, Attrs), 2000, fun(Text) -> number(<<"presence">>, Text, 10, ?MOST_PRESENCE) end)};
op(<<"person">>, Attrs, _) ->
    Name = default(attr(<<"name">>, Attrs), <<>>, fun(Text) -> name(Text, 0) end),
    {person, jid(attr(<<"jid">>, Attrs)), Name,
     one_of(<<"locked">>, attr(<<"locked">>, Attrs), [{none, false}, {<<"disabled">>, disabled}, {<<"gone">>, gone}])};
op(<<"gone">>, Attrs, _) -> {gone, jid(attr(<<"jid">>, Attrs))};
op(<<"group">>, Attrs, Children) ->
    Id = short(<<"id">>, attr(<<"id">>, Attrs)),
    case flag(<<"gone">>, attr(<<"gone">>, Attrs)) of
        true -> {group_gone, Id};
        false ->
            Shown = one_of(<<"shown">>, attr(<<"shown">>, Attrs), [{none, members}, {<<"members">>, members}, {<<"everybody">>, everybody},
                                                              {<<"groups">>, groups}, {<<"nobody">>, nobody}]),
            To = groups(<<"to">>, Children),
            Shown =/= groups orelse To =/= [] orelse wrong(<<"no element to">>),
            length(To) =< ?MOST_CHILDREN orelse wrong(<<"more than 1000 elements to">>),
            Order = default(attr(<<"order">>, Attrs), 0, fun(Text) -> number(<<"order">>, Text, -?LARGEST_SEQ, ?LARGEST_SEQ) end),
            {group, Id, name(attr(<<"name">>, Attrs), 1), Order, Shown, case Shown of groups -> To; _ -> [] end}
    end;
op(<<"join">>, Attrs, Children) -> {join, short(<<"group">>, attr(<<"group">>, Attrs)), jids(Children)};
op(<<"part">>, Attrs, Children) -> {part, short(<<"group">>, attr(<<"group">>, Attrs)), jids(Children)};
op(<<"wall">>, Attrs, Children) ->
    Id = short(<<"id">>, attr(<<"id">>, Attrs)),
    case flag(<<"gone">>, attr(<<"gone">>, Attrs)) of
        true -> {wall_gone, Id};
        false ->
            As = groups(<<"a">>, Children),
            Bs = groups(<<"b">>, Children),
            As =/= [] andalso Bs =/= [] orelse wrong(<<"it needs at least one a and one b">>),
            Excepts = [pair(jid(attr(<<"a">>, Said)), jid(attr(<<"b">>, Said)))
                       || {xmlel, <<"except">>, Said, _} = El <- Children, ours(El)],
            {wall, Id, As, Bs, lists:usort(Excepts)}
    end;
op(_, _, _) -> wrong(<<"this helper does not know it">>).

pair(A, B) when A =< B -> {A, B};
pair(A, B) -> {B, A}.

groups(Name, Children) ->
    lists:usort([short(<<"group">>, attr(<<"group">>, Attrs)) || {xmlel, Said, Attrs, _} = El <- Children, Said =:= Name, ours(El)]).

jids(Children) ->
    Text = iolist_to_binary([Data || {xmlcdata, Data} <- Children]),
    Words = [Word || Word <- binary:split(Text, [<<" ">>, <<"\n">>, <<"\t">>, <<"\r">>], [global]), Word =/= <<>>],
    length(Words) =< ?MOST_NAMED orelse wrong(<<"more than 2000 JIDs">>),
    lists:usort([jid(Word) || Word <- Words]).

jid(none) -> wrong(<<"no JID">>);
jid(Text) ->
    case bare(Text) of
        error -> wrong(<<"not a bare JID as this server prepares it: ", (binary:part(Text, 0, min(100, byte_size(Text))))/binary>>);
        Jid -> Jid
    end.

%% A bare JID with a local part, written as the server itself prepares it.
-spec bare(binary()) -> jid() | error.
bare(Text) ->
    try jid:decode(Text) of
        Jid ->
            case jid:tolower(Jid) of
                {User, Server, <<>>} when User =/= <<>>, <<User/binary, "@", Server/binary>> =:= Text -> {User, Server};
                _ -> error
            end
    catch _:_ -> error
    end.

ours({xmlel, _, Attrs, _}) ->
    case attr(<<"xmlns">>, Attrs) of
        none -> true;
        ?NS -> true;
        _ -> false
    end.

id(none) -> throw({wrong, <<"state: no id">>});
id(Text) ->
    re:run(Text, "\\A[A-Za-z0-9-]{1,64}\\z", [{capture, none}]) =:= match orelse throw({wrong, <<"state: the id is not 1 to 64 letters, digits, dashes">>}),
    Text.

short(Name, none) -> wrong(<<"no ", Name/binary>>);
short(Name, Text) ->
    Fits = byte_size(Text) >= 1 andalso byte_size(Text) =< 255 andalso re:run(Text, "[\\x{0}-\\x{20}\\x{7f}]", [{capture, none}]) =:= nomatch,
    Fits orelse wrong(<<"the ", Name/binary, " is not 1 to 255 bytes without white space and control characters">>),
    Text.

name(none, _) -> wrong(<<"no name">>);
name(Text, Least) ->
    Fits = byte_size(Text) >= Least andalso byte_size(Text) =< 1023 andalso re:run(Text, "[\\x{0}-\\x{1f}\\x{7f}]", [{capture, none}]) =:= nomatch,
    Fits orelse wrong(<<"the name is too short, longer than 1023 bytes, or has control characters">>),
    Text.

number(Name, none, _, _) -> wrong(<<"no ", Name/binary>>);
number(Name, Text, Least, Most) ->
    case re:run(Text, "\\A-?[0-9]{1,16}\\z", [{capture, none}]) of
        match ->
            case binary_to_integer(Text) of
                Number when Number >= Least, Number =< Most -> Number;
                _ -> wrong(<<Name/binary, " is out of its bounds">>)
            end;
        nomatch -> wrong(<<Name/binary, " is not a number">>)
    end.

flag(Name, Said) -> one_of(Name, Said, [{none, false}, {<<"false">>, false}, {<<"true">>, true}]).

one_of(Name, Said, Known) ->
    case lists:keyfind(Said, 1, Known) of
        {_, Value} -> Value;
        false -> wrong(<<Name/binary, " is none of the words that are known">>)
    end.

default(none, Value, _) -> Value;
default(Text, _, Read) -> Read(Text).

attr(Name, Attrs) ->
    case lists:keyfind(Name, 1, Attrs) of
        {_, Value} -> Value;
        false -> none
    end.

-spec wrong(binary()) -> no_return().
wrong(Why) -> throw({wrong, Why}).
