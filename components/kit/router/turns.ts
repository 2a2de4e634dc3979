// SPDX-License-Identifier: Apache-2.0

type Waiting = { start: () => Promise<void> | undefined; done: () => void }

/** One at a time for each sender, in order; senders side by side. A sender is forgotten when nothing of his is left. */
export class Turns {
  readonly #perSender: number
  /** Who has work running, and what waits behind it. */
  readonly #rows = new Map<string, Waiting[]>()

  constructor(perSender: number) {
    this.#perSender = perSender
  }

  get senders(): number {
    return this.#rows.size
  }

  /**
   * Starts the work now, or when everything earlier of this sender is done; null: his row is full. `start` must not throw or
   * reject; undefined means it is done already. The promise settles when the work is done.
   */
  take(sender: string, start: () => Promise<void> | undefined): Promise<void> | undefined | null {
    const row = this.#rows.get(sender)
    if (row === undefined) {
      const work = start()
      if (work === undefined) return undefined
      this.#rows.set(sender, [])
      return work.then(() => this.#next(sender))
    }
    if (row.length + 1 >= this.#perSender) return null
    return new Promise((resolve) => row.push({ start, done: resolve }))
  }

  #next(sender: string): void {
    const row = this.#rows.get(sender)
    // What is done at once is done in this loop, not by recursion: a row may be long.
    for (let waiting = row?.shift(); waiting !== undefined; waiting = row?.shift()) {
      const { start, done } = waiting
      const work = start()
      if (work !== undefined) {
        void work.then(() => {
          done()
          this.#next(sender)
        })
        return
      }
      done()
    }
    this.#rows.delete(sender)
  }
}
