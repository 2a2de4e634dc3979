// SPDX-License-Identifier: Apache-2.0
// One load of one set-up of the gate bench, and what it has done over all its turns.
import { usage } from '../harness/meter.ts'
import type { Load, LoadReport } from './load.ts'
import type { SetUp } from './set-ups.ts'
import { isRight, sumOf, type Wrong, wrongOf } from './wrong.ts'

export const SIZES = [100, 1000]

/** A server's own archive may be behind by as many messages as all windows hold; waiting for them counts as time of the run. */
export const CLOSED = { mode: 'closed', window: 10, bodies: SIZES, drainMs: 60_000 } as const

/** What one set-up has done so far under one load, over all its turns. */
export type Score = {
  name: string
  pairs: number
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

export type Turn = { set: SetUp; load: Load; score: Score; cpuUs: Record<string, number> }

/** The load for so many seconds, and what came of it. */
export async function takeTurn(turn: Turn, seconds: number): Promise<void> {
  const { set, load, score } = turn
  const before = { sent: score.sent, seconds: score.seconds, cpuUs: turn.cpuUs[set.server] ?? 0 }
  // Not counted: caches, the compiler, the first connections of the log.
  if (score.rounds.length === 0) {
    const warmUp = await load.run({ ...CLOSED, seconds: 0.5 })
    take(score, warmUp)
    score.warmUp = warmUp.sent
    await set.found(warmUp, score.pairs)
  }
  const used = cpuOf(set)
  const report = await load.run({ ...CLOSED, seconds })
  await set.found(report, score.pairs)
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
  score.rounds.push({ perSecond, serverCpuUs: ((turn.cpuUs[set.server] ?? 0) - before.cpuUs) / sent })
  say(`  ${set.name}, ${score.pairs} pairs: ${Math.round(perSecond)} msg/s`)
}

function take(score: Score, report: LoadReport): void {
  score.wrong = sumOf([score.wrong, wrongOf([report])])
  score.errorTexts.push(...report.errorTexts, ...report.broken)
}

/** After the last turn of all loads; `last`: of the loads of its set-up, whose rows and commits nobody can tell apart. */
export async function close(turn: Turn, last: boolean): Promise<void> {
  const { set, score, cpuUs } = turn
  for (const name of Object.keys(set.pids)) score.cpuUsPerMessage[name] = (cpuUs[name] ?? 0) / score.sent
  readRss(turn)
  if (last) Object.assign(score, await set.counts())
}

function cpuOf(set: SetUp): Record<string, number> {
  return Object.fromEntries(Object.entries(set.pids).map(([name, pid]) => [name, usage(pid).cpuUs]))
}

export function empty(name: string, pairs: number): Score {
  return {
    ...{
      name,
      pairs,
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

/** The load goes on until so many more messages were sent. */
export async function fill(
  { set, load, score }: Turn,
  messages: number,
  seconds: number,
): Promise<{ sent: number; wrong: Wrong }> {
  const reports: LoadReport[] = []
  let sent = 0
  while (sent < messages) {
    const report = await load.run({ ...CLOSED, seconds })
    reports.push(report)
    sent += report.sent
    if (!isRight(wrongOf([report]))) break
    await set.found(report, score.pairs)
  }
  return { sent, wrong: wrongOf(reports) }
}

/** The peak is that of the whole life of a process. */
export function readRss({ set, score }: Pick<Turn, 'set' | 'score'>): void {
  for (const [name, pid] of Object.entries(set.pids)) {
    const { rssMb, peakRssMb } = usage(pid)
    score.rssMb[name] = rssMb
    score.peakRssMb[name] = peakRssMb
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
