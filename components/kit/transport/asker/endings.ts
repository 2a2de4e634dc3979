// SPDX-License-Identifier: Apache-2.0
// How a question ends: as its verdict says, or by the rule for outages. What policy has to be told of it is on disk first. PROTOCOL.md
// sections 3, 4 and 7.
import type { AskerBounds, AskerLog } from './bounds.ts'
import type { Ledger } from './ledger.ts'
import type { Answer } from './question.ts'
import type { Item } from './questions.ts'
import type { Untold } from './untold.ts'
import { writeAsk, writeSettle } from './writing.ts'

/** Neither `settle` nor `done` says of a stanza that it went while the process may still end with it. */
export const HANDED_OVER_MS = 50

export type EndingsOptions = {
  ledger: Ledger
  untold: Untold
  onOutage: 'closed' | 'open'
  bounds: Pick<AskerBounds, 'spoolCharacters'>
  log: AskerLog
  now(): number
  /** The question is over, with this answer. */
  ended(item: Item, answer: Answer): void
  /** There is something to be told. */
  watch(): void
}

export class Endings {
  readonly #options: EndingsOptions
  readonly #ledger: Ledger
  /** Numbers of what was handed over and is not settled yet. */
  readonly #handed: number[] = []
  #withheld = 0
  #unscreened = 0

  constructor(options: EndingsOptions) {
    this.#options = options
    this.#ledger = options.ledger
  }

  get counts(): { withheld: number; unscreened: number } {
    return { withheld: this.#withheld, unscreened: this.#unscreened }
  }

  /** Whether nothing that was handed over waits to be settled. */
  get isSettled(): boolean {
    return this.#handed.length === 0
  }

  get isOpen(): boolean {
    const { closedBy, owed } = this.#ledger
    const { onOutage, bounds } = this.#options
    return onOutage === 'open' && closedBy === null && owed.characters < bounds.spoolCharacters
  }

  /** The rule of policy that closes what is open else. */
  get closedBy(): string | null {
    return this.#options.onOutage === 'open' ? this.#ledger.closedBy : null
  }

  /** A verdict. Of its only try `done` tells it; of several, which one counted is told. */
  answered(item: Item, answer: Answer): void {
    if (item.tries > 1) {
      this.#settle(item, item.tries, answer.action === 'deliver' ? 'released' : 'refused', answer)
      return
    }
    const { n } = item
    this.#options.ended(item, answer)
    if (this.#handed.push(n) > 1) return
    const after = (act: () => void) => setTimeout(act, HANDED_OVER_MS).unref()
    after(() => {
      const settled = this.#handed.splice(0)
      // What came within the last of these milliseconds waits as long.
      after(() => {
        for (const each of settled) this.#ledger.settle(each)
        this.#options.watch()
      })
    })
  }

  /** What a rule made of it is none of this stanza. */
  unfit(item: Item): void {
    this.#settle(item, item.tries, 'refused', refusal('unfit-replacement'))
  }

  /** Larger than may be asked about. */
  async tooLarge(item: Item): Promise<void> {
    item.state = 'ending'
    await this.#ledger.reserve()
    if (this.#ledger.free === 0) {
      this.withhold(item)
      return
    }
    item.n = this.#ledger.next()
    this.#settle(item, 0, 'refused', refusal('too-large'))
  }

  /** The rule for outages, now. */
  byRule(item: Item): void {
    if (item.state === 'ending' || item.state === 'ended') return
    if (this.isOpen) void this.#letPass(item)
    else this.withhold(item)
  }

  /** Closed: nothing of it is delivered. */
  withhold(item: Item): void {
    if (item.n > 0) {
      this.#settle(item, 0, 'bounced', this.#withholding())
      return
    }
    this.#options.untold.add()
    this.#options.ended(item, this.#withholding())
  }

  #withholding(): Answer {
    this.#withheld += 1
    return { action: 'refuse', why: 'outage' }
  }

  /** Open: it is on disk with its question before it is delivered. */
  async #letPass(item: Item): Promise<void> {
    item.state = 'ending'
    const ledger = this.#ledger
    const { log, now, ended } = this.#options
    try {
      if (item.n === 0) await ledger.reserve()
      if (item.n === 0) item.n = ledger.next()
      const ask = writeAsk({ ...item.question, n: item.n, try: item.tries + 1, at: item.at }, true)
      const settle = writeSettle(item.n, 0, 'unscreened', now(), null)
      await ledger.owe([
        { n: 0, kind: 'ask', xml: ask },
        { n: item.n, kind: 'settle', xml: settle },
      ])
    } catch (error) {
      log.error('what would pass unscreened cannot be kept: it is withheld', { error })
      this.withhold(item)
      return
    }
    this.#unscreened += 1
    ended(item, { action: 'deliver', stanza: item.question.stanza, replaced: false })
  }

  /** How it ended is on disk first: `done` stays below its number until policy knows. `tried` 0: by no verdict. */
  #settle(item: Item, tried: number, outcome: 'released' | 'refused' | 'bounced', answer: Answer): void {
    const { n } = item
    const { log, now, untold, ended } = this.#options
    item.state = 'ending'
    const xml = writeSettle(n, tried, outcome, now(), outcome === 'bounced' ? this.closedBy : null)
    const owed = { n, kind: 'settle' as const, xml }
    this.#ledger.owe([owed]).then(
      () => ended(item, answer),
      (error: unknown) => {
        log.error('how a question ended cannot be kept', { error })
        // What cannot be told of is not delivered.
        const xml = answer.action === 'deliver' ? writeSettle(n, 0, 'bounced', now(), null) : owed.xml
        untold.notKept({ ...owed, xml })
        ended(item, answer.action === 'deliver' ? this.#withholding() : answer)
      },
    )
  }
}

function refusal(rule: string): Answer {
  return { action: 'refuse', why: 'policy', rule, condition: 'policy-violation', text: {} }
}
