// SPDX-License-Identifier: Apache-2.0
// What is to be written, and which answers have not provably reached the server: those of the queue, those without a connection,
// and those written to this one that no ping has proven read.
import { DEFAULT_OUTBOX, Outbox, type OutboxOptions } from './outbox.ts'
import type { StreamCounts } from './stream.ts'

/** What is repeated after a reconnect at most; older answers were almost surely read. */
const UNPROVEN: OutboxOptions = { answers: 10_000, units: 256 * 1024, keepMs: 60_000 }

export class Outgoing {
  readonly #counts: StreamCounts
  readonly #schedule: () => void
  #queue: string[] = []
  /** What is put into the queue together, by row: see `row`. */
  readonly #rows = new Map<object, string>()
  /** Those of the queue that are answers. */
  #replies: string[] = []
  #units = 0
  #stanzas = 0
  readonly #waiting: Outbox
  readonly #unproven = new Outbox(UNPROVEN)

  /**
   * `flush` is called once for all that is said at once, which lasts a `tick` (what follows from one event) or a `turn` of the loop (from
   * all events that it brings).
   */
  constructor(
    counts: StreamCounts,
    flush: () => void,
    waiting: OutboxOptions = DEFAULT_OUTBOX,
    gathers: 'tick' | 'turn' = 'tick',
  ) {
    this.#counts = counts
    this.#schedule = gathers === 'turn' ? () => void setImmediate(flush) : () => process.nextTick(flush)
    this.#waiting = new Outbox(waiting)
  }

  get isEmpty(): boolean {
    return this.#stanzas === 0
  }

  /** UTF-16 units in the queue. */
  get units(): number {
    return this.#units
  }

  /** Something was written of which nothing shows that it was read. */
  get isUnproven(): boolean {
    return this.#unproven.size > 0
  }

  /** A place in what was written: `proven` with it says that the server has read all up to here. */
  get place(): number {
    return this.#unproven.place
  }

  push(xml: string): void {
    this.#push(xml, 1)
  }

  /**
   * Stanzas of one row keep their order, and go together before those of the rows that began later: a server that finds all for one
   * recipient in one place gives it to him in one. What is pushed without a row stays behind all that came before it.
   */
  pushInRow(xml: string, row: object): void {
    this.#count(xml, 1)
    const before = this.#rows.get(row)
    this.#rows.set(row, before === undefined ? xml : before + xml)
  }

  reply(xml: string): void {
    this.#replies.push(xml)
    this.#push(xml, 1)
  }

  /** An answer for which there is no connection. */
  wait(xml: string, now: number): void {
    this.#counts.lostReplies += this.#waiting.hold(xml, now)
  }

  /** There is a connection: queues what has waited for it, and gives how many answers those are. */
  resume(now: number): number {
    this.expire(now)
    const late = this.#waiting.size
    for (const { xml, answers } of this.#waiting.take()) {
      this.#push(xml, answers)
      // It stays unproven like any other answer.
      this.#unproven.hold(xml, now, answers)
    }
    return late
  }

  /** Takes out the whole queue as one text, to be written now. */
  take(now: number): string {
    this.#endRows()
    const text = this.#queue.join('')
    this.#counts.sent += this.#stanzas
    // One flat text for many answers: thousands of small strings that live for a second would burden the collector.
    const answers = this.#replies.length
    if (answers > 0) this.#unproven.hold(answers === this.#queue.length ? text : this.#replies.join(''), now, answers)
    this.#empty()
    return text
  }

  proven(place: number): void {
    this.#unproven.dropTo(place)
  }

  /** Empties the queue of a connection that is gone, and gives the answers in it. */
  drop(): readonly string[] {
    const unwritten = this.#replies
    this.#empty()
    return unwritten
  }

  /** What is not proven read, and the answers that were not written, wait for the next connection. */
  keep(unwritten: readonly string[], now: number): void {
    for (const { xml, answers } of this.#unproven.take()) {
      this.#counts.repeatedReplies += answers
      this.#counts.lostReplies += this.#waiting.hold(xml, now, answers)
    }
    for (const xml of unwritten) this.wait(xml, now)
  }

  expire(now: number): void {
    this.#counts.lostReplies += this.#waiting.expire(now)
  }

  /** There will be no connection any more. */
  close(): void {
    this.#counts.lostReplies += this.#waiting.size
  }

  #push(xml: string, stanzas: number): void {
    this.#count(xml, stanzas)
    this.#endRows()
    this.#queue.push(xml)
  }

  #count(xml: string, stanzas: number): void {
    if (this.#stanzas === 0) this.#schedule()
    this.#stanzas += stanzas
    this.#units += xml.length
  }

  #endRows(): void {
    if (this.#rows.size === 0) return
    for (const text of this.#rows.values()) this.#queue.push(text)
    this.#rows.clear()
  }

  #empty(): void {
    this.#queue = []
    this.#rows.clear()
    this.#replies = []
    this.#units = 0
    this.#stanzas = 0
  }
}
