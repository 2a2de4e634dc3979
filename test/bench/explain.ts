// SPDX-License-Identifier: Apache-2.0
// The goals of the gate bench, and where the time goes when one is missed.
import { type GateFigures, type Ran, ratio } from './figures.ts'
import type { Peers } from './peers.ts'
import { SUITE } from './set-ups.ts'
import type { Score } from './turns.ts'
import { tellWrong } from './wrong.ts'

export type Goal = {
  name: string
  figure: keyof GateFigures
  wanted: string
  met(value: number, figures: GateFigures): boolean
}

export function least(name: string, figure: keyof GateFigures, value: number): Goal {
  return { name, figure, wanted: `at least ${value}`, met: (got) => got >= value }
}

export function most(name: string, figure: keyof GateFigures, value: number): Goal {
  return { name, figure, wanted: `at most ${value}`, met: (got) => got <= value }
}

export const ADDED_P99: Goal = {
  name: 'added p99, ms',
  figure: 'added_p99_ms',
  wanted: 'at most 3 and the p99 of one fdatasync',
  met: (got, { fdatasync_p99_ms }) => got <= 3 + fdatasync_p99_ms,
}

export const RSS: Goal = {
  name: 'peak RSS of a component, MB',
  figure: 'rss_mb_max',
  wanted: 'under 200',
  met: (got) => got < 200,
}

/** Empty when every goal is met; else which are not, what went wrong where, and how busy each process was. */
export function explain(
  goals: readonly Goal[],
  figures: GateFigures,
  scores: readonly Score[],
  ran: readonly Ran[],
): string {
  const missed = [
    ...goals.flatMap((goal) => {
      const got = Number(figures[goal.figure])
      return goal.met(got, figures) ? [] : [`missed: ${goal.name}: ${got}, wanted ${goal.wanted}`]
    }),
    ...ran.flatMap(({ where, wrong, pace }) => [...tellPace(where, pace), ...tellWrong(where, wrong)]),
  ]
  if (missed.length === 0) return ''
  const cores = figures.cores
  return [
    ...missed,
    'where the time goes (share of one core while the run lasted; the generator included):',
    ...scores.map((score) => {
      const busy = { ...score.cpuUsPerMessage, generator: score.generatorCpuUs / score.sent }
      const share = (us: number) => (us * score.sent) / (score.seconds * 1e6)
      const parts = Object.entries(busy).map(([name, us]) => `${name} ${(share(us) * 100).toFixed(0)} %`)
      const sum = Object.values(busy).reduce((total, us) => total + share(us), 0)
      return `  ${score.name.padEnd(18)} ${String(score.pairs).padStart(3)} pairs: ${parts.join(', ')}; ${(sum * 100).toFixed(0)} % of ${cores * 100} %`
    }),
    ...scores.flatMap((score) => score.errorTexts.slice(0, 2).map((text) => `  ${score.name}: ${text}`)),
  ].join('\n')
}

/** A hundredth is for the ends of the run. */
const PACE_KEPT = 0.99

function tellPace(where: string, pace: Ran['pace']): string[] {
  if (pace === undefined || pace.kept >= pace.wanted * PACE_KEPT) return []
  return [`missed: ${where}: ${pace.kept.toFixed(0)} msg/s, wanted ${pace.wanted}`]
}

/** What is hoped for beyond the goals, a line for each, under the load with which the figures have names without a number; to miss one is no fault. */
export function aims({ aims, pairs }: Pick<Peers, 'aims' | 'pairs'>, scores: readonly Score[]): string {
  const of = (name: string) => scores.find((one) => one.name === name && one.pairs === pairs[0])
  const suite = of(SUITE)
  if (suite === undefined) throw new Error(`${SUITE} was not measured`)
  const lines = aims.map(({ peer, wanted }) => {
    const score = of(peer)
    const aim = `aim: suite over ${peer} at least ${wanted}`
    if (score === undefined) return `${aim}: not measured in this form`
    const got = ratio(suite, score)
    return `${aim}: ${got.toFixed(3)}, ${got >= wanted ? 'reached' : 'not reached'}`
  })
  return lines.join('\n')
}
