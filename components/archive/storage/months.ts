// SPDX-License-Identifier: Apache-2.0
// The files of months as the writer holds them: opened when they are needed, each with a transaction of its own in each group of calls.
// They are committed before the book (kit/store Beside). Each knows up to where it has what is its own of each journal, so that
// what is told again after a kill between the commits changes nothing.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isBusy, isFull, StoreFault } from '../../kit/store/faults.ts'
import { migrate } from '../../kit/store/migrations.ts'
import type { Beside } from '../../kit/store/serve.ts'
import { statement } from '../../kit/store/statement.ts'
import { type MonthName, monthPath } from './month-path.ts'
import { type MonthNames, openMonthNames } from './names.ts'
import { MONTH_ID, monthMigrations } from './schema.ts'

export type Month = MonthName & {
  readonly db: DatabaseSync
  readonly path: string
  readonly names: MonthNames
  /** The counts as they stand in the file: tries, again, conflicts, skewed, repeats, unreadable. */
  totals: Record<string, number>
}

export type Months = Beside & {
  /** To be called before anything else: where the book is. */
  open(book: string): void
  /** The file for writing, made if needed; a transaction is open in it. */
  at(name: MonthName): Month
  /** Wipes what was deleted out of the -wal as well, once the group is committed; tried again until it could be done. */
  fold(name: MonthName): void
  /** Tries what is to be wiped; gives what readers still hold. */
  tidy(): readonly MonthName[]
  close(): void
}

type Open = { month: Month; begun: boolean; held: boolean; used: number }

/** Files that stay open: each takes memory for its page cache. A larger one was not faster: 16 MB cost 13 MB of memory and saved nothing. */
const MOST_OPEN = 16
const CACHE_KIB = 4096
const FOLD_WITHIN_MS = 200
/**
 * Twice SQLite's own: a message of 1 kB with its text left half of each smaller page empty. A third less disk and an eighth less CPU
 * a message for bodies of 100 and 1,000 bytes in turn; larger ones were no better for ids in order (measured).
 */
const PAGE_BYTES = 8192
const WAL_BYTES = 16 << 20

export function openMonths(each?: (month: DatabaseSync) => void): Months {
  const files = new Map<string, Open>()
  const unfolded = new Map<string, MonthName>()
  let book = ''
  let uses = 0
  const begun = () => [...files.values()].filter((file) => file.begun)
  const months: Months = {
    open(path) {
      book = path
    },
    at(name) {
      const path = monthPath(book, name)
      let file = files.get(path)
      if (file === undefined) {
        closeSome()
        file = { month: openMonth(path, name), begun: false, held: false, used: 0 }
        files.set(path, file)
      }
      file.used = ++uses
      if (!file.begun) {
        each?.(file.month.db)
        file.month.db.exec('BEGIN IMMEDIATE')
        file.begun = true
        file.month.names.check(file.month.db)
      }
      if (!file.held) {
        file.month.db.exec('SAVEPOINT one')
        file.held = true
      }
      return file.month
    },
    hold() {
      for (const file of files.values()) file.held = false
    },
    release() {
      for (const file of begun()) {
        if (file.held) file.month.db.exec('RELEASE one')
        file.held = false
      }
    },
    undo() {
      for (const file of begun()) {
        if (file.held && file.month.db.isTransaction) file.month.db.exec('ROLLBACK TO one; RELEASE one')
        file.held = false
        forget(file)
      }
    },
    commit() {
      for (const file of begun()) {
        file.month.db.exec('COMMIT')
        file.begun = false
      }
    },
    rollback() {
      for (const file of begun()) {
        if (file.month.db.isTransaction) file.month.db.exec('ROLLBACK')
        file.begun = file.held = false
        forget(file)
      }
    },
    fold(name) {
      unfolded.set(monthPath(book, name), name)
    },
    tidy() {
      for (const [path, name] of unfolded) {
        const month = files.get(path)?.month ?? months.at(name)
        // Opened just now for this.
        months.commit()
        if (foldNow(month.db)) unfolded.delete(path)
      }
      return [...unfolded.values()]
    },
    close() {
      for (const { month } of files.values()) month.db.close()
      files.clear()
    },
  }
  return months

  function closeSome(): void {
    const idle = [...files].filter(([, file]) => !file.begun).sort(([, one], [, other]) => one.used - other.used)
    for (const [path, { month }] of idle.slice(0, Math.max(0, files.size - MOST_OPEN + 1))) {
      month.db.close()
      files.delete(path)
    }
  }
}

/** True when the -wal is empty; false when a reader or a full disk is in the way. */
export function foldNow(db: DatabaseSync): boolean {
  db.exec(`PRAGMA busy_timeout = ${FOLD_WITHIN_MS}`)
  try {
    return Number(db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy) === 0
  } catch (error) {
    if (isBusy(error) || isFull(error)) return false
    throw error
  } finally {
    db.exec('PRAGMA busy_timeout = 5000')
  }
}

function forget({ month }: Open): void {
  month.names.forget()
  month.totals = readTotals(month.db)
}

export function openMonth(path: string, { host, month }: MonthName): Month {
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 })
  const db = new DatabaseSync(path, { timeout: 5000 })
  try {
    // Of a new file; one that is there keeps what it has.
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`)
    db.exec(`PRAGMA wal_autocheckpoint = ${WAL_BYTES / PAGE_BYTES}`)
    db.exec(`PRAGMA secure_delete = ON; PRAGMA cache_size = -${CACHE_KIB}`)
    const mark = Number(db.prepare('PRAGMA application_id').get()?.application_id)
    if (mark !== MONTH_ID) {
      if (mark !== 0 || db.prepare('SELECT 1 FROM sqlite_schema').get())
        throw new StoreFault(`${path} is another program's file (application_id ${mark})`)
      db.exec(`PRAGMA application_id = ${MONTH_ID}`)
    }
    migrate(db, monthMigrations, path)
    db.prepare('INSERT INTO month (host, month) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM month)').run(host, month)
    const named = db.prepare('SELECT host, month FROM month').get()
    if (named?.host !== host || named.month !== month)
      throw new StoreFault(`${path} is the file of ${named?.host} in ${named?.month}, not of ${host} in ${month}`)
    return { host, month, path, db, names: openMonthNames(), totals: readTotals(db) }
  } catch (error) {
    db.close()
    throw error
  }
}

function readTotals(db: DatabaseSync): Record<string, number> {
  const rows = statement(db, 'SELECT name, value FROM total').all()
  return Object.fromEntries(rows.map(({ name, value }) => [String(name), Number(value)]))
}
