// SPDX-License-Identifier: Apache-2.0

/** Up to where each source has said `done`, so that the journal keeps it once. Forgetting one costs a fact said twice. */
export class DoneMarks {
  readonly #kept = new Map<string, number>()
  readonly #atMost: number

  constructor(atMost = 1_000) {
    this.#atMost = atMost
  }

  isNews(source: string, to: number | null): to is number {
    return to !== null && to > (this.#kept.get(source) ?? -1)
  }

  /** Called when the fact is on disk, never before. */
  keep(source: string, to: number): void {
    if (!this.isNews(source, to)) return
    this.#kept.delete(source)
    this.#kept.set(source, to)
    if (this.#kept.size > this.#atMost) for (const oldest of this.#kept.keys()) return void this.#kept.delete(oldest)
  }
}
