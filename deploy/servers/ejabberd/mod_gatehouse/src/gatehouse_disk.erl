%% SPDX-License-Identifier: GPL-2.0-or-later
%% The folder of a screen below the folder of mnesia, the versions of the files in it, and how they reach the disk.
%% A file begins with a line of its name and version, as the helper for Prosody writes it; those of the first helpers have none:
%% version 0. What is said to be on the disk is synced, file and folder: it survives a power cut as well as kill -9.
-module(gatehouse_disk).

-export([root/0, folder/2, names_in/1, replace/2, sync_folder/1]).
-export([head/1, version_of/2, escape/1, unescape/1, why/1]).

-export_type([path/0]).

-type path() :: binary().

-define(VERSION, 1). % what is written; 0 and 1 are read

-spec root() -> path().
root() ->
    path_of(filename:join(mnesia:system_info(directory), "gatehouse")).

%% The folder of a screen; made where it is missing. An error: why it cannot be made.
-spec folder(path(), Screen :: binary()) -> {ok, path()} | {error, path(), Why :: binary()}.
folder(Root, Screen) ->
    Path = filename:join(Root, escape(Screen)),
    Made = case make(Root) of
        ok -> make(Path);
        Error -> Error
    end,
    case Made of
        ok -> {ok, Path};
        {error, Where, Reason} ->
            {error, Path, <<"the folder ", Where/binary, " cannot be made (", (why(Reason))/binary, ")">>}
    end.

make(Path) ->
    case file:make_dir(Path) of
        ok -> at(Path, sync_folder(filename:dirname(Path)));
        {error, Reason} ->
            case filelib:is_dir(Path) of
                true -> ok;
                false -> {error, Path, Reason}
            end
    end.

at(_, ok) -> ok;
at(Path, {error, Reason}) -> {error, Path, Reason}.

%% The names in a folder.
-spec names_in(path()) -> {ok, [binary()]} | {error, Why :: binary()}.
names_in(Path) ->
    case file:list_dir_all(Path) of
        {ok, Names} -> {ok, lists:sort([path_of(Name) || Name <- Names])};
        {error, Reason} -> {error, <<"the folder ", Path/binary, " cannot be read (", (why(Reason))/binary, ")">>}
    end.

%% Replaces a file in one step: after a crash at any point there is the old one or the new one, whole.
-spec replace(path(), iodata()) -> ok | {error, Why :: binary()}.
replace(Path, Data) ->
    New = <<Path/binary, ".new">>,
    case write_synced(New, Data) of
        ok -> done(rename(New, Path));
        Error -> done(Error)
    end.

write_synced(Path, Data) ->
    case file:open(Path, [write, raw, binary]) of
        {ok, File} ->
            Written = case file:write(File, Data) of
                ok -> file:sync(File);
                Error -> Error
            end,
            case {Written, file:close(File)} of
                {ok, Closed} -> Closed;
                {Failed, _} -> Failed
            end;
        Error -> Error
    end.

rename(From, To) ->
    case file:rename(From, To) of
        ok -> sync_folder(filename:dirname(To));
        Error -> Error
    end.

done(ok) -> ok;
done({error, Reason}) -> {error, why(Reason)}.

%% What was made, renamed or removed in it is on the disk.
-spec sync_folder(path()) -> ok | {error, file:posix() | badarg | terminated | system_limit}.
sync_folder(Path) ->
    case file:open(Path, [read, raw, directory]) of
        {ok, Folder} ->
            Synced = file:sync(Folder),
            _ = file:close(Folder),
            Synced;
        Error -> Error
    end.

%% The line with which a file begins.
-spec head(Name :: binary()) -> binary().
head(Name) ->
    <<"gatehouse-", Name/binary, " ", (integer_to_binary(?VERSION))/binary, "\n">>.

%% The version of a file that begins with this text, and the length of the line that says so. An error: not one of ours to read.
-spec version_of(Name :: binary(), Text :: binary()) ->
    {ok, Version :: non_neg_integer(), Bytes :: non_neg_integer()} | {error, Why :: binary()}.
version_of(Name, Text) ->
    case re:run(Text, "\\A(gatehouse-([a-z]+) ([0-9]{1,9})[^\\n]*\\n)", [{capture, [1, 2, 3], binary}]) of
        {match, [Line, Name, Said]} ->
            case binary_to_integer(Said) of
                Version when Version =< ?VERSION -> {ok, Version, byte_size(Line)};
                _ -> {error, <<"it is of version ", Said/binary, ", written by a later helper; this one reads up to ",
                               (integer_to_binary(?VERSION))/binary>>}
            end;
        {match, [_, Other, _]} -> {error, <<"it says that it is a ", Other/binary>>};
        nomatch -> {ok, 0, 0}
    end.

%% A name of a host or screen as the name of a file: letters, digits and dots stay (but a dot alone, or two), others are %xx for
%% each byte.
-spec escape(binary()) -> binary().
escape(<<".">>) -> <<"%2e">>;
escape(<<"..">>) -> <<"%2e%2e">>;
escape(Name) -> << <<(escape_byte(Byte))/binary>> || <<Byte>> <= Name >>.

escape_byte(Byte) when Byte >= $a, Byte =< $z; Byte >= $A, Byte =< $Z; Byte >= $0, Byte =< $9; Byte =:= $. -> <<Byte>>;
escape_byte(Byte) -> <<"%", (hex(Byte bsr 4)), (hex(Byte band 15))>>.

hex(Digit) when Digit < 10 -> $0 + Digit;
hex(Digit) -> $a + Digit - 10.

-spec unescape(binary()) -> binary().
unescape(<<"%", High, Low, Rest/binary>> = Name) ->
    case {digit(High), digit(Low)} of
        {H, L} when is_integer(H), is_integer(L) -> <<(H * 16 + L), (unescape(Rest))/binary>>;
        _ -> <<"%", (unescape(binary:part(Name, 1, byte_size(Name) - 1)))/binary>>
    end;
unescape(<<Byte, Rest/binary>>) -> <<Byte, (unescape(Rest))/binary>>;
unescape(<<>>) -> <<>>.

digit(Digit) when Digit >= $0, Digit =< $9 -> Digit - $0;
digit(Digit) when Digit >= $a, Digit =< $f -> Digit - $a + 10;
digit(Digit) when Digit >= $A, Digit =< $F -> Digit - $A + 10;
digit(_) -> none.

%% A reason of file or disk_log as people read it.
-spec why(term()) -> binary().
why({file_error, _, Reason}) -> why(Reason);
why(Reason) ->
    case file:format_error(Reason) of
        "unknown POSIX error" ++ _ -> iolist_to_binary(io_lib:format("~0p", [Reason]));
        Text -> list_to_binary(Text)
    end.

path_of(Name) when is_binary(Name) -> Name;
path_of(Name) ->
    case unicode:characters_to_binary(Name) of
        Path when is_binary(Path) -> Path
    end.
