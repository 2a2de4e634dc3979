// SPDX-License-Identifier: Apache-2.0
// PROTOCOL.md section 7: after three failures in a row, and at once when the connection is lost, nothing is asked; probes find out when it
// can be again.

const FAILURES = 3
const GOOD = 3

export class Breaker {
  #asks = false
  #failures = 0
  #good = 0

  /** Whether questions are sent at all. */
  get asks(): boolean {
    return this.#asks
  }

  lost(): void {
    this.#asks = false
    this.#failures = 0
    this.#good = 0
  }

  /** True: it opened just now. */
  failed(): boolean {
    this.#good = 0
    this.#failures += 1
    if (!this.#asks || this.#failures < FAILURES) return false
    this.#asks = false
    return true
  }

  /** True: it closed just now, and what waits can be asked about. */
  answered(): boolean {
    this.#failures = 0
    if (this.#asks) return false
    this.#good += 1
    if (this.#good < GOOD) return false
    this.#asks = true
    this.#good = 0
    return true
  }
}
