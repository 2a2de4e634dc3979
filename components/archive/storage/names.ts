// SPDX-License-Identifier: Apache-2.0
// The numbers of names and sources, kept in memory beside the tables.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import { SHORTEST } from '../domain/record-id.ts'

const MOST_KEPT = 200_000

export type Names = {
  /** To be called first in each transaction: what an undone one had added is forgotten. */
  check(db: DatabaseSync): void
  /** Number of a name, made if needed; null for the empty text. */
  number(db: DatabaseSync, text: string): number | null
  source(db: DatabaseSync, id: string): number
  journal(db: DatabaseSync, id: string): number
}

export function openNames(): Names {
  const names = new Map<string, number>()
  const sources = new Map<string, number>()
  let highest = 0
  return {
    check(db) {
      if (highest > newest(db, 'name') || names.size > MOST_KEPT) names.clear()
      highest = newest(db, 'name')
      // Sources are few; they are looked up again in each transaction.
      sources.clear()
    },
    number(db, text) {
      if (text === '') return null
      const known = names.get(text)
      if (known !== undefined) return known
      const number = nameNumber(db, text) ?? insert(db, 'INSERT INTO name (text) VALUES (?)', [text])
      names.set(text, number)
      highest = Math.max(highest, number)
      return number
    },
    source(db, id) {
      const known = sources.get(id)
      if (known !== undefined) return known
      const number =
        sourceNumber(db, id) ?? insert(db, 'INSERT INTO source (id, short) VALUES (?, ?)', [id, shortName(db, id)])
      sources.set(id, number)
      return number
    },
    journal(db, id) {
      const row = statement(db, 'SELECT number FROM journal WHERE id = ?').get(id)
      return row ? Number(row.number) : insert(db, 'INSERT INTO journal (id, position) VALUES (?, 0)', [id])
    },
  }
}

export function nameNumber(db: DatabaseSync, text: string): number | undefined {
  const row = statement(db, 'SELECT number FROM name WHERE text = ?').get(text)
  return row && Number(row.number)
}

export function sourceNumber(db: DatabaseSync, id: string): number | undefined {
  const row = statement(db, 'SELECT number FROM source WHERE id = ?').get(id)
  return row && Number(row.number)
}

/** The shortest start of the id that no source has as its short name, so that what was shown once stays unambiguous. */
function shortName(db: DatabaseSync, id: string): string {
  const taken = statement(db, 'SELECT 1 FROM source WHERE short = ?')
  let length = SHORTEST
  while (length < id.length && taken.get(id.slice(0, length))) length += 1
  return id.slice(0, length)
}

function newest(db: DatabaseSync, table: 'name'): number {
  return Number(statement(db, `SELECT max(number) AS highest FROM ${table}`).get()?.highest ?? 0)
}

function insert(db: DatabaseSync, sql: string, values: readonly string[]): number {
  return Number(statement(db, sql).run(...values).lastInsertRowid)
}
