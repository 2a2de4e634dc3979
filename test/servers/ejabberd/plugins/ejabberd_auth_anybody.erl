%% SPDX-License-Identifier: GPL-2.0-or-later
%% Every account exists and any password is right (as mod_auth_insecure of Prosody): accounts are not what is tested.
-module(ejabberd_auth_anybody).

-behaviour(ejabberd_auth).

-export([start/1, stop/1, plain_password_required/1, store_type/1, user_exists/2, check_password/4, use_cache/1]).

-spec start(binary()) -> ok.
start(_Host) -> ok.

-spec stop(binary()) -> ok.
stop(_Host) -> ok.

-spec plain_password_required(binary()) -> boolean().
plain_password_required(_Host) -> true.

-spec store_type(binary()) -> external.
store_type(_Host) -> external.

-spec user_exists(binary(), binary()) -> {nocache, boolean()}.
user_exists(_User, _Host) -> {nocache, true}.

-spec check_password(binary(), binary(), binary(), binary()) -> {nocache, boolean()}.
check_password(_User, _AuthzId, _Host, _Password) -> {nocache, true}.

-spec use_cache(binary()) -> boolean().
use_cache(_Host) -> false.
