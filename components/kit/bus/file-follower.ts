// SPDX-License-Identifier: Apache-2.0
// A follower of the engine `file`: reads the segments of another process's journal, also while that process is down.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { isBusy, sqliteCode } from '../store/faults.ts'
import { Bell } from './bell.ts'
import { isFollowerName, readMark, readMarks, writeMark, writeRelease } from './follower-marks.ts'
import { type Follower, JournalFault, type JournalState, type Kept } from './journal.ts'
import { hoursLeft } from './rate.ts'
import {
  bellPath,
  checkSegment,
  existing,
  lastIn,
  listSegments,
  makeFile,
  notePath,
  segmentBytes,
  segmentPath,
} from './segments.ts'

export type FileFollowerOptions = {
  /** Waits until the writer has made the journal, at the longest until this signal aborts; without it a missing journal is a fault. */
  waitFor?: AbortSignal
}

/** A batch ends when its bodies have this many characters, so that large entries do not pile up in memory. */
const MAX_BATCH_CHARACTERS = 8 << 20
const BUSY_MS = 100
const BUSY_TRIES = 100
const SQLITE_PERM = 3
const SQLITE_READONLY = 8
const SQLITE_CANTOPEN = 14

/**
 * Opens the journal in this folder for reading, under the name by which the writer knows this follower: from the first opening
 * on the writer keeps what the follower has not acknowledged. One process per name. Rejects with JournalFault.
 */
export async function openFollower(folder: string, name: string, options: FileFollowerOptions = {}): Promise<Follower> {
  if (!isFollowerName(name))
    throw new RangeError(`"${name}" cannot name a follower: lower-case letters, digits, hyphens`)
  while (!isThere(folder)) {
    if (options.waitFor === undefined)
      throw new JournalFault(`there is no journal in ${folder} yet: its writer makes it`)
    if (options.waitFor.aborted) throw new JournalFault(`there is no journal in ${folder}: waiting for it was given up`)
    await setTimeout(100, undefined, { signal: options.waitFor }).catch(() => {})
  }
  try {
    return new FileFollower(folder, name)
  } catch (error) {
    throw faultOf(error, folder)
  }
}

function isThere(folder: string): boolean {
  try {
    return statSync(notePath(folder)).isFile() && listSegments(folder).length > 0
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw faultOf(error, folder)
  }
}

/** The error as a JournalFault that names the file; where the system forbade something, it says what a follower needs. */
function faultOf(error: unknown, path: string): JournalFault {
  if (error instanceof JournalFault) return error
  const text = error instanceof Error ? error.message : String(error)
  const primary = (sqliteCode(error) ?? 0) & 0xff
  const forbidden = [SQLITE_PERM, SQLITE_READONLY, SQLITE_CANTOPEN].includes(primary) || /^(EACCES|EPERM)/.test(text)
  const hint = forbidden ? ": a follower must be in the group of the journal's folder" : ''
  return new JournalFault(`${path} cannot be read: ${text}${hint}`, { cause: error })
}

type Reading = { first: number; path: string; inode: number; db: DatabaseSync; after: StatementSync }

class FileFollower implements Follower {
  readonly #folder: string
  readonly #name: string
  readonly #id: string
  readonly #ending = new AbortController()
  #acknowledged: number
  /** The newest position this follower has seen. */
  #seen = 0

  constructor(folder: string, name: string) {
    this.#folder = folder
    this.#name = name
    this.#id = this.#readNote().id
    makeFile(bellPath(folder))
    const mark = readMark(folder, name)
    if (mark === undefined) writeMark(folder, name, 0)
    this.#acknowledged = mark ?? 0
  }

  async *follow(after: number, options: { limit: number; signal: AbortSignal }): AsyncGenerator<readonly Kept[]> {
    const { limit } = options
    if (!Number.isSafeInteger(after) || after < 0) throw new RangeError(`after is ${after}: a position is wanted`)
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`limit is ${limit}: at least 1 is wanted`)
    const signal = AbortSignal.any([options.signal, this.#ending.signal])
    const bell = new Bell(bellPath(this.#folder))
    let reading: Reading | undefined
    let next = after + 1
    try {
      reading = await this.#find(next)
      if (next < reading.first) next = reading.first
      else this.#checkReach(reading, next)
      while (!signal.aborted) {
        bell.listen()
        const batch = await this.#retry(() => readBatch(reading as Reading, next, limit), reading.path)
        if (batch.length > 0) {
          next += batch.length
          this.#seen = Math.max(this.#seen, next - 1)
          yield batch
          // A consumer that never waits must not starve the rest of the process.
          await setImmediate()
        } else if (existsSync(segmentPath(this.#folder, next)) && reading.first !== next) {
          const following = await this.#open(segmentPath(this.#folder, next), next)
          reading.db.close()
          reading = following
        } else {
          const read = reading
          await this.#retry(() => this.#checkWhole(read, next))
          await bell.wait(signal)
        }
      }
    } finally {
      bell.close()
      reading?.db.close()
    }
  }

  async acknowledge(position: number): Promise<void> {
    if (!Number.isSafeInteger(position) || position < 0) throw new RangeError(`${position} is not a position`)
    if (position <= this.#acknowledged) return
    if (position > this.#seen) {
      this.#seen = (await this.state()).last
      if (position > this.#seen)
        throw new JournalFault(`${position} cannot be acknowledged: the newest entry is ${this.#seen}`)
    }
    writeMark(this.#folder, this.#name, position)
    this.#acknowledged = position
  }

  async release(position: number): Promise<void> {
    if (!Number.isSafeInteger(position) || position < 0) throw new RangeError(`${position} is not a position`)
    writeRelease(this.#folder, this.#name, position)
  }

  async state(): Promise<JournalState> {
    const reading = await this.#find(Number.MAX_SAFE_INTEGER)
    try {
      const segments = await this.#retry(() => listSegments(this.#folder))
      const last = await this.#retry(() => lastIn(reading.db, reading.first))
      const { maxBytes, bytesPerHour } = this.#readNote()
      const bytes = segments.reduce((sum, { path }) => sum + segmentBytes(path), 0)
      return {
        id: this.#id,
        first: segments[0]?.first ?? reading.first,
        last,
        bytes,
        maxBytes,
        followers: readMarks(this.#folder),
        hoursLeft: hoursLeft(bytes, maxBytes, bytesPerHour),
      }
    } finally {
      reading.db.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
  }

  /** The segment in which this position stands or will stand; the oldest one if the position has been trimmed. */
  async #find(position: number): Promise<Reading> {
    for (;;) {
      const segments = await this.#retry(() => listSegments(this.#folder))
      const found = segments.findLast(({ first }) => first <= position) ?? segments[0]
      if (found === undefined) throw new JournalFault(`the journal in ${this.#folder} has no segment any more`)
      try {
        return await this.#open(found.path, found.first)
      } catch (error) {
        // Trimmed between the look and the opening.
        if (existsSync(found.path)) throw error
      }
    }
  }

  #open(path: string, first: number): Promise<Reading> {
    return this.#retry(() => {
      const db = new DatabaseSync(this.#locate(path, first), { readOnly: true, timeout: BUSY_MS })
      try {
        checkSegment(db, path, this.#id)
        const sql =
          'SELECT position, at, kind, version, body FROM entries WHERE position >= ? ORDER BY position LIMIT ?'
        const after = db.prepare(sql)
        // Cells, not objects: an object of SQLite's has to be copied to become one of ours, half of what reading costs.
        after.setReturnArrays(true)
        return { first, path, inode: statSync(path).ino, db, after }
      } catch (error) {
        db.close()
        throw error
      }
    }, path)
  }

  /**
   * A segment that has a successor and no -wal never changes again: opened as such it needs no -wal and -shm, which could not
   * be made on a full disk, when reading on is what frees it.
   */
  #locate(path: string, first: number): URL {
    const url = existing(path, 'ro')
    const ended = listSegments(this.#folder).some((segment) => segment.first > first)
    if (ended && (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0)
      url.searchParams.set('immutable', '1')
    return url
  }

  /** Repeats a step while the writer holds a lock (it does only for moments); every other error becomes a JournalFault. */
  async #retry<T>(step: () => T, path = this.#folder): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return step()
      } catch (error) {
        if (!isBusy(error) || tried === BUSY_TRIES) throw faultOf(error, path)
        await setTimeout(10)
      }
    }
  }

  #checkReach(reading: Reading, next: number): void {
    const last = lastIn(reading.db, reading.first)
    if (next > last + 1) {
      throw new JournalFault(
        `the journal ${this.#id} in ${this.#folder} ends at ${last}, and ${next} was asked for: it has been replaced or cut`,
      )
    }
  }

  /** At the end of a segment: a later one may only begin where this one ends, and this one is still the file of its name. */
  #checkWhole(reading: Reading, next: number): void {
    const { path, inode, first } = reading
    const later = listSegments(this.#folder).find((segment) => segment.first > first)
    const moved = statSync(path, { throwIfNoEntry: false })?.ino !== inode
    if ((later === undefined || later.first <= next) && !moved) return
    if (existsSync(segmentPath(this.#folder, next))) return
    if (moved) throw new JournalFault(`${path} was moved or replaced while it was being followed`)
    throw new JournalFault(
      `entries ${next} to ${(later?.first ?? next) - 1} are missing from the journal in ${this.#folder}`,
    )
  }

  #readNote(): { id: string; maxBytes: number; bytesPerHour: number | null } {
    const path = notePath(this.#folder)
    try {
      const { id, maxBytes, bytesPerHour } = JSON.parse(readFileSync(path, 'utf8'))
      if (typeof id === 'string' && typeof maxBytes === 'number') return { id, maxBytes, bytesPerHour }
    } catch (error) {
      throw faultOf(error, path)
    }
    throw new JournalFault(`${path} is not the note of a journal`)
  }
}

type Cells = [position: number, at: number, kind: string, version: number, body: string]

function readBatch(reading: Reading, next: number, limit: number): Kept[] {
  const batch: Kept[] = []
  let characters = 0
  for (const [position, at, kind, version, body] of reading.after.iterate(next, limit) as unknown as Iterable<Cells>) {
    if (position !== next + batch.length) {
      throw new JournalFault(`entries ${next + batch.length} to ${position - 1} are missing from ${reading.path}`)
    }
    batch.push({ position, at, kind, version, body })
    characters += body.length
    if (characters > MAX_BATCH_CHARACTERS) break
  }
  return batch
}
