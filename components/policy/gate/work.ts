// SPDX-License-Identifier: Apache-2.0
// What is in work: bounded, and waited for at the end.

type Piece = { raw: string }

export class Work {
  readonly #most: { asks: number; bytes: number }
  #asks = 0
  #bytes = 0
  /** Screens and later verdicts under way; a screen may hold reports only. */
  #takings = 0
  #closed = false
  readonly #empty = Promise.withResolvers<void>()

  constructor(most: { asks: number; bytes: number }) {
    this.#most = most
  }

  /** Gives what releases them, once; null: over a bound, or closed. `carriedOn`: part of what was taken before, so neither stops it. */
  take(pieces: readonly Piece[], carriedOn = false): (() => void) | null {
    const asks = pieces.length
    const bytes = size(pieces)
    const over = this.#asks + asks > this.#most.asks || this.#bytes + bytes > this.#most.bytes
    if (!carriedOn && (this.#closed || over)) return null
    this.#asks += asks
    this.#bytes += bytes
    this.#takings += 1
    return () => this.#release(asks, bytes)
  }

  now(): { asks: number; bytes: number } {
    return { asks: this.#asks, bytes: this.#bytes }
  }

  /** Nothing new from here on; resolves when all is released or the signal aborts. */
  async close(signal: AbortSignal): Promise<void> {
    this.#closed = true
    if (this.#takings === 0 || signal.aborted) return
    signal.addEventListener('abort', () => this.#empty.resolve(), { once: true })
    await this.#empty.promise
  }

  #release(asks: number, bytes: number): void {
    this.#asks -= asks
    this.#bytes -= bytes
    this.#takings -= 1
    if (this.#closed && this.#takings === 0) this.#empty.resolve()
  }
}

function size(pieces: readonly Piece[]): number {
  let bytes = 0
  for (const piece of pieces) bytes += piece.raw.length
  return bytes
}

export class TooLate extends Error {
  override name = 'TooLate'
}

/** The promise, or TooLate after so many milliseconds. What comes after that is not waited for and throws nowhere. */
export function within<T>(promise: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new TooLate('not done within the time allowed')), Math.max(0, ms))
    const end =
      <V>(tell: (value: V) => void) =>
      (value: V) => {
        clearTimeout(timer)
        tell(value)
      }
    promise.then(end(resolve), end(reject))
  })
}
