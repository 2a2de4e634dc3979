// SPDX-License-Identifier: Apache-2.0
// The archive's tables as they were when all stood in one file, versions 1 to 4: read to be split (split.ts), never written again.
// Texts that repeat (addresses, hosts, rules) stand once in `name` and are named by number.
// Times are Unix ms. `done` is one row per source: what a record's settlement is, is computed when it is read.

const VERSION_1 = `
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
) STRICT;
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
`

/** Looks that were refused are on record too. */
const VERSION_2 = `
ALTER TABLE access ADD COLUMN denied INTEGER NOT NULL DEFAULT 0;
`

/**
 * Always on, it looks up each word of each insert in the whole index: half of what keeping costs. It acts on what is deleted while
 * it is on, whenever that was inserted: whoever deletes words turns it on for that transaction, and off in the next one.
 */
const VERSION_3 = `
INSERT INTO words (words, rank) VALUES ('secure-delete', 0);
`

/** Entries that are lost are lost of a journal: where the kind is journal-gap, `source` of a finding is a number in `journal`. */
const VERSION_4 = `
INSERT OR IGNORE INTO journal (id, position)
  SELECT source.id, 0 FROM finding JOIN source ON source.number = finding.source WHERE finding.kind = 'journal-gap';
UPDATE finding SET source = (SELECT journal.number FROM journal JOIN source ON source.id = journal.id WHERE source.number = finding.source)
  WHERE kind = 'journal-gap';
DELETE FROM source WHERE id IN (SELECT id FROM journal);
`

export const singleFileMigrations: readonly string[] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4]
