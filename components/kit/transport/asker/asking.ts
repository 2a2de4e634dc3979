// SPDX-License-Identifier: Apache-2.0
// Questions on their way: numbered, sent, answered, or ended by the rule for outages. PROTOCOL.md sections 3, 4, 7.
import type { Element } from '../../xml/element.ts'
import { parse } from '../../xml/parse.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { ASKER_BOUNDS, type AskerBounds } from './bounds.ts'
import { InOrder } from './in-order.ts'
import type { Ledger } from './ledger.ts'
import { Line, type LineOptions } from './line.ts'
import { pause, until } from './pause.ts'
import type { Answer, AskerState, Question } from './question.ts'
import { Untold } from './untold.ts'
import { readVerdicts, replacementOf, type Verdict } from './verdicts.ts'
import { type Moved, writeAsk, writeOccupant, writeSettle } from './writing.ts'

/** PROTOCOL.md section 10. */
const STANZA_MAX = 2 << 20
const ASKS_PER_SCREEN = 64
const CHARACTERS_PER_SCREEN = 64 << 10
const REPORTS_PER_SCREEN = 100
const SCREENS = 3
/** Neither `settle` nor `done` says of a stanza that it went while the process may still end with it. */
const HANDED_OVER_MS = 50
const OUTAGE_TOLD_MS = 60_000

type Item = {
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

export type AskingOptions = Pick<LineOptions, 'screen' | 'ledger' | 'request' | 'log' | 'now'> & {
  onOutage: 'closed' | 'open'
  bounds?: Partial<AskerBounds>
}

export class Asking {
  readonly #options: AskingOptions
  readonly #bounds: AskerBounds
  readonly #ledger: Ledger
  readonly #line: Line
  readonly #order = new InOrder<Answer>()
  readonly #untold: Untold
  readonly #waiting: Item[] = []
  /** Had no answer over this connection: section 7 wants another one, or a screen that came back. */
  readonly #again: Item[] = []
  /** With a number, and without an answer. */
  readonly #asked = new Map<number, Item>()
  readonly #held = new Set<Item>()
  readonly #reports: string[] = []
  /** Numbers of what was handed over and is not settled yet. */
  readonly #handed: number[] = []
  #characters = 0
  #back = 0
  #underWay = 0
  #withheld = 0
  #unscreened = 0
  #turn = false
  #stopping: Promise<void> | null = null
  #look: NodeJS.Timeout | null = null

  constructor(options: AskingOptions) {
    this.#options = options
    this.#ledger = options.ledger
    this.#bounds = { ...ASKER_BOUNDS, ...options.bounds }
    this.#untold = new Untold(options.ledger, options.now)
    this.#line = new Line({
      ...options,
      bounds: this.#bounds,
      back: () => {
        this.#back += 1
        this.#waiting.unshift(...this.#again.splice(0))
        this.#soon()
      },
      watch: () => this.#watch(),
    })
  }

  ask(question: Question): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const item: Item = {
      question,
      at: question.at ?? this.#options.now(),
      n: 0,
      tries: 0,
      state: 'waiting',
      until: performance.now() + this.#bounds.holdMs,
      since: 0,
      resolve,
    }
    const inTurn = this.#order.take(question.order, promise)
    this.#held.add(item)
    this.#characters += question.stanza.length
    const isFull = this.#held.size > this.#bounds.questions || this.#characters > this.#bounds.characters
    if (isFull || this.#stopping !== null) this.#withhold(item)
    else if (question.stanza.length > STANZA_MAX) void this.#refuseUnasked(item)
    else if (!this.#line.asks && this.#isOpen()) void this.#letPass(item)
    else {
      this.#waiting.push(item)
      this.#soon()
    }
    this.#watch()
    return inTurn
  }

  occupant(moved: Moved): void {
    if (this.#reports.length >= this.#bounds.reports) this.#reports.shift()
    this.#reports.push(writeOccupant(moved, this.#options.now()))
    this.#soon()
  }

  up(): void {
    this.#line.up()
  }

  /** What was asked fails by itself: the router lets go of its requests. */
  down(): void {
    this.#line.down()
  }

  state(): AskerState {
    const { last, done, owed } = this.#ledger
    return {
      asking: this.#line.asks,
      waiting: this.#held.size,
      owed: owed.count,
      withheld: this.#withheld,
      unscreened: this.#unscreened,
      last,
      done,
    }
  }

  /** False: they are for another run. */
  later(source: string, verdicts: ReadonlyMap<number, Verdict>): boolean {
    if (source !== this.#ledger.source) return false
    for (const [n, verdict] of verdicts) {
      const item = this.#asked.get(n)
      if (item?.state === 'later') this.#follow(item, verdict)
    }
    return true
  }

  stop(signal: AbortSignal): Promise<void> {
    this.#stopping ??= this.#stop(signal)
    return this.#stopping
  }

  async #stop(signal: AbortSignal): Promise<void> {
    if (this.#line.asks) await until(() => this.#held.size === 0, signal)
    for (const item of [...this.#held]) this.#end(item)
    await until(() => this.#held.size === 0, signal)
    await this.#untold.tell(this.#closedBy())
    // What was handed over last is settled by then, or is not told of.
    await pause(HANDED_OVER_MS * 3, signal)
    if (this.#look) clearInterval(this.#look)
    if (this.#line.isUp && !signal.aborted) await this.#line.end(signal)
    await this.#ledger[Symbol.asyncDispose]()
  }

  #soon(): void {
    if (this.#turn) return
    this.#turn = true
    queueMicrotask(() => {
      this.#turn = false
      this.#pump()
    })
  }

  /** Questions of one turn go together; while enough screens are under way, they are collected. */
  #pump(): void {
    while (this.#line.asks && this.#underWay < SCREENS && this.#waiting.length + this.#reports.length > 0) {
      const reserving = this.#ledger.reserve()
      const items = this.#take()
      const reports = this.#reports.splice(0, REPORTS_PER_SCREEN)
      if (items.length === 0 && reports.length === 0) {
        void reserving?.then((isKept) => {
          if (isKept) this.#soon()
        })
        return
      }
      void this.#send(items, reports)
    }
  }

  #take(): Item[] {
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
      this.#asked.set(item.n, item)
      items.push(item)
    }
    return items
  }

  async #send(items: readonly Item[], reports: readonly string[]): Promise<void> {
    const asks = items.map((item) => writeAsk({ ...item.question, n: item.n, try: item.tries, at: item.at }))
    this.#underWay += 1
    try {
      const result = await this.#line.ask(asks, reports)
      const verdicts = readVerdicts(result.getChild('verdicts', NS.screen))
      for (const item of items)
        if (item.state === 'sent') this.#follow(item, verdicts.get(item.n) ?? { action: 'allow' })
    } catch {
      // The line has told of it.
      if (this.#reports.length + reports.length <= this.#bounds.reports) this.#reports.unshift(...reports)
      for (const item of items) if (item.state === 'sent') this.#unanswered(item)
    } finally {
      this.#underWay -= 1
      this.#soon()
    }
  }

  /** A verdict, or none, of the try that is under way. */
  #follow(item: Item, verdict: Verdict): void {
    switch (verdict.action) {
      case 'later':
        item.state = 'later'
        break
      case 'none':
        this.#end(item)
        break
      case 'allow':
        this.#answered(item, { action: 'deliver', stanza: item.question.stanza, replaced: false })
        break
      case 'refuse': {
        const { rule, condition, text } = verdict
        this.#answered(item, { action: 'refuse', why: 'policy', rule, condition, text })
        break
      }
      case 'replace': {
        const stanza = replaced(item.question.stanza, verdict.stanza)
        if (stanza !== null) this.#answered(item, { action: 'deliver', stanza, replaced: true })
        else this.#settle(item, item.tries, 'refused', refusal('unfit-replacement'))
        break
      }
    }
  }

  /** Of its only try `done` tells it; of several, which one counted is told. */
  #answered(item: Item, answer: Answer): void {
    if (item.tries > 1) {
      this.#settle(item, item.tries, answer.action === 'deliver' ? 'released' : 'refused', answer)
      return
    }
    const { n } = item
    this.#resolve(item, answer)
    if (this.#handed.push(n) > 1) return
    const after = (act: () => void) => setTimeout(act, HANDED_OVER_MS).unref()
    after(() => {
      const settled = this.#handed.splice(0)
      // What came within the last of these milliseconds waits as long.
      after(() => {
        for (const each of settled) this.#ledger.settle(each)
        this.#watch()
      })
    })
  }

  /** How it ended is on disk first: `done` stays below its number until policy knows. `tried` 0: by no verdict. */
  #settle(item: Item, tried: number, outcome: 'released' | 'refused' | 'bounced', answer: Answer): void {
    const { n } = item
    item.state = 'ending'
    const xml = writeSettle(n, tried, outcome, this.#options.now(), outcome === 'bounced' ? this.#closedBy() : null)
    const owed = { n, kind: 'settle' as const, xml }
    this.#ledger.owe([owed]).then(
      () => this.#resolve(item, answer),
      (error: unknown) => {
        this.#options.log.error('how a question ended cannot be kept', { error })
        // What cannot be told of is not delivered.
        const xml = answer.action === 'deliver' ? writeSettle(n, 0, 'bounced', this.#options.now(), null) : owed.xml
        this.#untold.notKept({ ...owed, xml })
        this.#resolve(item, answer.action === 'deliver' ? this.#withholding() : answer)
      },
    )
  }

  /** Asked again when policy is there again, or ended by the rule for outages. */
  #unanswered(item: Item): void {
    if (this.#isOpen() || performance.now() >= item.until) {
      this.#end(item)
      return
    }
    item.state = 'waiting'
    // Policy went and came back meanwhile.
    if (this.#line.asks && item.since !== this.#back) this.#waiting.unshift(item)
    else this.#again.push(item)
  }

  /** The rule for outages, now. */
  #end(item: Item): void {
    if (item.state === 'ending' || item.state === 'ended') return
    if (this.#isOpen()) void this.#letPass(item)
    else this.#withhold(item)
  }

  #isOpen(): boolean {
    const { closedBy, owed } = this.#ledger
    return this.#options.onOutage === 'open' && closedBy === null && owed.characters < this.#bounds.spoolCharacters
  }

  /** The rule of policy that closes what is open else. */
  #closedBy(): string | null {
    return this.#options.onOutage === 'open' ? this.#ledger.closedBy : null
  }

  /** Closed: nothing of it is delivered. */
  #withhold(item: Item): void {
    if (item.n > 0) {
      this.#settle(item, 0, 'bounced', this.#withholding())
      return
    }
    this.#untold.add()
    this.#resolve(item, this.#withholding())
  }

  #withholding(): Answer {
    this.#withheld += 1
    return { action: 'refuse', why: 'outage' }
  }

  /** Open: it is on disk with its question before it is delivered. */
  async #letPass(item: Item): Promise<void> {
    item.state = 'ending'
    const ledger = this.#ledger
    try {
      if (item.n === 0) await ledger.reserve()
      if (item.n === 0) item.n = ledger.next()
      const ask = writeAsk({ ...item.question, n: item.n, try: item.tries + 1, at: item.at }, true)
      const settle = writeSettle(item.n, 0, 'unscreened', this.#options.now(), null)
      await ledger.owe([
        { n: 0, kind: 'ask', xml: ask },
        { n: item.n, kind: 'settle', xml: settle },
      ])
    } catch (error) {
      this.#options.log.error('what would pass unscreened cannot be kept: it is withheld', { error })
      this.#withhold(item)
      return
    }
    this.#unscreened += 1
    this.#resolve(item, { action: 'deliver', stanza: item.question.stanza, replaced: false })
  }

  /** Larger than may be asked about. */
  async #refuseUnasked(item: Item): Promise<void> {
    item.state = 'ending'
    await this.#ledger.reserve()
    if (this.#ledger.free === 0) {
      this.#withhold(item)
      return
    }
    item.n = this.#ledger.next()
    this.#settle(item, 0, 'refused', refusal('too-large'))
  }

  #resolve(item: Item, answer: Answer): void {
    item.state = 'ended'
    if (this.#held.delete(item)) this.#characters -= item.question.stanza.length
    if (item.n > 0) this.#asked.delete(item.n)
    item.resolve(answer)
    this.#watch()
  }

  /** A clock runs while something waits, is owed, or is to be told. */
  #watch(): void {
    this.#look ??= setInterval(() => this.#tick(), this.#bounds.lookMs).unref()
  }

  #tick(): void {
    const now = performance.now()
    for (const item of this.#held) {
      if (now < item.until) break
      this.#end(item)
    }
    for (const list of [this.#waiting, this.#again])
      if (list.some(({ state }) => state !== 'waiting'))
        list.splice(0, list.length, ...list.filter(({ state }) => state === 'waiting'))
    const isDue = this.#line.asks || this.#untold.ageMs() > OUTAGE_TOLD_MS
    void (isDue ? this.#untold.tell(this.#closedBy()) : Promise.resolve()).then(() => this.#untold.keep())
    this.#line.tick(now)
    this.#pump()
    const isIdle = this.#held.size + this.#untold.size + this.#handed.length + this.#reports.length === 0
    if (!isIdle || !this.#line.isTold() || this.#look === null) return
    clearInterval(this.#look)
    this.#look = null
  }
}

function refusal(rule: string): Answer {
  return { action: 'refuse', why: 'policy', rule, condition: 'policy-violation', text: {} }
}

/** Null: it is none of this stanza. */
function replaced(original: string, stanza: Element): string | null {
  try {
    return replacementOf(parse(original), stanza)
  } catch {
    return null
  }
}
