// SPDX-License-Identifier: Apache-2.0
// The files of months as a reader holds them: opened when they are asked, the book attached to each as `book`.
import { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import { mayHold, type Numbers, readFileRow, readNumbers } from './holding.ts'
import { type MonthName, monthPath } from './month-path.ts'

/** `lowAt`, `highAt`: the helper's clock of what is in it; null when it is not known of anything. */
export type FileRow = MonthName & {
  number: number
  lowAt: number | null
  highAt: number | null
  last: number
  totals: Readonly<Record<string, number>>
}

export type ReadMonths = {
  /** To be called before anything else: where the book is. */
  open(book: string): void
  at(name: MonthName): DatabaseSync
  /**
   * Everything that `read` reads of a file, it reads as the file is at one moment; the book's is the first one. Without it each statement
   * takes and gives up a lock of its own, and what other threads commit in between empties the cache of pages.
   */
  atOnce<T>(book: DatabaseSync, read: () => T): T
  close(): void
}

const MOST_OPEN = 32
/**
 * What somebody else commits empties the cache, and to give back and take again 16 MiB page by page took 0.8 ms of the next search, more than
 * the search: with 10 commits a second one in twelve. A smaller cache saves the pages of one search and not many of the next.
 */
const CACHE_KIB = 4096

export function openReadMonths(): ReadMonths {
  const open = new Map<string, DatabaseSync>()
  let book = ''
  let begun: Set<DatabaseSync> | null = null
  return {
    open(path) {
      book = path
    },
    at(name) {
      const path = monthPath(book, name)
      const here = open.get(path)
      const db = here ?? attached(path, book)
      // The one used last stands last.
      open.delete(path)
      open.set(path, db)
      if (here === undefined) closeOldest(open)
      if (begun !== null && !begun.has(db)) {
        statement(db, 'BEGIN').run()
        begun.add(db)
      }
      return db
    },
    atOnce(whole, read) {
      statement(whole, 'BEGIN').run()
      begun = new Set()
      try {
        return read()
      } finally {
        // Closing a file ends what is begun in it.
        for (const db of begun) if (db.isOpen && db.isTransaction) statement(db, 'COMMIT').run()
        begun = null
        if (whole.isTransaction) statement(whole, 'COMMIT').run()
      }
    },
    close() {
      for (const db of open.values()) db.close()
      open.clear()
    },
  }
}

function attached(path: string, book: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
  try {
    db.prepare('ATTACH DATABASE ? AS book').run(book)
    db.exec(`PRAGMA main.cache_size = -${CACHE_KIB}`)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function closeOldest(open: Map<string, DatabaseSync>): void {
  const [oldest] = open
  if (open.size <= MOST_OPEN || oldest === undefined) return
  oldest[1].close()
  open.delete(oldest[0])
}

/** Newest month first. */
export function listFiles(book: DatabaseSync): FileRow[] {
  const sql = 'SELECT number, host, month, low_at, high_at, last, totals FROM file ORDER BY month DESC, host'
  return statement(book, sql)
    .all()
    .map((row) => ({
      ...readFileRow(row),
      totals: JSON.parse(String(row.totals)) as Record<string, number>,
    }))
}

/** A record of a file that a search found. The file is opened again where it was closed since, for others. */
export type Hit = { file: FileRow; number: number }

export type HeldSpan = MonthName & Numbers

/** All of a source (its number in the book), newest month first. */
export function spansOf(book: DatabaseSync, source: number): HeldSpan[] {
  const sql = `SELECT host, month, low, high, originated FROM span JOIN file ON file.number = span.file WHERE source = ?
    ORDER BY month DESC, host`
  return statement(book, sql)
    .all(source)
    .map((row) => ({ host: String(row.host), month: String(row.month), ...readNumbers(row) }))
}

/** Where number n may be; `host`: only in files of this one. */
export function holding(spans: readonly HeldSpan[], n: number, host?: string): MonthName[] {
  return spans.filter((span) => (host === undefined || span.host === host) && mayHold(span, n))
}

/** Files in which number n of the source (its number in the book) may be, newest month first; `host`: only of this one. */
export function filesHolding(book: DatabaseSync, source: number, n: number, host?: string): MonthName[] {
  return holding(spansOf(book, source), n, host)
}
