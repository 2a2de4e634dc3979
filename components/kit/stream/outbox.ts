// SPDX-License-Identifier: Apache-2.0
// A bounded row of answers that have not provably reached the server: those waiting for a connection, or those written but not
// yet followed by an answered ping. Bounded by number, size and age; the caller counts what falls out.

/** `units` counts UTF-16 units of text. */
export type OutboxOptions = { answers: number; units: number; keepMs: number }

export const DEFAULT_OUTBOX: OutboxOptions = { answers: 10_000, units: 16 * 1024 * 1024, keepMs: 60_000 }

type Held = { xml: string; at: number }

export class Outbox {
  readonly #options: OutboxOptions
  #held: (Held | undefined)[] = []
  /** Index of the oldest still held: shifting an array of thousands for each answer would cost more than the answer. */
  #first = 0
  #units = 0
  /** Answers ever taken out at the front: a place in the sequence that stays true while the front moves. */
  #dropped = 0

  constructor(options: OutboxOptions = DEFAULT_OUTBOX) {
    this.#options = options
  }

  get size(): number {
    return this.#held.length - this.#first
  }

  /** Place behind the newest answer; `dropTo` with it forgets all up to here. */
  get place(): number {
    return this.#dropped + this.size
  }

  /** Holds one more; gives how many of the oldest had to go for it. */
  hold(xml: string, now: number): number {
    this.#held.push({ xml, at: now })
    this.#units += xml.length
    let gone = 0
    while (this.size > 0 && (this.size > this.#options.answers || this.#units > this.#options.units)) {
      this.#dropOldest()
      gone++
    }
    return gone
  }

  /** Forgets what is older than `keepMs`; gives how many. */
  expire(now: number): number {
    let gone = 0
    for (let oldest = this.#held[this.#first]; oldest !== undefined; oldest = this.#held[this.#first]) {
      if (now - oldest.at <= this.#options.keepMs) break
      this.#dropOldest()
      gone++
    }
    return gone
  }

  dropTo(place: number): void {
    while (this.size > 0 && this.#dropped < place) this.#dropOldest()
  }

  /** All that is held, oldest first. */
  all(): string[] {
    return this.#held.slice(this.#first).map((held) => (held as Held).xml)
  }

  #dropOldest(): void {
    this.#units -= (this.#held[this.#first] as Held).xml.length
    this.#held[this.#first] = undefined
    this.#first++
    this.#dropped++
    if (this.#first > 1024 && this.#first * 2 > this.#held.length) {
      this.#held = this.#held.slice(this.#first)
      this.#first = 0
    }
  }
}
