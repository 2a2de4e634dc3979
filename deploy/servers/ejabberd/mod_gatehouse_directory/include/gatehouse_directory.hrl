%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the files of this module share: the stanza records and the namespace. The folder of xmpp.hrl is given with -I, since its
%% application is named xmpp upstream and p1_xmpp in Debian; `ejabberdctl module_install` does so by itself.
-ifndef(GATEHOUSE_DIRECTORY_HRL).
-define(GATEHOUSE_DIRECTORY_HRL, true).

-include("xmpp.hrl").

-define(NS_DIRECTORY, <<"urn:gatehouse:directory:1">>).
-define(HELPER_VERSION, <<"0.3.1">>).

-endif.
