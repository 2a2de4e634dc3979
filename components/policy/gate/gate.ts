// SPDX-License-Identifier: Apache-2.0
// Question -> order -> journal -> answer. Nothing is answered before what it says is on disk (Journal.append).

import type { Journal } from '../../kit/bus/journal.ts'
import { writeFact } from '../../kit/facts/entries.ts'
import type { Fact, FactOf, WhoWas } from '../../kit/facts/facts.ts'
import type { Iq } from '../../kit/router/router.ts'
import type { Element } from '../../kit/xml/element.ts'
import { bareOf } from '../../kit/xmpp/jid.ts'
import { NS } from '../../kit/xmpp/namespaces.ts'
import { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import type { AddressPattern } from '../domain/address-pattern.ts'
import type { Decide, Decision } from '../domain/decide.ts'
import type { People } from '../domain/person.ts'
import type { Ask, Screen } from '../domain/screen.ts'
import type { Screened } from '../domain/screened.ts'
import { withoutLogins } from '../protocol/logins.ts'
import { readScreen } from '../protocol/screen.ts'
import { type Elsewhere, readScreened } from '../protocol/screened.ts'
import { type Exception, writeVerdict, writeVerdicts } from '../protocol/verdicts.ts'
import type { Coverage } from './coverage.ts'
import { DoneMarks } from './done-marks.ts'
import { askFact, reportFact } from './facts.ts'
import { Identities } from './identities.ts'
import { divide, type Judged, toVerdict, type Wording } from './judged.ts'
import { type Sum, sumOf, type Tally } from './tally.ts'
import { Work, within } from './work.ts'

/** The rule set in force at one moment; a whole screen is judged by one. */
export type Judge = {
  hash: string
  decide: Decide
  /** What is said where `decide` failed; null: nothing, and the outage rule of the host applies. */
  fault(asked: Screened): Decision | null
}

export type GateBounds = {
  /** Questions taken and not yet answered. */
  asks: number
  /** UTF-16 units of their stanzas. */
  bytes: number
  answerWithinMs: number
  laterWithinMs: number
  /** UTF-8 bytes of one new stanza, and of one answer. */
  replacementBytes: number
  answerBytes: number
}

export type GateOptions = {
  /** Domains that may ask, lower case. */
  hosts: ReadonlySet<string>
  rooms: readonly AddressPattern[]
  elsewhere?: Elsewhere
  bounds: GateBounds
  judge(): Judge
  /** Takes down who came and went in rooms; the promise, if any, resolves when it is on disk. */
  standing?(host: string, screen: Screen<unknown>): Promise<unknown> | null
  /** Who people are at this moment; null while nobody knows. */
  people?(): People | null
  journal: Pick<Journal, 'append'>
  /** Sends the verdicts that were promised as `later`: an IQ set to this host. */
  send(host: string, payload: string): void
  wording: Wording
  tally: Tally
  coverage: Pick<Coverage, 'heard' | 'stranger'>
  /** A host that is not in `hosts` asks; once a minute for each. */
  stranger(host: string): void
  /** A report of this host cannot be read and is left out; once a minute. `why` names the place. */
  skipped(host: string, why: string): void
  /** A decision that threw, or a journal that began to fail or works again (null). */
  fault(what: 'rules' | 'journal', error: unknown): void
  now(): number
  crash?: CrashPoints
}

/** Where a test's own main may end the process. */
export type CrashPoints = { beforeAppend?(): void; afterAppendBeforeAnswer?(): void }

export type Gate = {
  answer(iq: Pick<Iq, 'from' | 'payload' | 'slice'>): Promise<string>
  /** Takes nothing new; resolves when everything taken is answered, or when the signal aborts. */
  drain(signal: AbortSignal): Promise<void>
  inWork(): { asks: number; bytes: number }
  /** The journal took nothing the last time; null once it works (again). */
  trouble(): string | null
}

/** Never added to: while nobody knows who people are nothing is told of them. */
const NO_NEWS: FactOf<'identity'>[] = []

type Origin = { source: string; host: string; rules: string }
type Ready = Judged & { state: 'ready' }
type Slow = {
  state: 'slow'
  ask: Ask<Element>
  asked: Screened | null
  judge: Judge
  decision: Promise<Decision>
}
/** `done`: the mark that is news, else null. */
type Told = {
  origin: Origin
  begun: number
  slow: readonly Slow[]
  done: number | null
  parts: ReturnType<typeof divide>
  sum: Sum
}

export function createGate(options: GateOptions): Gate {
  const { bounds, journal, tally } = options
  const done = new DoneMarks()
  const work = new Work(bounds)
  const identities = new Identities(options.now)
  let journalFails = false
  let quietUntil = 0

  /** All that is read and judged is done with when the facts are handed over; while the disk works, only `Told` is held. */
  async function answer(iq: Pick<Iq, 'from' | 'payload' | 'slice'>): Promise<string> {
    const begun = performance.now()
    const host = iq.from.toLowerCase()
    if (!options.hosts.has(host)) {
      tally.stranger()
      if (options.coverage.stranger(host)) options.stranger(host)
      // With a mark of ours: a server may say forbidden of a component that is away.
      const specific = { name: 'stranger', namespace: NS.screen }
      throw new StanzaError('auth', 'forbidden', options.wording.error('policy-stranger'), { specific })
    }
    const screen = read(iq)
    options.coverage.heard(host, screen)
    tellSkipped(host, screen.skipped)
    const release = work.take(screen.asks)
    if (!release) {
      tally.overBound()
      throw new StanzaError('wait', 'resource-constraint', options.wording.error('policy-busy'))
    }
    try {
      const stood = options.standing?.(host, screen) ?? null
      const judge = options.judge()
      const origin: Origin = { source: screen.source, host, rules: judge.hash }
      const news = (options.people?.() ?? null) === null ? NO_NEWS : []
      const judged = screen.asks.map((ask) => judgeOne(ask, origin, judge, news))
      tellOccupants(screen, news)
      // What was spooled is acknowledged by the answer, so it is kept before it. Nobody waits for a verdict on it.
      const awaited = judged.some((one) => one.state === 'slow' && one.ask.spooled)
      const settled = awaited
        ? await Promise.all(
            judged.map((one) => (one.state === 'slow' && one.ask.spooled ? settle(one, begun, news) : one)),
          )
        : judged
      const told = tellOf(screen, settled, origin, begun)
      return conclude(keep(factsOf(screen, told, settled, news), begun, stood), told, release)
    } catch (error) {
      release()
      throw error
    }
  }

  /** What is left to do when the facts are on disk. */
  function tellOf(screen: Screen<Element>, judged: readonly (Ready | Slow)[], origin: Origin, begun: number): Told {
    const ready = judged.filter((one) => one.state === 'ready')
    const slow = judged.filter((one) => one.state === 'slow')
    const exceptions = ready.flatMap((one) => one.exception ?? [])
    const later = slow.map((one): Exception => ({ n: one.ask.n, action: 'later' }))
    return {
      origin,
      begun,
      slow,
      done: done.isNews(screen.source, screen.done) ? screen.done : null,
      parts: divide([...later, ...exceptions], bounds.answerBytes),
      sum: sumOf(ready, screen.reports.length),
    }
  }

  function factsOf(
    screen: Screen<Element>,
    { origin, done }: Told,
    judged: readonly (Ready | Slow)[],
    news: readonly Fact[],
  ): Fact[] {
    const { source, host } = origin
    const facts: Fact[] = []
    for (const report of screen.reports) if (report.report === 'source') facts.push(reportFact(report, source, host))
    if (done !== null) facts.push({ kind: 'done', source, to: done })
    facts.push(...news)
    for (const one of judged) if (one.state === 'ready') facts.push(askFact(one.ask, one.verdict, origin, one.noted))
    for (const report of screen.reports)
      if (report.report !== 'source' && report.report !== 'host') facts.push(reportFact(report, source, host))
    return facts
  }

  async function conclude(kept: Promise<void>, told: Told, release: () => void): Promise<string> {
    try {
      await kept
      const { origin, parts, begun } = told
      if (told.done !== null) done.keep(origin.source, told.done)
      options.crash?.afterAppendBeforeAnswer?.()
      for (const one of told.slow) answerLater(one, origin, begun)
      // After the answer, which says of them that they come later.
      if (parts.after.length > 0) setImmediate(() => sendAll(origin.host, origin.source, parts.after))
      tally.answered(told.sum, (performance.now() - begun) / 1_000)
      return writeVerdicts(parts.answer)
    } finally {
      release()
    }
  }

  function read(iq: Pick<Iq, 'payload' | 'slice'>) {
    try {
      return readScreen(iq.payload, (child) => iq.slice(child))
    } catch (error) {
      if (error instanceof StanzaError) tally.badScreen()
      throw error
    }
  }

  /** Who stands in a room may read what is said there. */
  function tellOccupants(screen: Screen<Element>, news: FactOf<'identity'>[]): void {
    const people = options.people?.() ?? null
    if (people === null) return
    for (const report of screen.reports)
      if (report.report === 'occupant' && report.event === 'joined') identities.tell(people, bareOf(report.jid), news)
  }

  function tellSkipped(host: string, skipped: readonly string[]): void {
    const [why] = skipped
    if (why === undefined) return
    tally.skipped(skipped.length)
    if (performance.now() < quietUntil) return
    quietUntil = performance.now() + 60_000
    options.skipped(host, why)
  }

  function judgeOne(given: Ask<Element>, origin: Origin, judge: Judge, news: FactOf<'identity'>[]): Ready | Slow {
    const ask = withoutLogins(given, (domain) => options.elsewhere?.networks.has(domain) === true)
    if ('unreadable' in ask.stanza) {
      const at = ask.at || new Date(options.now()).toISOString()
      return ready({ ...ask, at }, { action: 'refuse', rule: 'unreadable', condition: 'bad-request', text: null })
    }
    let asked: Screened | null = null
    try {
      asked = readScreened(ask, ask.stanza, origin.host, options.rooms, options.people?.() ?? null, options.elsewhere)
      const decision = judge.decide(asked, ask.raw.length)
      if (!(decision instanceof Promise)) return ready(ask, decision, whoOf(asked, decision, news))
      // Whoever waits for it takes the rejection; until then it is nobody's.
      decision.catch(() => {})
      return { state: 'slow', ask, asked, judge, decision }
    } catch (error) {
      return faulty({ ask, asked, judge }, error, news)
    }
  }

  /** Of whom nothing is to be on record, it is not told there who he is: that it is told now would say that it was he. */
  function whoOf(asked: Screened | null, decision: Decision | null, news: FactOf<'identity'>[]): WhoWas | undefined {
    return asked === null || decision?.record === 'nothing' ? undefined : identities.whoOf(asked, news)
  }

  function ready(ask: Ask<Element>, decision: Decision, who?: WhoWas): Ready {
    const judged = toVerdict(ask, decision, options.wording, bounds)
    return { state: 'ready', ...judged, noted: who ? { ...judged.noted, who } : judged.noted }
  }

  async function settle(slow: Slow, begun: number, news: FactOf<'identity'>[]): Promise<Ready> {
    try {
      const decision = await within(slow.decision, bounds.laterWithinMs - (performance.now() - begun))
      return ready(slow.ask, decision, whoOf(slow.asked, decision, news))
    } catch (error) {
      return faulty(slow, error, news)
    }
  }

  /** No verdict: the helper does what its operator set for an outage. On record stands that nothing was allowed. */
  function faulty(
    { ask, asked, judge }: Pick<Slow, 'ask' | 'asked' | 'judge'>,
    error: unknown,
    news: FactOf<'identity'>[],
  ): Ready {
    options.fault('rules', error)
    const who = whoOf(asked, null, news)
    const stricter = asked && judge.fault(asked)
    if (stricter) return ready(ask, stricter, who)
    const refused = ready(ask, { action: 'refuse', rule: 'fault', condition: 'internal-server-error', text: {} }, who)
    return { ...refused, exception: ask.spooled ? null : { n: ask.n, action: 'fault' } }
  }

  /** Resolves when the facts are on disk. What is late or cannot be kept is an error to the helper: nothing was allowed. */
  function keep(facts: readonly Fact[], begun: number, beside: Promise<unknown> | null = null): Promise<void> {
    if (facts.length === 0 && beside === null) return Promise.resolve()
    options.crash?.beforeAppend?.()
    const appended = append(facts)
    return untilKept(beside ? Promise.all([appended, beside]) : appended, begun)
  }

  /** Not async: it must not hold the facts until they are on disk. */
  function append(facts: readonly Fact[]): Promise<unknown> {
    try {
      return facts.length === 0 ? Promise.resolve() : journal.append(facts.map(writeFact))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async function untilKept(appended: Promise<unknown>, begun: number): Promise<void> {
    try {
      await within(appended, bounds.answerWithinMs - (performance.now() - begun))
      if (journalFails) options.fault('journal', null)
      journalFails = false
    } catch (cause) {
      tally.notKept()
      identities.forget()
      if (!journalFails) options.fault('journal', cause)
      journalFails = true
      // Without the cause: the log has it once, not with every screen.
      throw new StanzaError('wait', 'resource-constraint', options.wording.error('policy-not-kept'))
    }
  }

  /** Keeps and sends a verdict that took its time. Unsent, late or unkept: the helper's own time limit applies. */
  function answerLater(slow: Slow, origin: Origin, begun: number): void {
    const release = work.take([slow.ask], true)
    const run = async () => {
      try {
        const news: FactOf<'identity'>[] = []
        const one = await settle(slow, begun, news)
        await keep([...news, askFact(one.ask, one.verdict, origin, one.noted)], performance.now())
        const took = performance.now() - begun
        tally.answered(sumOf([one], 0), took / 1_000)
        if (took > bounds.laterWithinMs) return tally.tooLate()
        const verdict = writeVerdict(one.exception ?? { n: one.ask.n, action: 'allow' })
        options.send(origin.host, writeVerdicts([verdict], origin.source))
      } catch (error) {
        // keep() has told of it already.
        if (!(error instanceof StanzaError)) options.fault('rules', error)
      } finally {
        release?.()
      }
    }
    void run()
  }

  function sendAll(host: string, source: string, parts: readonly string[][]): void {
    for (const part of parts) options.send(host, writeVerdicts(part, source))
  }

  return {
    answer,
    drain: (signal) => work.close(signal),
    inWork: () => work.now(),
    trouble: () => (journalFails ? 'the journal takes nothing' : null),
  }
}
