%% SPDX-License-Identifier: GPL-2.0-or-later
%% The options of a host: how they are read from the configuration, and where all others find what is in force.
%%
%% A mistake is found when the configuration is read: the server does not start with it, and does not take it in a reload.
%% What is in force stands in persistent terms, since it is looked at with every stanza and changes with a reload only.
-module(gatehouse_options).

-export([validator/1, defaults/0, read/2]).
-export([get/1, put/2, forget/1, hosts/0, is_screen/1, is_transport/2, is_closed_name/1]).

-include("gatehouse.hrl").
-include("logger.hrl").

-define(KIB, 1024).
-define(MIB, (1024 * 1024)).
%% What a screen reads in one piece is 4 MiB: beside one large question up to 64 KiB of smaller ones, as much of reports, the frame.
-define(LARGEST_STANZA, (4 * ?MIB - 256 * ?KIB)).
-define(SMALLEST_STANZA, (2 * ?MIB)).
-define(ONE(Host), {gatehouse, host, Host}).
-define(ALL, {gatehouse, hosts}).

%% Times in milliseconds, sizes in bytes. asked, trusted, transports: sets; no name is in both of the latter.
-type options() :: #{screen := binary(),
                     on_outage := closed | open,
                     'try' := pos_integer(),
                     hold_max := pos_integer(),
                     asked := #{atom() => true},
                     trusted := #{binary() => true},
                     transports := #{binary() => true},
                     max_questions := pos_integer(),
                     max_bytes := pos_integer(),
                     max_stanza := pos_integer(),
                     max_reports := pos_integer(),
                     spool_max_bytes := pos_integer(),
                     texts := gatehouse_texts:texts()}.
-export_type([options/0]).

-spec validator(atom()) -> econf:validator().
validator(screen) -> econf:domain();
validator(on_outage) -> econf:enum([closed, open]);
validator('try') -> econf:number(0.01);
validator(hold_max) -> econf:number(0.01);
validator(ask) -> econf:list_or_single(econf:enum(gatehouse_kinds:all()), [unique]);
validator(trusted) -> econf:list_or_single(econf:domain(), [unique]);
validator(transports) -> econf:list_or_single(econf:domain(), [unique]);
validator(max_questions) -> econf:pos_int();
validator(max_bytes) -> econf:pos_int();
validator(max_stanza) -> econf:pos_int();
validator(max_reports) -> econf:pos_int();
validator(spool_max_bytes) -> econf:pos_int();
validator(texts) ->
    econf:map(econf:and_then(econf:binary("^[A-Za-z]+(-[A-Za-z0-9]+)*$"), fun string:lowercase/1),
              econf:options(maps:from_list([{Name, econf:binary()} || Name <- maps:keys(gatehouse_texts:own())]),
                            [{return, map}, unique])).

%% `screen` has none: who does not name it is told so.
-spec defaults() -> [atom() | {atom(), term()}].
defaults() ->
    [screen,
     {on_outage, closed},
     {'try', 2},
     {hold_max, 5},
     {ask, gatehouse_kinds:all()},
     {trusted, []},
     {transports, []},
     {max_questions, 1000},
     {max_bytes, 32 * ?MIB},
     {max_stanza, undefined},
     {max_reports, 10000},
     {spool_max_bytes, 256 * ?MIB},
     {texts, []}].

%% What holds, from what was said.
-spec read(binary(), gen_mod:opts()) -> options().
read(Host, Said) ->
    Same = maps:with([screen, on_outage, max_questions, max_bytes, max_reports, spool_max_bytes], Said),
    #{'try' := Try, hold_max := HoldMax, ask := Ask, trusted := Trusted, transports := Transports, max_stanza := MaxStanza,
      texts := Texts} = Said,
    Same#{'try' => milliseconds(Try),
          hold_max => milliseconds(HoldMax),
          asked => set(Ask),
          trusted => set(Trusted -- Transports), % of a name in both lists more is asked
          transports => set(Transports),
          max_stanza => max_stanza(Host, MaxStanza),
          texts => gatehouse_texts:with(maps:from_list(Texts))}.

milliseconds(Seconds) ->
    max(1, round(Seconds * 1000)).

set(Names) ->
    maps:from_list([{Name, true} || Name <- Names]).

%% What a client sends may grow sixfold when it is written.
max_stanza(Host, undefined) ->
    Limits = [maps:get(max_stanza_size, Opts, infinity) || {_, ejabberd_c2s, Opts} <- ejabberd_option:listen()],
    case [Limit || Limit <- Limits, is_integer(Limit)] of
        [] -> ?SMALLEST_STANZA;
        Known -> max_stanza(Host, max(?SMALLEST_STANZA, 6 * lists:max(Known)))
    end;
max_stanza(Host, Bytes) when Bytes > ?LARGEST_STANZA ->
    ?WARNING_MSG("A question of ~B bytes (max_stanza of mod_gatehouse, or 6 times max_stanza_size of the clients' listener) is more "
                 "than a screen reads: on ~ts what is larger than ~B bytes as written is refused",
                 [Bytes, Host, ?LARGEST_STANZA]),
    ?LARGEST_STANZA;
max_stanza(_Host, Bytes) ->
    Bytes.

%% none: the host does not ask.
-spec get(binary()) -> options() | none.
get(Host) ->
    persistent_term:get(?ONE(Host), none).

-spec put(binary(), options()) -> ok.
put(Host, Options) ->
    persistent_term:put(?ONE(Host), Options),
    persistent_term:put(?ALL, lists:usort([Host | hosts()])).

-spec forget(binary()) -> ok.
forget(Host) ->
    _ = persistent_term:erase(?ONE(Host)),
    persistent_term:put(?ALL, lists:delete(Host, hosts())).

%% The hosts that ask.
-spec hosts() -> [binary()].
hosts() ->
    persistent_term:get(?ALL, []).

%% Whether a host asks it.
-spec is_screen(binary()) -> boolean().
is_screen(Domain) ->
    lists:any(fun(Host) ->
                      case ?MODULE:get(Host) of
                          #{screen := Domain} -> true;
                          _ -> false
                      end
              end,
              hosts()).

%% Whether it carries to another network, as the host of these options says.
-spec is_transport(binary(), #{atom() => term()}) -> boolean().
is_transport(Domain, #{transports := Transports}) -> is_map_key(Domain, Transports);
is_transport(_Domain, _Options) -> false. % of a helper before this one

%% Whether it is a screen, or a component that a host trusts, or a transport: what these exchange stays on this server. Also as a DNS
%% would read it: with the dot of the root, and with the ideographic one for others, which nameprep leaves alone.
-spec is_closed_name(binary()) -> boolean().
is_closed_name(Name) ->
    Domain = string:trim(binary:replace(Name, <<"\x{3002}"/utf8>>, <<".">>, [global]), trailing, "."),
    is_screen(Domain) orelse
        lists:any(fun(Host) ->
                          case ?MODULE:get(Host) of
                              #{trusted := #{Domain := true}} -> true;
                              none -> false;
                              Options -> is_transport(Domain, Options)
                          end
                  end,
                  hosts()).
