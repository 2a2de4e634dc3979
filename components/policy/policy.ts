// SPDX-License-Identifier: Apache-2.0
// The component policy: every stanza it answers, and what it is made of.
import { randomUUID } from 'node:crypto'
import { openDenialLog } from '../kit/bus/denied.ts'
import { openJournal } from '../kit/bus/file-journal.ts'
import type { FillLevel } from '../kit/bus/file-messages.ts'
import type { Journal } from '../kit/bus/journal.ts'
import { writeFact } from '../kit/facts/entries.ts'
import type { AdHoc } from '../kit/process/ad-hoc.ts'
import type { Log } from '../kit/process/log.ts'
import type { Metrics } from '../kit/process/metrics.ts'
import type { Context, Running } from '../kit/process/run.ts'
import { createRouter } from '../kit/router/create-router.ts'
import type { Router } from '../kit/router/router.ts'
import { openStream } from '../kit/stream/open-stream.ts'
import type { Stream } from '../kit/stream/stream.ts'
import { inWords } from '../kit/text/catalogue.ts'
import { escapeAttribute } from '../kit/xml/writer.ts'
import { NS } from '../kit/xmpp/namespaces.ts'
import { followAccounts } from './accounts.ts'
import { policyCommands } from './commands.ts'
import { type Decide, decide, decideFault } from './domain/decide.ts'
import { outageRows } from './domain/outage-rules.ts'
import type { RuleSet } from './domain/rule.ts'
import { Coverage, type CoverageTimes } from './gate/coverage.ts'
import { networkFacts } from './gate/facts.ts'
import { type CrashPoints, createGate, type Gate, type GateBounds, type Judge } from './gate/gate.ts'
import { OutageTeller } from './gate/outage-teller.ts'
import { Tally } from './gate/tally.ts'
import { createWording } from './gate/wording.ts'
import { openPeople, showPeople } from './people-state.ts'
import { writeRows } from './protocol/outage-rules.ts'
import type { Elsewhere } from './protocol/screened.ts'
import { JudgeAside, LONG } from './rules/judge-aside.ts'
import { type InForce, openRules, type RulesInForce } from './rules/rules-in-force.ts'
import { watchFiles } from './rules/watch.ts'
import { badRules, outageRules, type PolicySettings, tableBytes } from './settings.ts'
import { troubleOf, warningsOf } from './trouble.ts'
import { openWalls } from './walls.ts'

/** Folder of the texts that people read. */
export const texts = new URL('./text/', import.meta.url)

/** What a main hands in. A test's own may end the process at a point, or put a slow rule in the place of the rules. */
export type Parts = { version: string; crash?: CrashPoints; decide?: Decide; coverage?: CoverageTimes }

export async function startPolicy(context: Context<PolicySettings>, parts: Parts): Promise<Running> {
  const { settings, log, metrics } = context
  const tally = new Tally(metrics)
  await using opening = new AsyncDisposableStack()
  let level: FillLevel = 'normal'
  const journal = opening.use(
    await openPolicyJournal(settings, log, (now) => {
      level = now
    }),
  )
  const rules = await openRulesOnRecord(context, journal, tally)
  // What people say to a network is found by where that is.
  const networks = networkFacts(settings.networks, new Date(context.now()).toISOString())
  if (networks.length > 0) await journal.append(networks.map(writeFact))
  const people = opening.use(
    await openPeople({
      settings,
      log,
      text: context.text,
      now: context.now,
      rules: () => rules.current().set,
      changed: () => {},
    }),
  )
  const accounts = opening.use(
    followAccounts({
      transports: settings.networks,
      fault(folder, error) {
        if (error) log.error('accounts of a network cannot be read', { folder, error })
        else log.info('accounts of a network can be read again', { folder })
      },
    }),
  )
  const elsewhere: Elsewhere = {
    networks: new Map(settings.networks.map(({ domain, network }) => [domain, network])),
    personOf: accounts.personOf,
  }
  const walls = opening.use(await openWalls({ settings, log, text: context.text, now: context.now, rules }))
  const coverage = new Coverage(
    settings.hosts,
    () => performance.now(),
    parts.coverage,
    new Set(elsewhere.networks.keys()),
  )
  const outage = createTeller(log, (host, payload) => router.request(host, payload, { timeoutMs: 10_000 }))
  const tellOutage = () => outage.inForce(outageRulesOf(rules.current(), settings))
  const listening: Pick<Coverage, 'heard' | 'stranger'> = {
    heard(host, screen) {
      coverage.heard(host, screen)
      outage.heard(host, screen)
    },
    stranger: (host) => coverage.stranger(host),
  }
  const denials = openDenialLog(journal, context.now, (who) =>
    log.warn('denied attempts are no more put on record', { ...who }),
  )
  const adHoc = context.adHoc({ domain: settings.domain, commands: () => commands, denied: denials.record })
  const router = openRouter(settings, parts, log, [outage, coverage], adHoc, (stream) =>
    createGate({
      hosts: settings.hosts,
      rooms: settings.rooms,
      elsewhere,
      bounds: settings.bounds,
      journal,
      people: people.current,
      judge: judgeBy(rules, parts.decide, settings.bounds, walls.judged),
      standing: walls.standing,
      send: (host, payload) => sendLater(stream(), host, payload, log),
      wording: createWording(context.text, settings.languages),
      tally,
      coverage: listening,
      stranger: (host) =>
        log.warn('a host that is not in the settings asks', {
          host,
          advice: context.text.say('policy-stranger-advice', 'en'),
        }),
      skipped: (host, why) => log.warn('a report that cannot be read is left out', { host, why }),
      fault: (what, error) => {
        tellFault(log, what, error)
        // A writer that is gone does not come back in this process: end, and be started again.
        if (what === 'journal' && error !== null) journal.state().catch(context.fail)
      },
      now: context.now,
      ...(parts.crash ? { crash: parts.crash } : {}),
    }),
  )
  const { gate, stream } = router
  opening.use(stream)
  opening.defer(() => outage.down())
  tellOutage()
  // What is wrong with the newest file may stand in one that only that one names.
  const watched = () => [
    ...new Set([settings.rulesFile, ...rules.current().files.map(({ path }) => path), ...(rules.error()?.paths ?? [])]),
  ]
  const reload = async () => {
    const error = await reloadRules(rules, tally, context)
    await walls.follow()
    tellOutage()
    watching.follow(watched())
    return error
  }
  const watching = opening.use(
    watchFiles(
      watched(),
      () => void reload().catch(context.fail),
      (error) => log.error('rules not watched', { error }),
    ),
  )
  showMetrics(metrics, journal, rules, gate)
  showPeople(metrics, people, context.now)
  metrics.gauge('network_accounts_count', 'Accounts on other networks of which transports say whose they are', () =>
    accounts.count(),
  )
  showCoverage(metrics, settings.hosts, coverage)
  showOutage(metrics, settings.hosts, outage)
  const commands = policyCommands({
    rules,
    journal,
    tally,
    inWork: () => gate.inWork(),
    people: people.current,
    wall: walls.check,
    text: context.text,
    rooms: settings.rooms,
    elsewhere,
    hosts: settings.hosts,
  })
  opening.move()
  return {
    commands,
    denied: denials.record,
    healthy: (language) => (gate.trouble() === null ? null : context.text.say('policy-journal-fails', language)),
    ready(language) {
      const troubles = [people.trouble(language), troubleOf({ stream, coverage, text: context.text, language })]
      return troubles.filter((trouble) => trouble !== null).join('; ') || null
    },
    warnings: (language) => [
      ...people.warnings(language),
      ...walls.warnings(language),
      ...warningsOf({ stream, rules, coverage, outage, level, text: context.text, language }),
    ],
    async reload() {
      const error = await reload()
      if (error) throw badRules(settings.rulesFile, error.problems)
    },
    async drain(signal) {
      watching[Symbol.dispose]()
      people[Symbol.dispose]()
      accounts[Symbol.dispose]()
      adHoc.close()
      outage.down()
      await gate.drain(signal)
      await stream.drain(signal)
      await walls[Symbol.asyncDispose]()
      await journal[Symbol.asyncDispose]()
    },
  }
}

/** Half full is a warning; what is nearly full or full is an error, since a full one takes nothing. */
const LOUD = { normal: 'info', warned: 'warn', alarmed: 'error', full: 'error' } as const

function openPolicyJournal(settings: PolicySettings, log: Log, changed: (level: FillLevel) => void): Promise<Journal> {
  return openJournal(settings.journal.folder, {
    maxBytes: settings.journal.maxBytes,
    warn(level, fill) {
      changed(level)
      // `level` of a line is how loud it is.
      log[LOUD[level]]('journal level', { fill: level, ...fill })
    },
    fault: (error) => log.error('journal fault', { error }),
  })
}

/** Every rule set is on record before the first stanza is judged by it. */
async function openRulesOnRecord(
  context: Context<PolicySettings>,
  journal: Journal,
  tally: Tally,
): Promise<RulesInForce> {
  const { settings, log } = context
  const announce = async ({ hash, file, files, loadedAt, set }: InForce) => {
    const named = Object.fromEntries(files.map((each) => [each.name, each.hash]))
    const rules = { kind: 'rules' as const, hash, rules: set.rules.length, file, at: loadedAt }
    await journal.append([writeFact(files.length > 0 ? { ...rules, files: named } : rules)])
    tally.countRulesAnew()
    log.info('rules in force', { file, hash, rules: set.rules.length })
  }
  const opened = await openRules(settings.rulesFile, context.now, announce)
  if ('problems' in opened) throw badRules(settings.rulesFile, opened.problems)
  return opened
}

/** One value for a whole screen: a reload in between changes nothing for it. */
function judgeBy(
  rules: RulesInForce,
  instead: Decide | undefined,
  { laterWithinMs }: GateBounds,
  walled: (decide: Decide, set: RuleSet) => Decide,
): () => Judge {
  let judge: (Judge & Disposable) | null = null
  return () => {
    const { set, data, hash } = rules.current()
    if (judge?.hash === hash) return judge
    judge?.[Symbol.dispose]()
    const aside = new JudgeAside(data, { withinMs: laterWithinMs * 0.75, waiting: 64, idleMs: 30_000 })
    // Terms cost the same for every text; only expressions can be slow.
    const isSlow = data.matcher.patterns.length > 0
    const judged: Decide = (asked, units) => (isSlow && units > LONG ? aside.judge(asked) : decide(asked, set))
    judge = {
      hash,
      decide: walled(instead ?? judged, set),
      fault: (asked) => decideFault(asked, set),
      [Symbol.dispose]: () => aside[Symbol.dispose](),
    }
    return judge
  }
}

/** A bad file is told in the log, by the metrics and by `policy rules`; the old rules stay. */
async function reloadRules(rules: RulesInForce, tally: Tally, { log, text }: Context<PolicySettings>) {
  const reloaded = await rules.reload()
  if (reloaded.is !== 'bad') return null
  tally.rulesRefused()
  for (const { line, wanted } of reloaded.error.problems)
    log.error('rules refused', { file: rules.current().file, line, wanted: inWords(wanted, text, 'en') })
  return reloaded.error
}

function openRouter(
  settings: PolicySettings,
  parts: Parts,
  log: Log,
  watching: readonly { up?(): void; down(): void }[],
  adHoc: AdHoc,
  makeGate: (stream: () => Stream) => Gate,
) {
  let router: Router<Stream>
  const gate = makeGate(() => router.stream)
  router = createRouter(
    {
      domain: settings.domain,
      identity: { category: 'component', type: 'generic', name: 'Gatehouse policy' },
      software: { name: 'Gatehouse policy', version: parts.version },
      routes: [
        { type: 'set', namespace: NS.screen, name: 'screen', order: 'arrival', answer: (iq) => gate.answer(iq) },
        ...adHoc.routes,
      ],
      nodes: adHoc.nodes,
      log,
      answerWithinMs: settings.bounds.answerWithinMs * 2,
    },
    (events) =>
      openStream(
        {
          host: settings.server.host,
          port: settings.server.port,
          domain: settings.domain,
          secret: settings.secret.reveal(),
          allowClear: settings.server.allowPlain,
          limits: { stanzaBytes: settings.bounds.inputBytes },
          log,
        },
        {
          ...events,
          up() {
            for (const each of watching) each.up?.()
          },
          down(reason) {
            for (const each of watching) each.down()
            events.down(reason)
          },
        },
      ),
  )
  return { gate, stream: router.stream, request: router.request }
}

/** What helpers are to hold for the time when policy is away. */
function outageRulesOf(
  { set }: InForce,
  { rooms, networks, bounds }: Pick<PolicySettings, 'rooms' | 'networks' | 'bounds'>,
) {
  return writeRows(outageRows(outageRules(set, networks)), rooms, tableBytes(bounds))
}

const TELL_AGAIN_MS = 30_000

function createTeller(log: Log, request: (host: string, payload: string) => Promise<unknown>): OutageTeller {
  return new OutageTeller({
    request,
    told: (host, { id, closed }) => log.info('a helper holds the rules for outages', { host, id, closed }),
    lacking: (host, lack, error) => log.warn('a helper does not hold the rules for outages', { host, lack, error }),
    again: { afterMs: TELL_AGAIN_MS },
  })
}

/** The helper's result is not waited for: a verdict that does not arrive is asked for again, as XEP-0114 resends nothing. */
function sendLater(stream: Stream, host: string, payload: string, log: Log): void {
  const to = escapeAttribute(host)
  const xml = `<iq type='set' id='gh-${randomUUID()}' from='${stream.domain}' to='${to}'>${payload}</iq>`
  if (!stream.send(xml)) log.warn('a later verdict could not be sent', { host })
}

function tellFault(log: Log, what: 'rules' | 'journal', error: unknown): void {
  if (error === null) log.info('journal works again')
  else log.error(what === 'journal' ? 'nothing can be recorded' : 'a rule failed', { error })
}

function showMetrics(metrics: Metrics, journal: Journal, rules: RulesInForce, gate: Gate): void {
  metrics.gauge('journal_bytes', 'What the journal takes on the disk', async () => (await journal.state()).bytes)
  metrics.gauge('journal_max_bytes', 'What it may take', async () => (await journal.state()).maxBytes)
  metrics.gauge(
    'journal_hours_left',
    'Until it is full at the rate of the last hour; -1 while that is not known',
    async () => (await journal.state()).hoursLeft ?? -1,
  )
  metrics.gauge('rules_count', 'Rules in force', () => rules.current().set.rules.length)
  metrics.gauge('rules_refused_state', '1 while the newest rule file was not taken', () =>
    rules.error() === null ? 0 : 1,
  )
  metrics.gauge('work_questions', 'Questions taken and not yet answered', () => gate.inWork().asks)
}

function showCoverage(metrics: Metrics, hosts: ReadonlySet<string>, coverage: Coverage): void {
  const help = '0 while no helper reports for a host of the settings; 1 also while that is not known yet'
  metrics.gauges('host_covered', help, { host: { atMost: 1_000 } }, () =>
    [...hosts].map((host) => ({ value: coverage.lack(host) === null ? 1 : 0, labels: { host } })),
  )
  const open =
    'Kinds switched off in the helper, modules loaded, transports not known, that let something past the question: see gatehouse check'
  metrics.gauges('open_doors', open, { host: { atMost: 1_000 } }, () =>
    coverage.open().map(({ host, open: { off, doors, untold, unnamed } }) => {
      const modules = doors.reduce((sum, one) => sum + one.modules.length, 0)
      return { value: off.length + modules + untold.length + unnamed.length, labels: { host } }
    }),
  )
  const strangers = 'Hosts that asked in the last ten minutes and are not in the settings; at most 20 are counted'
  metrics.gauge('stranger_hosts', strangers, () => coverage.strangers().length)
}

function showOutage(metrics: Metrics, hosts: ReadonlySet<string>, outage: OutageTeller): void {
  const help = '0 while the helper of a host does not hold the rules with `on_outage: closed`: see gatehouse check'
  metrics.gauges('outage_rules_held', help, { host: { atMost: 1_000 } }, () => {
    const lacking = new Set(outage.lacking().map(({ host }) => host))
    return [...hosts].map((host) => ({ value: lacking.has(host) ? 0 : 1, labels: { host } }))
  })
}
