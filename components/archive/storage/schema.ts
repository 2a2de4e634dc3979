// SPDX-License-Identifier: Apache-2.0
// The archive's tables, in files of two kinds. The book: cursors, sources, people in rooms, looks, findings, what no file of a month has.
// A file per virtual host and month: the records recorded in it. Times are Unix ms, UTC; a month is that of the recorder's clock,
// so that a month closes when the next one begins, whatever the clock of a helper says.
// Texts that repeat (addresses, rules) stand once in `name` of each file and are named by number.

/** 'GHAR' */
export const BOOK_ID = 0x47484152
/** 'GHAM' */
export const MONTH_ID = 0x4748414d

/** Up to version 4 everything stood in one file (single-file.ts); split.ts brings it here. */
export const LAST_SINGLE_FILE = 4

const BOOK_5 = `
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
-- Of messages that are not on record, and what is told late, when the month of the record is over; all others stand with their record.
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
`

/** Who stood behind an address: domain/identity.ts. ordinal: in the order in which they became known, from 1. */
const BOOK_6 = `
CREATE TABLE identity (
  number INTEGER PRIMARY KEY, jid INTEGER NOT NULL, ordinal INTEGER NOT NULL, id TEXT NOT NULL, told_by TEXT NOT NULL,
  UNIQUE (jid, ordinal), UNIQUE (jid, told_by, id)
) STRICT;
CREATE INDEX identity_several ON identity (jid) WHERE ordinal > 1;
-- What was told of it: created, seen, removed.
CREATE TABLE identity_word (
  number INTEGER PRIMARY KEY, identity INTEGER NOT NULL, event TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (identity, event, at)
) STRICT;
`

/** Who people were, as the company directory said: each state of a person once, by its hash. mail, groups: JSON; name_key: for comparison. */
const BOOK_7 = `
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
`

/** Where networks are, as policy says: what goes there and what comes from there has this domain. What an archive before that did not know counts. */
const BOOK_8 = `
CREATE TABLE network (network TEXT NOT NULL, domain TEXT NOT NULL, PRIMARY KEY (network, domain)) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO network (network, domain)
  SELECT body ->> '$.network', body ->> '$.domain' FROM other_fact WHERE kind = 'network' AND version = 1
    AND CASE WHEN json_valid(body) THEN json_type(body, '$.network') = 'text' AND json_type(body, '$.domain') = 'text' END;
`

/** What is told late of a record whose month is over stands here: files of such months are written by erasure alone. */
const BOOK_9 = `
CREATE INDEX stanza_id_id ON stanza_id (id);
-- Where else in journals a record stands that was told again when its month was over: whoever erases it has to know.
CREATE TABLE repeat (
  source INTEGER NOT NULL, n INTEGER NOT NULL, journal INTEGER NOT NULL, position INTEGER NOT NULL,
  PRIMARY KEY (source, n, journal, position)
) STRICT, WITHOUT ROWID;
`

const MONTH_1 = `
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
-- tags: p and the number of each address it is from, to or about; d that of a domain other than the host; r that of the rule; f and t that of who sender
-- and recipient were; n that of another network; what foreign.ts says of who said it there.
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
`

/** The first one leads to version LAST_SINGLE_FILE + 1. */
export const bookMigrations: readonly string[] = [BOOK_5, BOOK_6, BOOK_7, BOOK_8, BOOK_9]
export const monthMigrations: readonly string[] = [MONTH_1]
