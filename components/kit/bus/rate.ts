// SPDX-License-Identifier: Apache-2.0
// How fast a journal grows: the bytes appended in each of the last sixty minutes.

const MINUTE_MS = 60_000
const MINUTES = 60

export class Rate {
  readonly #since: number
  readonly #minutes = new Map<number, number>()

  constructor(nowMs: number) {
    this.#since = nowMs
  }

  add(nowMs: number, bytes: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS)
    this.#minutes.set(minute, (this.#minutes.get(minute) ?? 0) + bytes)
    if (this.#minutes.size > MINUTES) this.#forget(minute)
  }

  /** Bytes per hour; null while less than a minute was seen. */
  perHour(nowMs: number): number | null {
    const seenMs = Math.min(nowMs - this.#since, MINUTES * MINUTE_MS)
    if (seenMs < MINUTE_MS) return null
    this.#forget(Math.floor(nowMs / MINUTE_MS))
    let sum = 0
    for (const bytes of this.#minutes.values()) sum += bytes
    return (sum * MINUTES * MINUTE_MS) / seenMs
  }

  #forget(minute: number): void {
    for (const old of this.#minutes.keys()) if (old <= minute - MINUTES) this.#minutes.delete(old)
  }
}

/** Hours until `maxBytes` if nothing were trimmed from now on; null while the rate is not known or nothing comes. */
export function hoursLeft(bytes: number, maxBytes: number, perHour: number | null): number | null {
  if (perHour === null || perHour <= 0) return null
  return Math.max(0, maxBytes - bytes) / perHour
}
