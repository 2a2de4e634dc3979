// SPDX-License-Identifier: Apache-2.0
// A component's worker module as small as it can be, for the tests of kit/store.
import type { DatabaseSync } from 'node:sqlite'
import { serve } from '../../../components/kit/store/serve.ts'
import { statement } from '../../../components/kit/store/statement.ts'

const operations = {
  write: {
    keep(db: DatabaseSync, args: { text: string }): number {
      return Number(statement(db, 'INSERT INTO notes (text) VALUES (?)').run(args.text).lastInsertRowid)
    },
    keepThenFail(db: DatabaseSync, args: { text: string }): void {
      statement(db, 'INSERT INTO notes (text) VALUES (?)').run(args.text)
      throw new Error('planted')
    },
    remove(db: DatabaseSync, args: { text: string }): void {
      statement(db, 'DELETE FROM notes WHERE text = ?').run(args.text)
    },
    bad(db: DatabaseSync, args: { text: null }): void {
      statement(db, 'INSERT INTO notes (text) VALUES (?)').run(args.text)
    },
  },
  read: {
    count(db: DatabaseSync, _args: null): number {
      return Number(statement(db, 'SELECT count(*) AS n FROM notes').get()?.n)
    },
    slowly(db: DatabaseSync, args: { upTo: number }): number {
      const sql =
        'WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM c WHERE x < ?) SELECT count(*) AS n FROM c'
      return Number(statement(db, sql).get(args.upTo)?.n)
    },
    keepAnyway(db: DatabaseSync, args: { text: string }): void {
      statement(db, 'INSERT INTO notes (text) VALUES (?)').run(args.text)
    },
  },
  stream: {
    *texts(db: DatabaseSync, _args: null): Iterable<string> {
      for (const row of db.prepare('SELECT text FROM notes ORDER BY id').iterate()) yield String(row.text)
    },
    *broken(_db: DatabaseSync, _args: null): Iterable<number> {
      yield 1
      throw new Error('planted')
    },
  },
}

export type NotesOperations = typeof operations

serve({
  migrations: ['CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT'],
  operations,
  applicationId: 0x4e4f5445,
})
