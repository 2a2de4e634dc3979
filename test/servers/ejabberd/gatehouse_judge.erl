%% SPDX-License-Identifier: GPL-2.0-or-later
%% The pure parts of mod_gatehouse behind a pipe, for tests that compare helpers: erl -noinput -s gatehouse_judge main
%%
%% A frame is its length (4 bytes) and fields, each of which has its length before it: the text of a stanza and a condition. The
%% answer: the kind of the element as it was read; then, where the server's codec takes it, what the codec makes of it, the kind of
%% that, the question ("+", or "-" and why there is none), what takes its place when it is refused, the answers to its sender.
-module(gatehouse_judge).

-export([main/0]).

-include("gatehouse.hrl").

-define(CLIENT, <<"jabber:client">>).

-spec main() -> no_return().
main() ->
    {ok, _} = application:ensure_all_started(xmpp),
    Port = open_port({fd, 0, 1}, [{packet, 4}, binary, eof]),
    loop(Port, stream()).

loop(Port, Stream) ->
    receive
        {Port, {data, Frame}} ->
            [Xml, Condition] = fields(Frame),
            {El, Stream2} = read(Stream, Xml),
            port_command(Port, [[<<(iolist_size(Field)):32>>, Field] || Field <- answer(El, Condition)]),
            loop(Port, Stream2);
        {Port, eof} ->
            halt(0)
    end.

fields(<<Size:32, Field:Size/binary, Rest/binary>>) -> [Field | fields(Rest)];
fields(<<>>) -> [].

stream() ->
    Begin = <<"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='corp'>">>,
    Stream = fxml_stream:parse(fxml_stream:new(self(), infinity), Begin),
    receive {'$gen_event', {xmlstreamstart, _, _}} -> Stream end.

read(Stream, Xml) ->
    Stream2 = fxml_stream:parse(Stream, Xml),
    receive
        {'$gen_event', {xmlstreamelement, El}} -> {El, Stream2};
        {'$gen_event', {xmlstreamerror, _}} ->
            fxml_stream:close(Stream2),
            {none, stream()}
    end.

answer(none, _Condition) ->
    [<<"unreadable">>];
answer(El, Condition) ->
    Raw = case fxml:get_tag_attr(<<"to">>, El) of
              {value, To} -> atom_to_binary(gatehouse_kinds:judge(El, jid:decode(To), where()));
              false -> atom_to_binary(gatehouse_kinds:judge(El, undefined, where()))
          end,
    try addressed(xmpp:decode(El, ?CLIENT, [ignore_els])) of
        Stanza -> [Raw | decoded(Stanza, Condition)]
    catch
        error:{xmpp_codec, _} -> [Raw]
    end.

%% As a session does before its hooks.
addressed(#presence{} = Stanza) ->
    xmpp:set_from(Stanza, sender());
addressed(Stanza) ->
    To = case xmpp:get_to(Stanza) of undefined -> jid:remove_resource(sender()); Some -> Some end,
    xmpp:set_from_to(Stanza, sender(), To).

sender() -> jid:make(<<"alice">>, <<"corp">>, <<"r">>).

decoded(Stanza, Condition) ->
    Kind = gatehouse_kinds:kind(Stanza, where()),
    Question = case gatehouse_writer:stanza(Stanza, 2 * 1024 * 1024) of
                   {ok, Written, _} -> [$+, fxml:element_to_binary(Written)];
                   {error, Why} -> [$-, Why]
               end,
    Texts = #{<<"en">> => <<"no">>, <<"de">> => <<"nein">>, <<"fr">> => <<"non">>},
    {Replies, Instead} = gatehouse_errors:refusal(Stanza, Condition, Texts, Kind),
    Sent = case gatehouse_writer:addresses(Stanza) of
               {_, <<>>} -> xmpp:set_to(Stanza, undefined);
               _ -> Stanza
           end,
    [text(Sent), atom_to_binary(Kind), Question, text(Instead) | [text(Reply) || Reply <- Replies]].

text(none) ->
    <<>>;
text(Stanza) ->
    #xmlel{attrs = Attrs} = El = xmpp:encode(Stanza, ?CLIENT),
    fxml:element_to_binary(El#xmlel{attrs = [{<<"xmlns">>, ?CLIENT} | Attrs]}).

where() ->
    #{own => <<"alice@corp">>,
      host => <<"corp">>,
      is_room => fun(Domain) -> Domain =:= <<"rooms.corp">> end,
      is_local => fun(Domain) -> lists:member(Domain, [<<"rooms.corp">>, <<"corp">>, <<"irc.corp">>]) end,
      is_transport => fun(Domain) -> Domain =:= <<"irc.corp">> end,
      inside => fun(<<"corp">>, <<"corp">>) -> host;
                   (<<"rooms.corp">>, _) -> service;
                   (<<"pubsub.corp">>, _) -> service;
                   (<<"upload.corp">>, _) -> service;
                   (_, _) -> undefined
                end}.
