%% SPDX-License-Identifier: GPL-2.0-or-later
%% Makes of a stanza an element that stands alone: in jabber:client, every namespace declared inside it, the addresses as the
%% server prepares them. What a reader of streams would not take, by depth, size or namespaces, is not written: one sender
%% must not end everybody's stream.
-module(gatehouse_writer).

-export([addresses/1, alone/2, measure/2, stanza/2, stanza/3]).

-include("gatehouse.hrl").

-define(CLIENT, <<"jabber:client">>).
-define(XML, <<"http://www.w3.org/XML/1998/namespace">>).
-define(XMLNS, <<"http://www.w3.org/2000/xmlns/">>).
%% Deeper than this nobody nests what people read; the readers of streams stop somewhat later, and end the stream then.
-define(DEEPEST, 100).
-define(SHORT, 48).

%% From and to as the question shows them; to is empty for presence to everybody, of which the server says that it is to the
%% sender's own address.
-spec addresses(stanza()) -> {binary(), binary()}.
addresses(#presence{from = #jid{luser = U, lserver = S} = From, to = #jid{luser = U, lserver = S, lresource = <<>>}}) ->
    {address(From), <<>>};
addresses(Stanza) ->
    {address(xmpp:get_from(Stanza)), address(xmpp:get_to(Stanza))}.

%% Prepared, and without the dot of the root: another spelling of Bob's address is Bob's.
address(undefined) ->
    <<>>;
address(#jid{luser = User, lserver = Domain, lresource = Resource}) ->
    jid:encode({User, without_dot(Domain), Resource}).

without_dot(<<>>) ->
    <<>>;
without_dot(Domain) ->
    case binary:last(Domain) of
        $. -> binary:part(Domain, 0, byte_size(Domain) - 1);
        _ -> Domain
    end.

%% The element, and how many bytes it has as written (a few more at most); or why it is not written.
-spec stanza(stanza(), non_neg_integer()) -> {ok, xmlel(), non_neg_integer()} | {error, binary()}.
stanza(Stanza, MaxBytes) ->
    stanza(Stanza, addresses(Stanza), MaxBytes).

%% With its addresses, as addresses/1 gives them.
-spec stanza(stanza(), {binary(), binary()}, non_neg_integer()) -> {ok, xmlel(), non_neg_integer()} | {error, binary()}.
stanza(Stanza, {From, To}, MaxBytes) ->
    #xmlel{attrs = Attrs} = El = xmpp:encode(Stanza, ?CLIENT),
    Rest = [One || {Name, _} = One <- Attrs, Name =/= <<"from">>, Name =/= <<"to">>, Name =/= <<"xmlns">>],
    Shown = [{Name, Value} || {Name, Value} <- [{<<"from">>, From}, {<<"to">>, To}], Value =/= <<>>],
    alone(El#xmlel{attrs = [{<<"xmlns">>, ?CLIENT} | Shown ++ Rest]}, MaxBytes).

%% The same of an element, with the addresses that it has. It declares its own namespace.
-spec alone(xmlel(), non_neg_integer()) -> {ok, xmlel(), non_neg_integer()} | {error, binary()}.
alone(El, MaxBytes) ->
    try write(El, <<>>, #{}, 1, MaxBytes) of
        {Written, Left} -> {ok, Written, MaxBytes - Left}
    catch
        throw:{unwritable, Why} -> {error, Why}
    end.

%% Scope: the prefixes in force. Only declarations that something needs are written, so that none takes room for nothing.
write(_El, _Parent, _Scope, Depth, _Left) when Depth > ?DEEPEST ->
    throw({unwritable, <<"nested too deeply">>});
write(#xmlel{name = Name, attrs = Attrs, children = Children} = El, Parent, Scope, Depth, Left) ->
    case has_colon(Name) orelse simple(Attrs, none, [], Left) of
        {Said, Given, Left2} ->
            Ns = case Said of none -> Parent; _ -> Said end,
            written(Name, Ns, Given, Children, Parent, Scope, Depth, Left2);
        true ->
            write_prefixed(El, Parent, Scope, Depth, Left)
    end.

%% What nearly all elements have: attributes without a prefix, of none of which anything must be declared.
simple([{<<"xmlns">>, Ns} | Rest], none, Given, Left) -> simple(Rest, Ns, Given, Left);
simple([{<<"xmlns">>, _} | Rest], Ns, Given, Left) -> simple(Rest, Ns, Given, Left);
simple([{<<"xml:lang">> = Name, Value} = One | Rest], Ns, Given, Left) -> simple(Rest, Ns, [One | Given], Left - size(Name, Value));
simple([{Name, Value} = One | Rest], Ns, Given, Left) ->
    case has_colon(Name) of
        true -> true;
        false -> simple(Rest, Ns, [One | Given], Left - size(Name, Value))
    end;
simple([], Ns, Given, Left) -> {Ns, lists:reverse(Given), Left}.

size(Name, Value) -> byte_size(Name) + escaped(Value) + byte_size(<<" =''">>).

has_colon(<<$:, _/binary>>) -> true;
has_colon(<<_, Rest/binary>>) -> has_colon(Rest);
has_colon(<<>>) -> false.

write_prefixed(#xmlel{name = Name, attrs = Attrs, children = Children}, Parent, Scope, Depth, Left) ->
    Scope2 = declared(Attrs, Scope),
    {Local, Ns} = name(Name, Attrs, Parent, Scope2),
    {Given, Left2} = attributes(Attrs, Scope2, Left),
    written(Local, Ns, Given, Children, Parent, Scope2, Depth, Left2).

written(Local, Ns, Given, Children, Parent, Scope, Depth, Left) ->
    {All, Left2} = case Ns of
                       Parent -> {Given, Left};
                       _ -> {[{<<"xmlns">>, legal(Ns)} | Given], Left - byte_size(<<" xmlns=''">>) - escaped(Ns)}
                   end,
    {Written, Left3} = children(Children, Ns, Scope, Depth + 1, [], room(Left2 - 2 * byte_size(Local) - byte_size(<<"<></>">>))),
    {#xmlel{name = Local, attrs = All, children = Written}, Left3}.

children([Child | Rest], Ns, Scope, Depth, Written, Left) ->
    {One, Left2} = child(Child, Ns, Scope, Depth, Left),
    children(Rest, Ns, Scope, Depth, [One | Written], Left2);
children([], _Ns, _Scope, _Depth, Written, Left) ->
    {lists:reverse(Written), Left}.

child({xmlcdata, Text} = Child, _Ns, _Scope, _Depth, Left) ->
    {Child, room(Left - escaped(Text))};
child(El, Ns, Scope, Depth, Left) ->
    write(El, Ns, Scope, Depth, Left).

declared(Attrs, Scope) ->
    lists:foldl(fun({<<"xmlns:", Prefix/binary>>, Ns}, In) -> In#{Prefix => Ns}; (_, In) -> In end, Scope, Attrs).

name(Name, Attrs, Parent, Scope) ->
    case binary:split(Name, <<":">>) of
        [Local] ->
            case lists:keyfind(<<"xmlns">>, 1, Attrs) of
                {_, Ns} -> {Local, Ns};
                false -> {Local, Parent}
            end;
        [Prefix, Local] when is_map_key(Prefix, Scope) ->
            {plain(Local), map_get(Prefix, Scope)};
        _ ->
            throw({unwritable, <<"a name whose prefix is not declared">>})
    end.

plain(Local) ->
    case binary:match(Local, <<":">>) of
        nomatch -> Local;
        _ -> throw({unwritable, <<"a name with a colon">>})
    end.

attributes(Attrs, Scope, Left) ->
    {Given, {Left2, _}} =
        lists:mapfoldl(fun({Name, Value}, {L, Count}) ->
                               {More, Written, Count2} = attribute(Name, Value, Scope, Count),
                               Size = lists:sum([byte_size(N) + escaped(V) + byte_size(<<" =''">>) || {N, V} <- [Written | More]]),
                               {More ++ [Written], {L - Size, Count2}}
                       end,
                       {Left, 1},
                       [One || {Name, _} = One <- Attrs, not is_declaration(Name)]),
    {lists:append(Given), Left2}.

attribute(Name, Value, Scope, Count) ->
    case binary:split(Name, <<":">>) of
        [_] -> {[], {Name, Value}, Count};
        [<<"xml">>, Local] -> {[], {<<"xml:", (plain(Local))/binary>>, Value}, Count};
        [Prefix, Local] when is_map_key(Prefix, Scope) ->
            Own = <<"ns", (integer_to_binary(Count))/binary>>,
            Ns = legal(map_get(Prefix, Scope)),
            {[{<<"xmlns:", Own/binary>>, Ns}], {<<Own/binary, $:, (plain(Local))/binary>>, Value}, Count + 1};
        _ -> throw({unwritable, <<"an attribute whose prefix is not declared">>})
    end.

is_declaration(<<"xmlns">>) -> true;
is_declaration(<<"xmlns:", _/binary>>) -> true;
is_declaration(_) -> false.

%% Whether a declaration may name it: none at all, or what no reader trims to another name, as they trim white space of any kind.
legal(<<>>) ->
    <<>>;
legal(Ns) ->
    First = binary:first(Ns),
    Last = binary:last(Ns),
    case First > 32 andalso First < 127 andalso Last > 32 andalso Last < 127 andalso Ns =/= ?XML andalso Ns =/= ?XMLNS of
        true -> Ns;
        false -> throw({unwritable, <<"a namespace that cannot be declared">>})
    end.

room(Left) when Left < 0 -> throw({unwritable, <<"too large">>});
room(Left) -> Left.

%% Bytes with its references. Five searches are faster than a look at each byte, where it is long and nothing is found.
escaped(Text) when byte_size(Text) > ?SHORT ->
    case lists:any(fun(Special) -> binary:match(Text, Special) =/= nomatch end, [<<"'">>, <<"&">>, <<"<">>, <<">">>, <<"\"">>]) of
        true -> escaped(Text, byte_size(Text));
        false -> byte_size(Text)
    end;
escaped(Text) ->
    escaped(Text, byte_size(Text)).

escaped(<<$&, Rest/binary>>, Size) -> escaped(Rest, Size + 4);
escaped(<<$<, Rest/binary>>, Size) -> escaped(Rest, Size + 3);
escaped(<<$>, Rest/binary>>, Size) -> escaped(Rest, Size + 3);
escaped(<<$', Rest/binary>>, Size) -> escaped(Rest, Size + 5);
escaped(<<$", Rest/binary>>, Size) -> escaped(Rest, Size + 5);
escaped(<<_, Rest/binary>>, Size) -> escaped(Rest, Size);
escaped(<<>>, Size) -> Size.

%% About how many bytes the stanza holds, however deep it is; counting stops above Most.
-spec measure(stanza() | xmlel(), non_neg_integer()) -> non_neg_integer().
measure(#xmlel{} = El, Most) ->
    count([El], 0, Most);
measure(Stanza, Most) ->
    measure(xmpp:encode(Stanza, ?CLIENT), Most).

count([#xmlel{name = Name, attrs = Attrs, children = Children} | Rest], Size, Most) when Size =< Most ->
    Own = lists:sum([byte_size(K) + byte_size(V) + 4 || {K, V} <- Attrs]),
    count(Children ++ Rest, Size + 2 * byte_size(Name) + 5 + Own, Most);
count([{xmlcdata, Text} | Rest], Size, Most) when Size =< Most ->
    count(Rest, Size + byte_size(Text), Most);
count(_, Size, _Most) ->
    Size.
