// SPDX-License-Identifier: Apache-2.0
// Which file of a month has which numbers of which source: rows of the book, kept in memory by the writer.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import type { MonthName } from './month-path.ts'

export type ShelfFile = MonthName & {
  readonly number: number
  lowAt: number | null
  highAt: number | null
  last: number
  totals: string
  changed: boolean
}

type Span = { source: number; file: ShelfFile; low: number; high: number; originated: boolean; changed: boolean }

export type Shelf = {
  /** Everything is read again: what was noted in an undone transaction is not so. */
  forget(): void
  file(db: DatabaseSync, name: MonthName): ShelfFile
  /** Number n of the source (its number in the book) is in this file, sent at `at`. */
  note(db: DatabaseSync, file: ShelfFile, source: number, n: number, at: number | null): void
  /** True when number n may be in another file of the same host. */
  isElsewhere(db: DatabaseSync, source: number, n: number, file: ShelfFile): boolean
  /** Files in which number n may be, newest month first. */
  holding(db: DatabaseSync, source: number, n: number): readonly ShelfFile[]
  /** Writes what changed into the book. */
  write(db: DatabaseSync): void
}

function mayHold({ low, high, originated }: Span, n: number): boolean {
  return n < 0 ? originated : low <= n && n <= high
}

export function openShelf(): Shelf {
  let files = new Map<string, ShelfFile>()
  let spans = new Map<number, Span[]>()
  let loaded = false
  return {
    forget() {
      loaded = false
    },
    file(db, { host, month }) {
      load(db)
      const key = `${month} ${host}`
      let file = files.get(key)
      if (file === undefined) {
        const made = statement(db, 'INSERT INTO file (host, month) VALUES (?, ?)').run(host, month)
        const number = Number(made.lastInsertRowid)
        file = { number, host, month, lowAt: null, highAt: null, last: 0, totals: '{}', changed: false }
        files.set(key, file)
      }
      return file
    },
    note(db, file, source, n, at) {
      load(db)
      if (at !== null && (file.lowAt === null || at < file.lowAt)) file.lowAt = at
      if (at !== null && (file.highAt === null || at > file.highAt)) file.highAt = at
      file.changed = true
      const known = spans.get(source) ?? []
      let span = known.at(-1)?.file === file ? known.at(-1) : known.find((one) => one.file === file)
      if (span === undefined) {
        // Numbers of what the server itself wrote are below 0 and in no order.
        span = { source, file, low: Math.max(0, n), high: Math.max(0, n), originated: false, changed: true }
        known.push(span)
        spans.set(source, known)
      }
      if (n < 0) {
        span.changed ||= !span.originated
        span.originated = true
        return
      }
      if (span.high === 0 || n < span.low) {
        span.low = n
        span.changed = true
      }
      if (n > span.high) {
        span.high = n
        span.changed = true
      }
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
      for (const file of files.values()) {
        if (!file.changed) continue
        statement(db, 'UPDATE file SET low_at = ?, high_at = ?, last = ?, totals = ? WHERE number = ?').run(
          file.lowAt,
          file.highAt,
          file.last,
          file.totals,
          file.number,
        )
        file.changed = false
      }
      for (const span of [...spans.values()].flat()) {
        if (!span.changed) continue
        statement(db, 'INSERT OR REPLACE INTO span (source, file, low, high, originated) VALUES (?, ?, ?, ?, ?)').run(
          span.source,
          span.file.number,
          span.low,
          span.high,
          span.originated ? 1 : 0,
        )
        span.changed = false
      }
    },
  }

  function load(db: DatabaseSync): void {
    if (loaded) return
    files = new Map()
    spans = new Map()
    const byNumber = new Map<number, ShelfFile>()
    for (const row of statement(db, 'SELECT number, host, month, low_at, high_at, last, totals FROM file').all()) {
      const file: ShelfFile = {
        number: Number(row.number),
        host: String(row.host),
        month: String(row.month),
        lowAt: row.low_at === null ? null : Number(row.low_at),
        highAt: row.high_at === null ? null : Number(row.high_at),
        last: Number(row.last),
        totals: String(row.totals),
        changed: false,
      }
      files.set(`${file.month} ${file.host}`, file)
      byNumber.set(file.number, file)
    }
    for (const row of statement(db, 'SELECT source, file, low, high, originated FROM span').all()) {
      const file = byNumber.get(Number(row.file))
      if (file === undefined) continue
      const source = Number(row.source)
      const span: Span = {
        source,
        file,
        low: Number(row.low),
        high: Number(row.high),
        originated: Number(row.originated) === 1,
        changed: false,
      }
      spans.set(source, [...(spans.get(source) ?? []), span])
    }
    loaded = true
  }
}
