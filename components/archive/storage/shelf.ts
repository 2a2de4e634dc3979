// SPDX-License-Identifier: Apache-2.0
// Which file of a month has which numbers of which source: rows of the book, kept in memory by the writer.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import { mayHold, type Numbers, readFileRow, readNumbers } from './holding.ts'
import type { MonthName } from './month-path.ts'

export type ShelfFile = MonthName & {
  readonly number: number
  lowAt: number | null
  highAt: number | null
  last: number
  totals: string
}

type Span = Numbers & { source: number; file: ShelfFile }

export type Shelf = {
  /** Everything is read again: what was noted in an undone transaction is not so. */
  forget(): void
  file(db: DatabaseSync, name: MonthName): ShelfFile
  /** What the file holds has changed: its newest record, its totals. */
  changed(file: ShelfFile): void
  /** Number n of the source (its number in the book) is in this file, sent at `at`. */
  note(db: DatabaseSync, file: ShelfFile, source: number, n: number, at: number | null): void
  /** True when number n may be in another file of the same host. */
  isElsewhere(db: DatabaseSync, source: number, n: number, file: ShelfFile): boolean
  /** Files in which number n may be, newest month first. */
  holding(db: DatabaseSync, source: number, n: number): readonly ShelfFile[]
  /** Writes what changed into the book. */
  write(db: DatabaseSync): void
}

export function openShelf(): Shelf {
  let files = new Map<string, ShelfFile>()
  let spans = new Map<number, Span[]>()
  const changedFiles = new Set<ShelfFile>()
  const changedSpans = new Set<Span>()
  let loaded = false
  return {
    forget() {
      loaded = false
      changedFiles.clear()
      changedSpans.clear()
    },
    file(db, { host, month }) {
      load(db)
      const key = `${month} ${host}`
      let file = files.get(key)
      if (file === undefined) {
        const made = statement(db, 'INSERT INTO file (host, month) VALUES (?, ?)').run(host, month)
        const number = Number(made.lastInsertRowid)
        file = { number, host, month, lowAt: null, highAt: null, last: 0, totals: '{}' }
        files.set(key, file)
      }
      return file
    },
    changed(file) {
      changedFiles.add(file)
    },
    note(db, file, source, n, at) {
      load(db)
      if (at !== null && (file.lowAt === null || at < file.lowAt)) file.lowAt = at
      if (at !== null && (file.highAt === null || at > file.highAt)) file.highAt = at
      changedFiles.add(file)
      const known = spans.get(source) ?? []
      let span = known.at(-1)?.file === file ? known.at(-1) : known.find((one) => one.file === file)
      if (span === undefined) {
        // Numbers of what the server itself wrote are below 0 and in no order.
        span = { source, file, low: Math.max(0, n), high: Math.max(0, n), originated: false }
        known.push(span)
        spans.set(source, known)
        changedSpans.add(span)
      }
      const { low, high, originated } = span
      if (n < 0) span.originated = true
      else {
        if (high === 0 || n < low) span.low = n
        if (n > high) span.high = n
      }
      if (span.low !== low || span.high !== high || span.originated !== originated) changedSpans.add(span)
    },
    isElsewhere(db, source, n, file) {
      load(db)
      for (const span of spans.get(source) ?? [])
        if (span.file !== file && span.file.host === file.host && mayHold(span, n)) return true
      return false
    },
    holding(db, source, n) {
      load(db)
      const found = (spans.get(source) ?? []).filter((span) => mayHold(span, n))
      return found
        .map(({ file }) => file)
        .sort((one, other) => (one.month < other.month ? 1 : one.month > other.month ? -1 : other.number - one.number))
    },
    write(db) {
      for (const file of changedFiles) {
        statement(db, 'UPDATE file SET low_at = ?, high_at = ?, last = ?, totals = ? WHERE number = ?').run(
          file.lowAt,
          file.highAt,
          file.last,
          file.totals,
          file.number,
        )
      }
      for (const span of changedSpans) {
        statement(db, 'INSERT OR REPLACE INTO span (source, file, low, high, originated) VALUES (?, ?, ?, ?, ?)').run(
          span.source,
          span.file.number,
          span.low,
          span.high,
          span.originated ? 1 : 0,
        )
      }
      changedFiles.clear()
      changedSpans.clear()
    },
  }

  function load(db: DatabaseSync): void {
    if (loaded) return
    files = new Map()
    spans = new Map()
    const byNumber = new Map<number, ShelfFile>()
    for (const row of statement(db, 'SELECT number, host, month, low_at, high_at, last, totals FROM file').all()) {
      const file: ShelfFile = { ...readFileRow(row), totals: String(row.totals) }
      files.set(`${file.month} ${file.host}`, file)
      byNumber.set(file.number, file)
    }
    for (const row of statement(db, 'SELECT source, file, low, high, originated FROM span').all()) {
      const file = byNumber.get(Number(row.file))
      if (file === undefined) continue
      const source = Number(row.source)
      const span: Span = { source, file, ...readNumbers(row) }
      spans.set(source, [...(spans.get(source) ?? []), span])
    }
    loaded = true
  }
}
