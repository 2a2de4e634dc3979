%% SPDX-License-Identifier: GPL-2.0-or-later
%% What is asked about: everything a person can send that another person can read. PROTOCOL.md section 5 is the page.
%%
%% A kind is one of the words of the option `ask`; `none` is a stanza that carries nothing. What is looked at is what the
%% server would send on, which is what its codec kept of the stanza: the rest reaches nobody.
-module(gatehouse_kinds).

-export([all/0, judge/3, kind/2, quiet/2]).

-include("gatehouse.hrl").

-import(gatehouse_forms, [bare/1, each_once/2, first_time/2, exactly/2, empty/2, only/2, is_declaration/1, short/2, text/1, has_text/1,
                          is_space/1, attribute/2, namespace/2, tags/1, resolved/1, local/1]).

-type kind() :: message | error | status | subscription | join | iq | pep | vcard | room | file.
%% own: the sender's bare address; host: the host that asks; is_room, is_local: whether a domain is a room service, or any
%% domain of this server; inside: `host` where a domain is a host of accounts here, or a component that is trusted (nobody else
%% reads what goes there), `service` for another of the server's own, `undefined` for all that is outside of it; is_transport: whether
%% one carries to another network.
-type where() :: #{own := binary(),
                   host := binary(),
                   is_room := fun((binary()) -> boolean()),
                   is_local := fun((binary()) -> boolean()),
                   is_transport := fun((binary()) -> boolean()),
                   inside := fun((binary(), binary()) -> host | service | undefined)}.
-export_type([kind/0, where/0]).

-define(CLIENT, <<"jabber:client">>).
-define(MUC, <<"http://jabber.org/protocol/muc">>).
-define(MUC_ADMIN, <<"http://jabber.org/protocol/muc#admin">>).
-define(RSM, <<"http://jabber.org/protocol/rsm">>).
-define(CONDITIONS, <<"urn:ietf:params:xml:ns:xmpp-stanzas">>).
-define(PUBSUB, <<"http://jabber.org/protocol/pubsub">>).
-define(PUBSUB_OWNER, <<"http://jabber.org/protocol/pubsub#owner">>).

-define(ID, #{<<"id">> => 128}).
%% Namespace -> name -> allowed attributes. None of these has text or children.
-define(SIGNALS,
        #{<<"http://jabber.org/protocol/chatstates">> =>
              #{<<"active">> => #{}, <<"composing">> => #{}, <<"paused">> => #{}, <<"inactive">> => #{}, <<"gone">> => #{}},
          <<"urn:xmpp:receipts">> => #{<<"received">> => ?ID, <<"request">> => #{}},
          <<"urn:xmpp:chat-markers:0">> =>
              #{<<"received">> => ?ID, <<"displayed">> => ?ID, <<"acknowledged">> => ?ID, <<"markable">> => #{}},
          <<"urn:xmpp:hints">> =>
              #{<<"store">> => #{}, <<"no-store">> => #{}, <<"no-copy">> => #{}, <<"no-permanent-store">> => #{}},
          <<"urn:xmpp:sid:0">> => #{<<"origin-id">> => ?ID}}).
-define(PRESENCE_PARTS,
        #{<<"http://jabber.org/protocol/caps">> =>
              #{<<"c">> => #{<<"node">> => 128, <<"ver">> => 96, <<"hash">> => 16, <<"ext">> => 64}},
          <<"urn:xmpp:idle:1">> => #{<<"idle">> => #{<<"since">> => 40}}}).
%% RFC 6120 section 8.3.3
-define(CONDITION,
        #{<<"bad-request">> => [], <<"conflict">> => [], <<"feature-not-implemented">> => [], <<"forbidden">> => [],
          <<"gone">> => [], <<"internal-server-error">> => [], <<"item-not-found">> => [], <<"jid-malformed">> => [],
          <<"not-acceptable">> => [], <<"not-allowed">> => [], <<"not-authorized">> => [], <<"policy-violation">> => [],
          <<"recipient-unavailable">> => [], <<"redirect">> => [], <<"registration-required">> => [],
          <<"remote-server-not-found">> => [], <<"remote-server-timeout">> => [], <<"resource-constraint">> => [],
          <<"service-unavailable">> => [], <<"subscription-required">> => [], <<"undefined-condition">> => [],
          <<"unexpected-request">> => []}).
%% What these say of software, of all attributes and texts together.
-define(LONGEST_RESULT, 4096).

-spec all() -> [kind()].
all() ->
    [message, error, status, subscription, join, iq, pep, vcard, room, file].

-spec kind(stanza(), where()) -> kind() | none.
kind(#message{type = error, body = [_ | _]}, _Where) ->
    error;
kind(#message{body = [_ | _]}, _Where) ->
    message; % the common case
kind(Stanza, Where) ->
    judge(xmpp:encode(Stanza, ?CLIENT), recipient(Stanza), Where).

%% The server says of presence to nobody that it is to the sender's own address.
recipient(#presence{from = #jid{luser = U, lserver = S}, to = #jid{luser = U, lserver = S, lresource = <<>>}}) ->
    undefined;
recipient(Stanza) ->
    xmpp:get_to(Stanza).

%% The same of the element; To is its recipient, prepared.
-spec judge(xmlel(), undefined | jid:jid(), where()) -> kind() | none.
judge(#xmlel{name = <<"message">>} = El, _To, _Where) -> message(El);
judge(#xmlel{name = <<"presence">>} = El, To, Where) -> presence(El, To, Where);
judge(#xmlel{name = <<"iq">>} = El, To, Where) -> iq(El, To, Where);
judge(_El, _To, _Where) -> none.

message(El) ->
    IsError = attribute(<<"type">>, El) =:= <<"error">>,
    Kind = case IsError of true -> error; false -> message end,
    Fits = fun(Child) -> exactly(Child, ?SIGNALS) orelse IsError andalso plain_error(Child) end,
    case tags(El) of
        [#xmlel{name = <<"body">>} | _] -> Kind;
        Tags -> unless(bare(El) andalso each_once(Tags, Fits), Kind) % `none` also without any child: nothing to read
    end.

presence(El, To, Where) ->
    case {attribute(<<"type">>, El), To} of
        {<<"subscribe">>, _} -> subscription;
        {_, undefined} -> unless(quiet_presence(El), status);
        {<<"error">>, _} ->
            Fits = fun(Child) -> plain_error(Child) orelse is_muc(Child) andalso empty(Child, #{}) end,
            unless(bare(El) andalso each_once(tags(El), Fits), error);
        {none, _} ->
            case lists:any(fun is_muc/1, tags(El)) orelse to_room(To, Where) of
                true -> join;
                false -> unless(quiet_presence(El), status)
            end;
        _ -> unless(quiet_presence(El), status)
    end.

%% In a room this is a change of nick.
to_room(#jid{lresource = <<>>}, _Where) ->
    false;
to_room(#jid{lserver = Domain}, #{is_room := IsRoom, is_local := IsLocal, is_transport := IsTransport}) ->
    IsRoom(Domain) orelse not IsLocal(Domain) orelse IsTransport(Domain).

is_muc(Child) ->
    Child#xmlel.name =:= <<"x">> andalso namespace(Child, ?CLIENT) =:= ?MUC.

iq(El, To, #{own := Own} = Where) ->
    Type = attribute(<<"type">>, El),
    Child = case tags(El) of [] -> none; [First | _] -> resolved(First) end,
    case To =:= undefined orelse is_own(To, Own) of
        true -> own_iq(Type, Child);
        false -> iq(Type, Child, El, To, Where)
    end.

iq(Type, Child, El, #jid{luser = User, lserver = Domain} = To, #{inside := Inside, is_transport := IsTransport, host := Host} = Where) ->
    Ns = case Child of none -> none; _ -> namespace(Child, ?CLIENT) end,
    Asks = Type =:= <<"get">> orelse Type =:= <<"set">>,
    case Asks andalso is_file(Ns) of
        true -> file;
        false ->
            case User =:= <<>> andalso not IsTransport(Domain) andalso Inside(Domain, Host) of
                service when Type =:= <<"set">> -> unless(is_reading(Ns), iq);
                service -> none;
                host -> none;
                _ -> outside_iq(Type, Child, Ns, El, To, Where)
            end
    end.

outside_iq(_Type, none, _Ns, El, _To, _Where) ->
    unless(bare(El), iq);
outside_iq(<<"error">>, _Child, _Ns, El, _To, _Where) ->
    unless(bare(El) andalso is_one_plain_error(tags(El)), error);
outside_iq(Type, Child, Ns, El, #jid{luser = User, lserver = Domain, lresource = Resource},
           #{is_room := IsRoom, is_transport := IsTransport}) ->
    case plain_iq(Type, Child, Ns, El) orelse IsTransport(Domain) andalso transport of
        true -> none;
        transport -> unless(reads_transport(Type, Child, Ns, El), iq);
        false when User =/= <<>>, Resource =:= <<>> ->
            case IsRoom(Domain) of
                true -> unless(is_reading(Ns) orelse Type =:= <<"get">> orelse Type =:= <<"result">>, room);
                false -> iq
            end;
        false -> iq
    end.

%% What a person reads at a transport: nothing in these is for anybody at the network.
reads_transport(Type, Child, Ns, El) ->
    is_single(tags(El)) andalso bare(El) andalso case is_reading(Ns) of
                                                     true -> Type =:= <<"get">> orelse Type =:= <<"set">>;
                                                     false -> Type =:= <<"get">> andalso reads(Child, Ns)
                                                 end.

reads(#xmlel{name = Name, children = []} = Child, Ns) ->
    empty_get(Ns) =:= Name andalso only(Child, #{});
reads(#xmlel{name = <<"query">>} = Child, ?MUC_ADMIN) ->
    only(Child, #{}) andalso not has_text(Child) andalso case tags(Child) of
        [#xmlel{name = <<"item">>} = Item] ->
            namespace(Item, ?MUC_ADMIN) =:= ?MUC_ADMIN andalso empty(Item, #{<<"role">> => 16, <<"affiliation">> => 16});
        _ -> false
    end;
reads(#xmlel{name = <<"query">>} = Child, <<"http://jabber.org/protocol/disco#items">> = Ns) ->
    only(Child, #{<<"node">> => 256}) andalso not has_text(Child) andalso case tags(Child) of
        [#xmlel{name = <<"set">>} = Set] ->
            namespace(Set, Ns) =:= ?RSM andalso only(Set, #{}) andalso not has_text(Set) andalso each_once(tags(Set), fun is_page/1);
        _ -> false
    end;
reads(_Child, _Ns) ->
    false.

empty_get(<<"http://jabber.org/protocol/muc#owner">>) -> <<"query">>;
empty_get(<<"jabber:iq:register">>) -> <<"query">>;
empty_get(<<"jabber:iq:gateway">>) -> <<"query">>;
empty_get(<<"jabber:iq:search">>) -> <<"query">>;
empty_get(<<"vcard-temp">>) -> <<"vCard">>;
empty_get(_) -> none.

%% XEP-0059 around a list: numbers, and where the page begins.
is_page(#xmlel{name = Name} = Part) ->
    case #{<<"max">> => 10, <<"after">> => 256, <<"before">> => 256, <<"index">> => 10} of
        #{Name := Longest} -> namespace(Part, ?RSM) =:= ?RSM andalso only(Part, #{}) andalso short(Part, Longest);
        _ -> false
    end.

is_one_plain_error([One]) -> plain_error(One);
is_one_plain_error(_) -> false.

%% To the sender's own account.
own_iq(<<"set">>, #xmlel{} = Child) ->
    case namespace(Child, ?CLIENT) of
        <<"vcard-temp">> -> vcard;
        Ns when Ns =:= ?PUBSUB; Ns =:= ?PUBSUB_OWNER ->
            Says = [Name || #xmlel{name = Name} <- Child#xmlel.children,
                            lists:member(local(Name), [<<"publish">>, <<"configure">>, <<"create">>])],
            unless(Says =:= [], pep);
        _ -> none
    end;
own_iq(_Type, _Child) ->
    none.

is_own(#jid{lresource = <<>>} = To, Own) -> jid:encode(jid:tolower(To)) =:= Own;
is_own(_To, _Own) -> false.

is_file(<<"urn:xmpp:jingle:1">>) -> true;
is_file(<<"http://jabber.org/protocol/si">>) -> true;
is_file(<<"http://jabber.org/protocol/ibb">>) -> true;
is_file(<<"http://jabber.org/protocol/bytestreams">>) -> true;
is_file(<<"jabber:iq:oob">>) -> true;
is_file(<<"urn:xmpp:http:upload:0">>) -> true;
is_file(<<"urn:xmpp:http:upload">>) -> true;
is_file(_) -> false.

%% What a person asks a room or an archive for himself, also with a set.
is_reading(<<"urn:xmpp:mam:1">>) -> true;
is_reading(<<"urn:xmpp:mam:2">>) -> true;
is_reading(<<"urn:xmpp:mam:2#extended">>) -> true;
is_reading(<<"http://jabber.org/protocol/muc#unique">>) -> true;
is_reading(_) -> false.

%% Asking these of a person, or answering, tells no more than what the software is: a get with the empty element, a result of
%% this shape and no other. {Name, attributes of a get, attributes of a result, longest text or the children of a result}; each
%% child {attributes, longest text, how many at most}.
software(<<"urn:xmpp:ping">>) ->
    {<<"ping">>, #{}, #{}, #{}};
software(<<"jabber:iq:version">>) ->
    {<<"query">>, #{}, #{}, #{<<"name">> => {#{}, 256, 1}, <<"version">> => {#{}, 256, 1}, <<"os">> => {#{}, 256, 1}}};
software(<<"urn:xmpp:time">>) ->
    {<<"time">>, #{}, #{}, #{<<"tzo">> => {#{}, 16, 1}, <<"utc">> => {#{}, 40, 1}}};
software(<<"jabber:iq:time">>) ->
    {<<"query">>, #{}, #{}, #{<<"utc">> => {#{}, 40, 1}, <<"tz">> => {#{}, 40, 1}, <<"display">> => {#{}, 80, 1}}};
software(<<"jabber:iq:last">>) ->
    {<<"query">>, #{}, #{<<"seconds">> => 16}, 256};
software(<<"http://jabber.org/protocol/disco#info">>) ->
    {<<"query">>, #{<<"node">> => 256}, #{<<"node">> => 256},
     #{<<"identity">> => {#{<<"category">> => 64, <<"type">> => 64, <<"name">> => 256, <<"xml:lang">> => 35}, 0, 8},
       <<"feature">> => {#{<<"var">> => 256}, 0, 100}}};
software(<<"http://jabber.org/protocol/disco#items">>) ->
    {<<"query">>, #{<<"node">> => 256}, #{<<"node">> => 256},
     #{<<"item">> => {#{<<"jid">> => 3071, <<"node">> => 256, <<"name">> => 256}, 0, 100}}};
software(_) ->
    none.

%% What a get asks, or a result answers, about software.
plain_iq(Type, #xmlel{name = Name} = Child, Ns, El) ->
    case software(Ns) of
        {Name, Asks, Tells, Shape} -> is_single(tags(El)) andalso bare(El) andalso plain_iq(Type, Child, Ns, Asks, Tells, Shape);
        _ -> false
    end.

plain_iq(<<"get">>, Child, _Ns, Asks, _Tells, _Shape) ->
    empty(Child, Asks);
plain_iq(<<"result">>, Child, _Ns, _Asks, Tells, Longest) when is_integer(Longest) ->
    only(Child, Tells) andalso short(Child, Longest);
plain_iq(<<"result">>, Child, Ns, _Asks, Tells, Shape) ->
    only(Child, Tells) andalso not has_text(Child) andalso parts(tags(Child), Ns, Shape, #{}, 0);
plain_iq(_Type, _Child, _Ns, _Asks, _Tells, _Shape) ->
    false.

parts(_, _, _, _, Size) when Size > ?LONGEST_RESULT ->
    false;
parts([], _, _, _, _) ->
    true;
parts([#xmlel{name = Name} = Part | Rest], Ns, Shape, Counts, Size) ->
    case Shape of
        #{Name := {Attrs, Longest, Most}} ->
            Count = maps:get(Name, Counts, 0) + 1,
            namespace(Part, Ns) =:= Ns andalso only(Part, Attrs) andalso short(Part, Longest) andalso Count =< Most
                andalso parts(Rest, Ns, Shape, Counts#{Name => Count}, Size + said(Part));
        _ -> false
    end.

%% Bytes of the attributes.
said(#xmlel{attrs = Attrs}) ->
    lists:sum([byte_size(Value) || {Name, Value} <- Attrs, not is_declaration(Name)]).

is_single([_]) -> true;
is_single(_) -> false.

%% An error without text of its own and without what it answers.
plain_error(#xmlel{name = <<"error">>, children = Children} = Child) ->
    namespace(Child, ?CLIENT) =:= ?CLIENT
        andalso only(Child, #{<<"type">> => 16, <<"by">> => 128, <<"code">> => 3})
        andalso length(Children) =< 8
        andalso lists:all(fun is_condition/1, Children);
plain_error(_) ->
    false.

is_condition({xmlcdata, Text}) ->
    is_space(Text);
is_condition(#xmlel{name = Name} = Part) ->
    namespace(Part, ?CLIENT) =:= ?CONDITIONS andalso maps:is_key(Name, ?CONDITION) andalso empty(Part, #{}).

quiet_presence(El) ->
    bare(El) andalso all_quiet(tags(El), #{}).

all_quiet([], _Seen) ->
    true;
all_quiet([Child | Rest], Seen) ->
    case quiet(Child, Seen) of
        {true, Seen2} -> all_quiet(Rest, Seen2);
        {false, _} -> false
    end.

%% One child of a presence that says nothing but known words, hashes and times. Seen: those before it in the same presence.
-spec quiet(xmlel(), gatehouse_forms:seen()) -> {boolean(), gatehouse_forms:seen()}.
quiet(Child, Seen) ->
    case first_time(Child, Seen) of
        false -> {false, Seen};
        Seen2 -> {is_quiet(Child#xmlel.name, namespace(Child, ?CLIENT), Child), Seen2}
    end.

is_quiet(<<"priority">>, ?CLIENT, Child) ->
    is_flat(Child) andalso short(Child, 4) andalso is_whole(text(Child));
is_quiet(<<"show">>, ?CLIENT, Child) ->
    is_flat(Child) andalso short(Child, 8)
        andalso lists:member(text(Child), [<<>>, <<"away">>, <<"chat">>, <<"dnd">>, <<"xa">>]);
is_quiet(<<"status">>, ?CLIENT, Child) ->
    empty(Child, #{<<"xml:lang">> => 35});
is_quiet(_Name, ?CLIENT, _Child) ->
    false;
is_quiet(<<"x">>, <<"vcard-temp:x:update">>, #xmlel{children = Children} = Child) ->
    only(Child, #{}) andalso length(Children) =< 1 andalso lists:all(fun is_photo/1, Children);
is_quiet(_Name, _Ns, Child) ->
    exactly(Child, ?PRESENCE_PARTS).

%% A hash (XEP-0153), 40 hexadecimal digits.
is_photo(#xmlel{name = <<"photo">>} = Photo) ->
    is_flat(Photo) andalso short(Photo, 40) andalso is_hex(text(Photo));
is_photo(_) ->
    false.

is_hex(Text) ->
    lists:all(fun(C) -> C >= $0 andalso C =< $9 orelse C >= $a andalso C =< $f orelse C >= $A andalso C =< $F end,
              binary_to_list(Text)).

%% Text of at most four bytes, perhaps with space around it.
is_whole(Text) ->
    re:run(Text, "\\A\\s*-?[0-9]*\\s*\\z", [{capture, none}]) =:= match.

is_flat(Child) ->
    tags(Child) =:= [] andalso only(Child, #{}).

unless(true, _Kind) -> none;
unless(false, Kind) -> Kind.
