// SPDX-License-Identifier: Apache-2.0
// Lines on their way out: in order, no faster than the server allows, never more than the bound, and none while the socket is full.
import type { Clock } from '../../kit/stream/stream.ts'
import { Bucket } from './bucket.ts'
import type { FloodControl } from './irc.ts'

/** `low` goes when nothing else waits. What is `urgent` waits for no token, only for the socket, and has a bound of its own: a PONG goes out beside a full queue. */
export type Priority = 'urgent' | 'normal' | 'low'

/** Answers to PING and a fence: a server that asks for more of them than it reads gets no more. */
const MOST_URGENT = 100

/** What is no more wanted when its turn comes is left out. */
export type Droppable = { isOver: () => boolean; dropped: () => void }

type Waiting = { text: string; onWritten: (() => void) | null; droppable: Droppable | undefined }

export type OutboxOptions = {
  flood: FloodControl
  /** Lines that are not urgent. */
  most: number
  clock: Clock
  /** False: the socket is full until `resume`. */
  write: (text: string) => boolean
  sizeOf: (text: string) => number
  /** All that may go now has gone: the place for a fence. */
  onPause: () => void
}

export class Outbox {
  readonly #options: OutboxOptions
  readonly #bucket: Bucket
  readonly #urgent: Waiting[] = []
  #normal: Waiting[] = []
  /** Index of the oldest of `#normal`: shifting a long array for each line would cost more than the line. */
  #first = 0
  readonly #low: Waiting[] = []
  #cancel: (() => void) | null = null
  #full = false
  #running = false
  #closed = false

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#bucket = new Bucket(options.flood.burst, options.flood.perSecond, options.clock.now())
  }

  /** So many lines more are taken. */
  get room(): number {
    return this.#closed ? 0 : this.#options.most - this.#waiting
  }

  get most(): number {
    return this.#options.most
  }

  /** False: no room; the line is not taken. */
  send(
    text: string,
    priority: Priority = 'normal',
    onWritten: (() => void) | null = null,
    droppable?: Droppable,
  ): boolean {
    if (this.#closed || !this.#hasRoom(priority)) return false
    const waiting = { text, onWritten, droppable }
    if (priority === 'urgent') this.#urgent.push(waiting)
    else if (priority === 'normal') this.#normal.push(waiting)
    else this.#low.push(waiting)
    this.#run()
    return true
  }

  /** The socket is full until `resume`. */
  pause(): void {
    this.#full = true
  }

  /** The socket takes more. */
  resume(): void {
    this.#full = false
    this.#run()
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
    this.#cancel = null
    this.#urgent.length = 0
    this.#normal = []
    this.#first = 0
    this.#low.length = 0
  }

  /** What is urgent apart. */
  get #waiting(): number {
    return this.#normal.length - this.#first + this.#low.length
  }

  #hasRoom(priority: Priority): boolean {
    if (priority === 'urgent') return this.#urgent.length < MOST_URGENT
    return this.#waiting < this.#options.most
  }

  #run(): void {
    if (this.#running) return
    this.#running = true
    let wrote = false
    while (!this.#full && !this.#closed) {
      const urgent = this.#urgent.shift()
      if (urgent !== undefined) {
        this.#bucket.force(1, this.#options.clock.now())
        this.#write(urgent)
        wrote = true
        continue
      }
      const next = this.#normal[this.#first] ?? this.#low[0]
      if (next === undefined || this.#cancel !== null) break
      if (next.droppable?.isOver() === true) {
        this.#takeOut(next)
        next.droppable.dropped()
        continue
      }
      const waitMs = this.#bucket.take(1 + Math.floor(this.#options.sizeOf(next.text) / 512), this.#options.clock.now())
      if (waitMs > 0) {
        this.#cancel = this.#options.clock.after(waitMs, () => {
          this.#cancel = null
          this.#run()
        })
        break
      }
      this.#takeOut(next)
      this.#write(next)
      wrote = true
    }
    this.#running = false
    if (wrote && !this.#closed) this.#options.onPause()
  }

  #takeOut(next: Waiting): void {
    if (this.#low[0] === next) {
      this.#low.shift()
      return
    }
    this.#first += 1
    if (this.#first < 64 || this.#first * 2 < this.#normal.length) return
    this.#normal = this.#normal.slice(this.#first)
    this.#first = 0
  }

  #write({ text, onWritten }: Waiting): void {
    onWritten?.()
    if (!this.#options.write(text)) this.#full = true
  }
}
