// SPDX-License-Identifier: Apache-2.0
// Whether the other end lives. A TCP connection that is half open says nothing by itself: after `pingAfterMs` of silence a ping
// is due, and a ping with nothing heard for `answerWithinMs` means the connection is dead. Pure: the caller tells the time.

export type PulseOptions = { pingAfterMs: number; answerWithinMs: number }

/** Together with the tick of a second: noticed within 42 s. */
export const DEFAULT_PULSE: PulseOptions = { pingAfterMs: 20_000, answerWithinMs: 20_000 }

/** While answers are not proven to be read, a ping this often proves them. */
const FENCE_EVERY_MS = 1000

export type PulseSign = 'ping' | 'dead' | null

export class Pulse {
  readonly #options: PulseOptions
  #heardAt: number
  #pingAt: number | null = null
  #askedAt: number
  #blockedAt: number | null = null

  constructor(now: number, options: PulseOptions = DEFAULT_PULSE) {
    this.#options = options
    this.#heardAt = now
    this.#askedAt = now
  }

  heard(now: number): void {
    this.#heardAt = now
  }

  pinged(now: number): void {
    this.#pingAt = now
    this.#askedAt = now
  }

  answered(): void {
    this.#pingAt = null
  }

  /**
   * `reading`: 'yes', or why not: 'work' (we hold back, so silence proves nothing) or 'drain' (the peer does not read).
   * `unproven`: answers wait for a fence.
   */
  check(now: number, reading: 'yes' | 'work' | 'drain', unproven: boolean): PulseSign {
    const { pingAfterMs, answerWithinMs } = this.#options
    if (reading === 'drain') {
      this.#blockedAt ??= now
      return now - this.#blockedAt > pingAfterMs + answerWithinMs ? 'dead' : null
    }
    if (this.#blockedAt !== null || reading === 'work') {
      this.#blockedAt = null
      this.#heardAt = now
      if (this.#pingAt !== null) this.#pingAt = now
      if (reading === 'work') return null
    }
    if (this.#pingAt !== null) {
      if (now - this.#pingAt <= answerWithinMs) return null
      // Something was heard, so the connection lives; only this ping was not answered.
      if (this.#heardAt <= this.#pingAt) return 'dead'
      this.#pingAt = null
    }
    if (now - this.#heardAt >= pingAfterMs) return 'ping'
    return unproven && now - this.#askedAt >= FENCE_EVERY_MS ? 'ping' : null
  }
}
