%% SPDX-License-Identifier: GPL-2.0-or-later
%% What sessions and workers do alike with one stanza: put the question, look up what a verdict means, tell what was done.
-module(gatehouse_asking).

-export([item/5, wait/3, act/1, settle/1, let_go/2, mark/2, is_marked/1, fault/3]).

-include("gatehouse.hrl").
-include("logger.hrl").

%% host, options: who asks, and what held then (none: the host does not ask). kind: none is not asked about. direction, via: as in the question. owner: the process
%% that holds the stanza. More (where it goes in, what is to be asked after it) is the owner's own.
-type ask() :: #{host := binary(),
                 options := gatehouse_options:options() | none,
                 kind := gatehouse_kinds:kind() | none,
                 direction := sent | received,
                 via := c2s | s2s | component}.
-type item() :: gatehouse_hold:item().
-type deed() :: {release, stanza(), Outcome :: released | unscreened | none}
              | {refuse, [stanza()], Instead :: stanza() | none, Outcome :: refused | bounced}.
-export_type([ask/0, deed/0]).

-define(LONGEST_HELD, 3071). % bytes of an id or a language

%% Asks, in the owner's process or for it. The item has its verdict at once where nobody is asked.
-spec item(ask(), stanza(), pid(), map(), non_neg_integer()) -> item().
item(#{kind := none} = Ask, Stanza, _Owner, More, At) ->
    (blank(Ask, Stanza, More, At))#{verdict := pass};
item(#{host := Host, options := #{screen := Screen, max_stanza := MaxStanza}, direction := Direction, via := Via} = Ask,
     Stanza, Owner, More, At) ->
    #{ref := Ref} = Blank = blank(Ask, Stanza, More, At),
    {From, To} = Addresses = gatehouse_writer:addresses(Stanza),
    {Xml, Bytes} = written(Stanza, Addresses, MaxStanza),
    Question = #{ref => Ref, owner => Owner, at => At, direction => Direction, via => Via, xml => Xml, bytes => Bytes, from => From, to => To},
    try gatehouse_link:ask(Screen, Host, Question) of
        {ok, Link} -> Blank#{link := Link};
        {bounce, Reason} -> Blank#{verdict := {bounce, Reason}}
    catch
        Class:Reason:Stack ->
            ?ERROR_MSG("Asking ~ts failed: ~0p", [Screen, fault(Class, Reason, Stack)]),
            Blank#{verdict := {bounce, outage}}
    end.

blank(#{host := Host, kind := Kind, direction := Direction}, Stanza, More, At) ->
    More#{ref => make_ref(), host => Host, kind => Kind, direction => Direction, at => At, stanza => Stanza, n => none, link => none,
          verdict => undefined, waited => none}.

written(Stanza, Addresses, MaxStanza) ->
    case gatehouse_writer:stanza(Stanza, Addresses, MaxStanza) of
        {ok, Xml, Bytes} ->
            {Xml, Bytes};
        {error, Why} ->
            ?DEBUG("Cannot be put as a question: ~ts", [Why]),
            {none, erlang:external_size(Stanza)} % held all the same, until its turn comes
    end.

%% What is said of an error in the log: what kind, and where. People's words, which stand in arguments and reasons, do not belong there.
-spec fault(atom(), term(), list()) -> term().
fault(Class, Reason, Stack) ->
    Kind = if is_atom(Reason) -> Reason;
              is_tuple(Reason), tuple_size(Reason) > 0, is_atom(element(1, Reason)) -> element(1, Reason);
              true -> other
           end,
    {Class, Kind, [{Module, Function, case is_list(Args) of true -> length(Args); false -> Args end, proplists:get_value(line, Place)}
                   || {Module, Function, Args, Place} <- Stack]}.

%% It has its verdict, and waits for what is before it. Over the bound only what its sender is told of it is held.
-spec wait(item(), gatehouse_options:options(), pid()) -> item().
wait(#{verdict := undefined} = Item, _Options, _Owner) ->
    Item;
wait(#{host := Host, stanza := Stanza} = Item, Options, Owner) ->
    Bytes = erlang:external_size(Stanza),
    case gatehouse_bounds:take(Host, Owner, Bytes, Options) of
        true -> Item#{waited := Bytes};
        false -> Item#{verdict := {bounce, full}, stanza := short(Stanza)}
    end.

short(#message{id = Id, type = Type, lang = Lang, from = From, to = To}) ->
    #message{id = short_text(Id), type = Type, lang = short_text(Lang), from = From, to = To};
short(#presence{id = Id, type = Type, lang = Lang, from = From, to = To}) ->
    #presence{id = short_text(Id), type = Type, lang = short_text(Lang), from = From, to = To};
short(#iq{id = Id, type = Type, lang = Lang, from = From, to = To}) ->
    #iq{id = short_text(Id), type = Type, lang = short_text(Lang), from = From, to = To}.

%% As much as an address may have: more is not held.
short_text(Text) when byte_size(Text) =< ?LONGEST_HELD -> Text;
short_text(_Text) -> <<>>.

%% What the verdict says is to be done. Where that throws nothing is: the number ends, and the queue goes on.
-spec act(item()) -> deed().
act(Item) ->
    try deed(Item)
    catch
        Class:Reason:Stack ->
            ?ERROR_MSG("Acting on a verdict failed: ~0p", [fault(Class, Reason, Stack)]),
            {refuse, [], none, bounced}
    end.

deed(#{verdict := pass, stanza := Stanza}) ->
    {release, Stanza, none};
deed(#{verdict := allow, stanza := Stanza}) ->
    {release, Stanza, released};
deed(#{verdict := unscreened, stanza := Stanza}) ->
    {release, Stanza, unscreened};
deed(#{verdict := {replace, New}, stanza := Stanza}) ->
    {release, in_place_of(Stanza, New), released};
deed(#{verdict := {bounce, Reason}} = Item) ->
    refuse(Item, <<"resource-constraint">>, own_text(Item, Reason), bounced);
deed(#{verdict := {_Refuse, Condition, Texts}} = Item) ->
    refuse(Item, Condition, texts(Item, Texts), refused).

%% The addresses as the server wrote them, and what it knows of the stanza, stay.
in_place_of(#message{from = From, to = To, meta = Meta}, #message{} = New) ->
    New#message{from = From, to = To, meta = Meta};
in_place_of(#presence{from = From, to = To, meta = Meta}, #presence{} = New) ->
    New#presence{from = From, to = To, meta = Meta};
in_place_of(#iq{from = From, to = To, meta = Meta}, #iq{} = New) ->
    New#iq{from = From, to = To, meta = Meta}.

refuse(#{stanza := Stanza, kind := Kind, direction := Direction}, Condition, Texts, Outcome) ->
    case gatehouse_errors:refusal(Stanza, Condition, Texts, Kind) of
        % Another server takes a presence error for a contact that is gone.
        {_Replies, #presence{} = Instead} when Direction =:= received -> {refuse, [], Instead, Outcome};
        {Replies, Instead} -> {refuse, Replies, Instead, Outcome}
    end.

texts(Item, Name) when is_atom(Name) -> own_text(Item, Name);
texts(Item, Texts) when map_size(Texts) =:= 0 -> own_text(Item, refused);
texts(_Item, Texts) -> Texts.

own_text(#{host := Host}, Name) ->
    Own = case gatehouse_options:get(Host) of
              #{texts := Texts} -> Texts;
              none -> gatehouse_texts:own()
          end,
    maps:get(Name, Own).

%% Tells the links what was done, in the order in which it was.
-spec settle([{item(), Outcome :: atom()}]) -> ok.
settle(Done) ->
    Told = [{{Link, Host}, {Ref, N, Outcome}} || {#{link := Link, host := Host, ref := Ref, n := N}, Outcome} <- Done, is_pid(Link)],
    lists:foreach(fun({Link, Host}) ->
                          gatehouse_link:settled(Link, Host, [One || {Whose, One} <- Told, Whose =:= {Link, Host}])
                  end,
                  lists:usort([Whose || {Whose, _} <- Told])).

%% The item has left its queue.
-spec let_go(item(), pid()) -> ok.
let_go(#{waited := none}, _Owner) -> ok;
let_go(#{waited := Bytes, host := Host}, Owner) -> gatehouse_bounds:give(Host, Owner, Bytes).

%% Whose it is and as what: for the hooks here, which let it by, and for those who look at it further on. Also on what was not asked about.
-spec mark(stanza(), #{host := binary(), n := pos_integer() | none, link := pid() | none, at := integer(), _ => _}) -> stanza().
mark(Stanza, #{host := Host, n := N, link := Link, at := At}) ->
    xmpp:put_meta(Stanza, ?GATEHOUSE_MARK, #{host => Host, n => N, link => Link, at => At}).

-spec is_marked(stanza()) -> boolean().
is_marked(Stanza) ->
    xmpp:get_meta(Stanza, ?GATEHOUSE_MARK, none) =/= none.
