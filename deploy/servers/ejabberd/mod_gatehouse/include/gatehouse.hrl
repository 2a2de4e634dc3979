%% SPDX-License-Identifier: GPL-2.0-or-later
%% What every file of this module needs: the stanza records and the namespace of the question.
%%
%% The folder of xmpp.hrl is given with -I, since its application is named xmpp upstream and p1_xmpp in Debian;
%% `ejabberdctl module_install` does so by itself.
-ifndef(GATEHOUSE_HRL).
-define(GATEHOUSE_HRL, true).

-include("xmpp.hrl").

-define(NS_SCREEN, <<"urn:gatehouse:screen:1">>).

%% The mark of a stanza that has passed, in its meta: the hooks let it by.
-define(GATEHOUSE_MARK, gatehouse).

-endif.
