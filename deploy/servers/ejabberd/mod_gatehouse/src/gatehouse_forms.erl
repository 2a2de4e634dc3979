%% SPDX-License-Identifier: GPL-2.0-or-later
%% The exact forms of what is not asked about: which attributes, children and texts an element may have to say nothing.
-module(gatehouse_forms).

-export([bare/1, plain_attribute/2, each_once/2, first_time/2, exactly/2, empty/2, only/2, is_declaration/1]).
-export([short/2, text/1, has_text/1, is_space/1, attribute/2, namespace/2, tags/1, resolved/1, local/1]).

-include("gatehouse.hrl").

%% The longest value of each.
-type attributes() :: #{binary() => pos_integer()}.
-type seen() :: #{{binary(), binary()} => true}.
-export_type([attributes/0, seen/0]).

-define(CLIENT, <<"jabber:client">>).
%% Attributes that the exact forms may carry, with the longest value taken for nothing but an identifier.
-define(STANZA_ATTR, #{<<"id">> => 128, <<"to">> => 3071, <<"from">> => 3071, <<"type">> => 16, <<"xml:lang">> => 35}).

-spec plain_attribute(binary(), binary()) -> boolean().
plain_attribute(Name, Value) -> fits(Name, Value, ?STANZA_ATTR).

%% A stanza without attributes of its own, and without text between the elements.
-spec bare(xmlel()) -> boolean().
bare(El) ->
    only(El, ?STANZA_ATTR) andalso not has_text(El).

-spec each_once([xmlel()], fun((xmlel()) -> boolean())) -> boolean().
each_once(Tags, Fits) ->
    lists:all(Fits, Tags) andalso
        lists:foldl(fun(Child, Seen) -> Seen =/= false andalso first_time(Child, Seen) end, #{}, Tags) =/= false.

%% False where the name was seen before: of what says nothing once, fifty would say something.
-spec first_time(xmlel(), seen()) -> false | seen().
first_time(#xmlel{name = Name} = Child, Seen) ->
    Key = {case namespace(Child, ?CLIENT) of ?CLIENT -> <<>>; Ns -> Ns end, Name},
    not maps:is_key(Key, Seen) andalso Seen#{Key => true}.

-spec exactly(xmlel(), #{binary() => #{binary() => attributes()}}) -> boolean().
exactly(#xmlel{name = Name} = Child, Known) ->
    Ns = namespace(Child, ?CLIENT),
    case Known of
        #{Ns := #{Name := Allowed}} -> empty(Child, Allowed);
        _ -> false
    end.

-spec empty(xmlel(), attributes()) -> boolean().
empty(#xmlel{children = []} = Child, Allowed) -> only(Child, Allowed);
empty(_Child, _Allowed) -> false.

-spec only(xmlel(), attributes()) -> boolean().
only(#xmlel{attrs = Attrs}, Allowed) ->
    lists:all(fun({Name, Value}) -> is_declaration(Name) orelse fits(Name, Value, Allowed) end, Attrs).

fits(Name, Value, Allowed) ->
    case Allowed of
        #{Name := Longest} -> byte_size(Value) =< Longest;
        _ -> false
    end.

-spec is_declaration(binary()) -> boolean().
is_declaration(<<"xmlns">>) -> true;
is_declaration(<<"xmlns:", _/binary>>) -> true;
is_declaration(_) -> false.

-spec short(xmlel(), non_neg_integer()) -> boolean().
short(#xmlel{children = Children} = Child, Longest) ->
    tags(Child) =:= [] andalso lists:sum([byte_size(Text) || {xmlcdata, Text} <- Children]) =< Longest.

-spec text(xmlel()) -> binary().
text(#xmlel{children = Children}) ->
    iolist_to_binary([Text || {xmlcdata, Text} <- Children]).

-spec has_text(xmlel()) -> boolean().
has_text(#xmlel{children = Children}) ->
    lists:any(fun({xmlcdata, Text}) -> not is_space(Text); (_) -> false end, Children).

-spec is_space(binary()) -> boolean().
is_space(<<C, Rest/binary>>) when C =:= $\s; C =:= $\n; C =:= $\t; C =:= $\r -> is_space(Rest);
is_space(Text) -> Text =:= <<>>.

-spec attribute(binary(), xmlel()) -> binary() | none.
attribute(Name, #xmlel{attrs = Attrs}) ->
    case lists:keyfind(Name, 1, Attrs) of
        {_, Value} -> Value;
        false -> none
    end.

%% The one in force: its own, or that of what it stands in.
-spec namespace(xmlel(), binary()) -> binary().
namespace(#xmlel{attrs = Attrs}, Parent) ->
    case lists:keyfind(<<"xmlns">>, 1, Attrs) of
        {_, Ns} -> Ns;
        false -> Parent
    end.

-spec tags(xmlel()) -> [xmlel()].
tags(#xmlel{children = Children}) ->
    [El || #xmlel{} = El <- Children].

%% Streams that come whole (BOSH) leave a prefix in the name; who reads the stanza resolves it.
-spec resolved(xmlel()) -> xmlel().
resolved(#xmlel{name = Name, attrs = Attrs} = El) ->
    case binary:split(Name, <<":">>) of
        [Prefix, Local] ->
            case lists:keyfind(<<"xmlns:", Prefix/binary>>, 1, Attrs) of
                {_, Ns} -> El#xmlel{name = Local, attrs = [{<<"xmlns">>, Ns} | lists:keydelete(<<"xmlns">>, 1, Attrs)]};
                false -> El
            end;
        _ -> El
    end.

-spec local(binary()) -> binary().
local(Name) ->
    lists:last(binary:split(Name, <<":">>)).
