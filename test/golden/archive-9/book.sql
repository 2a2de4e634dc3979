-- SPDX-License-Identifier: Apache-2.0
-- The book of an archive, version 9; its files of months are as in version 5. From its release on never change it; a new version gets a file of its own.
CREATE TABLE journal (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, position INTEGER NOT NULL) STRICT;
CREATE TABLE name (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE source (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, short TEXT NOT NULL UNIQUE,
  done INTEGER NOT NULL DEFAULT 0, counting TEXT,
  at INTEGER, node TEXT, hosts TEXT, software TEXT, helper TEXT, predecessor TEXT
) STRICT;
CREATE INDEX source_predecessor ON source (predecessor) WHERE predecessor IS NOT NULL;
-- Every file of a month; low_at and high_at: the helper's clock of what is in it; last: its newest record; totals: JSON, as in the file.
CREATE TABLE file (
  number INTEGER PRIMARY KEY, host TEXT NOT NULL, month TEXT NOT NULL, low_at INTEGER, high_at INTEGER,
  last INTEGER NOT NULL DEFAULT 0, totals TEXT NOT NULL DEFAULT '{}', UNIQUE (host, month)
) STRICT;
-- Which numbers of a source are in which file; others may be between them. originated: also such that the server itself wrote.
CREATE TABLE span (
  source INTEGER NOT NULL, file INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, originated INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (source, file)
) STRICT, WITHOUT ROWID;
CREATE TABLE settle (
  number INTEGER PRIMARY KEY, source INTEGER NOT NULL, n INTEGER NOT NULL, try INTEGER NOT NULL, outcome TEXT NOT NULL,
  at INTEGER, journal INTEGER NOT NULL, position INTEGER NOT NULL,
  UNIQUE (source, n, try, outcome)
) STRICT;
CREATE INDEX settle_outcome ON settle (outcome);
-- Numbers with a try that done alone does not settle, as long as no settle came.
CREATE TABLE unsure (source INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (source, n)) STRICT, WITHOUT ROWID;
CREATE TABLE outage (
  number INTEGER PRIMARY KEY, source INTEGER NOT NULL, host INTEGER, low INTEGER NOT NULL, high INTEGER NOT NULL,
  count INTEGER NOT NULL, outcome TEXT NOT NULL, at INTEGER, journal INTEGER NOT NULL, position INTEGER NOT NULL
) STRICT;
CREATE INDEX outage_source ON outage (source, high);
-- Of messages that are not on record; all others stand with their record.
CREATE TABLE stanza_id (
  source INTEGER NOT NULL, n INTEGER NOT NULL, by INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (source, n, by, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE occupant (
  number INTEGER PRIMARY KEY, source INTEGER NOT NULL, host INTEGER, room INTEGER NOT NULL, nick TEXT NOT NULL,
  jid TEXT NOT NULL, joined_at INTEGER, left_at INTEGER
) STRICT;
CREATE INDEX occupant_room ON occupant (room, joined_at);
CREATE INDEX occupant_here ON occupant (room, nick, jid) WHERE left_at IS NULL;
CREATE TABLE session (
  number INTEGER PRIMARY KEY, source INTEGER NOT NULL, host INTEGER, jid INTEGER, resource TEXT, via TEXT, event TEXT NOT NULL, at INTEGER
) STRICT;
CREATE INDEX session_jid ON session (jid, at);
CREATE TABLE rules (number INTEGER PRIMARY KEY, hash TEXT NOT NULL, rules INTEGER NOT NULL, file TEXT NOT NULL, at INTEGER) STRICT;
CREATE TABLE access (
  number INTEGER PRIMARY KEY, journal INTEGER NOT NULL, position INTEGER NOT NULL, at INTEGER, recorded_at INTEGER NOT NULL,
  uid INTEGER, user TEXT NOT NULL, command TEXT NOT NULL, query TEXT NOT NULL, hits INTEGER, reason TEXT,
  denied INTEGER NOT NULL DEFAULT 0
) STRICT;
-- Where the kind is journal-gap, source is a number in journal.
CREATE TABLE finding (
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, source INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
  count INTEGER NOT NULL, found_at INTEGER, closed_at INTEGER
) STRICT;
CREATE INDEX finding_open ON finding (source, kind, low) WHERE closed_at IS NULL;
-- Facts that this version does not know or cannot read, and a second try by the same name with other content: kept as they came.
-- source, n: the record whose content it holds as well, where it is known.
CREATE TABLE other_fact (
  journal INTEGER NOT NULL, position INTEGER NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
  note TEXT NOT NULL, body TEXT NOT NULL, source TEXT, n INTEGER, PRIMARY KEY (journal, position)
) STRICT;
CREATE INDEX other_fact_of ON other_fact (source, n) WHERE source IS NOT NULL;
-- What was counted before there were files of months.
CREATE TABLE total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE identity (
  number INTEGER PRIMARY KEY, jid INTEGER NOT NULL, ordinal INTEGER NOT NULL, id TEXT NOT NULL, told_by TEXT NOT NULL,
  UNIQUE (jid, ordinal), UNIQUE (jid, told_by, id)
) STRICT;
CREATE INDEX identity_several ON identity (jid) WHERE ordinal > 1;
-- What was told of it: created, seen, removed.
CREATE TABLE identity_word (
  number INTEGER PRIMARY KEY, identity INTEGER NOT NULL, event TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (identity, event, at)
) STRICT;
CREATE TABLE person (
  number INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, id TEXT NOT NULL, jid INTEGER NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL,
  mail TEXT NOT NULL, department TEXT NOT NULL, groups TEXT NOT NULL
) STRICT;
CREATE INDEX person_id ON person (id);
CREATE INDEX person_jid ON person (jid);
CREATE INDEX person_name ON person (name_key);
CREATE TABLE person_mail (mail TEXT NOT NULL, person INTEGER NOT NULL, PRIMARY KEY (mail, person)) STRICT, WITHOUT ROWID;
-- From when on it was so.
CREATE TABLE person_since (person INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (person, at)) STRICT, WITHOUT ROWID;
CREATE TABLE network (network TEXT NOT NULL, domain TEXT NOT NULL, PRIMARY KEY (network, domain)) STRICT, WITHOUT ROWID;
CREATE INDEX stanza_id_id ON stanza_id (id);
CREATE TABLE repeat (
  source INTEGER NOT NULL, n INTEGER NOT NULL, journal INTEGER NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (source, n, journal, position)
) STRICT, WITHOUT ROWID;
INSERT INTO access (number, journal, position, at, recorded_at, uid, user, command, query, hits, reason, denied) VALUES (1, 2, 1, 1795341601000, 1795335119662, 4711, 'olga', 'archive search', '{"limit":50,"words":"golden"}', 1, 'golden', 0);
INSERT INTO access (number, journal, position, at, recorded_at, uid, user, command, query, hits, reason, denied) VALUES (2, 1, 15, 1795341601000, 1795335119604, 1002, 'operator', 'archive show', '{"id":"9d0c5a11-1"}', NULL, NULL, 1);
INSERT INTO file (number, host, month, low_at, high_at, last, totals) VALUES (1, 'corp.example', '2026-11', 1795341600000, 1795341600000, 3, '{"tries":3,"skewed":3}');
INSERT INTO finding (number, kind, source, low, high, count, found_at, closed_at) VALUES (1, 'gap', 1, 3, 4, 2, 1795341666000, NULL);
INSERT INTO finding (number, kind, source, low, high, count, found_at, closed_at) VALUES (2, 'ended-without-mark', 1, 9, 9, 0, 1795341666000, NULL);
INSERT INTO identity (number, jid, ordinal, id, told_by) VALUES (1, 1, 1, '4be1c0de4be1c0de4be1c0de4be1c0de', 'server');
INSERT INTO identity (number, jid, ordinal, id, told_by) VALUES (2, 1, 2, '5be1c0de4be1c0de4be1c0de4be1c0de', 'server');
INSERT INTO identity_word (number, identity, event, at) VALUES (1, 1, 'seen', 1795341500000);
INSERT INTO identity_word (number, identity, event, at) VALUES (2, 1, 'removed', 1795341700000);
INSERT INTO identity_word (number, identity, event, at) VALUES (3, 2, 'created', 1795341800000);
INSERT INTO journal (number, id, position) VALUES (1, '52a7b9889dd88e124b3a2213190950e9', 13);
INSERT INTO journal (number, id, position) VALUES (2, '05e3ce7eb23886a2ca40e62530870c58', 3);
INSERT INTO name (number, text) VALUES (1, 'alice@corp.example');
INSERT INTO name (number, text) VALUES (2, 'bob@corp.example');
INSERT INTO name (number, text) VALUES (3, 'corp.example');
INSERT INTO name (number, text) VALUES (4, 'otherwise');
INSERT INTO name (number, text) VALUES (5, 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff');
INSERT INTO name (number, text) VALUES (6, 'team@rooms.corp.example');
INSERT INTO name (number, text) VALUES (7, 'rooms.corp.example');
INSERT INTO occupant (number, source, host, room, nick, jid, joined_at, left_at) VALUES (1, 1, 7, 6, 'alice', 'alice@corp.example/desk', 1795341600000, NULL);
INSERT INTO other_fact (journal, position, kind, version, recorded_at, note, body, source, n) VALUES (1, 13, 'later', 2, 1795335119603, 'of a kind or version that is not known here', '{"kind":"later"}', NULL, NULL);
INSERT INTO outage (number, source, host, low, high, count, outcome, at, journal, position) VALUES (1, 1, 3, 6, 9, 4, 'bounced', 1795341600000, 1, 9);
INSERT INTO rules (number, hash, rules, file, at) VALUES (1, 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', 0, 'policy-rules.yaml', 1795341600000);
INSERT INTO session (number, source, host, jid, resource, via, event, at) VALUES (1, 1, 3, 1, 'desk', 'c2s', 'started', 1795341600000);
INSERT INTO settle (number, source, n, try, outcome, at, journal, position) VALUES (1, 1, 2, 0, 'bounced', 1795341600000, 1, 4);
INSERT INTO source (number, id, short, done, counting, at, node, hosts, software, helper, predecessor) VALUES (1, '9d0c5a11aabbccdd9d0c5a11aabbccdd', '9d0c5a11', 1, '{"source":"9d0c5a11aabbccdd9d0c5a11aabbccdd","done":1,"mark":9,"heardAt":1795335119598,"ended":"no","succeededAt":null,"present":[[1,2],[5,9]],"dueTo":9,"told":[],"tail":null}', 1795341600000, 'node1', 'corp.example', 'Prosody 0.12.3', '1', NULL);
INSERT INTO span (source, file, low, high, originated) VALUES (1, 1, 1, 5, 0);
INSERT INTO unsure (source, n) VALUES (1, 5);
INSERT INTO person (number, hash, id, jid, name, name_key, mail, department, groups) VALUES (1, '0f1e2d3c4b5a69788796a5b4c3d2e1f0', 'corp:6f9619ff-8b86-d011-b42d-00cf4fc964ff', 1, 'Alice Müller', 'alice müller', '["alice@corp.example"]', 'Trading', '["Staff","Traders"]');
INSERT INTO person_mail (mail, person) VALUES ('alice@corp.example', 1);
INSERT INTO person_since (person, at) VALUES (1, 1795341500000);
INSERT INTO network (network, domain) VALUES ('irc', 'rooms.corp.example');
INSERT INTO stanza_id (source, n, by, id) VALUES (1, 1, 3, 'told-late');
INSERT INTO repeat (source, n, journal, position) VALUES (1, 1, 1, 12);
PRAGMA application_id = 1195917650;
PRAGMA user_version = 9;
