// SPDX-License-Identifier: Apache-2.0
// The folder of a file journal: its segments, its followers' marks, its bell. Page: JOURNAL.md.
import {
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { isFull } from '../store/faults.ts'
import { syncPath } from '../store/sync-path.ts'
import { JournalFault } from './journal.ts'

/** The version of the folder's layout and tables; a reader of version N reads N-1. */
export const FORMAT = 1
/** 'GHJL' in every segment (PRAGMA application_id). */
export const APPLICATION_ID = 0x47484a4c
/** Readable and writable for the writer and the group: SQLite followers must write -shm. Nothing for others. */
export const FILE_MODE = 0o660
const FOLDER_MODE = 0o2770

/** Twice SQLite's own: a fifth less CPU for entries of 1.6 kB in large commits, and no more for small ones (measured). */
export const PAGE_BYTES = 8192

const SHM_BYTES = 32 << 10
/** Enough for an empty segment with -shm and the first of its -wal. */
export const RESERVE_BYTES = 256 << 10
const SEGMENT = /^journal-(\d{16})\.db$/
const LEFTOVER = /\.new(-journal|-wal|-shm)?$/

export type Segment = { first: number; path: string }

/** The path of the segment whose oldest entry has this position. */
export function segmentPath(folder: string, first: number): string {
  return join(folder, `journal-${String(first).padStart(16, '0')}.db`)
}

export const lockPath = (folder: string): string => join(folder, 'writer.lock')
export const bellPath = (folder: string): string => join(folder, 'bell')
export const reservePath = (folder: string): string => join(folder, 'reserve')
export const notePath = (folder: string): string => join(folder, 'state.json')

/** All segments, oldest first. */
export function listSegments(folder: string): Segment[] {
  return readdirSync(folder)
    .map((name) => SEGMENT.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map((digits) => ({ first: Number(digits), path: segmentPath(folder, Number(digits)) }))
    .sort((one, other) => one.first - other.first)
}

/** Makes the folder if it is missing; its group is inherited by every file in it (setgid). */
export function makeFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    // The umask does not count here, and mkdir drops the setgid bit.
    if (process.geteuid?.() === statSync(folder).uid) fchmodSync(fd, FOLDER_MODE)
  } finally {
    closeSync(fd)
  }
}

/** Makes an empty file with the journal's mode, whatever the umask is, unless it is there. */
export function makeFile(path: string): void {
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, FILE_MODE)
  try {
    if (process.geteuid?.() === statSync(path).uid) fchmodSync(fd, FILE_MODE)
  } finally {
    closeSync(fd)
  }
}

/**
 * Makes an empty segment: built under another name, synced, and renamed, so that a crash leaves a whole one or none.
 * `previous` is the place of the journal's last entry, which keeps positions from being used twice after everything was trimmed.
 */
export function makeSegment(folder: string, id: string, first: number, now: number): string {
  const path = segmentPath(folder, first)
  const unfinished = `${path}.new`
  rmSync(unfinished, { force: true })
  makeFile(unfinished)
  try {
    const db = new DatabaseSync(unfinished)
    try {
      db.exec(
        `PRAGMA page_size = ${PAGE_BYTES}; PRAGMA synchronous = OFF; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}`,
      )
      db.exec('CREATE TABLE journal (id TEXT NOT NULL, first INTEGER NOT NULL, made INTEGER NOT NULL) STRICT')
      db.exec(`CREATE TABLE entries (position INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,
        version INTEGER NOT NULL, body TEXT NOT NULL) STRICT`)
      db.prepare('INSERT INTO journal VALUES (?, ?, ?)').run(id, first, now)
      db.exec('PRAGMA journal_mode = WAL')
    } finally {
      db.close()
    }
    syncPath(unfinished)
    renameSync(unfinished, path)
    syncPath(folder)
  } catch (error) {
    for (const end of ['', '-journal', '-wal', '-shm']) rmSync(unfinished + end, { force: true })
    throw error
  }
  return path
}

/** Space that is given up when the disk is full, to begin a segment so that others can be removed; kept again once there is some. */
export function keepReserve(folder: string): void {
  const path = reservePath(folder)
  if (statSync(path, { throwIfNoEntry: false })?.size === RESERVE_BYTES) return
  try {
    makeFile(path)
    writeFileSync(path, Buffer.alloc(RESERVE_BYTES))
  } catch (error) {
    rmSync(path, { force: true })
    if (!isFull(error)) throw error
  }
}

/** Removes what a crash in the middle of making or of trimming a segment left. */
export function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const owner = /^(journal-\d{16}\.db)-(wal|shm)$/.exec(name)?.[1]
    const orphan = owner !== undefined && statSync(join(folder, owner), { throwIfNoEntry: false }) === undefined
    if (orphan || (name.startsWith('journal-') && LEFTOVER.test(name))) rmSync(join(folder, name), { force: true })
  }
}

/** What a segment takes on the disk, with its -wal; its -shm counts always, because a follower may make it at any time. */
export function segmentBytes(path: string): number {
  const size = (end: string): number => statSync(path + end, { throwIfNoEntry: false })?.size ?? 0
  return size('') + size('-wal') + Math.max(size('-shm'), SHM_BYTES)
}

/** How to open a segment that must be there: SQLite would make an empty file where it was trimmed in the meantime. */
export function existing(path: string, mode: 'rw' | 'ro' = 'rw'): URL {
  const url = pathToFileURL(path)
  url.searchParams.set('mode', mode)
  return url
}

/** Checks that the file is a segment that this program reads, of the journal `id` if one is given; gives the journal's id. */
export function checkSegment(db: DatabaseSync, path: string, id?: string): string {
  const mark = Number(db.prepare('PRAGMA application_id').get()?.application_id)
  if (mark !== APPLICATION_ID) throw new JournalFault(`${path} is not a segment of a journal`)
  const format = Number(db.prepare('PRAGMA user_version').get()?.user_version)
  if (format > FORMAT) {
    throw new JournalFault(
      `${path} has format ${format}, and this program reads formats up to ${FORMAT}: use the newer program`,
    )
  }
  const found = String(db.prepare('SELECT id FROM journal').get()?.id)
  if (id !== undefined && found !== id) throw new JournalFault(`${path} belongs to the journal ${found}, not to ${id}`)
  return found
}

/** The position of the newest entry in a segment; first - 1 if it has none. */
export function lastIn(db: DatabaseSync, first: number): number {
  return Number(db.prepare('SELECT max(position) AS last FROM entries').get()?.last ?? first - 1)
}
