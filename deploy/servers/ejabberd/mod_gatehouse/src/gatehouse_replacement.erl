%% SPDX-License-Identifier: GPL-2.0-or-later
%% Reads the stanza of a replace verdict: an error where it is none, or changes what it must keep.
-module(gatehouse_replacement).

-export([read/2]).

-include("gatehouse.hrl").

-define(CLIENT, <<"jabber:client">>).
-define(FORWARD, <<"urn:xmpp:forward:0">>).
%% More than any server takes from a component.
-define(LARGEST, 1 bsl 30).

%% Verdict: the element `verdict` as it came. Old: the stanza that was asked about. The new one has the addresses of the old.
-spec read(xmlel(), stanza()) -> {ok, stanza()} | {error, binary()}.
read(#xmlel{children = Children}, Old) ->
    Forwarded = [El || #xmlel{name = <<"forwarded">>} = El <- Children, xmpp:get_ns(El) =:= ?FORWARD],
    case [[El || #xmlel{} = El <- Within] || #xmlel{children = Within} <- lists:sublist(Forwarded, 1)] of
        [[New]] -> compared(gatehouse_writer:alone(New, ?LARGEST), Old);
        _ -> {error, <<"no single stanza">>}
    end.

compared({error, Why}, _Old) ->
    {error, Why};
compared({ok, New, _Size}, Old) ->
    {From, To} = gatehouse_writer:addresses(Old),
    #xmlel{name = Name} = Was = xmpp:encode(Old, ?CLIENT),
    Kept = [{<<"from">>, From}, {<<"to">>, To} | [{Key, attribute(Key, Was)} || Key <- [<<"id">>, <<"type">>]]],
    Changed = [Key || {Key, Value} <- Kept, attribute(Key, New) =/= Value],
    case {New#xmlel.name, xmpp:get_ns(New), Changed, origin_id(New) =:= origin_id(Was)} of
        {Name, ?CLIENT, [], true} -> decoded(New, Old);
        {Name, ?CLIENT, [Key | _], _} -> {error, <<"another ", Key/binary>>};
        {Name, ?CLIENT, [], false} -> {error, <<"another origin-id">>};
        _ -> {error, <<"another kind of stanza">>}
    end.

decoded(El, Old) ->
    try xmpp:decode(El, ?CLIENT, [ignore_els]) of
        New -> {ok, xmpp:set_meta(xmpp:set_from_to(New, xmpp:get_from(Old), xmpp:get_to(Old)), xmpp:get_meta(Old))}
    catch
        error:{xmpp_codec, Why} -> {error, xmpp:format_error(Why)}
    end.

attribute(Key, #xmlel{attrs = Attrs}) ->
    fxml:get_attr_s(Key, Attrs).

origin_id(#xmlel{children = Children}) ->
    Ids = [attribute(<<"id">>, El) || #xmlel{name = <<"origin-id">>} = El <- Children, xmpp:get_ns(El) =:= <<"urn:xmpp:sid:0">>],
    lists:sublist(Ids, 1).
