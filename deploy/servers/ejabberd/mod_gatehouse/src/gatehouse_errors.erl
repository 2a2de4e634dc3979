%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the sender gets when a stanza is refused or bounced. PROTOCOL.md section 8.
-module(gatehouse_errors).

-export([choose/2, refusal/4]).

-include("gatehouse.hrl").

-define(CLIENT, <<"jabber:client">>).
-define(STANZAS, <<"urn:ietf:params:xml:ns:xmpp-stanzas">>).
-define(MUC, <<"http://jabber.org/protocol/muc">>).

-type texts() :: #{binary() => binary()}.

%% What goes back to the sender (often one), and the stanza that takes the refused one's place on its way, if there is one.
%% Texts: language -> text.
-spec refusal(stanza(), binary(), texts(), gatehouse_kinds:kind() | none) -> {[stanza()], stanza() | none}.
refusal(#iq{type = error} = Iq, _Condition, _Texts, _Kind) ->
    {[], Iq#iq{lang = <<>>, sub_els = [fault(<<"policy-violation">>, none)]}};
refusal(#iq{type = result} = Iq, Condition, _Texts, _Kind) ->
    %% Who asked gets exactly one answer: instead of the refused one an error.
    {[], Iq#iq{type = error, lang = <<>>, sub_els = [fault(Condition, none)]}};
refusal(#iq{id = Id} = Iq, Condition, Texts, _Kind) ->
    {[back(Iq, #iq{type = error, id = Id, sub_els = [fault(Condition, chosen(Texts, Iq))]})], none};
refusal(#message{type = error}, _Condition, _Texts, _Kind) ->
    {[], none}; % RFC 6120 section 8.3.1: an error is never answered with an error
refusal(#message{id = Id} = Message, Condition, Texts, _Kind) ->
    {[back(Message, #message{type = error, id = Id, sub_els = [fault(Condition, chosen(Texts, Message))]})], none};
refusal(#presence{type = error}, _Condition, _Texts, _Kind) ->
    {[], none};
refusal(#presence{} = Presence, <<"policy-violation">>, Texts, join) ->
    refused_join(Presence, <<"not-allowed">>, Texts);
refusal(#presence{} = Presence, Condition, Texts, join) ->
    refused_join(Presence, Condition, Texts);
refusal(#presence{id = Id, type = Type, from = From, to = To} = Presence, Condition, Texts, _Kind) ->
    Error = back(Presence, #presence{type = error, id = Id, sub_els = [fault(Condition, chosen(Texts, Presence))]}),
    case Type of
        subscribe -> {[Error, #presence{type = unsubscribed, from = bare(whom(To, From)), to = bare(From)}], none};
        _ -> {[Error], quiet(Presence)}
    end.

refused_join(#presence{id = Id} = Presence, Condition, Texts) ->
    Muc = [#xmlel{name = <<"x">>, attrs = [{<<"xmlns">>, ?MUC}]}
           || El <- Presence#presence.sub_els, xmpp:get_name(El) =:= <<"x">>, xmpp:get_ns(El) =:= ?MUC],
    Els = lists:sublist(Muc, 1) ++ [fault(Condition, chosen(Texts, Presence))],
    {[back(Presence, #presence{type = error, id = Id, sub_els = Els})], none}.

%% Being there (or not any more, or allowing it) is no content: the presence goes on without what it says.
quiet(#presence{from = From, to = To, meta = Meta} = Presence) ->
    #xmlel{attrs = Attrs} = El = xmpp:encode(Presence, ?CLIENT),
    Children = [Child || #xmlel{} = Child <- El#xmlel.children],
    {Kept, _} = lists:foldl(fun(Child, {Before, Seen}) ->
                                    case gatehouse_kinds:quiet(Child, Seen) of
                                        {true, Seen2} -> {[Child | Before], Seen2};
                                        {false, Seen2} -> {Before, Seen2}
                                    end
                            end,
                            {[], #{}},
                            Children),
    Plain = [One || {Name, Value} = One <- Attrs, gatehouse_forms:plain_attribute(Name, Value)],
    Left = El#xmlel{attrs = Plain, children = lists:reverse(Kept)},
    (xmpp:decode(Left, ?CLIENT, [ignore_els]))#presence{from = From, to = To, meta = Meta}.

back(Stanza, Reply) ->
    From = xmpp:get_from(Stanza),
    xmpp:set_from_to(Reply, whom(xmpp:get_to(Stanza), From), From).

whom(undefined, From) -> bare(From);
whom(To, _From) -> To.

bare(Jid) -> jid:remove_resource(Jid).

fault(Condition, Text) ->
    {Said, Type} =
        case type(Condition) of
            none -> {<<"policy-violation">>, <<"modify">>};
            Known -> {Condition, Known}
        end,
    Children = [#xmlel{name = Said, attrs = [{<<"xmlns">>, ?STANZAS}]} | written(Text)],
    #xmlel{name = <<"error">>, attrs = [{<<"type">>, Type}], children = Children}.

written(none) ->
    [];
written({Lang, Text}) ->
    [#xmlel{name = <<"text">>, attrs = [{<<"xmlns">>, ?STANZAS}, {<<"xml:lang">>, Lang}], children = [{xmlcdata, Text}]}].

%% RFC 6120 section 8.3.3: the type that goes with a condition. Conditions that clients read as "contact gone" or
%% "not in the room" are not here: they become policy-violation.
type(<<"policy-violation">>) -> <<"modify">>;
type(<<"bad-request">>) -> <<"modify">>;
type(<<"jid-malformed">>) -> <<"modify">>;
type(<<"not-allowed">>) -> <<"cancel">>;
type(<<"feature-not-implemented">>) -> <<"cancel">>;
type(<<"undefined-condition">>) -> <<"cancel">>;
type(<<"conflict">>) -> <<"cancel">>;
type(<<"forbidden">>) -> <<"auth">>;
type(<<"not-authorized">>) -> <<"auth">>;
type(<<"registration-required">>) -> <<"auth">>;
type(<<"subscription-required">>) -> <<"auth">>;
type(<<"resource-constraint">>) -> <<"wait">>;
type(<<"internal-server-error">>) -> <<"wait">>;
type(<<"unexpected-request">>) -> <<"wait">>;
type(_) -> none.

chosen(Texts, Stanza) ->
    choose(Texts, xmpp:get_lang(Stanza)).

%% The text for a language tag, and its tag: the same tag, the same language, English, any.
-spec choose(texts(), binary()) -> {Lang :: binary(), Text :: binary()} | none.
choose(Texts, Lang) ->
    Wanted = case string:lowercase(Lang) of <<>> -> <<"en">>; Some -> Some end,
    Short = language(Wanted),
    Same = [Tag || Tag <- maps:keys(Texts), language(Tag) =:= Short],
    Tags = [Tag || Tag <- [Wanted, Short, <<"en">>], is_map_key(Tag, Texts)] ++ Same ++ maps:keys(Texts),
    case Tags of
        [Tag | _] -> {Tag, map_get(Tag, Texts)};
        [] -> none
    end.

language(Tag) ->
    hd(binary:split(Tag, <<"-">>)).
