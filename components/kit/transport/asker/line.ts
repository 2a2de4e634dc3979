// SPDX-License-Identifier: Apache-2.0
// The way to policy: screens with the announcement before them, probes while it does not answer, marks, and what is owed from the disk.
// PROTOCOL.md sections 2, 4 and 7.
import type { Element } from '../../xml/element.ts'
import { NS } from '../../xmpp/namespaces.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { type AskerBounds, type AskerLog, CHARACTERS_PER_SCREEN } from './bounds.ts'
import { Breaker } from './breaker.ts'
import type { Ledger } from './ledger.ts'
import type { Owed } from './ledger-operations.ts'
import { writeMark, writeScreen } from './writing.ts'

const REPLAYED = 100
const FORBIDDEN_MS = 5_000

export type LineOptions = {
  screen: string
  bounds: Pick<AskerBounds, 'tryMs' | 'replayMs' | 'markMs' | 'probeMs'>
  ledger: Ledger
  request(to: string, payload: string, options: { timeoutMs: number }): Promise<Element>
  log: AskerLog
  now(): number
  /** Policy answers, for the first time or again. */
  back(): void
  /** Something is to be looked at: `tick` is wanted. */
  watch(): void
}

export class Line {
  readonly #options: LineOptions
  readonly #ledger: Ledger
  readonly #breaker = new Breaker()
  #up = false
  #announced = false
  #probing = false
  #nextProbe = 0
  #forbidden = false
  /** The last that was heard was no answer. */
  #failing = false
  #told = { last: 0, done: 0 }
  #nextMark = 0
  #replaying: Promise<boolean> | null = null
  #nextReplay = 0
  #replayed = REPLAYED

  constructor(options: LineOptions) {
    this.#options = options
    this.#ledger = options.ledger
  }

  /** Whether questions may be sent. */
  get asks(): boolean {
    return this.#up && this.#breaker.asks
  }

  get isStranger(): boolean {
    return this.#forbidden
  }

  get isUp(): boolean {
    return this.#up
  }

  up(): void {
    this.#up = true
    this.#announced = false
    this.#replayed = REPLAYED
    this.#probe()
    this.#options.watch()
  }

  down(): void {
    this.#up = false
    this.#breaker.lost()
  }

  /** Rejects with the StanzaError of the router; that is counted as a failure. */
  async ask(asks: readonly string[], reports: readonly string[]): Promise<Element> {
    try {
      const result = await this.#sendWith(asks, reports)
      this.#answered()
      return result
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  tick(now: number): void {
    if (!this.#up) return
    // Also after a single failure: what had no answer waits to be asked again.
    if ((this.#failing || !this.#breaker.asks) && now >= this.#nextProbe) this.#probe()
    if (!this.#breaker.asks) return
    if (this.#ledger.owed.count > 0 && now >= this.#nextReplay) {
      this.#nextReplay = now + this.#options.bounds.replayMs
      void this.#replay()
    }
    this.#markIfMoved(now)
  }

  /** Nothing is to be said any more. */
  isTold(): boolean {
    const { last, done, owed } = this.#ledger
    return this.asks && !this.#failing && last === this.#told.last && done === this.#told.done && owed.count === 0
  }

  /** Tells what is owed, and that no number follows. */
  async end(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#ledger.owed.count > 0 && (await this.#replay())) {
      // The next ones.
    }
    const { last, done } = this.#ledger
    // Nothing is said of a number whose end is not on disk, or not acknowledged.
    const isWhole = done === last
    try {
      await this.#send([this.#mark(isWhole)])
    } catch {
      return
    }
    if (isWhole) await this.#ledger.end()
  }

  /** Of a screen that cannot be read nothing counts; without its reports it is asked once more, and that is no failure. */
  async #sendWith(asks: readonly string[], reports: readonly string[]): Promise<Element> {
    try {
      return await this.#send([...asks, ...reports])
    } catch (error) {
      if (!isBad(error) || reports.length === 0) throw error
      this.#options.log.error('reports that policy cannot read are left out', {
        reports: reports.length,
        why: error.message,
      })
      return await this.#send(asks.length > 0 ? asks : [this.#mark()])
    }
  }

  /** The announcement stands in the first screen of a connection. */
  async #send(children: readonly string[]): Promise<Element> {
    const { screen, request, log, bounds } = this.#options
    const ledger = this.#ledger
    const first = !this.#announced
    this.#announced = true
    const said = { last: ledger.last, done: ledger.done }
    const all = first ? [ledger.announcement(), ...children] : children
    try {
      const payload = writeScreen(ledger.source, said.done, all)
      const result = await request(screen, payload, { timeoutMs: bounds.tryMs })
      if (first) void ledger.announced().catch((error: unknown) => log.error('the ledger failed', { error }))
      if (children.some((child) => child.startsWith('<mark'))) this.#told = said
      return result
    } catch (error) {
      if (first) this.#announced = false
      throw error
    }
  }

  #mark(end = false): string {
    return writeMark(this.#ledger.last, this.#options.now(), end)
  }

  #fail(error: unknown): void {
    const { log, screen } = this.#options
    // Where nothing is asked yet, one failure is enough to say so.
    const isNews = !this.#failing && !this.#breaker.asks
    this.#failing = true
    if (isStranger(error)) {
      if (!this.#forbidden)
        log.error(
          'policy takes no questions of this transport: is it in hosts of policy.yaml, and was policy restarted since?',
          { screen },
        )
      this.#forbidden = true
      this.#breaker.lost()
      this.#nextProbe = performance.now() + FORBIDDEN_MS
    } else if (this.#breaker.failed() || isNews)
      log.warn('policy does not answer: the rule for outages applies', { screen })
    this.#options.watch()
  }

  #answered(): void {
    const isBack = this.#breaker.answered()
    if (isBack) this.#options.log.info('policy answers', { screen: this.#options.screen })
    if (!this.#breaker.asks || !(isBack || this.#failing)) return
    this.#forbidden = false
    this.#failing = false
    this.#options.back()
  }

  #probe(): void {
    if (this.#probing || !this.#up) return
    this.#probing = true
    this.#nextProbe = performance.now() + this.#options.bounds.probeMs
    this.#send([this.#mark()]).then(
      () => {
        this.#probing = false
        this.#answered()
        if (!this.#breaker.asks) this.#probe()
      },
      (error: unknown) => {
        this.#probing = false
        this.#fail(error)
      },
    )
  }

  #markIfMoved(now: number): void {
    const { last, done } = this.#ledger
    const { markMs } = this.#options.bounds
    if (last === this.#told.last && done === this.#told.done) {
      this.#nextMark = 0
      return
    }
    if (this.#nextMark === 0) this.#nextMark = now + markMs
    if (now < this.#nextMark) return
    this.#nextMark = now + markMs
    this.#send([this.#mark()]).catch((error: unknown) => this.#fail(error))
  }

  /** Some of what is owed, of one run; true: there may be more. One at a time. */
  #replay(): Promise<boolean> {
    this.#replaying ??= this.#replayOnce().finally(() => {
      this.#replaying = null
    })
    return this.#replaying
  }

  async #replayOnce(): Promise<boolean> {
    let some: readonly Owed[] = []
    try {
      some = await this.#ledger.owing(this.#replayed, CHARACTERS_PER_SCREEN)
      const source = some[0]?.source
      if (source === undefined) return false
      const xml = some.map((one) => one.xml)
      const { screen, request, bounds } = this.#options
      if (source === this.#ledger.source) await this.#send(xml)
      else await request(screen, writeScreen(source, null, xml), { timeoutMs: bounds.tryMs })
      await this.#ledger.paid(some)
      return true
    } catch (error) {
      return await this.#notReplayed(some, error)
    }
  }

  /** One record that policy cannot read keeps back nothing behind it. */
  async #notReplayed(some: readonly Owed[], error: unknown): Promise<boolean> {
    const [one] = some
    if (!isBad(error) || one === undefined) {
      this.#fail(error)
      return false
    }
    if (some.length > 1) {
      this.#replayed = 1
      return true
    }
    const { id, kind } = one
    this.#options.log.error('a record that policy cannot read is put aside', { id, kind, why: error.message })
    await this.#ledger.aside(one)
    this.#replayed = REPLAYED
    return true
  }
}

/** By the mark of the screen: a server may say forbidden as well, of a component that is away. */
function isStranger(error: unknown): boolean {
  if (!(error instanceof StanzaError) || error.condition !== 'forbidden') return false
  return error.specific?.name === 'stranger' && error.specific.namespace === NS.screen
}

function isBad(error: unknown): error is StanzaError {
  return error instanceof StanzaError && error.condition === 'bad-request'
}
