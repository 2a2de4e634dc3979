%% SPDX-License-Identifier: GPL-2.0-or-later
%% What must not be forgotten until the screen has acknowledged it, on disk: settlements that a verdict does not imply, and whole
%% questions that were let through unscreened. `spool-SOURCE-HOST`: a line with name and version, then records: one line
%% "kind n length", the element, a line end; byte for byte what the helper for Prosody writes and reads.
%%
%% Written through disk_log in its external format, one sync for each list of records. Its internal format is not used: opening
%% a log repairs it, which rewrites a file that was cut off, or that a later helper wrote, before anybody has looked at it; and the
%% two helpers would not read each other's files. Reading, and the place up to which is acknowledged, are therefore ours.
-module(gatehouse_spool).

-export([new/3, append/3, read/3, acknowledge/2, close/1, put_aside/2, leftovers/3, orphans/2]).

-export_type([spool/0, record/0, kind/0]).

-include_lib("kernel/include/file.hrl").
-include_lib("kernel/include/logger.hrl").

%% $a: a question, $s: a settlement, $o: an outage, $i: the announcement of the run.
-type kind() :: $a..$z.
-type record() :: {kind(), N :: non_neg_integer(), Xml :: binary()}.
%% size, read, acked: bytes of the file. read, acked, inflight, most, wary_to and suspect are for who sends it.
-type spool() :: #{path := gatehouse_disk:path(), folder := gatehouse_disk:path(), source := binary(), host := binary(),
                   size := non_neg_integer(), read := non_neg_integer(), acked := non_neg_integer(),
                   records := non_neg_integer(), full := boolean(), unread := boolean(), log := open | closed,
                   inflight := boolean(),
                   most := undefined | pos_integer(), wary_to := undefined | non_neg_integer(),
                   suspect := undefined | non_neg_integer()}.

-define(LONGEST_LINE, 64).

-spec new(gatehouse_disk:path(), Host :: binary(), Source :: binary()) -> spool().
new(Folder, Host, Source) ->
    Name = <<"spool-", Source/binary, "-", (gatehouse_disk:escape(Host))/binary>>,
    #{path => filename:join(Folder, Name), folder => Folder, source => Source, host => Host, size => 0, read => 0, acked => 0,
      records => 0, full => false, unread => false, log => closed, inflight => false, most => undefined, wary_to => undefined,
      suspect => undefined}.

%% Appends records, all with one sync. An error: so many from the front are on the disk, the rest is not and does not count:
%% the bound is reached (announcements stand outside of it), or the disk refuses.
-spec append(spool(), MaxBytes :: non_neg_integer() | infinity, [{kind(), non_neg_integer(), iodata()}]) ->
    {ok, spool()} | {error, Kept :: non_neg_integer(), Why :: binary(), spool()}.
append(Spool, _, []) -> {ok, Spool};
append(#{full := true} = Spool, _, _) -> {error, 0, <<"a write failed">>, Spool};
append(#{size := Size} = Spool, MaxBytes, Records) ->
    Head = case Size of
        0 -> gatehouse_disk:head(<<"spool">>);
        _ -> <<>>
    end,
    {Frames, Bytes, Rest} = frames(Records, Size + byte_size(Head), MaxBytes, []),
    case write(Spool, Head, Frames) of
        {ok, Spool1} ->
            Count = length(Frames),
            #{records := Before} = Spool1,
            Size1 = case Count of 0 -> Size; _ -> Bytes end,
            Spool2 = Spool1#{size := Size1, records := Before + Count},
            case Rest of
                [] -> {ok, Spool2};
                _ -> {error, Count, <<"the bound is reached">>, Spool2}
            end;
        {error, Why, Spool1} -> {error, 0, Why, Spool1}
    end.

%% The records that fit, as they stand in the file, how far it then goes, and those from the first on that does not fit.
frames([{Kind, N, Xml} | Later] = Records, Size, MaxBytes, Frames) ->
    Length = integer_to_binary(iolist_size(Xml)),
    Frame = [Kind, $\s, integer_to_binary(N), $\s, Length, $\n, Xml, $\n],
    Size1 = Size + iolist_size(Frame),
    case Kind =:= $i orelse Size1 =< MaxBytes of % a number is less than an atom
        true -> frames(Later, Size1, MaxBytes, [Frame | Frames]);
        false -> {lists:reverse(Frames), Size, Records}
    end;
frames([], Size, _, Frames) -> {lists:reverse(Frames), Size, []}.

write(Spool, _, []) -> {ok, Spool};
write(Spool, Head, Frames) ->
    case open(Spool) of
        {ok, #{size := Size, folder := Folder} = Spool1} ->
            Written = first_fault([
                fun() -> disk_log:blog(name(Spool1), [Head | Frames]) end,
                fun() -> disk_log:sync(name(Spool1)) end,
                fun() -> new_in(Folder, Size) end
            ]),
            case Written of
                ok -> {ok, Spool1};
                {error, Reason} -> failed(Spool1, gatehouse_disk:why(Reason))
            end;
        {error, Reason} -> {error, gatehouse_disk:why(Reason), Spool}
    end.

first_fault([Step | Steps]) ->
    case Step() of
        ok -> first_fault(Steps);
        Error -> Error
    end;
first_fault([]) -> ok.

%% The name of a new file must be on the disk too.
new_in(Folder, 0) -> gatehouse_disk:sync_folder(Folder);
new_in(_, _) -> ok.

%% Part of it may be there: it is cut off again. Where that fails too, what came behind would not be found, so nothing more
%% until this file is acknowledged.
failed(#{size := 0, path := Path} = Spool, Why) ->
    Spool1 = close(Spool),
    _ = file:delete(Path),
    {error, Why, Spool1};
failed(#{size := Size, path := Path} = Spool, Why) ->
    Spool1 = close(Spool),
    {error, Why, Spool1#{full := cut(Path, Size) =/= ok}}.

cut(Path, Size) ->
    case file:open(Path, [read, write, raw, binary]) of
        {ok, File} ->
            Cut = first_fault([
                fun() -> at(file:position(File, Size), Size) end,
                fun() -> file:truncate(File) end,
                fun() -> file:sync(File) end
            ]),
            _ = file:close(File),
            Cut;
        Error -> Error
    end.

at({ok, Place}, Place) -> ok;
at(Other, _) -> {error, Other}.

open(#{log := open} = Spool) -> {ok, Spool};
open(#{path := Path} = Spool) ->
    Options = [{name, name(Spool)}, {file, unicode:characters_to_list(Path)}, {type, halt}, {format, external},
               {mode, read_write}, {size, infinity}],
    case disk_log:open(Options) of
        {ok, _} -> {ok, Spool#{log := open}};
        {error, Reason} -> {error, Reason}
    end.

name(#{path := Path}) -> {?MODULE, Path}.

%% Lets go of the file; it stays.
-spec close(spool()) -> spool().
close(#{log := closed} = Spool) -> Spool;
close(Spool) ->
    _ = disk_log:close(name(Spool)),
    Spool#{log := closed}.

%% Up to `Most` records, or about so many bytes of them, from where reading stands; and the place behind them. Where what stands
%% there is none (a write that was cut off), the file counts as ending there.
-spec read(spool(), Most :: pos_integer(), Bytes :: pos_integer()) -> {[record()], Place :: non_neg_integer(), spool()}.
read(#{path := Path, read := Start, size := Size} = Spool, Most, Bytes) ->
    case file:open(Path, [read, raw, binary]) of
        {ok, File} ->
            {Records, Place, End} = read_on(File, Start, Size, Most, Bytes, []),
            _ = file:close(File),
            case End of
                Size -> ok;
                _ -> ?LOG_ERROR("~ts: unreadable from byte ~b on (a write that was cut off); ~b bytes are left out",
                                [Path, End, Size - End])
            end,
            {Records, Place, Spool#{size := End, unread := false}};
        {error, enoent} -> {[], Size, Spool};
        {error, Reason} ->
            complain(Spool, Reason),
            {[], Start, Spool#{unread := true}}
    end.

%% It stays and is tried again; said once.
complain(#{unread := true}, _) -> ok;
complain(#{path := Path}, Reason) ->
    ?LOG_ERROR("~ts cannot be read (~ts): what it holds is not told until it can", [Path, gatehouse_disk:why(Reason)]).

read_on(_, Place, Size, Most, Bytes, Found) when Place >= Size; Most =< 0; Bytes =< 0 ->
    {lists:reverse(Found), Place, Size};
read_on(File, Place, Size, Most, Bytes, Found) ->
    case read_record(File, Place, Size) of
        {ok, {_, _, Xml} = Record, Behind} ->
            read_on(File, Behind, Size, Most - 1, Bytes - byte_size(Xml), [Record | Found]);
        none -> {lists:reverse(Found), Place, Place}
    end.

read_record(File, Place, Size) ->
    Start = Place + head_at(File, Place),
    case line_at(File, Start) of
        {match, [Line, <<Kind>>, N, Length]} ->
            Wanted = binary_to_integer(Length) + 1,
            Behind = Start + byte_size(Line) + Wanted,
            case Behind =< Size andalso file:pread(File, Start + byte_size(Line), Wanted) of
                {ok, Text} when byte_size(Text) =:= Wanted -> whole(Kind, N, Text, Behind);
                _ -> none
            end;
        _ -> none
    end.

whole(Kind, N, Text, Behind) ->
    Length = byte_size(Text) - 1,
    case Text of
        <<Xml:Length/binary, $\n>> -> {ok, {Kind, binary_to_integer(N), Xml}, Behind};
        _ -> none
    end.

head_at(File, 0) ->
    Head = gatehouse_disk:head(<<"spool">>),
    case file:pread(File, 0, byte_size(Head)) of
        {ok, Head} -> byte_size(Head);
        _ -> 0
    end;
head_at(_, _) -> 0.

line_at(File, Place) ->
    case file:pread(File, Place, ?LONGEST_LINE) of
        {ok, Text} -> re:run(Text, "\\A([a-z]) ([0-9]{1,18}) ([0-9]{1,12})\\n", [{capture, all, binary}]);
        _ -> none
    end.

%% Everything up to the place is acknowledged. True: the spool is empty, its file gone.
-spec acknowledge(spool(), Place :: non_neg_integer()) -> {Empty :: boolean(), spool()}.
acknowledge(#{size := Size} = Spool, Place) when Place < Size -> {false, Spool#{acked := Place, inflight := false}};
acknowledge(#{path := Path} = Spool, _) ->
    Spool1 = close(Spool),
    _ = file:delete(Path),
    {true, Spool1#{size := 0, read := 0, acked := 0, records := 0, full := false, inflight := false}}.

%% What the screen does not take stays on the disk for a person to look at.
-spec put_aside(spool(), [iodata()]) -> ok.
put_aside(#{path := Path}, Elements) ->
    <<"spool-", Name/binary>> = filename:basename(Path),
    Aside = filename:join(filename:dirname(Path), <<"refused-", Name/binary>>),
    case file:write_file(Aside, [[Element, $\n] || Element <- Elements], [append, raw, sync]) of
        ok -> ok;
        {error, Reason} -> ?LOG_ERROR("Nor can it be put aside: ~ts", [gatehouse_disk:why(Reason)])
    end.

%% Spools that earlier runs left for this host, oldest first; and why one of them cannot be read: it is of a later helper.
-spec leftovers(gatehouse_disk:path(), Host :: binary(), Source :: binary()) -> {[spool()], Problem :: none | binary()}.
leftovers(Folder, Host, Own) ->
    Escaped = gatehouse_disk:escape(Host),
    case gatehouse_disk:names_in(Folder) of
        {ok, Names} ->
            Sources = [Source || Name <- Names, {Source, Of} <- [parts(Name)], Of =:= Escaped, Source =/= Own],
            Found = [leftover(new(Folder, Host, Source)) || Source <- Sources],
            Spools = lists:keysort(2, [One || {spool, _, _} = One <- Found]),
            {[Spool || {spool, _, Spool} <- Spools], last_of([Why || {problem, Why} <- Found])};
        {error, Why} -> {[], Why}
    end.

leftover(#{path := Path} = Spool) ->
    case {file:read_file_info(Path, [{time, posix}]), version(Path)} of
        {{ok, #file_info{size = 0}}, _} -> % made, and nothing came into it
            _ = file:delete(Path),
            none;
        {{ok, #file_info{size = Size, mtime = Born}}, {ok, _, _}} -> {spool, Born, Spool#{size := Size}};
        {{error, Reason}, _} -> unreadable(Path, gatehouse_disk:why(Reason));
        {_, {error, Why}} -> unreadable(Path, Why)
    end.

unreadable(Path, Why) -> {problem, <<Path/binary, " cannot be read (", Why/binary, ")">>}.

last_of([]) -> none;
last_of(Problems) -> lists:last(Problems).

version(Path) ->
    case file:open(Path, [read, raw, binary]) of
        {ok, File} ->
            Read = file:pread(File, 0, ?LONGEST_LINE),
            _ = file:close(File),
            case Read of
                {ok, Text} -> gatehouse_disk:version_of(<<"spool">>, Text);
                eof -> {ok, 0, 0};
                {error, Reason} -> {error, gatehouse_disk:why(Reason)}
            end;
        {error, Reason} -> {error, gatehouse_disk:why(Reason)}
    end.

%% Source and escaped host of a spool's file name.
parts(Name) ->
    case re:run(Name, "\\Aspool-([0-9a-fA-F]+)-(.*)\\z", [{capture, [1, 2], binary}, dotall]) of
        {match, [Source, Escaped]} -> {Source, Escaped};
        nomatch -> none
    end.

%% Spools that nobody here will send: of hosts, or for screens, that are no longer set up. Wanted: who is.
-spec orphans(Root :: gatehouse_disk:path(), Wanted :: fun((Screen :: binary(), Host :: binary()) -> boolean())) ->
    [#{path := gatehouse_disk:path(), screen := binary(), host := binary()}].
orphans(Root, Wanted) ->
    [#{path => filename:join([Root, Folder, Name]), screen => Screen, host => Host}
     || Folder <- names(Root), Name <- names(filename:join(Root, Folder)), {_, Escaped} <- [parts(Name)],
        {Screen, Host} <- [{gatehouse_disk:unescape(Folder), gatehouse_disk:unescape(Escaped)}], not Wanted(Screen, Host)].

names(Folder) ->
    case gatehouse_disk:names_in(Folder) of
        {ok, Names} -> Names;
        {error, _} -> []
    end.
