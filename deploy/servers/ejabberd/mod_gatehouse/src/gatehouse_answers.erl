%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the screen says: verdicts, at once or later.
-module(gatehouse_answers).

-export([answer/5, late_verdicts/2, settled/3]).

-include("gatehouse.hrl").
-include("gatehouse_link.hrl").
-include_lib("kernel/include/logger.hrl").

%% The answer to a screen element, from the connection Session. Unknown ids, and answers from another connection, change nothing.
-spec answer(#link{}, pid(), binary(), result | error, [xmlel()]) -> #link{}.
answer(#link{outstanding = Outstanding} = Link, Session, Id, Type, Els) ->
    case Outstanding of
        #{Id := #rec{session = Session} = Rec} when Type =:= result -> good(Link, Id, Rec, Els);
        #{Id := #rec{session = Session} = Rec} -> bad(Link, Id, Rec, fault(Els));
        #{} -> Link
    end.

good(#link{outstanding = Outstanding} = Link, Id, #rec{host = Name, items = Items} = Rec, Els) ->
    Link2 = gatehouse_carried:acknowledged(freed(Link#link{outstanding = maps:remove(Id, Outstanding)}, Rec), Rec),
    Link3 = gatehouse_silence:good(taken(Link2, gatehouse_numbers:host(Name, Link2))),
    Link4 = next_out(Link3, gatehouse_numbers:host(Name, Link3), Rec),
    case {Items, Els} of
        {[], _} -> Link4;
        {_, []} -> allow_all(Link4, Items);
        _ -> decide_all(Link4, Items, named_verdicts(Els))
    end.

freed(Link, #rec{apart = true}) -> Link;
freed(Link, #rec{host = Name}) ->
    case gatehouse_numbers:host(Name, Link) of
        none -> Link;
        #host{screens = Screens} = Host -> gatehouse_numbers:put_host(Host#host{screens = Screens - 1}, Link)
    end.

taken(Link, #host{barred = true} = Host) -> gatehouse_silence:unbar(Link, Host);
taken(Link, _) -> Link.

%% What waited for its turn goes out.
next_out(Link, #host{spools = Spools} = Host, #rec{spool = {Source, _, _, _}}) ->
    case [Spool || #{source := S, most := 1} = Spool <- Spools, S =:= Source] of
        [Spool] ->
            Link2 = gatehouse_carried:replay(Link, Host, Spool),
            next_out(Link2, gatehouse_numbers:host(Host#host.name, Link2), none);
        [] -> next_out(Link, Host, none)
    end;
next_out(Link, #host{pending_count = Count} = Host, _) when Count > 0 -> gatehouse_sending:flush(Link, Host);
next_out(Link, _, _) -> Link.

%% The hot path: everything that was asked about may pass.
allow_all(Link, Items) -> lists:foldl(fun allow/2, Link, Items).

allow(N, #link{open = Open} = Link) ->
    case Open of
        #{N := #item{verdict = undefined, ref = Ref, owner = Owner, try_no = Try} = Item} ->
            Owner ! {gatehouse, Ref, N, allow},
            Link#link{open = Open#{N := Item#item{verdict = allow, answered = Try, xml = none}}};
        #{} -> Link % given up before, or settled
    end.

decide_all(Link, Items, Named) ->
    lists:foldl(
        fun(N, L) ->
            case Named of
                #{N := El} -> decide(L, maps:get(N, L#link.open, none), El);
                #{} -> allow(N, L)
            end
        end, Link, Items).

decide(Link, #item{verdict = undefined, n = N, try_no = Try} = Item, El) ->
    case read_verdict(Item, El) of
        later -> Link#link{later = (Link#link.later)#{N => true}};
        {Degraded, Verdict} -> gatehouse_sending:give(Link, Item#item{answered = Try, degraded = Degraded}, Verdict);
        unknown ->
            ?LOG_WARNING("Verdict ~ts for number ~b is not known here: no answer", [fxml:get_tag_attr_s(<<"action">>, El), N]),
            gatehouse_sending:give_up(Link, [N])
    end;
decide(Link, _, _) -> Link.

%% What a verdict element says; unknown: it counts as no answer.
read_verdict(#item{n = N, xml = Xml}, El) ->
    case fxml:get_tag_attr_s(<<"action">>, El) of
        <<"allow">> -> {false, allow};
        <<"later">> -> later;
        <<"refuse">> -> {false, {refuse, condition(El), texts(El)}};
        <<"replace">> ->
            case replacement(El, Xml) of
                {ok, Stanza} -> {false, {replace, Stanza}};
                {error, Why} ->
                    ?LOG_WARNING("The replacement for number ~b changes what it must keep, or is none: refused (~p)", [N, Why]),
                    {true, {refuse_degraded, <<"policy-violation">>, #{}}}
            end;
        _ -> unknown
    end.

replacement(El, Xml) ->
    try gatehouse_replacement:read(El, xmpp:decode(Xml, ?NS_CLIENT, [ignore_els]))
    catch _:Why -> {error, Why}
    end.

condition(El) ->
    case fxml:get_tag_attr_s(<<"condition">>, El) of
        <<>> -> <<"policy-violation">>;
        Condition -> Condition
    end.

texts(#xmlel{children = Children}) ->
    maps:from_list([{language(Text), fxml:get_tag_cdata(Text)} || #xmlel{name = <<"text">>} = Text <- Children]).

language(El) ->
    case fxml:get_tag_attr_s(<<"xml:lang">>, El) of
        <<>> -> <<"en">>;
        Lang -> string:lowercase(Lang)
    end.

%% The verdicts of a result, by number.
named_verdicts([#xmlel{name = <<"verdicts">>} = El | _]) ->
    case fxml:get_tag_attr_s(<<"xmlns">>, El) of
        ?NS_SCREEN -> by_number(El);
        _ -> #{}
    end;
named_verdicts(_) -> #{}.

by_number(#xmlel{children = Children}) ->
    maps:from_list([{N, El} || #xmlel{name = <<"verdict">>} = El <- Children, N <- number(El)]).

number(El) ->
    case fxml:get_tag_attr_s(<<"xmlns">>, El) of
        Ns when Ns =:= <<>>; Ns =:= ?NS_SCREEN ->
            try [binary_to_integer(fxml:get_tag_attr_s(<<"n">>, El))] catch error:badarg -> [] end;
        _ -> []
    end.

%% Verdicts that were announced as later.
-spec late_verdicts(#link{}, xmlel()) -> #link{}.
late_verdicts(#link{source = Source} = Link, El) ->
    case fxml:get_tag_attr_s(<<"source">>, El) of
        Source -> maps:fold(fun late_verdict/3, Link, by_number(El));
        _ -> Link
    end.

late_verdict(N, El, #link{later = Later, open = Open} = Link) when is_map_key(N, Later) ->
    case Open of
        #{N := #item{verdict = undefined, try_no = Try} = Item} ->
            case read_verdict(Item, El) of
                {Degraded, Verdict} ->
                    gatehouse_sending:give(Link#link{later = maps:remove(N, Later)}, Item#item{answered = Try, degraded = Degraded}, Verdict);
                _ -> Link
            end;
        #{} -> Link#link{later = maps:remove(N, Later)}
    end;
late_verdict(_, _, Link) -> Link.

%% The condition and text of an IQ error.
fault(Els) ->
    case [El || #xmlel{name = <<"error">>} = El <- Els] of
        [#xmlel{children = Children} | _] ->
            Ns = <<"urn:ietf:params:xml:ns:xmpp-stanzas">>,
            Names = [{Name, El} || #xmlel{name = Name} = El <- Children, fxml:get_tag_attr_s(<<"xmlns">>, El) =:= Ns],
            Condition = case [Name || {Name, _} <- Names, Name =/= <<"text">>] of [First | _] -> First; [] -> <<"undefined-condition">> end,
            Text = case lists:keyfind(<<"text">>, 1, Names) of {_, El} -> fxml:get_tag_cdata(El); false -> <<>> end,
            {Condition, Text};
        [] -> {<<"undefined-condition">>, <<>>}
    end.

bad(Link, Id, Rec, {<<"forbidden">>, _}) -> gatehouse_silence:bar(Link, Id, Rec);
bad(Link, Id, Rec, {Condition, Text}) ->
    ?LOG_WARNING("Screen ~ts answers with an error: ~ts ~ts", [Link#link.screen, Condition, Text]),
    case Condition =:= <<"bad-request">> of
        true ->
            case may_be_reports(Link, Rec) of
                true -> ask_again(Link, Id, Rec);
                false ->
                    {Rec2, Link2} = gatehouse_carried:leave_out(failed(Link), Rec),
                    gatehouse_silence:fail(Link2, Id, Rec2)
            end;
        false -> gatehouse_silence:fail(failed(Link), Id, Rec)
    end.

failed(Link) -> (gatehouse_silence:failed(Link, "failures"))#link{probing = false}.

%% Whether the reports beside the questions may be what the screen cannot read; once for each question.
may_be_reports(_, #rec{reports = []}) -> false;
may_be_reports(#link{open = Open}, #rec{items = Items}) ->
    not lists:any(fun(N) -> case Open of #{N := #item{asked_again = Again}} -> Again; #{} -> false end end, Items).

%% The screen could not read what stood beside the questions. Nothing of that screen counts, so they are asked as for the first time.
ask_again(Link, Id, #rec{items = Items} = Rec) ->
    {Rec2, Link2} = gatehouse_carried:leave_out(Link, Rec),
    Link3 = gatehouse_carried:take_out(Link2, Id, Rec2),
    Link4 = case Rec#rec.last of none -> Link3; _ -> Link3#link{probing = false} end,
    lists:foldl(
        fun(N, #link{open = Open} = L) ->
            case Open of
                #{N := #item{verdict = undefined} = Item} ->
                    Item2 = Item#item{asked_again = true},
                    gatehouse_sending:collect(L#link{open = Open#{N := Item2}}, Item2);
                #{} -> L
            end
        end, Link4, Items).

%% The owner has acted: the numbers end. What he did is implied by the verdict of the only try, or it is told.
-spec settled(#link{}, binary(), [{reference(), pos_integer() | none, atom()}]) -> #link{}.
settled(Link, Name, List) -> lists:foldl(fun(One, L) -> settle(L, Name, One) end, Link, List).

settle(#link{open = Open} = Link, Name, {Ref, N, Outcome}) ->
    case Open of
        #{N := #item{ref = Ref, host = Name} = Item} ->
            case gatehouse_numbers:host(Name, Link) of
                none -> gatehouse_numbers:advance(Link#link{open = maps:remove(N, Open)});
                #host{counters = Counters} = Host ->
                    counters:sub(Counters, 1, 1),
                    counters:sub(Counters, 2, Item#item.bytes),
                    gatehouse_owed:settle(forget(Link, Item), Host, Item, Outcome, is_implied(Item, Outcome))
            end;
        #{} -> Link
    end.

%% Settled before it has a verdict: the stanza went with its session.
forget(Link, #item{verdict = undefined, n = N}) -> Link#link{later = maps:remove(N, Link#link.later)};
forget(Link, _) -> Link.

is_implied(#item{try_no = 1, verdict = allow}, released) -> true;
is_implied(#item{try_no = 1, verdict = {replace, _}}, released) -> true;
is_implied(#item{try_no = 1, verdict = {refuse, _, _}}, refused) -> true;
is_implied(_, _) -> false.
