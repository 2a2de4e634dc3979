// SPDX-License-Identifier: Apache-2.0
// The numbers of names, sources and journals of one file, kept in memory beside its tables.
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

/** Those of a file of a month, which has no short names of sources. */
export type MonthNames = Names & { forget(): void }

/** Those of the book. */
export function openNames(): Names {
  return openWith((db, id) => insert(db, 'INSERT INTO source (id, short) VALUES (?, ?)', [id, shortName(db, id)]))
}

export function openMonthNames(): MonthNames {
  return openWith((db, id) => insert(db, 'INSERT INTO source (id) VALUES (?)', [id]))
}

function openWith(makeSource: (db: DatabaseSync, id: string) => number): MonthNames {
  const names = new Map<string, number>()
  const sources = new Map<string, number>()
  const journals = new Map<string, number>()
  let highest = 0
  const forget = () => {
    names.clear()
    sources.clear()
    journals.clear()
  }
  return {
    forget,
    check(db) {
      if (highest > newest(db) || names.size > MOST_KEPT) names.clear()
      highest = newest(db)
      // Sources and journals are few; they are looked up again in each transaction.
      sources.clear()
      journals.clear()
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
      const number = sourceNumber(db, id) ?? makeSource(db, id)
      sources.set(id, number)
      return number
    },
    journal(db, id) {
      const known = journals.get(id)
      if (known !== undefined) return known
      const row = statement(db, 'SELECT number FROM journal WHERE id = ?').get(id)
      const number = row ? Number(row.number) : insert(db, 'INSERT INTO journal (id, position) VALUES (?, 0)', [id])
      journals.set(id, number)
      return number
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

function newest(db: DatabaseSync): number {
  return Number(statement(db, 'SELECT max(number) AS highest FROM name').get()?.highest ?? 0)
}

function insert(db: DatabaseSync, sql: string, values: readonly string[]): number {
  return Number(statement(db, sql).run(...values).lastInsertRowid)
}
