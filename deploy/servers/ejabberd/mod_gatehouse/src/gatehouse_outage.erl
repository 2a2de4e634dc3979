%% SPDX-License-Identifier: GPL-2.0-or-later
%% What an open host closes while its screen is away: whether a stanza is meant by one of the rows that the screen has told
%% (gatehouse_outage_rows reads them). PROTOCOL.md section 13. A condition has three answers: true, false, and unknown for what
%% is not known here. Only a clear no lets pass: whatever cannot be read, is new, or would take too long, is not known.
-module(gatehouse_outage).

-export([read/1, id/1, closed_by/3]).

-export_type([rules/0, item/0]).

-include_lib("kernel/include/logger.hrl").

%% none: nothing was ever told. damaged: what was told cannot be read, so everything is closed.
-type rules() :: none | damaged | gatehouse_outage_rows:table().
%% from, to: as `ask` shows them. xml: the stanza as it is asked about, in jabber:client, every namespace declared inside.
-type item() :: #{from := binary(), to => binary(), xml := fxml:xmlel(), direction => sent | received, _ => _}.
-type answer() :: boolean() | unknown.

-define(CLIENT, <<"jabber:client">>).
-define(MUC, "http://jabber.org/protocol/muc").
-define(STEPS, 10000). % for one stanza: conditions, patterns with a star, children looked at

-record(address, {bare :: binary(), domain :: binary(), bare_plain :: boolean(), domain_plain :: boolean()}).
-record(look, {
    stanza :: fxml:xmlel(), direction :: binary(), host :: #address{}, from :: #address{}, to :: #address{} | none,
    defines :: map(), rooms :: gatehouse_outage_rows:patterns(),
    scope :: gatehouse_outage_rows:scope(),            % the namespaces in force inside of the stanza
    room = unasked :: unasked | #address{} | none | unknown, % the room that it goes to or comes from, once it was looked for
    known = #{} :: #{pos_integer() => answer()},       % defined conditions that were looked at
    left = ?STEPS :: integer()
}).

%% Reads <outage-rules/>. An error: why, and the condition of RFC 6120.
-spec read(fxml:xmlel()) -> {ok, rules()} | {error, Why :: binary(), Condition :: binary()}.
read(Element) -> gatehouse_outage_rows:read(Element).

%% The id of what is held, for the announcement.
-spec id(rules()) -> none | binary().
id(none) -> none;
id(damaged) -> <<"damaged">>;
id(#{id := Id}) -> Id.

%% The rule by which an open host closes for this item, <<>> where it is not known which. none: it is not meant by any.
-spec closed_by(rules(), item(), HostName :: binary()) -> none | binary().
closed_by(none, _, _) -> none;
closed_by(damaged, _, _) -> <<>>;
closed_by(#{rows := []}, _, _) -> none;
closed_by(#{rows := Rows, defines := Defines, rooms := Rooms}, Item, HostName) ->
    try
        #{from := From, xml := {xmlel, _, Attrs, _} = Stanza} = Item,
        Scope = gatehouse_outage_rows:scope(Attrs, #{<<>> => ?CLIENT}),
        decide(Rows, #look{
            stanza = Stanza, direction = direction(Item), host = parts(HostName), from = parts(From), to = receiver(Item),
            defines = Defines, rooms = Rooms, scope = Scope
        })
    catch
        Class:Reason:Stack ->
            % Not with the item: what people write stands in no log.
            ?LOG_ERROR("Whether a rule is stricter than host ~ts: ~p ~0p", [HostName, Class, where(Reason, Stack)]),
            <<>>
    end.

where(Reason, Stack) ->
    Kind = case Reason of
        _ when is_atom(Reason) -> Reason;
        _ when is_tuple(Reason), is_atom(element(1, Reason)) -> element(1, Reason);
        _ -> other
    end,
    {Kind, [{Module, Function, proplists:get_value(line, Place)} || {Module, Function, _, Place} <- Stack]}.

direction(#{direction := received}) -> <<"received">>;
direction(_) -> <<"sent">>.

receiver(#{to := To}) when To =/= <<>> -> parts(To);
receiver(_) -> none.

decide([{What, When} | Rows], Look) ->
    case {What, holds(When, Look)} of
        {allow, {true, _}} -> none; % whatever stands below
        {{closed, Rule}, {Answer, _}} when Answer =/= false -> Rule;
        {_, {_, Look1}} -> decide(Rows, Look1)
    end;
decide([], _) -> none.

-spec holds(gatehouse_outage_rows:condition(), #look{}) -> {answer(), #look{}}.
holds(_, #look{left = Left} = Look) when Left =< 0 -> {unknown, Look#look{left = 0}};
holds(Condition, #look{left = Left} = Look) -> check(Condition, Look#look{left = Left - 1}).

check(always, Look) -> {true, Look};
check(unknown, Look) -> {unknown, Look};
check({'not', Below}, Look) ->
    case holds(Below, Look) of
        {unknown, Look1} -> {unknown, Look1};
        {Answer, Look1} -> {not Answer, Look1}
    end;
check({at_most, Below}, Look) ->
    % <maybe/>: where this does not hold, what is meant does not either; where it does, that is open.
    case holds(Below, Look) of
        {false, Look1} -> {false, Look1};
        {_, Look1} -> {unknown, Look1}
    end;
check({all, Below}, Look) -> each(Below, false, true, Look);
check({any, Below}, Look) -> each(Below, true, false, Look);
check({defined, Id}, #look{defines = Defines, known = Known} = Look) ->
    case Known of
        #{Id := Answer} -> {Answer, Look};
        _ ->
            {Answer, #look{known = Known1} = Look1} = holds(maps:get(Id, Defines), Look),
            {Answer, Look1#look{known = Known1#{Id => Answer}}}
    end;
check({direction, Is}, #look{direction = Direction} = Look) -> {Direction =:= Is, Look};
check({stanza, Is}, #look{stanza = {xmlel, Name, _, _}} = Look) -> {Name =:= Is, Look};
check({type, Is}, #look{stanza = Stanza} = Look) -> {type_of(Stanza) =:= Is, Look};
check({host, Who}, #look{host = Host} = Look) -> among(Host, Who, Look);
check({from, Who}, #look{from = From} = Look) -> among(From, Who, Look);
check({to, Who}, #look{to = To} = Look) ->
    {Meant, Look1} = among(To, Who, Look),
    case Meant =/= true andalso names_others(Look1) of
        true -> {unknown, Look1};
        false -> {Meant, Look1}
    end;
check({room, Who}, Look) ->
    case find_room(Look) of
        {#address{} = Room, Look1} when Who =/= any -> among(Room, Who, Look1);
        {#address{}, Look1} -> {true, Look1};
        {none, Look1} -> {false, Look1};
        {unknown, Look1} -> {unknown, Look1}
    end;
check({child, Node, Levels}, #look{stanza = {xmlel, _, _, Children}, scope = Scope, left = Left} = Look) ->
    {Found, Left1} = has_child(Children, Scope, Node, Levels, Left),
    {Found, Look#look{left = Left1}}.

%% The answer at which to stop, else unknown if one is, else the other.
each([], _, Otherwise, Look) -> {Otherwise, Look};
each([One | More], Stop, Otherwise, Look) ->
    case holds(One, Look) of
        {Stop, Look1} -> {Stop, Look1};
        {unknown, Look1} -> each(More, Stop, unknown, Look1);
        {_, Look1} -> each(More, Stop, Otherwise, Look1)
    end.

type_of({xmlel, _, Attrs, _}) ->
    case lists:keyfind(<<"type">>, 1, Attrs) of
        {_, Type} -> Type;
        false -> none
    end.

%% People may be named inside of a message as well.
names_others(#look{stanza = {xmlel, <<"message">>, _, Children}, scope = Scope}) ->
    lists:any(fun(Child) ->
        lists:member(gatehouse_outage_rows:namespace(Child, Scope),
                     [<<?MUC, "#user">>, <<"http://jabber.org/protocol/address">>, unknown])
    end, elements(Children));
names_others(_) -> false.

elements(Children) -> [Child || {xmlel, _, _, _} = Child <- Children].

%% Looked for once in a stanza.
find_room(#look{room = unasked, direction = Direction, from = From, to = To} = Look) ->
    {There, Here} = case Direction of
        <<"received">> -> {From, To};
        _ -> {To, From}
    end,
    {Room, Look1} = case is_groupchat(Look#look.stanza) of
        true -> {There, Look};
        false -> room_among([Address || #address{} = Address <- [There, Here]], There, false, Look)
    end,
    % Of a groupchat for nobody it is not known which room is meant.
    Found = case {Room, is_groupchat(Look#look.stanza)} of
        {none, true} -> unknown;
        _ -> Room
    end,
    {Found, Look1#look{room = Found}};
find_room(#look{room = Room} = Look) -> {Room, Look}.

is_groupchat({xmlel, <<"message">>, _, _} = Stanza) -> type_of(Stanza) =:= <<"groupchat">>;
is_groupchat(_) -> false.

room_among([#address{bare = Bare} = Address | More], There, Unknown, #look{rooms = Rooms} = Look) ->
    case binary:match(Bare, <<"@">>) =/= nomatch andalso among(Address, Rooms, Look) of
        false -> room_among(More, There, Unknown, Look);
        {true, Look1} when Unknown -> {unknown, Look1};
        {true, Look1} -> {Address, Look1};
        {false, Look1} -> room_among(More, There, Unknown, Look1);
        {unknown, Look1} -> room_among(More, There, true, Look1)
    end;
room_among([], _, true, Look) -> {unknown, Look};
room_among([], There, false, #look{stanza = {xmlel, _, _, Children}, scope = Scope} = Look) ->
    Namespaces = [gatehouse_outage_rows:namespace(Child, Scope) || Child <- elements(Children)],
    Parts = [<<?MUC>>, <<?MUC, "#owner">>, <<?MUC, "#admin">>, <<?MUC, "#user">>],
    case {lists:any(fun(Namespace) -> lists:member(Namespace, Parts) end, Namespaces), lists:member(unknown, Namespaces)} of
        {true, _} -> {There, Look};
        {false, true} -> {unknown, Look};
        {false, false} -> {none, Look}
    end.

%% Whether one of the children is meant, or one below them; and the steps that are left.
has_child([{xmlel, _, _, _} | _], _, _, _, Left) when Left =< 0 -> {unknown, 0};
has_child([{xmlel, _, Attrs, Below} = Child | More], Scope, Node, Levels, Left) ->
    Inner = gatehouse_outage_rows:scope(Attrs, Scope),
    case is_meant(Child, gatehouse_outage_rows:namespace(Child, Scope), Node) of
        false when Levels > 1 ->
            case has_child(Below, Inner, Node, Levels - 1, Left - 1) of
                {false, Left1} -> has_child(More, Scope, Node, Levels, Left1);
                Found -> Found
            end;
        false -> has_child(More, Scope, Node, Levels, Left - 1);
        Meant -> {Meant, Left - 1}
    end;
has_child([_ | More], Scope, Node, Levels, Left) -> has_child(More, Scope, Node, Levels, Left);
has_child([], _, _, _, Left) -> {false, Left}.

is_meant(_, unknown, _) -> unknown; % with a prefix that nobody has declared
is_meant({xmlel, Written, _, Children}, Namespace, #{ns := Ns, name := Names, except := Except, starts := Starts}) ->
    Name = gatehouse_outage_rows:local_name(Written),
    is_named(Ns, Namespace, true) andalso is_named(Names, Name, true) andalso not is_named(Except, Name, false)
        andalso (Starts =:= any orelse starts_with(own_text(Children), Starts)).

is_named(any, _, Otherwise) -> Otherwise;
is_named({Exact, Beginnings}, Name, _) ->
    is_map_key(Name, Exact) orelse lists:any(fun(Beginning) -> starts_with(Name, Beginning) end, Beginnings).

own_text(Children) -> iolist_to_binary([Text || {xmlcdata, Text} <- Children]).

starts_with(Text, Beginning) ->
    Size = byte_size(Beginning),
    case Text of
        <<Beginning:Size/binary, _/binary>> -> true;
        _ -> false
    end.

parts(Address) ->
    [Bare | _] = binary:split(Address, <<"/">>),
    Domain = case binary:split(Bare, <<"@">>) of
        [_, Behind] -> Behind;
        _ -> Bare
    end,
    #address{bare = Bare, domain = Domain, bare_plain = is_plain(Bare), domain_plain = is_plain(Domain)}.

%% Written as the screen writes them when it compares: lower case, ASCII, no dot at the end, no encoded labels. Others may have
%% another spelling there.
is_plain(<<>>) -> true;
is_plain(Address) ->
    binary:last(Address) =/= $. andalso binary:match(Address, <<"xn--">>) =:= nomatch andalso
        << <<Byte>> || <<Byte>> <= Address, Byte =< 32 orelse Byte >= 127 orelse Byte >= $A andalso Byte =< $Z >> =:= <<>>.

%% Whether one of the patterns means the address.
among(none, _, Look) -> {false, Look};
among(#address{bare = Bare, domain = Domain, bare_plain = BarePlain, domain_plain = DomainPlain} = Address,
      #{bares := Bares, domains := Domains} = Patterns, Look) ->
    case BarePlain andalso is_map_key(Bare, Bares) orelse DomainPlain andalso is_map_key(Domain, Domains) of
        true -> {true, Look};
        false ->
            #{stars := Stars, needs_bare := NeedsBare, needs_domain := NeedsDomain} = Patterns,
            {Found, Left} = among_stars(Stars, Address, Look#look.left),
            % Another spelling of it may be one of these.
            Unclear = not BarePlain andalso NeedsBare orelse not DomainPlain andalso NeedsDomain,
            case Found of
                false when Unclear -> {unknown, Look#look{left = Left}};
                _ -> {Found, Look#look{left = Left}}
            end
    end.

among_stars([], _, Left) -> {false, Left};
among_stars(_, _, Left) when Left =< 0 -> {unknown, 0};
among_stars([{bare, Pieces} | More], #address{bare = Bare, bare_plain = Plain} = Address, Left) ->
    case Plain andalso fits(Bare, Pieces) of
        true -> {true, Left - 1};
        false -> among_stars(More, Address, Left - 1)
    end;
among_stars([{domain, Pieces} | More], #address{domain = Domain, domain_plain = Plain} = Address, Left) ->
    case Plain andalso fits(Domain, Pieces) of
        true -> {true, Left - 1};
        false -> among_stars(More, Address, Left - 1)
    end.

%% First, those between, and last of what stands between the stars, in this order. The leftmost fit of each is as good as any.
fits(Text, {First, Between, Last}) ->
    Start = byte_size(First),
    Stop = byte_size(Text) - byte_size(Last),
    case Text of
        <<First:Start/binary, _/binary>> when Start =< Stop ->
            binary:part(Text, Stop, byte_size(Last)) =:= Last andalso fits_between(Text, Between, Start, Stop);
        _ -> false
    end.

fits_between(_, [], _, _) -> true;
fits_between(Text, [Piece | More], Place, Stop) ->
    case binary:match(Text, Piece, [{scope, {Place, Stop - Place}}]) of
        {At, Size} -> fits_between(Text, More, At + Size, Stop);
        nomatch -> false
    end.
