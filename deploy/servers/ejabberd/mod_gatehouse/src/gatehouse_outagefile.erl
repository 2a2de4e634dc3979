%% SPDX-License-Identifier: GPL-2.0-or-later
%% The file `outage`: what the screen has told last of what is closed while it is away, as its own words with their SHA-256 above
%% them. It is for the time when the screen is not there to say it again, a restart of the server in that time included.
-module(gatehouse_outagefile).

-export([load/2, told/3]).

-export_type([fault/0]).

-include_lib("kernel/include/logger.hrl").

%% Type, condition and text of the error that the screen gets.
-type fault() :: {Type :: binary(), Condition :: binary(), Text :: binary()}.

%% Twice what a screen may send: written here, its quotes may take more.
-define(LARGEST, 2 * 256 * 1024).

%% What is held. What is there and cannot be read closes every host that is open, until the screen has told its rules anew.
-spec load(gatehouse_disk:path(), Screen :: binary()) -> gatehouse_outage:rules().
load(Folder, Screen) ->
    Path = file_in(Folder),
    Read = case file:read_file(Path) of
        {ok, Text} -> read_text(Text);
        {error, enoent} -> {ok, none};
        {error, Reason} -> {error, gatehouse_disk:why(Reason)}
    end,
    case Read of
        {ok, Rules} -> Rules;
        {error, Why} ->
            ?LOG_ERROR("~ts cannot be read (~ts): while screen ~ts is away, nothing passes on its hosts, also not on open ones, "
                       "until it has told its rules anew", [Path, Why, Screen]),
            damaged
    end.

read_text(Text) ->
    case gatehouse_disk:version_of(<<"outage">>, Text) of
        {ok, 1, Size} ->
            <<_:Size/binary, Rest/binary>> = Text,
            read_summed(Rest);
        {ok, _, _} -> damaged();
        Error -> Error
    end.

read_summed(<<Sum:64/binary, $\n, Rest/binary>>) when Rest =/= <<>> ->
    Length = byte_size(Rest) - 1,
    case Rest of
        <<Xml:Length/binary, $\n>> ->
            case sum(Xml) of
                Sum -> read_xml(Xml);
                _ -> damaged()
            end;
        _ -> damaged()
    end;
read_summed(_) -> damaged().

damaged() -> {error, <<"it is none of ours, or damaged">>}.

read_xml(Xml) ->
    case fxml_stream:parse_element(Xml) of
        {error, _} -> {error, <<"it is damaged">>};
        Element ->
            case gatehouse_outage:read(Element) of
                {ok, Rules} -> {ok, Rules};
                {error, Why, _} -> {error, Why}
            end
    end.

%% The screen tells its rules. kept: they are on the disk. held: they hold from now on, but the disk does not take them, which the
%% screen is told. refused: they cannot be taken, and what was told before stays.
-spec told(gatehouse_disk:path(), Screen :: binary(), fxml:xmlel()) ->
    {kept, gatehouse_outage:rules()} | {held, gatehouse_outage:rules(), fault()} | {refused, fault()}.
told(Folder, Screen, Element) ->
    Xml = fxml:element_to_binary(Element),
    case read(Element, Xml) of
        {ok, Rules} -> keep(Folder, Screen, Xml, Rules);
        {error, Why, Condition} ->
            ?LOG_ERROR("Screen ~ts tells what is closed while it is away in words that cannot be taken (~ts): what it told before stays",
                       [Screen, Why]),
            {refused, {type_of(Condition), Condition, Why}}
    end.

read(_, Xml) when byte_size(Xml) > ?LARGEST -> {error, <<"wanted: at most 256 KiB">>, <<"bad-request">>};
read(Element, _) -> gatehouse_outage:read(Element).

type_of(<<"bad-request">>) -> <<"modify">>;
type_of(_) -> <<"cancel">>.

keep(Folder, Screen, Xml, #{rows := Rows, id := Id} = Rules) ->
    Path = file_in(Folder),
    case gatehouse_disk:replace(Path, [gatehouse_disk:head(<<"outage">>), sum(Xml), $\n, Xml, $\n]) of
        ok ->
            ?LOG_INFO("Screen ~ts tells what is closed while it is away: ~b rows (~.12ts)", [Screen, length(Rows), Id]),
            {kept, Rules};
        {error, Why} ->
            ?LOG_ERROR("What is closed while screen ~ts is away cannot be kept in ~ts (~ts): a restart of the server would forget it",
                       [Screen, Path, Why]),
            {held, Rules, {<<"wait">>, <<"resource-constraint">>, Why}}
    end.

sum(Xml) ->
    << <<(hex(Digit))>> || <<Digit:4>> <= crypto:hash(sha256, Xml) >>.

hex(Digit) when Digit < 10 -> $0 + Digit;
hex(Digit) -> $a + Digit - 10.

file_in(Folder) ->
    filename:join(Folder, <<"outage">>).
