%% SPDX-License-Identifier: GPL-2.0-or-later
%% What the parts of the link share: the state of the way to one screen, and what is in it. Times are monotonic milliseconds
%% where nothing else is said.
-ifndef(GATEHOUSE_LINK_HRL).
-define(GATEHOUSE_LINK_HRL, true).

%% One stanza that was asked about.
-record(item, {
    n = none :: pos_integer() | none,
    ref :: reference(),
    owner :: pid(),
    host :: binary(),
    try_no = 0 :: non_neg_integer(),
    at :: integer(),                        % system time
    since :: integer(),
    direction = sent :: sent | received,
    via = c2s :: c2s | s2s | component,
    xml = none :: tuple() | none,           % none: it cannot be put as a question, or its verdict is there
    bytes = 0 :: non_neg_integer(),
    from = <<>> :: binary(),
    to = <<>> :: binary(),
    verdict :: term(),                      % what the owner was told
    answered = 0 :: non_neg_integer(),      % the try whose verdict it is
    closed_by = none :: none | binary(),    % the rule of the screen by which an open host was closed
    degraded = false :: boolean(),          % what is done is not what the verdict says
    asked_again = false :: boolean(),
    orphan = none :: none | integer()       % since when its owner is gone
}).

%% One screen element under way.
-record(rec, {
    host :: binary(),
    items = [] :: [pos_integer()],
    reports = [] :: [{non_neg_integer(), tuple()}],
    sent :: integer(),
    session :: pid(),
    done = 0 :: non_neg_integer(),
    announced = false :: boolean(),
    last = none :: none | non_neg_integer(), % it carries the mark of this number
    %% For what is sent apart: what was kept on disk or in memory, earlier runs.
    apart = false :: boolean(),
    source :: undefined | binary(),
    numbers = [] :: [pos_integer()],        % settled by it
    spool :: undefined | {binary(), non_neg_integer(), non_neg_integer(), [binary()]}, % source, from, place, records
    run :: undefined | map(),
    again = [] :: [tuple()]
}).

%% What was bounced without a question, in a row.
-record(run, {count = 0 :: non_neg_integer(), at :: integer(), since :: integer(), numbers = none :: none | {pos_integer(), pos_integer(), pos_integer()}}).

-record(host, {
    name :: binary(),
    jid :: tuple(),
    on_outage = closed :: open | closed,
    shut = false :: false | binary(),       % nothing passes, and why
    problem = none :: none | binary(),
    try_ms = 2000 :: number(),
    hold_max_ms = 5000 :: number(),
    max_bytes = 33554432 :: number(),
    max_reports = 10000 :: number(),
    spool_max_bytes = 268435456 :: number(),
    counters :: counters:counters_ref(),    % questions, their bytes, bounced as too many
    screens = 0 :: non_neg_integer(),
    pending = [] :: [pos_integer()],        % newest first
    pending_els = [] :: [tuple()],
    pending_count = 0 :: non_neg_integer(),
    pending_bytes = 0 :: non_neg_integer(),
    reports = queue:new() :: queue:queue({non_neg_integer(), tuple()}),
    report_count = 0 :: non_neg_integer(),
    report_bytes = 0 :: non_neg_integer(),
    spooling = [] :: [#item{}],             % to be written at once, newest first
    unspooled = [] :: [tuple()],            % settlements {n, element} that the disk refused
    settling = [] :: [tuple()],             % newest first
    settled = [] :: [tuple()],
    spools = [] :: [map()],                 % oldest first; the one of this run is the last
    spool_refused = false :: boolean(),
    outage_runs = #{} :: #{binary() => #run{}},
    barred = false :: boolean(),
    barred_at = 0 :: integer(),
    leaving = false :: boolean(),
    unaskable_at = none :: none | integer(),
    counted = #{} :: #{atom() => non_neg_integer()}
}).

-record(link, {
    screen :: binary(),
    jid :: tuple(),
    source :: binary(),
    folder :: undefined | binary(),
    unreadable = none :: none | binary(),   % nothing is numbered, and why
    last = 0 :: non_neg_integer(),
    reserved = 0 :: non_neg_integer(),
    marked = 0 :: non_neg_integer(),        % the last mark on disk
    done = 0 :: non_neg_integer(),
    seen_done = 0 :: non_neg_integer(),
    safe_done = 0 :: non_neg_integer(),
    stroking = false :: boolean(),
    open = #{} :: #{pos_integer() => #item{}}, % not settled
    owed = #{} :: #{pos_integer() => binary()}, % number -> host: settled, and the screen has not acknowledged that; in a long outage there are many
    outstanding = #{} :: #{binary() => #rec{}},
    hosts = #{} :: #{binary() => #host{}},
    left = #{} :: #{binary() => #host{}},   % hosts that the module left, of which something is still to be told
    later = #{} :: #{pos_integer() => true},
    waiting = [] :: [pos_integer()],        % for whose second try there is no connection yet, newest first
    owners = #{} :: #{pid() => reference()},
    session = none :: none | pid(),
    monitor = none :: none | reference(),
    looked_at :: integer(),
    spoke = none :: none | binary(),
    since :: integer(),
    greeted = false :: boolean(),
    fails = 0 :: non_neg_integer(),
    goods = 0 :: non_neg_integer(),
    broken = true :: boolean(),
    back_at = none :: none | integer(),
    probing = false :: boolean(),
    probed_at = none :: none | integer(),
    announced = false :: boolean(),
    kept = false :: boolean(),              % the announcement is on disk
    told = false :: boolean(),              % the screen has acknowledged it
    told_last = 0 :: non_neg_integer(),
    told_done = 0 :: non_neg_integer(),
    mark_at = none :: none | integer(),
    stale = false :: boolean(),             % what is on disk is not what is so
    complained = none :: none | integer(),
    predecessor = none :: none | map(),
    untold = [] :: [map()],
    telling = false :: boolean(),
    host_names = <<>> :: binary(),
    outage_rules = none :: term(),
    settling = false :: boolean(),          % a stroke for settlements is set
    stopping = false :: boolean(),
    partings = [] :: [tuple()]
}).

-endif.
