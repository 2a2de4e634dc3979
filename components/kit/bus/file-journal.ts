// SPDX-License-Identifier: Apache-2.0
// The writer's side of the engine `file`. The main thread only gathers; a worker thread owns the files. Page: JOURNAL.md.
import { type Running, startAlone, type Thread } from '../store/thread.ts'
import { workerUrl } from '../store/worker-url.ts'
import type { Ask, Fill, FillLevel, Settled, Told, WorkerSettings } from './file-messages.ts'
import { type Entry, type Journal, JournalFault, JournalFull, type JournalState } from './journal.ts'
import { Packer } from './parcel.ts'

export type FileJournalOptions = {
  /** What the folder may take on the disk; at least 4 MiB. */
  maxBytes: number
  /** Told whenever the level changes: `warned` from 50 %, `alarmed` from 80 %, `full` when an append was rejected, and back. */
  warn?(level: FillLevel, fill: Fill): void
  /** Told of a fault in the background (trimming, folding, a new segment); the journal goes on and tries again. */
  fault?(error: JournalFault): void
  /** A segment ends at this size. Default 64 MiB, at most a sixteenth of maxBytes. */
  segmentBytes?: number
  /** A segment that holds entries ends at this age, so that what all followers have is soon removed. Default one hour. */
  segmentAgeMs?: number
  /** Default 5 s. */
  trimEveryMs?: number
  /**
   * For a log that nobody need follow: while it has no follower, the oldest segments go when half of maxBytes is used. Default: nothing goes
   * that no follower has acknowledged.
   */
  forgets?: boolean
  /** Where its files are written, beside what else runs there. Default: a thread of its own, as whoever waits for commits wants. */
  thread?: Thread
  /** Characters under way at most; more is rejected with JournalFault. Default 64 Mi. */
  maxInFlight?: number
}

const MIN_BYTES = 4 << 20
/** So many entries are handed over at once instead of at the end of the turn. */
const SEND_AT = 256

/** Opens the journal in this folder for writing, or makes it. Rejects with JournalFault; a bad number is a RangeError. */
export async function openJournal(folder: string, options: FileJournalOptions): Promise<Journal> {
  const writer = new FileJournal(settingsOf(folder, options), options)
  await writer.ready
  return writer
}

function settingsOf(folder: string, options: FileJournalOptions): WorkerSettings {
  const {
    maxBytes,
    segmentBytes = Math.min(64 << 20, maxBytes / 16),
    segmentAgeMs = 3_600_000,
    trimEveryMs = 5000,
    forgets = false,
  } = options
  const check = (name: string, value: number, least: number, most: number): void => {
    if (value >= least && value <= most) return
    throw new RangeError(`${name} is ${value}: a number from ${least} to ${most} is wanted`)
  }
  check('maxBytes', maxBytes, MIN_BYTES, Number.MAX_SAFE_INTEGER)
  check('segmentBytes', segmentBytes, 64 << 10, maxBytes / 4)
  check('segmentAgeMs', segmentAgeMs, 1, 31 * 86_400_000)
  check('trimEveryMs', trimEveryMs, 1, 3_600_000)
  if (folder === '') throw new RangeError('the folder of the journal has no name')
  return { folder, maxBytes, segmentBytes, segmentAgeMs, trimEveryMs, forgets }
}

type Call = {
  entries: number
  weight: number
  resolve(range: { first: number; last: number }): void
  reject(error: Error): void
}
type Asked = { resolve(value: never): void; reject(error: Error): void }

class FileJournal implements Journal {
  readonly ready: Promise<void>
  readonly #worker: Running
  readonly #folder: string
  readonly #maxInFlight: number
  readonly #closed: Promise<void>
  readonly #asked = new Map<number, Asked>()
  /** Calls without an answer, oldest first; those before `#head` are answered. */
  #calls: Call[] = []
  #head = 0
  #inFlight = 0
  readonly #packer = new Packer()
  #lastId = 0
  #ended: JournalFault | undefined
  #closing: Promise<void> | undefined
  readonly #send = (): void => {
    if (this.#packer.isEmpty) return
    const parcel = this.#packer.take()
    this.#worker.post({ ask: 'append', parcel } satisfies Ask, [parcel.bodies.buffer])
  }

  constructor(settings: WorkerSettings, options: FileJournalOptions) {
    this.#folder = settings.folder
    this.#maxInFlight = options.maxInFlight ?? 64 << 20
    const opened = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    this.ready = opened.promise
    this.#closed = closed.promise
    const take = (told: Told): void => {
      if (told.told === 'settled') {
        this.#packer.giveBack(told.used)
        this.#settle(told.settled)
      } else if (told.told === 'ready') opened.resolve()
      else if (told.told === 'unable') opened.reject(new JournalFault(told.message))
      else if (told.told === 'level') options.warn?.(told.level, told.fill)
      else if (told.told === 'fault') options.fault?.(new JournalFault(told.message))
      else this.#answer(told)
    }
    const end = (cause?: Error): void => {
      const text = cause === undefined ? 'is closed' : `has lost its writer: ${cause.message}`
      this.#ended ??= new JournalFault(`the journal in ${this.#folder} ${text}`, { cause })
      opened.reject(this.#ended)
      for (const call of this.#calls.slice(this.#head)) call.reject(this.#ended)
      for (const asked of this.#asked.values()) asked.reject(this.#ended)
      this.#calls = []
      this.#head = 0
      this.#asked.clear()
      closed.resolve()
    }
    const url = workerUrl(new URL('./file-worker.ts', import.meta.url))
    const events = { message: (told: unknown) => take(told as Told), end }
    this.#worker = options.thread?.start(url, settings, events) ?? startAlone(url, settings, 'journal writer', events)
  }

  append(entries: readonly Entry[]): Promise<{ first: number; last: number }> {
    if (this.#ended !== undefined || this.#closing !== undefined) {
      return Promise.reject(this.#ended ?? new JournalFault(`the journal in ${this.#folder} is closing`))
    }
    let weight = 0
    for (const { kind, version, body } of entries) {
      if (typeof kind !== 'string' || typeof body !== 'string' || !Number.isSafeInteger(version)) {
        return Promise.reject(new JournalFault('an entry is {kind: text, version: whole number, body: text}'))
      }
      weight += body.length
    }
    if (entries.length === 0) return Promise.reject(new JournalFault('append takes at least one entry'))
    if (this.#inFlight + weight > this.#maxInFlight) {
      return Promise.reject(new JournalFault(`more than ${this.#maxInFlight} characters are waiting for the disk`))
    }
    if (this.#packer.isEmpty) setImmediate(this.#send)
    this.#packer.add(entries)
    this.#inFlight += weight
    return new Promise((resolve, reject) => {
      this.#calls.push({ entries: entries.length, weight, resolve, reject })
      if (this.#packer.entries >= SEND_AT) this.#send()
    })
  }

  trim(): Promise<number> {
    return this.#ask((id) => ({ ask: 'trim', id }))
  }

  state(): Promise<JournalState> {
    return this.#ask((id) => ({ ask: 'state', id }))
  }

  /** Finishes what was appended, then closes. */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing === undefined) {
      this.#send()
      if (this.#ended === undefined) this.#worker.post({ ask: 'close' } satisfies Ask)
      this.#closing = this.#closed
    }
    return this.#closing
  }

  #ask<T>(write: (id: number) => Ask): Promise<T> {
    if (this.#ended !== undefined || this.#closing !== undefined) {
      return Promise.reject(this.#ended ?? new JournalFault(`the journal in ${this.#folder} is closing`))
    }
    this.#send()
    const id = ++this.#lastId
    return new Promise<T>((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.#worker.post(write(id))
    })
  }

  #settle(settled: readonly Settled[]): void {
    for (const one of settled) {
      let position = 'first' in one ? one.first : 0
      for (let left = one.calls; left > 0; left--) {
        const call = this.#calls[this.#head++]
        if (call === undefined) continue
        this.#inFlight -= call.weight
        if ('note' in one)
          call.reject(one.note.full ? new JournalFull(one.note.message) : new JournalFault(one.note.message))
        else call.resolve({ first: position, last: position + call.entries - 1 })
        position += call.entries
      }
    }
    if (this.#head > 1024 || this.#head === this.#calls.length) {
      this.#calls = this.#calls.slice(this.#head)
      this.#head = 0
    }
  }

  #answer(told: Extract<Told, { id: number }>): void {
    const asked = this.#asked.get(told.id)
    this.#asked.delete(told.id)
    if (told.told === 'trimmed') asked?.resolve(told.removed as never)
    else if (told.told === 'state') asked?.resolve(told.state as never)
    else asked?.reject(new JournalFault(told.message))
  }
}
