// SPDX-License-Identifier: Apache-2.0
// What was withheld without a question, counted until it gets its numbers; and ends of questions that the disk refused to keep.
import type { Ledger } from './ledger.ts'
import type { Owed } from './ledger-operations.ts'
import { writeOutage } from './writing.ts'

type Kept = Omit<Owed, 'id' | 'source'>

export class Untold {
  readonly #ledger: Ledger
  readonly #now: () => number
  #count = 0
  #since = 0
  #unkept: Kept[] = []

  constructor(ledger: Ledger, now: () => number) {
    this.#ledger = ledger
    this.#now = now
  }

  get size(): number {
    return this.#count + this.#unkept.length
  }

  add(): void {
    if (this.#count === 0) this.#since = performance.now()
    this.#count += 1
  }

  /** How long the first of them waits. */
  ageMs(): number {
    return this.#count === 0 ? 0 : performance.now() - this.#since
  }

  /** Tried again: `done` waits for it. */
  notKept(item: Kept): void {
    this.#unkept.push(item)
  }

  /** Numbers for what was counted, in one `outage`. `rule`: the one that closed what is open else. */
  async tell(rule: string | null): Promise<void> {
    const count = this.#count
    if (count === 0) return
    this.#count = 0
    const ledger = this.#ledger
    let isKept = true
    while (isKept && ledger.free < count) isKept = (await ledger.reserve(count)) ?? true
    if (!isKept) {
      this.#count += count
      this.#since = performance.now()
      return
    }
    const from = ledger.last + 1
    for (let number = 0; number < count; number++) ledger.next()
    const to = ledger.last
    for (let n = from; n < to; n++) ledger.settle(n)
    this.#unkept.push({ n: to, kind: 'outage', xml: writeOutage(from, to, this.#now(), rule) })
    await this.keep()
  }

  async keep(): Promise<void> {
    const unkept = this.#unkept.splice(0)
    try {
      if (unkept.length > 0) await this.#ledger.owe(unkept)
    } catch {
      this.#unkept.unshift(...unkept)
    }
  }
}
