// SPDX-License-Identifier: Apache-2.0
// A bounded row of answers that have not provably reached the server: those waiting for a connection, or those written but not
// yet followed by an answered ping. Bounded by number, size and age; the caller counts what falls out.

/** `units` counts UTF-16 units of text. */
export type OutboxOptions = { answers: number; units: number; keepMs: number }

export const DEFAULT_OUTBOX: OutboxOptions = { answers: 10_000, units: 16 * 1024 * 1024, keepMs: 60_000 }

/** `xml` holds this many answers, one behind the other. */
type Held = { xml: string; answers: number; at: number }

export class Outbox {
  readonly #options: OutboxOptions
  #held: (Held | undefined)[] = []
  /** Index of the oldest still held: shifting an array of thousands for each answer would cost more than the answer. */
  #first = 0
  #units = 0
  #answers = 0
  /** Texts ever taken out at the front: a place in the sequence that stays true while the front moves. */
  #dropped = 0

  constructor(options: OutboxOptions = DEFAULT_OUTBOX) {
    this.#options = options
  }

  /** Answers held. */
  get size(): number {
    return this.#answers
  }

  /** Place behind the newest; `dropTo` with it forgets all up to here. */
  get place(): number {
    return this.#dropped + this.#held.length - this.#first
  }

  /** Holds a text of one or more answers; gives how many of the oldest answers had to go for it. */
  hold(xml: string, now: number, answers = 1): number {
    this.#held.push({ xml, answers, at: now })
    this.#units += xml.length
    this.#answers += answers
    let gone = 0
    while (this.#answers > this.#options.answers || this.#units > this.#options.units) gone += this.#dropOldest()
    return gone
  }

  /** Forgets what is older than `keepMs`; gives how many. */
  expire(now: number): number {
    let gone = 0
    for (let oldest = this.#held[this.#first]; oldest !== undefined; oldest = this.#held[this.#first]) {
      if (now - oldest.at <= this.#options.keepMs) break
      gone += this.#dropOldest()
    }
    return gone
  }

  dropTo(place: number): void {
    while (this.#first < this.#held.length && this.#dropped < place) this.#dropOldest()
  }

  /** Takes out all that is held, oldest first. */
  take(): { xml: string; answers: number }[] {
    const held = this.#held.slice(this.#first) as Held[]
    this.dropTo(this.place)
    return held
  }

  #dropOldest(): number {
    const { xml, answers } = this.#held[this.#first] as Held
    this.#units -= xml.length
    this.#answers -= answers
    this.#held[this.#first] = undefined
    this.#first++
    this.#dropped++
    if (this.#first > 1024 && this.#first * 2 > this.#held.length) {
      this.#held = this.#held.slice(this.#first)
      this.#first = 0
    }
    return answers
  }
}
