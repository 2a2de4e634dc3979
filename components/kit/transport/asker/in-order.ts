// SPDX-License-Identifier: Apache-2.0

/** Promises of one key resolve in the order in which they were taken; those of another key do not wait. None of them may reject. */
export class InOrder<T> {
  readonly #last = new Map<string, Promise<unknown>>()

  take(key: string, promise: Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const turn = before === undefined ? promise : before.then(() => promise)
    this.#last.set(key, turn)
    void turn.then(() => {
      if (this.#last.get(key) === turn) this.#last.delete(key)
    })
    return turn
  }
}
