%% SPDX-License-Identifier: GPL-2.0-or-later
%% The file `source`: which run of the helper this is, how far its numbers are reserved, its last mark; and the runs that the
%% screen has not acknowledged as announced, oldest first, a line each: source, announcement. Replaced in one step.
-module(gatehouse_runs).

-export([read_source/2, keep_numbers/2]).

-export_type([run/0, predecessor/0, numbers/0]).

-include_lib("kernel/include/logger.hrl").

-type run() :: #{source := binary(), xml := binary()}.
-type predecessor() :: #{source := binary(), reserved := non_neg_integer(), mark := non_neg_integer()}.
%% own: the announcement of this run, until a screen has acknowledged it.
-type numbers() :: #{source := binary(), reserved := non_neg_integer(), mark := non_neg_integer(), untold := [run()],
                     own := binary() | none}.

-define(RUNS_KEPT, 256).

%% Replaces the file in one step.
-spec keep_numbers(gatehouse_disk:path(), numbers()) -> ok | {error, Why :: binary()}.
keep_numbers(Folder, #{source := Source, reserved := Reserved, mark := Mark, untold := Untold, own := Own}) ->
    Own1 = case Own of
        none -> [];
        Xml -> [Source, $\s, Xml, $\n]
    end,
    gatehouse_disk:replace(file_in(Folder), [
        gatehouse_disk:head(<<"source">>), Source, $\s, integer_to_binary(Reserved), $\s, integer_to_binary(Mark), $\n,
        [[Earlier, $\s, Said, $\n] || #{source := Earlier, xml := Said} <- Untold], Own1
    ]).

%% The run before this one, and those whose announcement the screen has not acknowledged. An error: it is there and cannot be read;
%% then nothing may be numbered, since the numbers of the next run might be told of as another's.
-spec read_source(gatehouse_disk:path(), Screen :: binary()) ->
    {ok, none | predecessor(), [run()]} | {error, Why :: binary()}.
read_source(Folder, Screen) ->
    Path = file_in(Folder),
    case file:read_file(Path) of
        {ok, <<>>} ->
            ?LOG_ERROR("~ts is empty (a power cut?): how far the run before went is not known", [Path]),
            {ok, none, []};
        {ok, Text} -> read_text(Path, Text, Screen);
        {error, enoent} -> {ok, none, []};
        {error, Reason} -> unreadable(Path, gatehouse_disk:why(Reason))
    end.

read_text(Path, Text, Screen) ->
    case gatehouse_disk:version_of(<<"source">>, Text) of
        {ok, _, Size} ->
            <<_:Size/binary, Rest/binary>> = Text,
            case re:run(Rest, "\\A([0-9a-fA-F]{32}) ([0-9]{1,18}) ([0-9]{1,18})\\n", [{capture, all, binary}]) of
                {match, [Line, Source, Reserved, Mark]} ->
                    <<_:(byte_size(Line))/binary, Runs/binary>> = Rest,
                    Before = #{source => Source, reserved => binary_to_integer(Reserved), mark => binary_to_integer(Mark)},
                    {ok, Before, newest(read_runs(Runs), Screen)};
                nomatch -> unreadable(Path, <<"it is none of ours, or damaged">>)
            end;
        {error, Why} -> unreadable(Path, Why)
    end.

read_runs(Text) ->
    Lines = case re:run(Text, "^([0-9a-fA-F]+) ([^\\n]+)\\n", [global, multiline, {capture, [1, 2], binary}]) of
        {match, Found} -> Found;
        nomatch -> []
    end,
    [#{source => Source, xml => Xml} || [Source, Xml] <- Lines].

newest(Runs, Screen) ->
    Over = max(0, length(Runs) - ?RUNS_KEPT),
    {Forgotten, Kept} = lists:split(Over, Runs),
    lists:foreach(fun(#{source := Source}) ->
        ?LOG_ERROR("Too many runs in a row never reached screen ~ts: the start of run ~ts is not told", [Screen, Source])
    end, Forgotten),
    Kept.

unreadable(Path, Why) ->
    {error, <<Path/binary, " cannot be read (", Why/binary, ")">>}.

file_in(Folder) ->
    filename:join(Folder, <<"source">>).
