// SPDX-License-Identifier: Apache-2.0
// A reader of the snapshot's engine `file`: reads another process's snapshot, also while that process is down. Page: SNAPSHOT.md.
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { isBusy, sqliteCode } from '../store/faults.ts'
import { Bell } from './bell.ts'
import { orAborted } from './or-aborted.ts'
import { bellPath, existing } from './segments.ts'
import { type Item, type Mark, SnapshotFault, type SnapshotReader, type SnapshotState, type Step } from './snapshot.ts'
import { readState, snapshotPath } from './snapshot-folder.ts'

export type SnapshotReaderOptions = {
  /** Items of a batch at most. Default 200. */
  limit?: number
  /** How long the reading of one version may take: so long the writer's log grows. Default 2 minutes. */
  withinMs?: number
}

const WITHIN_MS = 120_000
const MAX_BATCH_CHARACTERS = 4 << 20
const LOOK_MS = 200
const BUSY_MS = 100
const BUSY_TRIES = 100
const SQLITE_PERM = 3
const SQLITE_READONLY = 8
const SQLITE_CANTOPEN = 14

/** Any number of readers of one snapshot; it need not be there yet. */
export function openSnapshotReader(folder: string, options: SnapshotReaderOptions = {}): SnapshotReader {
  const { limit = 200, withinMs = WITHIN_MS } = options
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`limit is ${limit}: at least 1 is wanted`)
  return new FileSnapshotReader(folder, limit, withinMs)
}

type Open = { db: DatabaseSync; inode: number }

class FileSnapshotReader implements SnapshotReader {
  readonly #folder: string
  readonly #path: string
  readonly #limit: number
  readonly #withinMs: number
  readonly #ending = new AbortController()

  constructor(folder: string, limit: number, withinMs: number) {
    this.#folder = folder
    this.#path = snapshotPath(folder)
    this.#limit = limit
    this.#withinMs = withinMs
  }

  async *follow(after: Mark | null, options: { signal: AbortSignal }): AsyncGenerator<Step, void, undefined> {
    const signal = AbortSignal.any([options.signal, this.#ending.signal])
    let mark = after
    while (!signal.aborted) {
      const open = await this.#open(signal)
      if (open === null) return
      let bell: Bell | undefined
      try {
        bell = new Bell(bellPath(this.#folder))
        while (!signal.aborted && this.#isSame(open)) {
          bell.listen()
          for await (const step of this.#read(open, mark, signal)) {
            if (step.kind === 'commit') mark = { id: step.id, seq: step.seq }
            yield step
          }
          await bell.wait(signal)
        }
      } catch (error) {
        throw faultOf(error, this.#path)
      } finally {
        bell?.close()
        open.db.close()
      }
    }
  }

  async state(): Promise<SnapshotState | null> {
    const inode = inodeOf(this.#path)
    if (inode === null) return null
    const db = await this.#retry(() => this.#connect())
    try {
      return await this.#retry(() => readState(db, this.#path))
    } finally {
      db.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort()
  }

  /** Waits until the writer has made the snapshot; null when the signal aborts first. */
  async #open(signal: AbortSignal): Promise<Open | null> {
    while (!signal.aborted) {
      const inode = inodeOf(this.#path)
      if (inode !== null && inodeOf(bellPath(this.#folder)) !== null) {
        const db = await this.#retry(() => this.#connect())
        let made = false
        try {
          made = (await this.#retry(() => readState(db, this.#path))) !== null
        } finally {
          if (!made) db.close()
        }
        if (made) return { db, inode }
      }
      await orAborted(setTimeout(LOOK_MS), signal)
    }
    return null
  }

  #connect(): DatabaseSync {
    return new DatabaseSync(existing(this.#path, 'ro'), { readOnly: true, timeout: BUSY_MS })
  }

  /** False when another file, or none, has the name now: then it is looked for anew. */
  #isSame({ inode }: Open): boolean {
    return inodeOf(this.#path) === inode
  }

  /** One version, if there is one beyond `after`, from one state of the database: a transaction that only reads. */
  async *#read({ db }: Open, after: Mark | null, signal: AbortSignal): AsyncGenerator<Step, void, undefined> {
    const state = await this.#retry(() => {
      db.exec('BEGIN')
      try {
        const found = readState(db, this.#path)
        if (found !== null && found.seq > 0 && !(found.id === after?.id && found.seq === after.seq)) return found
      } catch (error) {
        db.exec('ROLLBACK')
        throw error
      }
      db.exec('ROLLBACK')
      return null
    })
    if (state === null) return
    try {
      const until = performance.now() + this.#withinMs
      const { id, seq, at, oldest } = state
      const whole = after === null || after.id !== id || after.seq < oldest || after.seq > seq
      yield { kind: 'begin', whole }
      for (const batch of batchesOf(db, whole ? 0 : after.seq, whole, this.#limit)) {
        if (signal.aborted) return
        if (performance.now() > until)
          throw new SnapshotFault(`${this.#path}: version ${seq} was not taken within ${this.#withinMs} ms`)
        yield batch
        // A consumer that never waits must not starve the rest of the process.
        await setImmediate()
      }
      if (!signal.aborted) yield { kind: 'commit', id, seq, at }
    } finally {
      db.exec('ROLLBACK')
    }
  }

  /** Repeats a step while the writer holds a lock (it does only for moments); every other error becomes a SnapshotFault. */
  async #retry<T>(step: () => T): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return step()
      } catch (error) {
        if (!isBusy(error) || tried === BUSY_TRIES) throw faultOf(error, this.#path)
        await setTimeout(10)
      }
    }
  }
}

type Cells = [key: string, kind: string, version: number, gone: number | null, body: string]

function* batchesOf(db: DatabaseSync, after: number, whole: boolean, limit: number): Generator<Step, void, undefined> {
  const sql = `SELECT key, kind, version, gone, body FROM items WHERE ${whole ? 'gone IS NULL AND seq > ?' : 'seq > ?'}`
  const rows = db.prepare(sql)
  // Cells, not objects: an object of SQLite's has to be copied to become one of ours.
  rows.setReturnArrays(true)
  let put: Item[] = []
  let removed: string[] = []
  let characters = 0
  for (const [key, kind, version, gone, body] of rows.iterate(after) as unknown as Iterable<Cells>) {
    if (gone === null) put.push({ key, kind, version, body })
    else removed.push(key)
    characters += body.length
    if (put.length + removed.length < limit && characters < MAX_BATCH_CHARACTERS) continue
    yield { kind: 'batch', put, removed }
    put = []
    removed = []
    characters = 0
  }
  if (put.length + removed.length > 0) yield { kind: 'batch', put, removed }
}

function inodeOf(path: string): number | null {
  try {
    return statSync(path, { throwIfNoEntry: false })?.ino ?? null
  } catch (error) {
    throw faultOf(error, path)
  }
}

/** The error as a SnapshotFault that names the file; where the system forbade something, it says what a reader needs. */
function faultOf(error: unknown, path: string): SnapshotFault {
  if (error instanceof SnapshotFault) return error
  const text = error instanceof Error ? error.message : String(error)
  const primary = (sqliteCode(error) ?? 0) & 0xff
  const forbidden = [SQLITE_PERM, SQLITE_READONLY, SQLITE_CANTOPEN].includes(primary) || /^(EACCES|EPERM)/.test(text)
  const hint = forbidden ? ": a reader must be in the group of the snapshot's folder" : ''
  return new SnapshotFault(`${path} cannot be read: ${text}${hint}`, { cause: error })
}
