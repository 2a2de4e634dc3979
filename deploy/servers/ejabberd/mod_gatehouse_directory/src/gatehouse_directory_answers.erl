%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the component is answered to what it says of the state of a host: DIRECTORY.md sections 3 and 4.
-module(gatehouse_directory_answers).

-export([send/3]).

-include("gatehouse_directory.hrl").

%% held: the state as it is, with what is still to be sent. Straight to the stream of the component, never by the router.
-spec send(pid(), #iq{}, kept | {held, Host :: binary(), Waiting :: non_neg_integer(), Damaged :: boolean()}
                         | {error, cancel | modify | wait, atom(), binary()}) -> ok.
send(Stream, Iq, What) ->
    _ = Stream ! {route, answer(Iq, What)},
    ok.

answer(Iq, kept) -> xmpp:make_iq_result(Iq);
answer(Iq, {held, Host, Waiting, Damaged}) -> xmpp:make_iq_result(Iq, state(Host, Waiting, Damaged));
answer(Iq, {error, Type, Condition, Why}) ->
    xmpp:make_error(Iq, #stanza_error{type = Type, reason = Condition, text = xmpp:mk_text(Why, <<"en">>)}).

state(Host, Waiting, Damaged) ->
    View = gatehouse_directory_view:now(Host),
    {Id, Seq, _} = gatehouse_directory_view:state(View),
    {counts, People, Groups, _, _, _, _} = gatehouse_directory_view:counts(View),
    Numbers = [{<<"seq">>, Seq}, {<<"people">>, People}, {<<"groups">>, Groups}, {<<"waiting">>, Waiting}],
    Features = [<<"roster">>, <<"lock">>, <<"walls">>, <<"rooms">>] ++ [<<"publish">> || gen_mod:is_loaded(Host, mod_pubsub)]
        ++ [<<"vcard">> || gen_mod:is_loaded(Host, mod_vcard)],
    #xmlel{name = <<"state">>,
           attrs = [{<<"xmlns">>, ?NS_DIRECTORY}, {<<"version">>, <<"1">>}, {<<"id">>, Id}]
               ++ [{Name, integer_to_binary(Number)} || {Name, Number} <- Numbers]
               ++ [{<<"server">>, <<"ejabberd ", (ejabberd_option:version())/binary>>}, {<<"helper">>, ?HELPER_VERSION},
                   {<<"features">>, iolist_to_binary(lists:join(<<" ">>, Features))}]
               ++ [{<<"damaged">>, <<"true">>} || Damaged]}.
