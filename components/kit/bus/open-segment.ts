// SPDX-License-Identifier: Apache-2.0
// What the writer of a file journal holds open: the lock on the folder and the newest segment.
import { statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { isBusy } from '../store/faults.ts'
import { JournalFault } from './journal.ts'
import { writerOf } from './owner.ts'
import { checkSegment, existing, lockPath, makeFile } from './segments.ts'

export type Current = {
  first: number
  path: string
  inode: number
  db: DatabaseSync
  insert: StatementSync
  made: number
  pageBytes: number
}

/** Held as long as the process lives, kill -9 included: an exclusive lock of SQLite on a file that nobody else opens. */
export function lock(folder: string, what = 'journal'): DatabaseSync {
  makeFile(lockPath(folder))
  const db = new DatabaseSync(lockPath(folder), { timeout: 2000 })
  try {
    db.exec('BEGIN EXCLUSIVE')
    return db
  } catch (error) {
    db.close()
    if (isBusy(error)) {
      const pid = writerOf(lockPath(folder))
      throw new JournalFault(`another process${pid === null ? '' : ` (pid ${pid})`} writes the ${what} in ${folder}`)
    }
    throw error
  }
}

/** Opens a segment for writing; `id` is that of the journal it must belong to. */
export function openSegment(path: string, first: number, id?: string): Current {
  const db = new DatabaseSync(existing(path), { timeout: 2000 })
  try {
    checkSegment(db, path, id)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0')
    // The body comes as UTF-8, as it is stored; without the cast it would be a blob.
    const insert = db.prepare(
      'INSERT INTO entries (position, at, kind, version, body) VALUES (?, ?, ?, ?, CAST(? AS TEXT))',
    )
    const made = Number(db.prepare('SELECT made FROM journal').get()?.made)
    const pageBytes = Number(db.prepare('PRAGMA page_size').get()?.page_size)
    return { first, path, inode: statSync(path).ino, db, insert, made, pageBytes }
  } catch (error) {
    db.close()
    if (error instanceof JournalFault) throw error
    throw new JournalFault(`${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}
