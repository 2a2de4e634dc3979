// SPDX-License-Identifier: Apache-2.0
// The goals of the gate bench, and where the time goes when one is missed.
import { type GateFigures, type Ran, ratio, type Score } from './gate.ts'
import { tellWrong } from './wrong.ts'

type Goal = { name: string; wanted: string; met(figures: GateFigures): boolean; got(figures: GateFigures): number }

const GOALS: readonly Goal[] = [
  {
    name: 'suite over bare',
    wanted: 'at least 0.45',
    met: (f) => f.suite_over_bare >= 0.45,
    got: (f) => f.suite_over_bare,
  },
  {
    name: 'suite over the do-nothing screen',
    wanted: 'at least 0.8',
    met: (f) => f.suite_over_noop >= 0.8,
    got: (f) => f.suite_over_noop,
  },
  {
    name: "Prosody's CPU per message over bare",
    wanted: 'at most 1.8',
    met: (f) => f.server_cpu_ratio <= 1.8,
    got: (f) => f.server_cpu_ratio,
  },
  {
    name: 'suite over mod_mam SQLite',
    wanted: 'at least 10',
    met: (f) => f.suite_over_mam_sqlite >= 10,
    got: (f) => f.suite_over_mam_sqlite,
  },
  { name: 'added p50, ms', wanted: 'at most 1', met: (f) => f.added_p50_ms <= 1, got: (f) => f.added_p50_ms },
  {
    name: 'added p99, ms',
    wanted: 'at most 3 and the p99 of one fdatasync',
    met: (f) => f.added_p99_ms <= 3 + f.fdatasync_p99_ms,
    got: (f) => f.added_p99_ms,
  },
  {
    name: 'peak RSS of a component, MB',
    wanted: 'under 200',
    met: (f) => f.rss_mb_max < 200,
    got: (f) => f.rss_mb_max,
  },
]

/** Empty when every goal is met; else which are not, what went wrong where, and how busy each process was. */
export function explain(figures: GateFigures, scores: readonly Score[], ran: readonly Ran[]): string {
  const missed = [
    ...GOALS.filter((goal) => !goal.met(figures)).map(
      (goal) => `missed: ${goal.name}: ${goal.got(figures)}, wanted ${goal.wanted}`,
    ),
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
      return `  ${score.name.padEnd(18)} ${parts.join(', ')}; ${(sum * 100).toFixed(0)} % of ${cores * 100} %`
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

const AIMS = [
  { peer: 'bare', wanted: 0.6 },
  { peer: 'mod_mam internal', wanted: 3 },
  { peer: 'mod_mam PostgreSQL', wanted: 3 },
] as const

/** What is hoped for beyond the goals, a line for each; to miss one is no fault. */
export function aims(scores: readonly Score[]): string {
  const suite = scores.find(({ name }) => name === 'full suite')
  if (suite === undefined) throw new Error('full suite was not measured')
  const lines = AIMS.map(({ peer, wanted }) => {
    const score = scores.find(({ name }) => name === peer)
    const aim = `aim: suite over ${peer} at least ${wanted}`
    if (score === undefined) return `${aim}: not measured in this form`
    const got = ratio(suite, score)
    return `${aim}: ${got.toFixed(3)}, ${got >= wanted ? 'reached' : 'not reached'}`
  })
  return lines.join('\n')
}
