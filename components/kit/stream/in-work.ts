// SPDX-License-Identifier: Apache-2.0

/** What was handed over and is not done yet, and how much of it there may be. */
export class InWork {
  readonly #most: { stanzas: number; units: number }
  readonly #done: () => void
  #stanzas = 0
  #units = 0

  /** `done` is called each time something is done. */
  constructor(done: () => void, most: { stanzas: number; units: number } = { stanzas: 2000, units: 32 * 1024 * 1024 }) {
    this.#most = most
    this.#done = done
  }

  get isEmpty(): boolean {
    return this.#stanzas === 0
  }

  /** More than this share of what may be. */
  isOver(share: number): boolean {
    return this.#stanzas > this.#most.stanzas * share || this.#units > this.#most.units * share
  }

  /** `units` of text are in work until the promise settles; `failed` is told why it rejects. */
  add(work: Promise<void>, units: number, failed: (error: unknown) => void): void {
    this.#stanzas++
    this.#units += units
    const done = () => {
      this.#stanzas--
      this.#units -= units
      this.#done()
    }
    work.then(done, (error: unknown) => {
      failed(error)
      done()
    })
  }
}
