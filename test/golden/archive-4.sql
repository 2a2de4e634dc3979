-- SPDX-License-Identifier: Apache-2.0
-- A store of the archive, version 4, as it was released. Never change it; a new version gets a file of its own.
CREATE TABLE journal (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, position INTEGER NOT NULL) STRICT;
CREATE TABLE name (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE source (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, short TEXT NOT NULL UNIQUE,
  done INTEGER NOT NULL DEFAULT 0, counting TEXT,
  at INTEGER, node TEXT, hosts TEXT, software TEXT, helper TEXT, predecessor TEXT
) STRICT;
CREATE INDEX source_predecessor ON source (predecessor) WHERE predecessor IS NOT NULL;
CREATE TABLE record (
  number INTEGER PRIMARY KEY,
  source INTEGER NOT NULL, n INTEGER NOT NULL, try INTEGER NOT NULL,
  journal INTEGER NOT NULL, position INTEGER NOT NULL, at INTEGER, recorded_at INTEGER NOT NULL,
  host INTEGER, direction TEXT NOT NULL, via TEXT NOT NULL, spooled INTEGER NOT NULL,
  element TEXT NOT NULL, what TEXT NOT NULL, type TEXT,
  from_bare INTEGER, from_resource TEXT, to_bare INTEGER, to_resource TEXT, room INTEGER,
  stanza_id TEXT, origin_id TEXT, language INTEGER, encrypted INTEGER, note TEXT,
  action TEXT NOT NULL, rule INTEGER, rules INTEGER, verdict TEXT, replacement TEXT,
  sha256 BLOB NOT NULL, stanza TEXT NOT NULL,
  UNIQUE (source, n, try)
) STRICT;
CREATE INDEX record_stanza_id ON record (stanza_id) WHERE stanza_id IS NOT NULL;
CREATE INDEX record_origin_id ON record (origin_id) WHERE origin_id IS NOT NULL;
-- Kept more than an hour after it was sent (a spool, a backlog): outside the range of numbers of its time.
CREATE TABLE late (record INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
CREATE INDEX late_at ON late (at);
-- The first record of a commit and when it was: numbers grow with it, so a time names a range of numbers.
CREATE TABLE batch (first_record INTEGER PRIMARY KEY, kept_at INTEGER NOT NULL) STRICT;
CREATE INDEX batch_kept_at ON batch (kept_at);
-- text: what a person can read; people: p and the number in name, for everyone the record is from, to or about.
CREATE VIRTUAL TABLE words USING fts5 (text, people, tokenize = 'unicode61 remove_diacritics 2', columnsize = 0);
INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
INSERT INTO words (words, rank) VALUES ('secure-delete', 0);
CREATE TABLE settle (
  number INTEGER PRIMARY KEY, source INTEGER NOT NULL, n INTEGER NOT NULL, try INTEGER NOT NULL, outcome TEXT NOT NULL,
  at INTEGER, journal INTEGER NOT NULL, position INTEGER NOT NULL,
  UNIQUE (source, n, try, outcome)
) STRICT;
-- Numbers with a try that done alone does not settle, as long as no settle came.
CREATE TABLE unsure (source INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (source, n)) STRICT, WITHOUT ROWID;
CREATE TABLE outage (
  number INTEGER PRIMARY KEY, source INTEGER NOT NULL, host INTEGER, low INTEGER NOT NULL, high INTEGER NOT NULL,
  count INTEGER NOT NULL, outcome TEXT NOT NULL, at INTEGER, journal INTEGER NOT NULL, position INTEGER NOT NULL
) STRICT;
CREATE INDEX outage_source ON outage (source, high);
CREATE TABLE link (record INTEGER NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (record, kind, target)) STRICT, WITHOUT ROWID;
CREATE INDEX link_target ON link (target);
CREATE TABLE stanza_id (
  source INTEGER NOT NULL, n INTEGER NOT NULL, by INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (source, n, by, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX stanza_id_id ON stanza_id (id);
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
  uid INTEGER, user TEXT NOT NULL, command TEXT NOT NULL, query TEXT NOT NULL, hits INTEGER, reason TEXT
, denied INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE finding (
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, source INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
  count INTEGER NOT NULL, found_at INTEGER, closed_at INTEGER
) STRICT;
CREATE INDEX finding_open ON finding (source, kind, low) WHERE closed_at IS NULL;
-- Facts that this version does not know or cannot read, and a second try by the same name with other content: kept as they came.
CREATE TABLE other_fact (
  journal INTEGER NOT NULL, position INTEGER NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
  note TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (journal, position)
) STRICT;
CREATE TABLE total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO access (number, journal, position, at, recorded_at, uid, user, command, query, hits, reason) VALUES (1, 2, 1, 1795341601000, 1795335119662, 4711, 'olga', 'archive search', '{"limit":50,"words":"golden"}', 1, 'golden');
INSERT INTO access (number, journal, position, at, recorded_at, uid, user, command, query, hits, reason, denied) VALUES (2, 1, 15, 1795341601000, 1795335119604, 1002, 'operator', 'archive show', '{"id":"9d0c5a11-1"}', NULL, NULL, 1);
INSERT INTO batch (first_record, kept_at) VALUES (1, 1795341601000);
INSERT INTO finding (number, kind, source, low, high, count, found_at, closed_at) VALUES (1, 'gap', 1, 3, 4, 2, 1795341666000, NULL);
INSERT INTO finding (number, kind, source, low, high, count, found_at, closed_at) VALUES (2, 'ended-without-mark', 1, 9, 9, 0, 1795341666000, NULL);
INSERT INTO journal (number, id, position) VALUES (1, '52a7b9889dd88e124b3a2213190950e9', 13);
INSERT INTO journal (number, id, position) VALUES (2, '05e3ce7eb23886a2ca40e62530870c58', 3);
INSERT INTO link (record, kind, target) VALUES (2, 'correction', 'm1');
INSERT INTO name (number, text) VALUES (1, 'alice@corp.example');
INSERT INTO name (number, text) VALUES (2, 'bob@corp.example');
INSERT INTO name (number, text) VALUES (3, 'corp.example');
INSERT INTO name (number, text) VALUES (4, 'otherwise');
INSERT INTO name (number, text) VALUES (5, 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff');
INSERT INTO name (number, text) VALUES (6, 'team@rooms.corp.example');
INSERT INTO name (number, text) VALUES (7, 'rooms.corp.example');
INSERT INTO occupant (number, source, host, room, nick, jid, joined_at, left_at) VALUES (1, 1, 7, 6, 'alice', 'alice@corp.example/desk', 1795341600000, NULL);
INSERT INTO other_fact (journal, position, kind, version, recorded_at, note, body) VALUES (1, 13, 'later', 2, 1795335119603, 'of a kind or version that is not known here', '{"kind":"later"}');
INSERT INTO outage (number, source, host, low, high, count, outcome, at, journal, position) VALUES (1, 1, 3, 6, 9, 4, 'bounced', 1795341600000, 1, 9);
INSERT INTO record (number, source, n, try, journal, position, at, recorded_at, host, direction, via, spooled, element, what, type, from_bare, from_resource, to_bare, to_resource, room, stanza_id, origin_id, language, encrypted, note, action, rule, rules, verdict, replacement, sha256, stanza) VALUES (1, 1, 1, 1, 1, 2, 1795341600000, 1795335119598, 3, 'sent', 'c2s', 0, 'message', 'message', 'chat', 1, 'desk', 2, NULL, NULL, 'm1', NULL, NULL, NULL, NULL, 'allow', 4, 5, NULL, NULL, x'74f4da04d76900a0061f55dd0ff93005b080ffed60dcc65718b6d1a2b5e9850b', '<message xmlns=''jabber:client'' from=''alice@corp.example/desk'' to=''bob@corp.example'' type=''chat'' id=''m1''><body>golden words</body></message>');
INSERT INTO record (number, source, n, try, journal, position, at, recorded_at, host, direction, via, spooled, element, what, type, from_bare, from_resource, to_bare, to_resource, room, stanza_id, origin_id, language, encrypted, note, action, rule, rules, verdict, replacement, sha256, stanza) VALUES (2, 1, 2, 1, 1, 3, 1795341600000, 1795335119598, 3, 'sent', 'c2s', 0, 'message', 'correction', 'chat', 1, 'desk', 2, NULL, NULL, 'm2', NULL, NULL, NULL, NULL, 'allow', 4, 5, NULL, NULL, x'e11952507737d2f3df97a4e2a7c44d4130bf483b064622ba4de16fe0d2f331d9', '<message xmlns=''jabber:client'' from=''alice@corp.example/desk'' to=''bob@corp.example'' type=''chat'' id=''m2''><body>合同条款</body><replace xmlns=''urn:xmpp:message-correct:0'' id=''m1''/></message>');
INSERT INTO record (number, source, n, try, journal, position, at, recorded_at, host, direction, via, spooled, element, what, type, from_bare, from_resource, to_bare, to_resource, room, stanza_id, origin_id, language, encrypted, note, action, rule, rules, verdict, replacement, sha256, stanza) VALUES (3, 1, 5, 2, 1, 5, 1795341600000, 1795335119598, 3, 'sent', 'c2s', 0, 'message', 'message', 'groupchat', 1, 'desk', 6, NULL, 6, 'm5', NULL, NULL, NULL, NULL, 'allow', 4, 5, NULL, NULL, x'9e064466c314f1ab5a577864e262b62a154b9e10023d08fd0efd89bfd467f932', '<message xmlns=''jabber:client'' from=''alice@corp.example/desk'' to=''team@rooms.corp.example'' type=''groupchat'' id=''m5''><body>in the room</body></message>');
INSERT INTO rules (number, hash, rules, file, at) VALUES (1, 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff', 0, 'policy-rules.yaml', 1795341600000);
INSERT INTO session (number, source, host, jid, resource, via, event, at) VALUES (1, 1, 3, 1, 'desk', 'c2s', 'started', 1795341600000);
INSERT INTO settle (number, source, n, try, outcome, at, journal, position) VALUES (1, 1, 2, 0, 'bounced', 1795341600000, 1, 4);
INSERT INTO source (number, id, short, done, counting, at, node, hosts, software, helper, predecessor) VALUES (1, '9d0c5a11aabbccdd9d0c5a11aabbccdd', '9d0c5a11', 1, '{"source":"9d0c5a11aabbccdd9d0c5a11aabbccdd","done":1,"mark":9,"heardAt":1795335119598,"ended":"no","succeededAt":null,"present":[[1,2],[5,9]],"dueTo":9,"told":[],"tail":null}', 1795341600000, 'node1', 'corp.example', 'Prosody 0.12.3', '1', NULL);
INSERT INTO stanza_id (source, n, by, id) VALUES (1, 5, 6, 'r5');
INSERT INTO total (name, value) VALUES ('skewed', 3);
INSERT INTO total (name, value) VALUES ('tries', 3);
INSERT INTO unsure (source, n) VALUES (1, 5);
INSERT INTO words (rowid, text, people) VALUES (1, 'golden words', 'p1 p2');
INSERT INTO words (rowid, text, people) VALUES (2, ' 合同 同条 条款 款 ', 'p1 p2');
INSERT INTO words (rowid, text, people) VALUES (3, 'in the room', 'p1 p6 p6');
PRAGMA application_id = 1195917650;
PRAGMA user_version = 4;
