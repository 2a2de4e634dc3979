// SPDX-License-Identifier: Apache-2.0
// What an asker keeps on its disk: the run that it is, how many numbers that has reserved, what policy has not acknowledged yet, and what
// it holds for outages.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../store/statement.ts'

/** `xml`: the element as it goes into a screen. `n`: the number it settles, 0 for none. `aside`: policy could not read it. */
export type Owed = { id: number; source: string; n: number; kind: 'source' | 'settle' | 'outage' | 'ask'; xml: string }

export type Run = {
  source: string
  reserved: number
  mark: number
  ended: boolean
  announcement: string
  announced: boolean
}

/** What policy told for outages: its id, and the first rule that closes something; null: none does. */
export type Held = { id: string; rule: string | null }

export const migrations = [
  `CREATE TABLE run (one INTEGER PRIMARY KEY CHECK (one = 1), source TEXT NOT NULL, reserved INTEGER NOT NULL, mark INTEGER NOT NULL,
     ended INTEGER NOT NULL, announcement TEXT NOT NULL, announced INTEGER NOT NULL) STRICT;
   CREATE TABLE owed (id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, n INTEGER NOT NULL, kind TEXT NOT NULL, xml TEXT NOT NULL,
     aside INTEGER NOT NULL DEFAULT 0) STRICT;
   CREATE TABLE held (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL, rule TEXT) STRICT;`,
]

export const operations = {
  write: {
    run(db: DatabaseSync, _: null): Run | null {
      const row = statement(db, 'SELECT * FROM run').get()
      if (row === undefined) return null
      return {
        source: String(row.source),
        reserved: Number(row.reserved),
        mark: Number(row.mark),
        ended: row.ended === 1,
        announcement: String(row.announcement),
        announced: row.announced === 1,
      }
    },

    /** In the place of the run before; what that had not said of itself yet is owed. */
    begin(
      db: DatabaseSync,
      { source, reserved, announcement }: { source: string; reserved: number; announcement: string },
    ): void {
      statement(
        db,
        "INSERT INTO owed (source, n, kind, xml) SELECT source, 0, 'source', announcement FROM run WHERE announced = 0",
      ).run()
      statement(
        db,
        'INSERT OR REPLACE INTO run (one, source, reserved, mark, ended, announcement, announced) VALUES (1, ?, ?, 0, 0, ?, 0)',
      ).run(source, reserved, announcement)
    },

    announced(db: DatabaseSync, _: null): void {
      statement(db, 'UPDATE run SET announced = 1').run()
    },

    reserve(db: DatabaseSync, { reserved, mark }: { reserved: number; mark: number }): void {
      statement(db, 'UPDATE run SET reserved = ?, mark = ?').run(reserved, mark)
    },

    end(db: DatabaseSync, mark: number): void {
      statement(db, 'UPDATE run SET mark = ?, reserved = ?, ended = 1').run(mark, mark)
    },

    owe(db: DatabaseSync, items: readonly Omit<Owed, 'id'>[]): number[] {
      const insert = statement(db, 'INSERT INTO owed (source, n, kind, xml) VALUES (?, ?, ?, ?)')
      return items.map(({ source, n, kind, xml }) => Number(insert.run(source, n, kind, xml).lastInsertRowid))
    },

    paid(db: DatabaseSync, ids: readonly number[]): void {
      const remove = statement(db, 'DELETE FROM owed WHERE id = ?')
      for (const id of ids) remove.run(id)
    },

    aside(db: DatabaseSync, id: number): void {
      statement(db, 'UPDATE owed SET aside = 1 WHERE id = ?').run(id)
    },

    /** Oldest first, at most so many, and so many characters but for the first. */
    owed(db: DatabaseSync, { most, characters }: { most: number; characters: number }): Owed[] {
      const found: Owed[] = []
      let left = characters
      const rows = statement(db, 'SELECT id, source, n, kind, xml FROM owed WHERE aside = 0 ORDER BY id LIMIT ?')
      for (const row of rows.iterate(most)) {
        const xml = String(row.xml)
        if (found.length > 0 && xml.length > left) break
        left -= xml.length
        found.push({
          id: Number(row.id),
          source: String(row.source),
          n: Number(row.n),
          kind: String(row.kind) as Owed['kind'],
          xml,
        })
      }
      return found
    },

    /** How many are owed, and their characters. */
    weigh(db: DatabaseSync, _: null): { count: number; characters: number } {
      const row = statement(
        db,
        'SELECT count(*) AS count, ifnull(sum(length(xml)), 0) AS characters FROM owed WHERE aside = 0',
      ).get()
      return { count: Number(row?.count ?? 0), characters: Number(row?.characters ?? 0) }
    },

    held(db: DatabaseSync, _: null): Held | null {
      const row = statement(db, 'SELECT id, rule FROM held').get()
      return row === undefined ? null : { id: String(row.id), rule: row.rule === null ? null : String(row.rule) }
    },

    hold(db: DatabaseSync, { id, rule }: Held): void {
      statement(db, 'INSERT OR REPLACE INTO held (one, id, rule) VALUES (1, ?, ?)').run(id, rule)
    },
  },
  read: {},
  stream: {},
}
