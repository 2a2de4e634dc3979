# SPDX-License-Identifier: Apache-2.0
probe-count = Counts to a number.
probe-count-to = Where to end.
probe-whoami = Says who asks.
probe-odd = Says what a terminal must not get as it is.
probe-wait = Waits until it is told to stop.
probe-secret = Looks at contents.
probe-words = Words, in one text.
probe-about = a process that only tests start.
probe-flood = Writes more log than anybody reads.
probe-ill = planted illness
probe-wanted-365-days = at most 365 days are wanted
probe-wanted-rule = a rule is wanted
