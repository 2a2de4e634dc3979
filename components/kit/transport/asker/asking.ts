// SPDX-License-Identifier: Apache-2.0
// Questions on their way: numbered, sent, answered, or ended by the rule for outages. PROTOCOL.md sections 3, 4, 7.
import type { Element } from '../../xml/element.ts'
import { parse } from '../../xml/parse.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { ASKER_BOUNDS, type AskerBounds } from './bounds.ts'
import { Endings, HANDED_OVER_MS } from './endings.ts'
import { InOrder } from './in-order.ts'
import type { Ledger } from './ledger.ts'
import { Line, type LineOptions } from './line.ts'
import { pause, until } from './pause.ts'
import type { Answer, AskerState, Question } from './question.ts'
import { type Item, Questions } from './questions.ts'
import { Untold } from './untold.ts'
import { readVerdicts, replacementOf, type Verdict } from './verdicts.ts'
import { type Moved, writeAsk, writeOccupant } from './writing.ts'

/** PROTOCOL.md section 10. */
const STANZA_MAX = 2 << 20
const REPORTS_PER_SCREEN = 100
const SCREENS = 3
const OUTAGE_TOLD_MS = 60_000

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
  readonly #questions: Questions
  readonly #endings: Endings
  /** With a number, and without an answer. */
  readonly #asked = new Map<number, Item>()
  readonly #held = new Set<Item>()
  readonly #reports: string[] = []
  #characters = 0
  #underWay = 0
  #turn = false
  #stopping: Promise<void> | null = null
  #look: NodeJS.Timeout | null = null

  constructor(options: AskingOptions) {
    this.#options = options
    this.#ledger = options.ledger
    this.#bounds = { ...ASKER_BOUNDS, ...options.bounds }
    this.#untold = new Untold(options.ledger, options.now)
    this.#questions = new Questions(options.ledger)
    this.#endings = new Endings({
      ...options,
      bounds: this.#bounds,
      untold: this.#untold,
      ended: (item, answer) => this.#ended(item, answer),
      watch: () => this.#watch(),
    })
    this.#line = new Line({
      ...options,
      bounds: this.#bounds,
      back: () => {
        this.#questions.back()
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
    if (isFull || this.#stopping !== null) this.#endings.withhold(item)
    else if (question.stanza.length > STANZA_MAX) void this.#endings.tooLarge(item)
    else if (!this.#line.asks && this.#endings.isOpen) this.#endings.byRule(item)
    else {
      this.#questions.add(item)
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
      isStranger: this.#line.isStranger,
      waiting: this.#held.size,
      owed: owed.count,
      ...this.#endings.counts,
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
    for (const item of [...this.#held]) this.#endings.byRule(item)
    await until(() => this.#held.size === 0, signal)
    await this.#untold.tell(this.#endings.closedBy)
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
    while (this.#line.asks && this.#underWay < SCREENS && this.#questions.size + this.#reports.length > 0) {
      const reserving = this.#ledger.reserve()
      const items = this.#questions.take()
      for (const item of items) this.#asked.set(item.n, item)
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
        this.#endings.byRule(item)
        break
      case 'allow':
        this.#endings.answered(item, { action: 'deliver', stanza: item.question.stanza, replaced: false })
        break
      case 'refuse': {
        const { rule, condition, text } = verdict
        this.#endings.answered(item, { action: 'refuse', why: 'policy', rule, condition, text })
        break
      }
      case 'replace': {
        const stanza = replaced(item.question.stanza, verdict.stanza)
        if (stanza !== null) this.#endings.answered(item, { action: 'deliver', stanza, replaced: true })
        else this.#endings.unfit(item)
        break
      }
    }
  }

  /** Asked again when policy is there again, or ended by the rule for outages. */
  #unanswered(item: Item): void {
    if (this.#endings.isOpen || performance.now() >= item.until) this.#endings.byRule(item)
    else this.#questions.again(item, this.#line.asks)
  }

  #ended(item: Item, answer: Answer): void {
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
      this.#endings.byRule(item)
    }
    this.#questions.sweep()
    const isDue = this.#line.asks || this.#untold.ageMs() > OUTAGE_TOLD_MS
    void (isDue ? this.#untold.tell(this.#endings.closedBy) : Promise.resolve()).then(() => this.#untold.keep())
    this.#line.tick(now)
    this.#pump()
    const isIdle = this.#held.size + this.#untold.size + this.#reports.length === 0 && this.#endings.isSettled
    if (!isIdle || !this.#line.isTold() || this.#look === null) return
    clearInterval(this.#look)
    this.#look = null
  }
}

/** Null: it is none of this stanza. */
function replaced(original: string, stanza: Element): string | null {
  try {
    return replacementOf(parse(original), stanza)
  } catch {
    return null
  }
}
