// SPDX-License-Identifier: Apache-2.0

/** Thirds of a token do not add up to a whole one in binary. */
const ROUNDING = 1e-10

/** A token bucket: `burst` at once, `perSecond` come anew. `now` in milliseconds; a clock that goes back gives nothing. */
export class Bucket {
  readonly #burst: number
  readonly #perSecond: number
  #tokens: number
  #at: number

  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst
    this.#perSecond = perSecond
    this.#tokens = burst
    this.#at = now
  }

  /** Takes `cost` and gives 0, or gives the milliseconds until it is there. What costs more than a burst waits for a full one. */
  take(cost: number, now: number): number {
    this.#fill(now)
    const needed = Math.min(cost, this.#burst)
    if (this.#tokens >= needed - ROUNDING) {
      this.#tokens -= cost
      return 0
    }
    return Math.max(1, Math.ceil(((needed - this.#tokens) * 1000) / this.#perSecond))
  }

  /** Takes what cannot wait: those behind it wait longer instead. */
  force(cost: number, now: number): void {
    this.#fill(now)
    this.#tokens = Math.max(-this.#burst, this.#tokens - cost)
  }

  #fill(now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + (Math.max(0, now - this.#at) * this.#perSecond) / 1000)
    this.#at = now
  }
}
