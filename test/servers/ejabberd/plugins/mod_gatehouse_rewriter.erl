%% SPDX-License-Identifier: GPL-2.0-or-later
%% Changes one text behind the helper, as filters that rewrite do.
-module(mod_gatehouse_rewriter).
-behaviour(gen_mod).

-export([start/2, stop/1, depends/2, mod_options/1, user_send_packet/1]).

-include("xmpp.hrl").

-spec start(binary(), gen_mod:opts()) -> ok.
start(Host, _Opts) ->
    ejabberd_hooks:add(user_send_packet, Host, ?MODULE, user_send_packet, 60).

-spec stop(binary()) -> ok.
stop(Host) ->
    ejabberd_hooks:delete(user_send_packet, Host, ?MODULE, user_send_packet, 60).

-spec depends(binary(), gen_mod:opts()) -> [].
depends(_Host, _Opts) ->
    [].

-spec mod_options(binary()) -> [].
mod_options(_Host) ->
    [].

-spec user_send_packet({stanza(), map()}) -> {stanza(), map()}.
user_send_packet({#message{body = [#text{data = <<"as written">>} = Text]} = Message, State}) ->
    {Message#message{body = [Text#text{data = <<"as changed">>}]}, State};
user_send_packet(Passing) ->
    Passing.
