%% SPDX-License-Identifier: GPL-2.0-or-later
%% The file of a host: `gatehouse_directory/HOST/state` below the folder of Mnesia. A line with its version, then records, each with
%% length and sum: elements, and after those of each transfer one that says that it is whole. Everything up to the last of these counts; what
%% was half written behind it is cut off. Synced before anybody is told.
-module(gatehouse_directory_disk).

-export([folder/1, load/1, begin_whole/1, add/2, commit_whole/2, drop_whole/1, keep_whole/3, append/3]).
-export_type([file/0, transfer/0, coming/0]).

-type transfer() :: {Id :: binary(), Seq :: non_neg_integer(), Base :: none | non_neg_integer(), At :: integer()}.
-type file() :: #{path := binary(), size := non_neg_integer(), whole := non_neg_integer()}.
-type coming() :: #{path := binary(), io := file:io_device(), size := non_neg_integer()}.

-include_lib("kernel/include/logger.hrl").

-define(HEAD, "gatehouse-directory ").
-define(VERSION, 1).
-define(SAFE_WORDS, [op, commit, policy, person, gone, group, group_gone, join, part, wall, wall_gone, back, away, disabled, members,
                     everybody, groups, nobody, true, false, none]).

-spec folder(binary()) -> binary().
folder(Host) ->
    Name = << <<(escape(Byte))/binary>> || <<Byte>> <= Host >>,
    filename:join([unicode:characters_to_binary(mnesia:system_info(directory)), <<"gatehouse_directory">>, Name]).

escape(Byte) when Byte >= $a, Byte =< $z; Byte >= $0, Byte =< $9; Byte =:= $.; Byte =:= $- -> <<Byte>>;
escape(Byte) -> iolist_to_binary(io_lib:format("%~2.16.0b", [Byte])).

%% What was kept: the transfers since the last whole one. damaged: what could be read of it, which counts for locks alone.
-spec load(binary()) -> {ok, file(), [{transfer(), [gatehouse_directory_parts:op()]}]} | {damaged, file(), [gatehouse_directory_parts:op()]}.
load(Folder) ->
    _ = ?SAFE_WORDS,
    Path = filename:join(Folder, <<"state">>),
    ok = filelib:ensure_dir(Path),
    _ = file:delete(<<Path/binary, ".new">>),
    case file:read_file(Path) of
        {error, enoent} -> {ok, #{path => Path, size => 0, whole => 0}, []};
        {error, Reason} -> damaged(Path, [], file:format_error(Reason));
        {ok, Bytes} -> read(Path, Bytes)
    end.

read(Path, Bytes) ->
    {Readable, Size} = case re:run(Bytes, "\\A" ?HEAD "([0-9]{1,9})[^\\n]*\\n", [{capture, [0, 1], binary}]) of
        {match, [Line, Said]} -> {binary_to_integer(Said) =< ?VERSION, byte_size(Line)};
        nomatch -> {false, 0}
    end,
    <<_:Size/binary, Rest/binary>> = Bytes,
    case {records(Rest, Size, [], [], 0, Size), Readable} of
        {{ok, Transfers, End, Whole}, true} -> cut(Path, byte_size(Bytes), End, Transfers, Whole);
        {{ok, Transfers, _, _}, false} -> damaged(Path, lists:append([Ops || {_, Ops} <- Transfers]), "it is of a version that this helper does not read");
        {{broken, Ops}, _} -> damaged(Path, Ops, "its records are damaged")
    end.

%% At: where we are; End: behind the last transfer that is whole; Whole: where the first one ends.
records(Bytes, At, Ops, Done, Whole, End) ->
    case record(Bytes) of
        {ok, {commit, Transfer}, Length, Rest} ->
            Next = At + Length,
            records(Rest, Next, [], [{Transfer, lists:append(lists:reverse(Ops))} | Done], case Whole of 0 -> Next; _ -> Whole end, Next);
        {ok, {ops, More}, Length, Rest} -> records(Rest, At + Length, [More | Ops], Done, Whole, End);
        torn -> {ok, lists:reverse(Done), End, Whole};
        broken -> {broken, lists:append([Read || {_, Read} <- lists:reverse(Done)] ++ lists:reverse(Ops))}
    end.

%% One that ends before its length says was being written when the node ended; one whose sum is wrong though there is more behind it was not.
record(<<Length:32, Sum:32, Data:Length/binary, Rest/binary>>) ->
    case erlang:crc32(Data) of
        Sum ->
            try binary_to_term(Data, [safe]) of
                {ops, Ops} when is_list(Ops) -> {ok, {ops, Ops}, Length + 8, Rest};
                {commit, {_, _, _, _} = Transfer} -> {ok, {commit, Transfer}, Length + 8, Rest};
                _ -> broken
            catch error:badarg -> broken
            end;
        _ when Rest =:= <<>> -> torn;
        _ -> broken
    end;
record(_) -> torn.

cut(Path, Size, Size, Transfers, Whole) -> {ok, #{path => Path, size => Size, whole => Whole}, Transfers};
cut(Path, _, End, Transfers, Whole) ->
    Cut = with(Path, [read, write, raw, binary], fun(Io) ->
        {ok, End} = file:position(Io, End),
        case file:truncate(Io) of
            ok -> file:datasync(Io);
            Error -> Error
        end
    end),
    case Cut of
        ok -> {ok, #{path => Path, size => End, whole => Whole}, Transfers};
        {error, Reason} -> damaged(Path, lists:append([Ops || {_, Ops} <- Transfers]), file:format_error(Reason))
    end.

damaged(Path, Ops, Why) ->
    ?LOG_ERROR("What the directory said cannot be read from ~ts (~ts): rosters hold nothing of it until the component says it again", [Path, Why]),
    {damaged, #{path => Path, size => 0, whole => 0}, Ops}.

%% A whole state comes into a file beside, which takes the place of the old one at its end.
-spec begin_whole(file()) -> {ok, coming()} | {error, binary()}.
begin_whole(#{path := Path}) ->
    New = <<Path/binary, ".new">>,
    case file:open(New, [write, raw, binary]) of
        {ok, Io} -> add(#{path => New, io => Io, size => 0}, {head, iolist_to_binary([?HEAD, integer_to_binary(?VERSION), "\n"])});
        {error, Reason} -> why(Reason)
    end.

-spec add(coming(), {head, binary()} | [gatehouse_directory_parts:op()]) -> {ok, coming()} | {error, binary()}.
add(#{io := Io, size := Size} = Coming, What) ->
    Data = case What of
        {head, Head} -> Head;
        Ops -> framed({ops, Ops})
    end,
    case file:write(Io, Data) of
        ok -> {ok, Coming#{size := Size + iolist_size(Data)}};
        {error, Reason} -> why(Reason)
    end.

-spec commit_whole(coming(), transfer()) -> {ok, file()} | {error, binary()}.
commit_whole(#{path := New, io := Io, size := Size}, Transfer) ->
    Path = binary:part(New, 0, byte_size(New) - 4),
    Data = framed({commit, Transfer}),
    Written = first_fault([fun() -> file:write(Io, Data) end, fun() -> file:sync(Io) end]),
    Closed = file:close(Io),
    case first_fault([fun() -> Written end, fun() -> Closed end, fun() -> file:rename(New, Path) end, fun() -> sync_folder(Path) end]) of
        ok ->
            End = Size + iolist_size(Data),
            {ok, #{path => Path, size => End, whole => End}};
        {error, Reason} ->
            _ = file:delete(New),
            why(Reason)
    end.

-spec drop_whole(coming()) -> ok.
drop_whole(#{path := New, io := Io}) ->
    _ = file:close(Io),
    _ = file:delete(New),
    ok.

%% All of these parts at once.
-spec keep_whole(file(), transfer(), [list()]) -> {ok, file()} | {error, binary()}.
keep_whole(File, Transfer, Parts) ->
    case begin_whole(File) of
        {ok, Coming} ->
            case add(Coming, lists:append(Parts)) of
                {ok, Full} -> commit_whole(Full, Transfer);
                Fault ->
                    ok = drop_whole(Coming),
                    Fault
            end;
        Fault -> Fault
    end.

%% A difference goes behind what is there. compact: there is so much of it that a whole state is wanted.
-spec append(file(), transfer(), [[gatehouse_directory_parts:op()]]) -> {ok, file()} | {error, binary()} | compact.
append(#{size := Size, whole := Whole}, _, _) when Size > 4 * Whole + 16777216 -> compact;
append(#{path := Path, size := Size} = File, Transfer, Parts) ->
    Data = [[framed({ops, Ops}) || Ops <- Parts], framed({commit, Transfer})],
    Written = with(Path, [read, write, raw, binary], fun(Io) ->
        %% What a failed one left behind is written over, or cut off.
        {ok, Size} = file:position(Io, Size),
        first_fault([fun() -> file:truncate(Io) end, fun() -> file:write(Io, Data) end, fun() -> file:sync(Io) end])
    end),
    case Written of
        ok -> {ok, File#{size := Size + iolist_size(Data)}};
        {error, Reason} -> why(Reason)
    end.

framed(Term) ->
    Data = term_to_binary(Term),
    [<<(byte_size(Data)):32, (erlang:crc32(Data)):32>>, Data].

with(Path, Modes, Do) ->
    case file:open(Path, Modes) of
        {ok, Io} ->
            Done = Do(Io),
            case file:close(Io) of
                ok -> Done;
                Error -> first_fault([fun() -> Done end, fun() -> Error end])
            end;
        Error -> Error
    end.

first_fault([]) -> ok;
first_fault([Step | Rest]) ->
    case Step() of
        ok -> first_fault(Rest);
        Error -> Error
    end.

sync_folder(Path) ->
    case file:open(filename:dirname(Path), [read, raw, directory]) of
        {ok, Io} ->
            Synced = file:sync(Io),
            _ = file:close(Io),
            Synced;
        Error -> Error
    end.

why(Reason) -> {error, iolist_to_binary(file:format_error(Reason))}.
