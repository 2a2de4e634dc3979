PRAGMA application_id = 1195918409;
-- One row: id names this state to the server helpers; seq is the version that is provisioned.
CREATE TABLE state (id TEXT NOT NULL, seq INTEGER NOT NULL) STRICT;
INSERT INTO state VALUES (lower(hex(randomblob(16))), 0);
-- A company directory by its name in the settings. settings: a mark of those that entries are made with. reading: the one that holds; entries of another one are of a reading that came to nothing.
CREATE TABLE source (
  name TEXT PRIMARY KEY, reading INTEGER NOT NULL, cursor TEXT NOT NULL, read_at INTEGER NOT NULL, whole_at INTEGER NOT NULL,
  settings TEXT NOT NULL
) STRICT;
-- What it says, as domain/source.ts has it (JSON).
CREATE TABLE entry (
  source TEXT NOT NULL, reading INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (source, reading, id)
) STRICT, WITHOUT ROWID;
-- What was wrong with single entries of a reading (JSON).
CREATE TABLE problem (source TEXT NOT NULL, reading INTEGER NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (source, reading, number))
  STRICT, WITHOUT ROWID;
-- What is provisioned: items of the snapshot (JSON).
CREATE TABLE person (id TEXT PRIMARY KEY, jid TEXT NOT NULL UNIQUE, memberships INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE team (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE wall (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
-- Every address ever given. It stays with its person for ever; until: when it was taken from use.
CREATE TABLE address (jid TEXT PRIMARY KEY, person TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER, name TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX address_person ON address (person);
-- What is to be said on former accounts (XEP-0283) and has not been: where the person is now; '': there again.
CREATE TABLE moved (old TEXT PRIMARY KEY, new TEXT NOT NULL) STRICT, WITHOUT ROWID;
-- The plan that is not carried out yet: one row of plan, or none. shown: 0 where the change shows with others only.
CREATE TABLE plan (hash TEXT NOT NULL, at INTEGER NOT NULL, counts TEXT NOT NULL, held TEXT NOT NULL) STRICT;
CREATE TABLE planned (
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, change TEXT NOT NULL, id TEXT NOT NULL, jid TEXT NOT NULL, name TEXT NOT NULL,
  memberships INTEGER NOT NULL, shown INTEGER NOT NULL, detail TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
-- Versions that were provisioned, and what each changed; one whose changes are not kept (steps: 0) is handed over as a whole.
CREATE TABLE version (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, plan TEXT NOT NULL, made_by TEXT NOT NULL, counts TEXT NOT NULL, steps INTEGER NOT NULL) STRICT;
CREATE TABLE step (
  seq INTEGER NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
  PRIMARY KEY (seq, number)
) STRICT, WITHOUT ROWID;
-- What went wrong with directories and helpers last.
CREATE TABLE trouble (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, place TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL) STRICT;
-- Up to which version changes are in due.
CREATE TABLE carried (seq INTEGER NOT NULL) STRICT;
INSERT INTO carried VALUES (-1);
-- Whose account is to be looked at, and when (Unix ms).
CREATE TABLE due (person TEXT PRIMARY KEY, host TEXT NOT NULL, at INTEGER NOT NULL, tries INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX due_at ON due (at);
-- What stands there by us: what it is, and a mark of what it says.
CREATE TABLE posted (person TEXT NOT NULL, what TEXT NOT NULL, jid TEXT NOT NULL, mark TEXT NOT NULL, PRIMARY KEY (person, what)) STRICT, WITHOUT ROWID;
-- Pictures that were ever put there by us (SHA-1), noted before they are.
CREATE TABLE our_avatar (person TEXT NOT NULL, sha1 TEXT NOT NULL, PRIMARY KEY (person, sha1)) STRICT, WITHOUT ROWID;
-- Faces by the hash of their photo. tries: it was begun so often and did not come to an end.
CREATE TABLE face (
  photo TEXT PRIMARY KEY, tries INTEGER NOT NULL, fault TEXT NOT NULL, sha1 TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, bytes BLOB
) STRICT;
-- Rooms of groups; a room stays with its group for ever.
CREATE TABLE room (team TEXT PRIMARY KEY, jid TEXT NOT NULL UNIQUE, state TEXT NOT NULL, name TEXT NOT NULL, subject TEXT NOT NULL, said TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE room_member (room TEXT NOT NULL, jid TEXT NOT NULL, PRIMARY KEY (room, jid)) STRICT, WITHOUT ROWID;
ALTER TABLE carried ADD COLUMN settings TEXT NOT NULL DEFAULT '';
DELETE FROM state; DELETE FROM carried;
INSERT INTO address (jid, person, since, until, name) VALUES ('alice.b@corp.example', 'corp:1', 1795341600000, NULL, 'Alice Baker');
INSERT INTO address (jid, person, since, until, name) VALUES ('alice@corp.example', 'corp:1', 1795341600000, 1795341600000, 'Alice Ånström');
INSERT INTO address (jid, person, since, until, name) VALUES ('bob@corp.example', 'corp:2', 1795341600000, 1795341600000, 'Bob');
INSERT INTO carried (seq, settings) VALUES (-1, '');
INSERT INTO entry (source, reading, id, kind, body) VALUES ('corp', 1, 'corp:1', 'person', '{"kind":"person","id":"corp:1","dn":"uid=alice,ou=people,dc=corp","uid":"alice.b","name":"Alice Baker","mail":[],"phone":[],"disabled":false,"identities":{},"template":{"uid":"alice.b"}}');
INSERT INTO entry (source, reading, id, kind, body) VALUES ('corp', 1, 'corp:g', 'group', '{"kind":"group","id":"corp:g","dn":"cn=g,ou=groups,dc=corp","name":"Traders","memberDns":["uid=alice,ou=people,dc=corp","uid=bob,ou=people,dc=corp"],"memberUids":[]}');
INSERT INTO moved (old, new) VALUES ('alice@corp.example', 'alice.b@corp.example');
INSERT INTO person (id, jid, memberships, body) VALUES ('corp:1', 'alice.b@corp.example', 1, '{"kind":"person","id":"corp:1","jid":"alice.b@corp.example","oldJids":["alice@corp.example"],"name":"Alice Baker","mail":[],"phone":[],"groups":["corp:g"],"disabled":false,"identities":{}}');
INSERT INTO source (name, reading, cursor, read_at, whole_at, settings) VALUES ('corp', 1, '5', 1795341600000, 1795341600000, 'same');
INSERT INTO state (id, seq) VALUES ('d781c9c2caf0329d91ee78088c363439', 3);
INSERT INTO step (seq, number, kind, id, before, after) VALUES (1, 1, 'person', 'corp:1', '', '{"kind":"person","id":"corp:1","jid":"alice@corp.example","oldJids":[],"name":"Alice Ånström","mail":["alice@corp.example"],"phone":[],"department":"Trading","groups":["corp:g"],"disabled":false,"identities":{}}');
INSERT INTO step (seq, number, kind, id, before, after) VALUES (1, 2, 'person', 'corp:2', '', '{"kind":"person","id":"corp:2","jid":"bob@corp.example","oldJids":[],"name":"Bob","mail":[],"phone":[],"groups":["corp:g"],"disabled":true,"identities":{}}');
INSERT INTO step (seq, number, kind, id, before, after) VALUES (1, 3, 'group', 'corp:g', '', '{"kind":"group","id":"corp:g","name":"Traders","roster":{"name":"Traders","shown":"members","to":[],"order":0}}');
INSERT INTO step (seq, number, kind, id, before, after) VALUES (2, 1, 'person', 'corp:1', '{"kind":"person","id":"corp:1","jid":"alice@corp.example","oldJids":[],"name":"Alice Ånström","mail":["alice@corp.example"],"phone":[],"department":"Trading","groups":["corp:g"],"disabled":false,"identities":{}}', '{"kind":"person","id":"corp:1","jid":"alice.b@corp.example","oldJids":["alice@corp.example"],"name":"Alice Baker","mail":[],"phone":[],"groups":["corp:g"],"disabled":false,"identities":{}}');
INSERT INTO step (seq, number, kind, id, before, after) VALUES (3, 1, 'person', 'corp:2', '{"kind":"person","id":"corp:2","jid":"bob@corp.example","oldJids":[],"name":"Bob","mail":[],"phone":[],"groups":["corp:g"],"disabled":true,"identities":{}}', '');
INSERT INTO step (seq, number, kind, id, before, after) VALUES (3, 2, 'group', 'corp:g', '{"kind":"group","id":"corp:g","name":"Traders","roster":{"name":"Traders","shown":"members","to":[],"order":0}}', '{"kind":"group","id":"corp:g","name":"Traders","roster":{"name":"Traders","shown":"members","to":[],"order":0}}');
INSERT INTO team (id, body) VALUES ('corp:g', '{"kind":"group","id":"corp:g","name":"Traders","roster":{"name":"Traders","shown":"members","to":[],"order":0}}');
INSERT INTO trouble (number, at, place, reason, message) VALUES (1, 1, 'corp', 'away', 'nobody answers');
INSERT INTO version (seq, at, plan, made_by, counts, steps) VALUES (1, 1795341600000, 'af9f740b6146861526ce37f95cce031954f04eb68de9091be53068381acdfdc1', '{}', '{"people":{"there":0,"added":2,"changed":0,"removed":0,"locked":0,"readdressed":0},"groups":{"there":0,"added":1,"changed":0,"removed":0},"memberships":{"there":0,"added":2,"removed":0}}', 3);
INSERT INTO version (seq, at, plan, made_by, counts, steps) VALUES (2, 1795341600000, 'b7836e29143135cc5a19d6e38d90f70014b24b36abb9623f16accb61fd57ea70', '{}', '{"people":{"there":2,"added":0,"changed":1,"removed":0,"locked":0,"readdressed":1},"groups":{"there":1,"added":0,"changed":0,"removed":0},"memberships":{"there":2,"added":0,"removed":0}}', 1);
INSERT INTO version (seq, at, plan, made_by, counts, steps) VALUES (3, 1795341600000, 'deb031d369b203b91ac9ae58762f5c214d6c5f59ebd09c7f4c818c22dd89e070', '{}', '{"people":{"there":2,"added":0,"changed":0,"removed":1,"locked":0,"readdressed":0},"groups":{"there":1,"added":0,"changed":1,"removed":0},"memberships":{"there":2,"added":0,"removed":0}}', 2);
PRAGMA user_version = 3;
