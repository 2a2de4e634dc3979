%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the tests of the pure parts share: a stanza as a client's stream gives it to the server.
%% Debian's eunit comes without its header: the three words of it that are used here, and what it would export.
-compile([export_all, nowarn_export_all]).
-include("gatehouse.hrl").

-define(assert(Is), ?assertEqual(true, Is)).
-define(assertEqual(Wanted, Got),
        ((fun(Same, Same) -> ok; (One, Other) -> erlang:error({wanted, One, got, Other, line, ?LINE}) end)(Wanted, Got))).
-define(assertMatch(Shape, Got),
        ((fun() -> case (Got) of Shape -> ok; Other -> erlang:error({wanted, ??Shape, got, Other, line, ?LINE}) end end)())).

element_of(Xml) ->
    Begin = <<"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='corp'>">>,
    Stream = fxml_stream:parse(fxml_stream:new(self(), infinity), Begin),
    receive {'$gen_event', {xmlstreamstart, _, _}} -> ok end,
    Stream2 = fxml_stream:parse(Stream, Xml),
    El = receive
             {'$gen_event', {xmlstreamelement, One}} -> One;
             {'$gen_event', {xmlstreamerror, Why}} -> {error, Why}
         end,
    fxml_stream:close(Stream2),
    El.

%% As it passes the hooks: decoded, with the sender's address.
stanza_of(Xml) ->
    Stanza = xmpp:decode(element_of(Xml), <<"jabber:client">>, [ignore_els]),
    xmpp:set_from(Stanza, jid:make(<<"a">>, <<"corp">>, <<"r">>)).

with_codec(Tests) ->
    {setup, fun() -> {ok, _} = application:ensure_all_started(xmpp) end, Tests}.
