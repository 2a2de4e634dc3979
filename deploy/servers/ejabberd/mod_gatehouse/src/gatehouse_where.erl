%% SPDX-License-Identifier: GPL-2.0-or-later
%% Whose a domain is: a host of accounts, one of this server's services, a component that is connected, or somebody else's.
-module(gatehouse_where).

-export([home/1, judge/3]).

-include("gatehouse.hrl").

%% What is asked about in a stanza that the host is asked for, with the kinds that its options switch off taken out.
-spec judge(stanza(), binary(), gatehouse_options:options()) -> gatehouse_kinds:kind() | none.
judge(#message{type = Type, body = [_ | _]}, _Host, #{asked := #{message := true}}) when Type =/= error ->
    message; % the common case, for which nothing more must be known
judge(Stanza, Host, #{asked := Asked} = Options) ->
    #jid{luser = User, lserver = Server} = xmpp:get_from(Stanza),
    Where = #{own => jid:encode({User, Server, <<>>}),
              host => Host,
              is_room => fun is_room/1,
              is_local => fun ejabberd_router:is_my_route/1,
              is_transport => fun(Domain) -> gatehouse_options:is_transport(Domain, Options) end,
              inside => fun(Domain, _Host) -> inside(Domain, Options) end},
    case gatehouse_kinds:kind(Stanza, Where) of
        none -> none;
        Kind when is_map_key(Kind, Asked) -> Kind;
        _ -> none
    end.

%% The host that a domain belongs to (its own, or that of the service there), component: a program that is connected, or remote.
-spec home(binary()) -> {host, binary()} | component | remote.
home(Domain) ->
    case ejabberd_router:is_my_host(Domain) of
        true ->
            {host, Domain};
        false ->
            case server_host(Domain) of
                none -> remote;
                Host ->
                    case is_room_of(Domain, Host) orelse is_service_of(Domain, Host) of
                        true -> {host, Host};
                        false -> component
                    end
            end
    end.

inside(Domain, #{screen := Domain}) ->
    host;
inside(Domain, #{trusted := Trusted}) when is_map_key(Domain, Trusted) ->
    host;
inside(Domain, _Options) ->
    case home(Domain) of
        {host, Domain} -> host;
        {host, _} -> service;
        _ ->
            case gatehouse_options:is_screen(Domain) of
                true -> host;
                false -> undefined
            end
    end.

is_room(Domain) ->
    case server_host(Domain) of
        none -> false;
        Host -> is_room_of(Domain, Host)
    end.

server_host(Domain) ->
    try ejabberd_router:host_of_route(Domain)
    catch
        error:_ -> none % no such route
    end.

is_room_of(Domain, Host) ->
    gen_mod:is_loaded(Host, mod_muc) andalso lists:member(Domain, gen_mod:get_module_opt_hosts(Host, mod_muc)).

%% A module that serves a domain of its own says so in one of these two options.
is_service_of(Domain, Host) ->
    lists:any(fun({_Module, Opts}) ->
                      lists:member(Domain, names(maps:get(hosts, Opts, []))) orelse maps:get(host, Opts, none) =:= Domain
              end,
              gen_mod:loaded_modules_with_opts(Host)).

names(Names) when is_list(Names) -> Names;
names(_) -> [].
