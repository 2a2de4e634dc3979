// SPDX-License-Identifier: Apache-2.0
// What directories said: a whole reading counts from its end on, in one step; until then the one before it holds.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import type { Problem } from '../domain/source.ts'
import type { EntryRow, Pair, SourceState } from '../domain/state.ts'
import { lists } from './lists.ts'

/** So many problems of one reading are kept. */
const MOST_PROBLEMS = 10_000

export type Adopt = {
  source: string
  reading: number
  cursor: string
  at: number
  settings: string
  /** Entries that were there and could not be read: what held for them goes on to hold. */
  keep: readonly string[]
}

export type Changed = {
  source: string
  gone: readonly string[]
  /** Ids and DNs of all entries that were read: what was wrong with them before goes. */
  read: { ids: readonly string[]; dns: readonly string[] }
  problems: readonly Problem[]
  cursor: string
  at: number
}

export const writes = {
  /** Gives the number of a new reading; what is left of one that came to nothing goes. */
  readingBegin(db: DatabaseSync, source: string): number {
    const held = readingOf(db, source)
    for (const table of ['entry', 'problem'])
      statement(db, `DELETE FROM ${table} WHERE source = ? AND reading <> ?`).run(source, held)
    return held + 1
  },
  stage(
    db: DatabaseSync,
    part: { source: string; reading: number; rows: readonly EntryRow[]; problems: readonly Problem[] },
  ) {
    putEntries(db, part.source, part.reading, part.rows)
    putProblems(db, part.source, part.reading, part.problems)
  },
  adopt(db: DatabaseSync, { source, reading, cursor, at, settings, keep }: Adopt) {
    statement(
      db,
      `INSERT OR IGNORE INTO entry SELECT e.source, ?, e.id, e.kind, e.body FROM entry e
        JOIN source s ON s.name = e.source AND s.reading = e.reading WHERE e.source = ? AND e.id IN (SELECT value FROM json_each(?))`,
    ).run(reading, source, JSON.stringify(keep))
    statement(
      db,
      `INSERT INTO source (name, reading, cursor, read_at, whole_at, settings) VALUES (:source, :reading, :cursor, :at, :at, :settings)
        ON CONFLICT (name) DO UPDATE SET reading = :reading, cursor = :cursor, read_at = :at, whole_at = :at, settings = :settings`,
    ).run({ source, reading, cursor, at, settings })
    for (const table of ['entry', 'problem'])
      statement(db, `DELETE FROM ${table} WHERE source = ? AND reading <> ?`).run(source, reading)
  },
  /** Into the reading that holds; `change` says when it is all. */
  changed(db: DatabaseSync, { source, rows }: { source: string; rows: readonly EntryRow[] }) {
    putEntries(db, source, readingOf(db, source), rows)
  },
  change(db: DatabaseSync, { source, gone, read, problems, cursor, at }: Changed) {
    const reading = readingOf(db, source)
    const remove = statement(db, 'DELETE FROM entry WHERE source = ? AND reading = ? AND id = ?')
    for (const id of gone) remove.run(source, reading, id)
    statement(
      db,
      `DELETE FROM problem WHERE source = ? AND reading = ? AND (json_extract(body, '$.id') IN (SELECT value FROM json_each(?))
        OR json_extract(body, '$.dn') IN (SELECT value FROM json_each(?)))`,
    ).run(source, reading, JSON.stringify([...read.ids, ...gone]), JSON.stringify(read.dns))
    putProblems(db, source, reading, problems)
    statement(db, 'UPDATE source SET cursor = ?, read_at = ? WHERE name = ?').run(cursor, at, source)
  },
}

export const reads = {
  pairsOf(db: DatabaseSync, { ids, names }: { ids: readonly string[]; names: readonly string[] }): Pair[] {
    const sql = `SELECT i.value, ifnull((${SAID('i.value')}), ''), ifnull((SELECT body FROM person WHERE id = i.value), ''),
      ${OLD('i.value')} FROM json_each(:ids) i`
    return [...lists(db, sql, { ids: JSON.stringify(ids), names: JSON.stringify(names) })].map(pairOf)
  },
  /** Entries as they were read. */
  saidOf(db: DatabaseSync, { ids, source }: { ids: readonly string[]; source: string }): string[] {
    const sql = `SELECT e.body FROM source s JOIN entry e ON e.source = s.name AND e.reading = s.reading
      WHERE s.name = :source AND e.id IN (SELECT value FROM json_each(:ids))`
    return [...lists(db, sql, { ids: JSON.stringify(ids), source })].map(([body]) => String(body))
  },
}

/** Of one directory, as it was last read. */
export function* entries(db: DatabaseSync, source: string): Iterable<string> {
  const sql = `SELECT e.body FROM entry e JOIN source s ON s.name = e.source AND s.reading = e.reading WHERE e.source = :source`
  for (const [body] of lists(db, sql, { source })) yield String(body)
}

/** Everybody whom one of these directories names, and everybody who is provisioned. `fresh`: no address was ever given. */
export function* pairs(
  db: DatabaseSync,
  { names, fresh }: { names: readonly string[]; fresh: boolean },
): Iterable<Pair> {
  const sql = `SELECT e.id, e.body, ifnull(p.body, ''), ${fresh ? "'[]'" : OLD('e.id')}
      FROM entry e JOIN source s ON s.name = e.source AND s.reading = e.reading LEFT JOIN person p ON p.id = e.id
      WHERE e.kind = 'person' AND e.source IN (SELECT value FROM json_each(:names))
    UNION ALL SELECT p.id, '', p.body, '[]' FROM person p WHERE NOT EXISTS (${SAID('p.id')})`
  for (const row of lists(db, sql, { names: JSON.stringify(names) })) yield pairOf(row)
}

export function sources(db: DatabaseSync): SourceState[] {
  return statement(db, 'SELECT name, cursor, read_at, whole_at, settings FROM source ORDER BY name')
    .all()
    .map((row) => ({
      name: String(row.name),
      cursor: String(row.cursor),
      readAt: Number(row.read_at),
      wholeAt: Number(row.whole_at),
      settings: String(row.settings),
    }))
}

const SAID = (
  id: string,
) => `SELECT e.body FROM source s JOIN entry e ON e.source = s.name AND e.reading = s.reading AND e.id = ${id}
  WHERE e.kind = 'person' AND s.name IN (SELECT value FROM json_each(:names))`
const OLD = (id: string) =>
  `(SELECT json_group_array(jid) FROM (SELECT jid FROM address WHERE person = ${id} ORDER BY since, jid))`

function readingOf(db: DatabaseSync, source: string): number {
  return Number(statement(db, 'SELECT reading FROM source WHERE name = ?').get(source)?.reading ?? 0)
}

function pairOf([id, said, had, oldJids]: readonly unknown[]): Pair {
  return [String(id), String(said), String(had), String(oldJids)]
}

function putEntries(db: DatabaseSync, source: string, reading: number, rows: readonly EntryRow[]): void {
  const insert = statement(
    db,
    `INSERT INTO entry (source, reading, id, kind, body) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (source, reading, id) DO UPDATE SET kind = excluded.kind, body = excluded.body`,
  )
  for (const [id, kind, body] of rows) insert.run(source, reading, id, kind, body)
}

function putProblems(db: DatabaseSync, source: string, reading: number, problems: readonly Problem[]): void {
  if (problems.length === 0) return
  const row = statement(
    db,
    'SELECT count(*) AS count, ifnull(max(number), 0) AS last FROM problem WHERE source = ? AND reading = ?',
  ).get(source, reading)
  const room = MOST_PROBLEMS - Number(row?.count)
  const insert = statement(db, 'INSERT INTO problem (source, reading, number, body) VALUES (?, ?, ?, ?)')
  for (const [at, problem] of problems.slice(0, Math.max(0, room)).entries())
    insert.run(source, reading, Number(row?.last) + 1 + at, JSON.stringify(problem))
}
