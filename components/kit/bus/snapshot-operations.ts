// SPDX-License-Identifier: Apache-2.0
// The writer's work on the database of a file snapshot: parts are gathered aside, and one transaction makes them a version.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../store/statement.ts'
import type { SnapshotState } from './snapshot.ts'
import { readState } from './snapshot-folder.ts'

/** Items as cells: key, kind, version and body of each in turn. */
export type Part = { put: readonly (string | number)[]; remove: readonly string[] }

export type Publish = {
  /** What is not among the parts goes. */
  whole: boolean
  /** Unix ms. */
  at: number
  /** How long, and how many, removed items are remembered for readers that were away. */
  keepMs: number
  keepMost: number
}

export const migrations = [
  `CREATE TABLE snapshot (id TEXT NOT NULL, seq INTEGER NOT NULL, oldest INTEGER NOT NULL, at INTEGER NOT NULL,
     confirmed INTEGER NOT NULL) STRICT;
   CREATE TABLE items (key TEXT PRIMARY KEY, kind TEXT NOT NULL, version INTEGER NOT NULL, seq INTEGER NOT NULL, gone INTEGER,
     body TEXT NOT NULL) STRICT;
   CREATE INDEX items_seq ON items (seq, gone);`,
]

export const operations = {
  write: {
    /** The snapshot begins with an id of its own, once. */
    begin(db: DatabaseSync, { id, at, path }: { id: string; at: number; path: string }): SnapshotState | null {
      if (readState(db, path) === null)
        statement(db, 'INSERT INTO snapshot (id, seq, oldest, at, confirmed) VALUES (?, 0, 0, ?, ?)').run(id, at, at)
      return readState(db, path)
    },

    state: (db: DatabaseSync, path: string): SnapshotState | null => readState(db, path),

    /** In a table that only this connection sees, and that ends with it; `anew` leaves out what a call before left there. */
    gather(db: DatabaseSync, { part, anew }: { part: Part; anew: boolean }): void {
      if (anew) {
        db.exec(
          'CREATE TEMP TABLE IF NOT EXISTS gathered (key TEXT PRIMARY KEY, kind TEXT, version INTEGER, body TEXT)',
        )
        db.exec('DELETE FROM gathered')
      }
      const insert = statement(db, 'INSERT OR REPLACE INTO gathered VALUES (?, ?, ?, ?)')
      const { put, remove } = part
      for (let at = 0; at < put.length; at += 4)
        insert.run(put[at] ?? '', put[at + 1] ?? '', put[at + 2] ?? 0, put[at + 3] ?? '')
      for (const key of remove) insert.run(key, null, null, null)
    },

    publish(db: DatabaseSync, { whole, at, keepMs, keepMost }: Publish): number {
      const before = Number(statement(db, 'SELECT seq FROM snapshot').get()?.seq)
      const seq = before + 1
      const changed = putGathered(db, seq) + removeGathered(db, seq, at, whole)
      db.exec('DELETE FROM gathered')
      if (changed === 0 && !(whole && before === 0)) {
        statement(db, 'UPDATE snapshot SET confirmed = ?').run(at)
        return before
      }
      statement(db, 'UPDATE snapshot SET seq = ?, at = ?, confirmed = ?').run(seq, at, at)
      forget(db, at - keepMs, keepMost)
      return seq
    },
  },
  read: {},
  stream: {},
}

function putGathered(db: DatabaseSync, seq: number): number {
  const sql = `INSERT INTO items (key, kind, version, seq, gone, body)
    SELECT key, kind, version, ?, NULL, body FROM gathered WHERE kind IS NOT NULL
    ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, version = excluded.version, seq = excluded.seq, gone = NULL,
      body = excluded.body
    WHERE gone IS NOT NULL OR items.kind <> excluded.kind OR items.version <> excluded.version OR items.body <> excluded.body`
  return Number(statement(db, sql).run(seq).changes)
}

function removeGathered(db: DatabaseSync, seq: number, at: number, whole: boolean): number {
  const which = whole
    ? 'NOT EXISTS (SELECT 1 FROM gathered WHERE gathered.key = items.key AND gathered.kind IS NOT NULL)'
    : 'key IN (SELECT key FROM gathered WHERE kind IS NULL)'
  const sql = `UPDATE items SET seq = ?, gone = ?, body = '' WHERE gone IS NULL AND ${which}`
  return Number(statement(db, sql).run(seq, at).changes)
}

/** Removed items of versions long past: who has not read those begins with the whole. */
function forget(db: DatabaseSync, before: number, most: number): void {
  const old = statement(db, 'SELECT max(seq) AS seq FROM items WHERE gone < ?').get(before)?.seq ?? 0
  const many = 'SELECT seq FROM items WHERE gone IS NOT NULL ORDER BY seq DESC LIMIT 1 OFFSET ?'
  const upTo = Math.max(Number(old), Number(statement(db, many).get(most)?.seq ?? 0))
  if (upTo === 0) return
  statement(db, 'DELETE FROM items WHERE gone IS NOT NULL AND seq <= ?').run(upTo)
  statement(db, 'UPDATE snapshot SET oldest = max(oldest, ?)').run(upTo)
}
