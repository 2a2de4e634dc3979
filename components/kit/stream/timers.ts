// SPDX-License-Identifier: Apache-2.0
import type { Clock } from './stream.ts'

/** What is still to be done later, so that all of it can be called off at once. */
export class Timers {
  readonly #clock: Clock
  #cancels: (() => void)[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  after(ms: number, act: () => void): void {
    const cancel = this.#clock.after(ms, () => {
      this.#cancels = this.#cancels.filter((each) => each !== cancel)
      act()
    })
    this.#cancels.push(cancel)
  }

  cancel(): void {
    for (const cancel of this.#cancels) cancel()
    this.#cancels = []
  }
}
