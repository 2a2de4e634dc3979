// SPDX-License-Identifier: Apache-2.0
// The directory's store, version 1: what directories said last, what is provisioned, every address ever given, the plan.
import { POSTING_SETTINGS, POSTING_TABLES } from './posting.ts'

/** 'GHDI' */
export const DIRECTORY_ID = 0x47484449

const STORE_1 = `
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
`

export const migrations: readonly string[] = [STORE_1, POSTING_TABLES, POSTING_SETTINGS]
