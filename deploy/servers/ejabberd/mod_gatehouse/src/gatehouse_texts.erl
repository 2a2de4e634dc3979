%% SPDX-License-Identifier: GPL-2.0-or-later
%% What a person reads from this module, by language; the option `texts` replaces single ones. The same table as that of the
%% other helpers: a test holds them together.
-module(gatehouse_texts).

-export([own/0, with/1]).

-type texts() :: #{refused | outage | full | unaskable => #{binary() => binary()}}.
-export_type([texts/0]).

-spec own() -> texts().
own() ->
    #{refused => #{
          <<"en">> => <<"Your organisation's rules do not allow this.">>,
          <<"de">> => <<"Die Regeln Ihrer Organisation lassen das nicht zu.">>
      },
      outage => #{
          <<"en">> => <<"Not delivered: the compliance service is not available at the moment. Please try again later.">>,
          <<"de">> => <<"Nicht zugestellt: Der Prüfdienst ist zurzeit nicht erreichbar. Bitte versuchen Sie es später noch einmal."/utf8>>
      },
      full => #{
          <<"en">> => <<"Not delivered: too many messages are waiting to be checked. Please try again in a moment.">>,
          <<"de">> => <<"Nicht zugestellt: Zu viele Nachrichten warten auf ihre Prüfung. Bitte versuchen Sie es gleich noch einmal."/utf8>>
      },
      unaskable => #{
          <<"en">> => <<"Not delivered: this is too large or built in a way that cannot be checked.">>,
          <<"de">> => <<"Nicht zugestellt: Das ist zu groß oder so aufgebaut, dass es nicht geprüft werden kann."/utf8>>
      }}.

%% With those of the option: language -> name -> text, as it is written there.
-spec with(#{binary() => #{refused | outage | full | unaskable => binary()}}) -> texts().
with(Given) ->
    maps:fold(fun(Lang, Texts, In) ->
                      maps:fold(fun(Name, Text, Into) -> Into#{Name => (maps:get(Name, Into, #{}))#{Lang => Text}} end, In, Texts)
              end,
              own(),
              Given).
