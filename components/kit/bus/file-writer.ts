// SPDX-License-Identifier: Apache-2.0
// The one writer of a file journal, inside its worker thread: groups of calls into commits, segments, trimming, bounds.
import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { isBusy, isFull } from '../store/faults.ts'
import type { Fill, FillLevel, FoldAsk, FoldTold, Note, Settled, WorkerSettings } from './file-messages.ts'
import { readMarks, readReleases } from './follower-marks.ts'
import { JournalFault, type JournalState } from './journal.ts'
import { type Current, lock, openSegment } from './open-segment.ts'
import type { Cells } from './parcel.ts'
import { hoursLeft, Rate } from './rate.ts'
import { Rope } from './rope.ts'
import {
  checkSegment,
  FILE_MODE,
  FORMAT,
  keepReserve,
  lastIn,
  listSegments,
  makeFile,
  makeFolder,
  makeSegment,
  notePath,
  reservePath,
  segmentBytes,
  sweep,
} from './segments.ts'
import { COMMIT_OVERHEAD, RESERVE, weigh } from './weight.ts'

/** The calls of one group: how many entries each has, and those. */
export type Group = { sizes: readonly number[]; cells: Cells }

const LEVELS: readonly FillLevel[] = ['normal', 'warned', 'alarmed', 'full']
/** The folding thread is asked at this size, the writer helps at that one. */
const FOLD_BYTES = 2 << 20
const WAL_BYTES = 32 << 20
const ROTATE_AGAIN_MS = 1000

export class FileWriter {
  readonly id: string
  last: number
  readonly #settings: WorkerSettings
  readonly #lock: DatabaseSync
  readonly #rope: Rope
  readonly #rate = new Rate(Date.now())
  /** Segments that are full; `bytes` is the most that each takes on the disk, `settled` what it takes when it is folded. */
  readonly #sealed: { first: number; last: number; path: string; bytes: number; settled: number }[] = []
  readonly #tellLevel: (level: FillLevel, fill: Fill) => void
  readonly #askFold: (ask: FoldAsk) => void
  #current: Current
  /** What the -wal holds that is not yet in the database: it will be there twice for a moment. */
  #unfolded = 0
  /** Of `#unfolded` and of `#inWal`, what the folding thread is at; -1 while it is at nothing. */
  #folding = -1
  /** `#inWal` when the folding thread was asked last. */
  #foldedWal = 0
  /** What was written to the -wal since it last began anew. */
  #inWal = 0
  /** Segments that are full and are being ended by the folding thread. */
  readonly #ended = new Map<string, { db: DatabaseSync; done: PromiseWithResolvers<void> }>()
  /** After a failure (the disk is full) the next segment is tried again only then. */
  #rotateAt = 0
  /** The last append was rejected for want of space: then even a segment that is small and young is given back. */
  #rejecting = false
  #level: FillLevel = 'normal'
  #note = ''

  /** `askFold` hands work to the folding thread, which answers with folded(). */
  constructor(
    settings: WorkerSettings,
    tellLevel: (level: FillLevel, fill: Fill) => void,
    askFold: (ask: FoldAsk) => void,
  ) {
    this.#settings = settings
    this.#tellLevel = tellLevel
    this.#askFold = askFold
    makeFolder(settings.folder)
    this.#lock = lock(settings.folder)
    try {
      sweep(settings.folder)
      const segments = listSegments(settings.folder)
      const newest = segments.at(-1)
      if (newest === undefined) {
        this.id = newId()
        this.#current = openSegment(makeSegment(settings.folder, this.id, 1, Date.now()), 1, this.id)
      } else {
        this.#current = openSegment(newest.path, newest.first)
        this.id = checkSegment(this.#current.db, newest.path)
      }
      this.last = lastIn(this.#current.db, this.#current.first)
      for (const [index, { first, path }] of segments.slice(0, -1).entries()) {
        const last = (segments[index + 1]?.first ?? this.#current.first) - 1
        const bytes = segmentBytes(path)
        this.#sealed.push({ first, last, path, bytes, settled: bytes })
      }
      this.#rope = new Rope(settings.folder)
      this.#writeNote()
      keepReserve(settings.folder)
    } catch (error) {
      this.#lock.close()
      throw error
    }
  }

  /** Appends every call of the group in one transaction: after it returns, what it says is on disk. */
  append({ sizes, cells }: Group): Settled[] {
    const weights = weigh(sizes, cells, this.#current.pageBytes)
    let admitted = this.#admit(weights)
    if (admitted.includes(false) && this.#foldAll()) admitted = this.#admit(weights)
    const kept = admitted.filter(Boolean).length
    const first = this.last + 1
    if (kept > 0) {
      try {
        this.#commit(sizes, cells, admitted)
      } catch (error) {
        return [{ calls: sizes.length, note: this.#noteOf(error) }]
      }
      const weight = weights.reduce((sum, one, call) => sum + (admitted[call] === true ? one : 0), 0)
      this.#unfolded += weight
      this.#inWal += weight + COMMIT_OVERHEAD
      this.#rate.add(Date.now(), weight)
    }
    this.#rejecting = kept < sizes.length
    this.#setLevel(this.#rejecting)
    if (kept === sizes.length) return [{ calls: kept, first }]
    return this.#settle(sizes, admitted, first)
  }

  /** Has the -wal folded into the database and begins a new segment where that is due; called after the answers are given. */
  tidy(): void {
    this.#rope.pull(this.last)
    const { path } = this.#current
    const { segmentBytes } = this.#settings
    if (sizeOf(path) + this.#unfolded >= segmentBytes && Date.now() >= this.#rotateAt) {
      this.#rotateAt = Date.now() + ROTATE_AGAIN_MS
      this.#rotate()
      this.#rotateAt = 0
    } else if (this.#inWal > Math.min(WAL_BYTES, segmentBytes)) {
      // Under steady load the folding thread never reaches the end, and only at the end can the -wal begin anew: the writer
      // then does the small rest itself.
      this.#foldRest()
    } else if (this.#folding < 0 && this.#inWal - this.#foldedWal >= Math.min(FOLD_BYTES, segmentBytes / 4)) {
      this.#folding = this.#unfolded
      this.#foldedWal = this.#inWal
      this.#askFold({ fold: 'some', path })
    }
  }

  /** The folding thread has done what it was asked. */
  folded({ folded, path, fault }: FoldTold): void {
    if (path === this.#current.path && folded === 'some') {
      if (fault === undefined) this.#unfolded -= this.#folding
      this.#folding = -1
    }
    if (folded === 'end') {
      const ended = this.#ended.get(path)
      ended?.db.close()
      ended?.done.resolve()
      this.#ended.delete(path)
      const sealed = this.#sealed.find((segment) => segment.path === path)
      if (sealed !== undefined) sealed.settled = sealed.bytes = segmentBytes(path)
    }
    if (fault !== undefined) throw new JournalFault(`folding ${path}: ${fault}`)
  }

  /** What is due from time to time: age, trimming, the level, the note for followers. */
  async tick(): Promise<void> {
    const old = Date.now() - this.#current.made > this.#settings.segmentAgeMs
    const large = sizeOf(this.#current.path) >= this.#settings.segmentBytes
    const wanted = readReleases(this.#settings.folder) >= this.#current.first
    if ((old || large || wanted) && this.last >= this.#current.first) this.#rotateByReserve()
    await this.trim(this.#rejecting)
    keepReserve(this.#settings.folder)
    this.#writeNote()
  }

  /**
   * Removes whole segments that every follower has acknowledged; gives the number of entries removed. `all`: also ends the
   * current segment if it has been acknowledged whole. Without any follower nothing is removed, unless the journal forgets.
   */
  async trim(all: boolean): Promise<number> {
    const passed = this.#passed()
    // First what is full: on a full disk that makes room for the next segment.
    let removed = await this.#removeUpTo(passed)
    if (all && passed >= this.last && this.last >= this.#current.first) {
      this.#rotateByReserve()
      removed += await this.#removeUpTo(passed)
    }
    this.#setLevel(false)
    return removed
  }

  async #removeUpTo(passed: number): Promise<number> {
    let removed = 0
    while (this.#sealed[0] !== undefined && this.#sealed[0].last <= passed) {
      const { first, last, path } = this.#sealed[0]
      await this.#ended.get(path)?.done.promise
      // The database first: a -wal without its database is swept at the next opening, the other way round would lose entries.
      for (const end of ['', '-wal', '-shm']) await rm(path + end, { force: true })
      this.#sealed.shift()
      removed += last - first + 1
      this.#rotateAt = 0
    }
    return removed
  }

  state(): JournalState {
    const { bytes, maxBytes, hoursLeft } = this.#fill()
    const first = this.#sealed[0]?.first ?? this.#current.first
    const followers = readMarks(this.#settings.folder)
    return { id: this.id, first, last: this.last, bytes, maxBytes, followers, hoursLeft }
  }

  close(): void {
    try {
      this.#writeNote()
      for (const { db } of this.#ended.values()) db.close()
      this.#current.db.close()
    } finally {
      this.#rope.close()
      this.#lock.close()
    }
  }

  #commit(sizes: readonly number[], cells: Cells, admitted: readonly boolean[]): void {
    const { db, insert, path, inode } = this.#current
    if (statSync(path, { throwIfNoEntry: false })?.ino !== inode) {
      throw new JournalFault(`${path} was moved or removed while it was being written`)
    }
    const at = Date.now()
    let position = this.last
    let cell = 0
    db.exec('BEGIN IMMEDIATE')
    try {
      for (const [call, size] of sizes.entries()) {
        const end = cell + size * 3
        if (admitted[call] !== true) cell = end
        for (; cell < end; cell += 3) {
          position++
          insert.run(position, at, cells[cell] as string, cells[cell + 1] as number, cells[cell + 2] as Uint8Array)
        }
      }
      db.exec('COMMIT')
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
    this.last = position
  }

  /** Which calls fit under maxBytes, counting the moment in which an entry stands in the -wal and in the database. */
  #admit(weights: readonly number[]): boolean[] {
    const most = this.#sealed.reduce((sum, segment) => sum + segment.bytes, segmentBytes(this.#current.path))
    let room = this.#settings.maxBytes - most - this.#unfolded - RESERVE
    return weights.map((weight) => {
      if (2 * weight > room) return false
      room -= 2 * weight
      return true
    })
  }

  #settle(sizes: readonly number[], admitted: readonly boolean[], first: number): Settled[] {
    const { maxBytes, folder } = this.#settings
    const note: Note = { full: true, message: `the journal in ${folder} has reached its bound of ${maxBytes} bytes` }
    let position = first
    return sizes.map((size, call) => {
      if (admitted[call] !== true) return { calls: 1, note }
      position += size
      return { calls: 1, first: position - size }
    })
  }

  #noteOf(error: unknown): Note {
    const text = error instanceof Error ? error.message : String(error)
    if (!isFull(error)) return { full: false, message: `the journal in ${this.#settings.folder}: ${text}` }
    this.#rejecting = true
    this.#setLevel(true)
    return { full: true, message: `the disk of the journal in ${this.#settings.folder} is full: ${text}` }
  }

  #rotate(): void {
    const { folder } = this.#settings
    const old = this.#current
    const first = this.last + 1
    this.#current = openSegment(makeSegment(folder, this.id, first, Date.now()), first, this.id)
    const settled = sizeOf(old.path) + this.#unfolded
    this.#sealed.push({ first: old.first, last: this.last, path: old.path, bytes: 2 * segmentBytes(old.path), settled })
    this.#unfolded = this.#inWal = this.#foldedWal = 0
    this.#folding = -1
    // Closed only when the folding thread is done with it: the last to close would do that work here.
    this.#ended.set(old.path, { db: old.db, done: Promise.withResolvers() })
    this.#askFold({ fold: 'end', path: old.path })
  }

  /** On a full disk the space that is kept for this lets a new segment begin: only then can the old one be removed. */
  #rotateByReserve(): void {
    try {
      this.#rotate()
    } catch (error) {
      if (!isFull(error)) throw error
      rmSync(reservePath(this.#settings.folder), { force: true })
      this.#rotate()
    }
  }

  #foldRest(): void {
    try {
      const done = this.#current.db.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()
      if (done?.busy === 0 && done.log === done.checkpointed) {
        this.#unfolded = this.#inWal = this.#foldedWal = 0
        return
      }
    } catch (error) {
      if (!isBusy(error) && !isFull(error)) throw error
    }
    // A follower, the folding thread or a full disk was in the way: again after some more.
    this.#inWal -= Math.min(FOLD_BYTES, this.#settings.segmentBytes / 4)
    this.#foldedWal = Math.min(this.#foldedWal, this.#inWal)
  }

  /** Near the bound: folds at once whatever takes its space twice. False if there was nothing to gain. */
  #foldAll(): boolean {
    if (this.#ended.size === 0 && this.#inWal < RESERVE) return false
    for (const db of [this.#current.db, ...[...this.#ended.values()].map((ended) => ended.db)]) {
      try {
        db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
      } catch (error) {
        if (!isBusy(error) && !isFull(error)) throw error
      }
    }
    const { path } = this.#current
    if (sizeOf(`${path}-wal`) === 0) this.#unfolded = this.#inWal = this.#foldedWal = 0
    for (const sealed of this.#sealed) {
      if (sizeOf(`${sealed.path}-wal`) === 0) sealed.settled = sealed.bytes = segmentBytes(sealed.path)
    }
    return true
  }

  #passed(): number {
    const marks = readMarks(this.#settings.folder)
    if (marks.length > 0) return Math.min(...marks.map((mark) => mark.position))
    return this.#settings.forgets ? this.#forgotten() : 0
  }

  /** Up to where the oldest segments go so that the others take no more than half of what the journal may. */
  #forgotten(): number {
    let bytes = this.#bytes()
    let upTo = 0
    for (const segment of this.#sealed) {
      if (bytes <= this.#settings.maxBytes / 2) break
      bytes -= segment.bytes
      upTo = segment.last
    }
    return upTo
  }

  #bytes(): number {
    const bytesOf = ({ path, bytes }: { path: string; bytes: number }) =>
      this.#ended.has(path) ? segmentBytes(path) : bytes
    return this.#sealed.reduce((sum, segment) => sum + bytesOf(segment), segmentBytes(this.#current.path))
  }

  #fill(): Fill {
    const { maxBytes } = this.#settings
    const bytes = this.#bytes()
    return { bytes, maxBytes, hoursLeft: hoursLeft(bytes, maxBytes, this.#rate.perHour(Date.now())) }
  }

  #setLevel(full: boolean): void {
    const sealed = this.#sealed.reduce((sum, segment) => sum + segment.settled, 0)
    const used = (sealed + sizeOf(this.#current.path) + this.#unfolded + RESERVE) / this.#settings.maxBytes
    const level = full ? 'full' : levelOf(used)
    // What is not folded yet is an estimate: a level is left only when it is left clearly.
    const rank = LEVELS.indexOf(this.#level)
    const falls = LEVELS.indexOf(level) < rank
    if (level === this.#level || (falls && LEVELS.indexOf(levelOf(used + 0.1)) >= rank)) return
    this.#level = level
    this.#tellLevel(level, this.#fill())
  }

  /** What followers cannot see for themselves. */
  #writeNote(): void {
    const { maxBytes, folder } = this.#settings
    const note = JSON.stringify({ format: FORMAT, id: this.id, maxBytes, bytesPerHour: this.#rate.perHour(Date.now()) })
    if (note === this.#note) return
    const path = notePath(folder)
    try {
      makeFile(`${path}.new`)
      writeFileSync(`${path}.new`, `${note}\n`, { mode: FILE_MODE })
      renameSync(`${path}.new`, path)
      this.#note = note
    } catch (error) {
      rmSync(`${path}.new`, { force: true })
      if (!isFull(error) || this.#note === '') throw error
    }
  }
}

function levelOf(used: number): FillLevel {
  return used >= 0.8 ? 'alarmed' : used >= 0.5 ? 'warned' : 'normal'
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function newId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex')
}
