// SPDX-License-Identifier: Apache-2.0
// Questions that wait to be asked, in their order. PROTOCOL.md sections 7 and 10.
import { CHARACTERS_PER_SCREEN } from './bounds.ts'
import type { Ledger } from './ledger.ts'
import type { Answer, Question } from './question.ts'

const ASKS_PER_SCREEN = 64

/** A question under way. */
export type Item = {
  question: Question
  at: number
  /** 0: none yet. */
  n: number
  tries: number
  /** `ending`: how it ends is being put on disk. */
  state: 'waiting' | 'sent' | 'later' | 'ending' | 'ended'
  until: number
  /** How often policy had come back when it was asked about. */
  since: number
  resolve(answer: Answer): void
}

export class Questions {
  readonly #ledger: Ledger
  readonly #waiting: Item[] = []
  /** Had no answer over this connection: section 7 wants another one, or a screen that came back. */
  readonly #again: Item[] = []
  #back = 0

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  get size(): number {
    return this.#waiting.length
  }

  add(item: Item): void {
    this.#waiting.push(item)
  }

  /** Policy is there again: what had no answer is asked first. */
  back(): void {
    this.#back += 1
    this.#waiting.unshift(...this.#again.splice(0))
  }

  /** It had no answer. `asks`: policy may be asked. */
  again(item: Item, asks: boolean): void {
    item.state = 'waiting'
    // Policy went and came back meanwhile.
    if (asks && item.since !== this.#back) this.#waiting.unshift(item)
    else this.#again.push(item)
  }

  /** As many as one screen holds, each with its number. */
  take(): Item[] {
    const items: Item[] = []
    let characters = 0
    while (items.length < ASKS_PER_SCREEN) {
      const [item] = this.#waiting
      if (item === undefined || (item.n === 0 && this.#ledger.free === 0)) break
      const size = item.question.stanza.length
      if (items.length > 0 && characters + size > CHARACTERS_PER_SCREEN) break
      this.#waiting.shift()
      if (item.state !== 'waiting') continue
      characters += size
      if (item.n === 0) item.n = this.#ledger.next()
      item.tries += 1
      item.state = 'sent'
      item.since = this.#back
      items.push(item)
    }
    return items
  }

  /** What has ended while it waited is let go. */
  sweep(): void {
    for (const list of [this.#waiting, this.#again])
      if (list.some(({ state }) => state !== 'waiting'))
        list.splice(0, list.length, ...list.filter(({ state }) => state === 'waiting'))
  }
}
