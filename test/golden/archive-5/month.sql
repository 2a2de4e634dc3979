-- SPDX-License-Identifier: Apache-2.0
-- The file of a virtual host and month, version 1, as it was released. Never change it; a new version gets a file of its own.
CREATE TABLE month (host TEXT NOT NULL, month TEXT NOT NULL) STRICT;
-- Up to where this file has what is its own of each journal.
CREATE TABLE journal (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, position INTEGER NOT NULL) STRICT;
CREATE TABLE name (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE source (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE) STRICT;
-- recorded: envelope or nothing where a rule said so; rule_tags, matched: JSON, what rules said of it and where they found it.
-- seal: SHA-256 of the salt's digits and the stanza; it says nothing of the stanza once the salt is gone. size: bytes of the stanza.
CREATE TABLE record (
  number INTEGER PRIMARY KEY,
  source INTEGER NOT NULL, n INTEGER NOT NULL, try INTEGER NOT NULL,
  journal INTEGER NOT NULL, position INTEGER NOT NULL, at INTEGER, recorded_at INTEGER NOT NULL,
  direction TEXT NOT NULL, via TEXT NOT NULL, spooled INTEGER NOT NULL,
  element TEXT NOT NULL, what TEXT NOT NULL, type TEXT,
  from_bare INTEGER, from_resource TEXT, to_bare INTEGER, to_resource TEXT, room INTEGER,
  stanza_id TEXT, origin_id TEXT, language INTEGER, encrypted INTEGER, note TEXT,
  action TEXT NOT NULL, rule INTEGER, rules INTEGER, verdict TEXT, size INTEGER NOT NULL,
  recorded TEXT, rule_tags TEXT, matched TEXT,
  seal BLOB NOT NULL, replacement_seal BLOB,
  UNIQUE (source, n, try)
) STRICT;
CREATE INDEX record_stanza_id ON record (stanza_id) WHERE stanza_id IS NOT NULL;
CREATE INDEX record_origin_id ON record (origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX record_action ON record (action) WHERE action <> 'allow';
-- What erasure takes away. salt: 32 hex digits of its own. text: as it is indexed, null where another try has the same.
-- tags: p and the number of each address it is from, to or about; d that of a domain other than the host; r that of the rule.
CREATE TABLE content (
  record INTEGER PRIMARY KEY, salt TEXT NOT NULL, stanza TEXT NOT NULL, replacement TEXT, text TEXT, tags TEXT
) STRICT;
CREATE VIRTUAL TABLE words USING fts5 (
  text, tags, content = 'content', content_rowid = 'record', tokenize = 'unicode61 remove_diacritics 2', columnsize = 0
);
-- What one commit adds is sorted in memory up to here before it is written.
INSERT INTO words (words, rank) VALUES ('hashsize', 16777216);
CREATE TABLE erasure (record INTEGER PRIMARY KEY, at INTEGER NOT NULL, user TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
-- Where else in journals the same try stands: whoever erases it has to know.
CREATE TABLE repeat (record INTEGER NOT NULL, journal INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (record, journal, position))
  STRICT, WITHOUT ROWID;
-- Kept more than an hour after it was sent (a spool, a backlog): outside the range of numbers of its time.
CREATE TABLE late (record INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
CREATE INDEX late_at ON late (at);
-- The first record of a commit and when it was: numbers grow with it, so a time names a range of numbers.
CREATE TABLE batch (first_record INTEGER PRIMARY KEY, kept_at INTEGER NOT NULL) STRICT;
CREATE INDEX batch_kept_at ON batch (kept_at);
CREATE TABLE link (record INTEGER NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY (record, kind, target)) STRICT, WITHOUT ROWID;
CREATE INDEX link_target ON link (target);
CREATE TABLE stanza_id (
  source INTEGER NOT NULL, n INTEGER NOT NULL, by INTEGER NOT NULL, id TEXT NOT NULL, PRIMARY KEY (source, n, by, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX stanza_id_id ON stanza_id (id);
CREATE TABLE total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO batch (first_record, kept_at) VALUES (1, 1795341601000);
INSERT INTO content (record, salt, stanza, replacement, text, tags) VALUES (1, '4bef6fc9194753667178145db6cab6b0', '<message xmlns=''jabber:client'' from=''alice@corp.example/desk'' to=''bob@corp.example'' type=''chat'' id=''m1''><body>golden words</body></message>', NULL, 'golden words', 'p1 p2 r3');
INSERT INTO content (record, salt, stanza, replacement, text, tags) VALUES (2, 'e1745dc434bacb1905ce031e1e531f07', '<message xmlns=''jabber:client'' from=''alice@corp.example/desk'' to=''bob@corp.example'' type=''chat'' id=''m2''><body>合同条款</body><replace xmlns=''urn:xmpp:message-correct:0'' id=''m1''/></message>', NULL, ' 合同 同条 条款 款 ', 'p1 p2 r3');
INSERT INTO content (record, salt, stanza, replacement, text, tags) VALUES (3, 'a16ce0c1a124f5498333595be80bb911', '<message xmlns=''jabber:client'' from=''alice@corp.example/desk'' to=''team@rooms.corp.example'' type=''groupchat'' id=''m5''><body>in the room</body></message>', NULL, 'in the room', 'p1 p5 d6 r3');
INSERT INTO journal (number, id, position) VALUES (1, '52a7b9889dd88e124b3a2213190950e9', 0);
INSERT INTO link (record, kind, target) VALUES (2, 'correction', 'm1');
INSERT INTO month (host, month) VALUES ('corp.example', '2026-11');
INSERT INTO name (number, text) VALUES (1, 'alice@corp.example');
INSERT INTO name (number, text) VALUES (2, 'bob@corp.example');
INSERT INTO name (number, text) VALUES (3, 'otherwise');
INSERT INTO name (number, text) VALUES (4, 'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff');
INSERT INTO name (number, text) VALUES (5, 'team@rooms.corp.example');
INSERT INTO name (number, text) VALUES (6, 'rooms.corp.example');
INSERT INTO record (number, source, n, try, journal, position, at, recorded_at, direction, via, spooled, element, what, type, from_bare, from_resource, to_bare, to_resource, room, stanza_id, origin_id, language, encrypted, note, action, rule, rules, verdict, size, recorded, rule_tags, matched, seal, replacement_seal) VALUES (1, 1, 1, 1, 1, 2, 1795341600000, 1795335119598, 'sent', 'c2s', 0, 'message', 'message', 'chat', 1, 'desk', 2, NULL, NULL, 'm1', NULL, NULL, NULL, NULL, 'allow', 3, 4, NULL, 139, NULL, NULL, NULL, x'9259c236723eca7f0292795b191c570e3f8be43509801434f1b49d7f93b1f80f', NULL);
INSERT INTO record (number, source, n, try, journal, position, at, recorded_at, direction, via, spooled, element, what, type, from_bare, from_resource, to_bare, to_resource, room, stanza_id, origin_id, language, encrypted, note, action, rule, rules, verdict, size, recorded, rule_tags, matched, seal, replacement_seal) VALUES (2, 1, 2, 1, 1, 3, 1795341600000, 1795335119598, 'sent', 'c2s', 0, 'message', 'correction', 'chat', 1, 'desk', 2, NULL, NULL, 'm2', NULL, NULL, NULL, NULL, 'allow', 3, 4, NULL, 192, NULL, NULL, NULL, x'f11daa21947278a75b8804d4f9c4d0175b537a5157196b61f740467c5f816be8', NULL);
INSERT INTO record (number, source, n, try, journal, position, at, recorded_at, direction, via, spooled, element, what, type, from_bare, from_resource, to_bare, to_resource, room, stanza_id, origin_id, language, encrypted, note, action, rule, rules, verdict, size, recorded, rule_tags, matched, seal, replacement_seal) VALUES (3, 1, 5, 2, 1, 5, 1795341600000, 1795335119598, 'sent', 'c2s', 0, 'message', 'message', 'groupchat', 1, 'desk', 5, NULL, 5, 'm5', NULL, NULL, NULL, NULL, 'allow', 3, 4, NULL, 150, NULL, NULL, NULL, x'db76051dbd5f9aea4bcc1318ec09d1cfa7cc847c878d96187ae1d09ea6661db8', NULL);
INSERT INTO source (number, id) VALUES (1, '9d0c5a11aabbccdd9d0c5a11aabbccdd');
INSERT INTO stanza_id (source, n, by, id) VALUES (1, 5, 5, 'r5');
INSERT INTO total (name, value) VALUES ('skewed', 3);
INSERT INTO total (name, value) VALUES ('tries', 3);
INSERT INTO words (rowid, text, tags) VALUES (1, 'golden words', 'p1 p2 r3');
INSERT INTO words (rowid, text, tags) VALUES (2, ' 合同 同条 条款 款 ', 'p1 p2 r3');
INSERT INTO words (rowid, text, tags) VALUES (3, 'in the room', 'p1 p5 d6 r3');
PRAGMA application_id = 1195917645;
PRAGMA user_version = 1;
