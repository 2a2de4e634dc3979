// SPDX-License-Identifier: Apache-2.0
// bench gate: what a company pays for Gatehouse, beside what it would pay for the server's own archive. All set-ups stand
// side by side and take turns, so that a busy machine is unfair to all of them alike.
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { prosodyVersion } from '../../deploy/demo/prosody.ts'
import { measureFdatasync } from '../harness/fdatasync.ts'
import { usage } from '../harness/meter.ts'
import { postgresLack } from '../harness/postgres.ts'
import { slowSync } from '../harness/slow-sync.ts'
import { aims, explain } from './explain.ts'
import { type Load, type LoadReport, openLoad } from './load.ts'
import { type Added, addedLatency, DISTURBED_P99_MS, median, type Spread } from './open-loop.ts'
import { gateRules, TERMS } from './rules.ts'
import type { SetUp, Suite } from './set-ups.ts'
import * as setUps from './set-ups.ts'
import { NOTES, table } from './table.ts'
import { isRight, sumOf, type Wrong, wrongOf } from './wrong.ts'

/** `generational`: every Prosody of the run has this mode of Lua's collector, bare and peers too. */
export type GateOptions = { form: 'quick' | 'normal' | 'long'; generational: boolean }

const NORMAL = { rounds: 7, seconds: 4, slices: 6, sliceSeconds: 5, syncs: 1000, messages: 100_000 }
const SHAPE = {
  quick: { rounds: 2, seconds: 2, slices: 3, sliceSeconds: 2, syncs: 300, messages: 0 },
  normal: NORMAL,
  long: { ...NORMAL, syncs: 3000 },
} as const

const PAIRS = 20
const WINDOW = 10
const SIZES = [100, 1000]

/** What one set-up has done so far, over all its turns. */
export type Score = {
  name: string
  sent: number
  /** From the first message to the moment when the last record can be found. */
  seconds: number
  p50Ms: number
  p99Ms: number
  /** Of the warm-up too. */
  wrong: Wrong
  /** Sent before anything was counted. */
  warmUp: number
  drainSeconds: number
  /** By process. */
  cpuUsPerMessage: Record<string, number>
  rssMb: Record<string, number>
  peakRssMb: Record<string, number>
  rows: number | null
  commits: number | null
  generatorCpuUs: number
  errorTexts: string[]
  /** Messages per second, and the server's CPU for each, round by round. */
  rounds: { perSecond: number; serverCpuUs: number }[]
}

/** A load, and what went wrong under it; where it was to keep a rate, in messages per second, what came of it. */
export type Ran = { where: string; of: 'suite' | 'peer'; wrong: Wrong; pace?: { wanted: number; kept: number } }

type Turn = { set: SetUp; load: Load; score: Score; cpuUs: Record<string, number> }

export async function gate(options: GateOptions): Promise<number> {
  const shape = SHAPE[options.form]
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
  await using opened = new AsyncDisposableStack()
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const version = await prosodyVersion()
  if (version === null) throw new Error('prosody is not installed')

  say(`Prosody ${version}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.version}`)
  const lack = options.form === 'long' ? await postgresLack() : null
  if (lack !== null) say(`skipped: mod_mam PostgreSQL: ${lack}`)
  const lines = options.generational ? ['gc = { mode = "generational" }'] : []
  for (const line of lines) say(`every Prosody with ${line}`)
  const withPostgres = options.form === 'long' && lack === null
  const suite = opened.use(await setUps.suite(lines))
  const sets: SetUp[] = [
    opened.use(await setUps.bare(folder, lines)),
    opened.use(await setUps.mamInternal(folder, lines)),
    opened.use(await setUps.mamSqlite(folder, lines)),
    ...(withPostgres ? [opened.use(await setUps.mamPostgres(folder, lines))] : []),
    opened.use(await setUps.noop(lines)),
    suite,
  ]
  const turns: Turn[] = []
  for (const set of sets) {
    const load = opened.use(await openLoad({ ...set.target, pairs: PAIRS }))
    turns.push({ set, load, score: empty(set.name), cpuUs: {} })
  }
  const syncs = [measureFdatasync(folder, shape.syncs)]

  for (let round = 0; round < shape.rounds; round++) {
    for (const turn of turns) await takeTurn(turn, shape.seconds)
  }
  for (const turn of turns) await close(turn)
  const scores = turns.map((turn) => turn.score)
  say(table(scores))
  say(NOTES)

  const bareTurn = turns[0]
  const suiteTurn = turns.at(-1)
  if (bareTurn === undefined || suiteTurn === undefined) throw new Error('nothing was measured')
  const added = await addedLatency(bareTurn.load, suiteTurn.load, suite.world, shape)
  syncs.push(measureFdatasync(folder, shape.syncs))
  say(openText(added))
  const before = suiteTurn.score.warmUp + suiteTurn.score.sent + added.sent
  const rest = await fill(suiteTurn, shape.messages - before, shape.seconds)
  readRss(suiteTurn)
  say(rssText(suiteTurn.score, before + rest.sent))
  // Last: reading rules again and again is no part of what the memory is wanted for.
  const cost = await rulesCost(suiteTurn, suite.world, shape)
  say(rulesText(cost))
  const ran: Ran[] = [
    ...scores.map(({ name, wrong }) => ({ where: name, of: name === suite.name ? 'suite' : 'peer', wrong }) as const),
    { where: 'bare, open loop', of: 'peer', wrong: added.wrong.bare },
    { where: 'full suite, open loop', of: 'suite', wrong: added.wrong.suite },
    { where: 'full suite, with its rules and without', of: 'suite', wrong: cost.wrong },
    { where: 'full suite, up to the last message', of: 'suite', wrong: rest.wrong },
  ]
  if (options.form === 'long')
    for (const delayMs of [2, 5]) ran.push(...(await slowed(folder, delayMs, bareTurn, lines)))

  const fdatasyncP99 = Math.max(...syncs.map((one) => one.p99Ms))
  const result = figures(version, scores, added, fdatasyncP99, ran, cost)
  const missed = explain(result, scores, ran)
  say(missed === '' ? 'every goal is met' : missed)
  say(aims(scores))
  process.stdout.write(`${JSON.stringify(options.generational ? { ...result, server_gc: 'generational' } : result)}\n`)
  return exitCode(ran)
}

/** Whatever was lost, doubled, overtaken, refused or broken off, under whichever load, fails the run. */
export function exitCode(ran: readonly Ran[]): number {
  return ran.every(({ wrong }) => isRight(wrong)) ? 0 : 1
}

export type RulesCost = { withUs: number; withoutUs: number; wrong: Wrong }

/** CPU of policy for a message with the rules in force and without any: in turns, under the same load, of the same process. */
async function rulesCost(
  { set, load }: Turn,
  world: Suite['world'],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<RulesCost> {
  const cpuUs = { with: 0, without: 0 }
  const messages = { with: 0, without: 0 }
  const reports: LoadReport[] = []
  const run = { mode: 'closed', window: WINDOW, bodies: SIZES } as const
  const pid = set.pids.policy ?? 0
  for (let round = 0; round < rounds; round++) {
    for (const which of ['without', 'with'] as const) {
      await world.setRules(which === 'with' ? gateRules() : 'otherwise: allow\nrules: []')
      // Not counted: what is left of reading the rules, and the compiler.
      const first = await load.run({ ...run, seconds: 0.5 })
      await set.found(first, PAIRS)
      const before = usage(pid).cpuUs
      const report = await load.run({ ...run, seconds: seconds / 2 })
      await set.found(report, PAIRS)
      cpuUs[which] += usage(pid).cpuUs - before
      messages[which] += report.sent
      reports.push(first, report)
    }
  }
  return {
    withUs: cpuUs.with / messages.with,
    withoutUs: cpuUs.without / messages.without,
    wrong: wrongOf(reports),
  }
}

export function rulesText({ withUs, withoutUs }: RulesCost): string {
  return `CPU of policy per message: ${withUs.toFixed(1)} us with 200 rules and ${TERMS} terms, ${withoutUs.toFixed(1)} us without`
}

/** The suite's load goes on until so many more messages were sent. */
async function fill({ set, load }: Turn, messages: number, seconds: number): Promise<{ sent: number; wrong: Wrong }> {
  const reports: LoadReport[] = []
  let sent = 0
  while (sent < messages) {
    const report = await load.run({ mode: 'closed', window: WINDOW, bodies: SIZES, seconds })
    reports.push(report)
    sent += report.sent
    if (!isRight(wrongOf([report]))) break
    await set.found(report, PAIRS)
  }
  return { sent, wrong: wrongOf(reports) }
}

/** The peak is that of the whole life of a process. */
function readRss({ set, score }: Turn): void {
  for (const [name, pid] of Object.entries(set.pids)) {
    const { rssMb, peakRssMb } = usage(pid)
    score.rssMb[name] = rssMb
    score.peakRssMb[name] = peakRssMb
  }
}

export function rssText({ rssMb, peakRssMb }: Score, messages: number): string {
  const each = Object.entries(rssMb).map(
    ([name, mb]) => `${name} ${mb.toFixed(0)} MB (peak ${(peakRssMb[name] ?? Number.NaN).toFixed(0)} MB)`,
  )
  return `RSS of the full suite after ${messages} messages: ${each.join(', ')}`
}

async function takeTurn(turn: Turn, seconds: number): Promise<void> {
  const { set, load, score } = turn
  const before = { sent: score.sent, seconds: score.seconds, cpuUs: turn.cpuUs.prosody ?? 0 }
  const run = { mode: 'closed', window: WINDOW, bodies: SIZES } as const
  // Not counted: caches, the compiler, the first connections of the log.
  if (score.rounds.length === 0) {
    const warmUp = await load.run({ ...run, seconds: 0.5 })
    take(score, warmUp)
    score.warmUp = warmUp.sent
    await set.found(warmUp, PAIRS)
  }
  const used = cpuOf(set)
  const report = await load.run({ ...run, seconds })
  await set.found(report, PAIRS)
  const end = Math.max(report.drainedAt, set.pids.policy === undefined ? 0 : Date.now())
  const after = cpuOf(set)
  for (const name of Object.keys(after)) {
    turn.cpuUs[name] = (turn.cpuUs[name] ?? 0) + (after[name] ?? 0) - (used[name] ?? 0)
  }
  const weight = report.sent / (score.sent + report.sent)
  score.p50Ms += (report.p50Ms - score.p50Ms) * weight
  score.p99Ms = Math.max(score.p99Ms, report.p99Ms)
  score.sent += report.sent
  score.seconds += (end - report.startedAt) / 1000
  take(score, report)
  score.generatorCpuUs += report.cpuUsPerMessage * report.sent
  score.drainSeconds = Math.max(score.drainSeconds, (end - report.drainedAt) / 1000)
  const sent = score.sent - before.sent
  const perSecond = sent / (score.seconds - before.seconds)
  score.rounds.push({ perSecond, serverCpuUs: ((turn.cpuUs.prosody ?? 0) - before.cpuUs) / sent })
  say(`  ${set.name}: ${Math.round(perSecond)} msg/s`)
}

function take(score: Score, report: LoadReport): void {
  score.wrong = sumOf([score.wrong, wrongOf([report])])
  score.errorTexts.push(...report.errorTexts, ...report.broken)
}

async function close(turn: Turn): Promise<void> {
  const { set, score, cpuUs } = turn
  for (const name of Object.keys(set.pids)) score.cpuUsPerMessage[name] = (cpuUs[name] ?? 0) / score.sent
  readRss(turn)
  Object.assign(score, await set.counts())
}

function cpuOf(set: SetUp): Record<string, number> {
  return Object.fromEntries(Object.entries(set.pids).map(([name, pid]) => [name, usage(pid).cpuUs]))
}

function empty(name: string): Score {
  return {
    ...{
      name,
      sent: 0,
      seconds: 0,
      p50Ms: 0,
      p99Ms: 0,
      wrong: sumOf([]),
      warmUp: 0,
      drainSeconds: 0,
    },
    ...{
      cpuUsPerMessage: {},
      rssMb: {},
      peakRssMb: {},
      rows: null,
      commits: null,
      generatorCpuUs: 0,
      errorTexts: [],
      rounds: [],
    },
  }
}

/** The flat line that programs read. */
export type GateFigures = {
  bench: 'gate'
  server: string
  cores: number
  suite_over_bare: number
  suite_over_noop: number
  server_cpu_ratio: number
  suite_over_mam_sqlite: number
  suite_over_mam_internal: number
  added_p50_ms: number
  added_p99_ms: number
  fdatasync_p99_ms: number
  lost: number
  doubled: number
  rss_mb_max: number
  drain_s: number
  rules_cpu_us: number
}

export function figures(
  version: string,
  scores: readonly Score[],
  added: Added,
  fdatasyncP99: number,
  ran: readonly Ran[],
  cost: RulesCost,
): GateFigures {
  const of = (name: string) => {
    const score = scores.find((one) => one.name === name)
    if (score === undefined) throw new Error(`${name} was not measured`)
    return score
  }
  const suite = of('full suite')
  const over = (name: string, pick?: PickRound) => round(ratio(suite, of(name), pick), 3)
  const wrong = sumOf(ran.filter((one) => one.of === 'suite').map((one) => one.wrong))
  const own = Object.entries(suite.peakRssMb).filter(([name]) => name !== 'prosody')
  return {
    bench: 'gate',
    server: `prosody ${version}`,
    cores: cpus().length,
    suite_over_bare: over('bare'),
    suite_over_noop: over('do-nothing screen'),
    server_cpu_ratio: over('bare', (round) => round.serverCpuUs),
    suite_over_mam_sqlite: over('mod_mam SQLite'),
    suite_over_mam_internal: over('mod_mam internal'),
    added_p50_ms: round(added.p50Ms, 3),
    added_p99_ms: round(added.p99Ms, 3),
    fdatasync_p99_ms: round(fdatasyncP99, 3),
    lost: wrong.lost,
    doubled: wrong.doubled,
    rss_mb_max: round(Math.max(...own.map(([, mb]) => mb)), 1),
    drain_s: round(suite.drainSeconds, 3),
    rules_cpu_us: round(cost.withUs - cost.withoutUs, 2),
  }
}

type PickRound = (round: Score['rounds'][number]) => number

/** The median over rounds: what disturbs the machine for a moment disturbs one round. */
export function ratio(suite: Score, peer: Score, pick: PickRound = (round) => round.perSecond): number {
  return median(suite.rounds.map((round, i) => pick(round) / pick(peer.rounds[i] ?? round)))
}

export function openText({ p50Ms, p99Ms, p999Ms, bare, suite, disturbed, slices, searches }: Added): string {
  const line = (name: string, one: Spread) =>
    `  ${name.padEnd(8)} p50 ${one.p50Ms.toFixed(2)} ms, p99 ${one.p99Ms.toFixed(2)} ms, p99.9 ${one.p999Ms.toFixed(2)} ms`
  return [
    `open loop, 500 msg/s, bare and suite in turn, ${searches} searches meanwhile:`,
    line('bare', bare),
    line('suite', suite),
    `${line('added', { p50Ms, p99Ms, p999Ms })} (p50 and p99: median of ${slices} slices)`,
    ...(disturbed === 0 && p99Ms >= 0
      ? []
      : [
          `  disturbed: in ${disturbed} of ${slices} slices the p99 of bare itself was above ${DISTURBED_P99_MS} ms; added p99 is to be taken again on a quiet machine`,
        ]),
  ].join('\n')
}

/** The same suite on a disk whose every sync takes longer; right before each of its loads, bare at the same rate. */
async function slowed(folder: string, delayMs: number, bare: Turn, lines: readonly string[]): Promise<Ran[]> {
  const environment = await slowSync(folder, { delayUs: delayMs * 1000 })
  await using suite: Suite = await setUps.suite(lines, environment)
  const where = `each sync ${delayMs} ms slower`
  const ran: Ran[] = []
  for (const { pairs, rate, bodies, what } of SLOWED) {
    const run = { mode: 'open', rate, bodies, warmUpMs: 1000 } as const
    await using without = pairs === PAIRS ? null : await openLoad({ ...bare.set.target, pairs, prefix: 'single' })
    const plain = await (without ?? bare.load).run({ ...run, seconds: 10 })
    await using load = await openLoad({ ...suite.target, pairs, prefix: pairs === PAIRS ? 'load' : 'single' })
    const slow = await load.run({ ...run, seconds: 20 })
    // One pair is the hard case: it shares its syncs with nobody.
    const pace = pairs === 1 ? { pace: { wanted: rate, kept: slow.measured / slow.seconds } } : {}
    say(slowText(where, what, plain, slow))
    ran.push(
      { where: `bare, ${what}`, of: 'peer', wrong: wrongOf([plain]) },
      { where: `full suite, ${where}, ${what}`, of: 'suite', wrong: wrongOf([slow]), ...pace },
    )
  }
  return ran
}

const SLOWED = [
  { pairs: PAIRS, rate: 500, bodies: SIZES, what: `${PAIRS} pairs at 500 msg/s` },
  { pairs: 1, rate: 200, bodies: [100], what: 'one pair at 200 msg/s' },
] as const

/** What a slow disk adds to the p50, p99 and p99.9 of bare. */
export function slowText(where: string, what: string, bare: Timed, suite: Timed): string {
  const pick = (of: 'p50Ms' | 'p99Ms' | 'p999Ms') =>
    `${(suite[of] - bare[of]).toFixed(1)} (${suite[of].toFixed(1)} - ${bare[of].toFixed(1)}) ms`
  return (
    `${where}, ${what}: ${(suite.measured / suite.seconds).toFixed(0)} msg/s came, lost ${suite.lost}; ` +
    `added p50 ${pick('p50Ms')}, p99 ${pick('p99Ms')}, p99.9 ${pick('p999Ms')}`
  )
}

type Timed = Pick<LoadReport, 'p50Ms' | 'p99Ms' | 'p999Ms' | 'measured' | 'seconds' | 'lost'>

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
