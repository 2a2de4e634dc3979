// SPDX-License-Identifier: Apache-2.0
// Something remembered of what came last: a map that forgets its oldest entry.

export class Recent<V> {
  readonly #most: number
  readonly #kept = new Map<string, V>()

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): V | undefined {
    return this.#kept.get(key)
  }

  set(key: string, value: V): void {
    this.#kept.delete(key)
    this.#kept.set(key, value)
    if (this.#kept.size <= this.#most) return
    const [oldest] = this.#kept.keys()
    if (oldest !== undefined) this.#kept.delete(oldest)
  }
}
