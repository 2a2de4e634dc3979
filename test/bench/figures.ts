// SPDX-License-Identifier: Apache-2.0
// The flat line of the gate bench.
import { cpus } from 'node:os'
import { type Added, median } from './open-loop.ts'
import type { Peers } from './peers.ts'
import type { RulesCost } from './rules-cost.ts'
import { BARE, NOOP, SUITE } from './set-ups.ts'
import type { Score } from './turns.ts'
import { isRight, sumOf, type Wrong } from './wrong.ts'

/** A load, and what went wrong under it; where it was to keep a rate, in messages per second, what came of it. */
export type Ran = { where: string; of: 'suite' | 'peer'; wrong: Wrong; pace?: { wanted: number; kept: number } }

/** Whatever was lost, doubled, overtaken, refused or broken off, under whichever load, fails the run. */
export function exitCode(ran: readonly Ran[]): number {
  return ran.every(({ wrong }) => isRight(wrong)) ? 0 : 1
}

/** The flat line that programs read. Figures of further loads end with their number of pairs, such as `suite_over_bare_20`. */
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
  [more: `${string}_over_${string}` | `${string}_${number}`]: number
}

export function figures(
  peers: Pick<Peers, 'server' | 'version' | 'pairs' | 'over'>,
  scores: readonly Score[],
  added: Added,
  fdatasyncP99: number,
  ran: readonly Ran[],
  cost: RulesCost,
): GateFigures {
  const [pairs = 0, ...others] = peers.pairs
  const suites = scores.filter((one) => one.name === SUITE)
  const wrong = sumOf(ran.filter((one) => one.of === 'suite').map((one) => one.wrong))
  const own = suites.flatMap((one) => Object.entries(one.peakRssMb)).filter(([name]) => name !== peers.server)
  return {
    bench: 'gate',
    server: `${peers.server} ${peers.version}`,
    cores: cpus().length,
    ...ratios(peers, scores, pairs),
    added_p50_ms: round(added.p50Ms, 3),
    added_p99_ms: round(added.p99Ms, 3),
    fdatasync_p99_ms: round(fdatasyncP99, 3),
    lost: wrong.lost,
    doubled: wrong.doubled,
    rss_mb_max: round(Math.max(...own.map(([, mb]) => mb)), 1),
    drain_s: round(Math.max(...suites.map((one) => one.drainSeconds)), 3),
    rules_cpu_us: round(cost.withUs - cost.withoutUs, 2),
    ...Object.fromEntries(
      others.flatMap((number) =>
        Object.entries(ratios(peers, scores, number)).map(([name, value]) => [`${name}_${number}`, value]),
      ),
    ),
  }
}
type Ratios = Record<
  'suite_over_bare' | 'suite_over_noop' | 'server_cpu_ratio' | 'suite_over_mam_sqlite' | 'suite_over_mam_internal',
  number
>

/** Under the load of so many pairs. */
function ratios({ over }: Pick<Peers, 'over'>, scores: readonly Score[], pairs: number): Ratios {
  const suite = scoreOf(scores, SUITE, pairs)
  const by = (name: string, pick?: PickRound) => round(ratio(suite, scoreOf(scores, name, pairs), pick), 3)
  const { suite_over_mam_sqlite, suite_over_mam_internal, ...more } = over
  return {
    suite_over_bare: by(BARE),
    suite_over_noop: by(NOOP),
    server_cpu_ratio: by(BARE, (round) => round.serverCpuUs),
    suite_over_mam_sqlite: by(suite_over_mam_sqlite),
    suite_over_mam_internal: by(suite_over_mam_internal),
    ...Object.fromEntries(Object.entries(more).map(([figure, name]) => [figure, by(name)])),
  }
}

/** Throws when it was not measured. */
function scoreOf(scores: readonly Score[], name: string, pairs: number): Score {
  const score = scores.find((one) => one.name === name && one.pairs === pairs)
  if (score === undefined) throw new Error(`${name} with ${pairs} pairs was not measured`)
  return score
}

type PickRound = (round: Score['rounds'][number]) => number

/** The median over rounds: what disturbs the machine for a moment disturbs one round. */
export function ratio(suite: Score, peer: Score, pick: PickRound = (round) => round.perSecond): number {
  return median(suite.rounds.map((round, i) => pick(round) / pick(peer.rounds[i] ?? round)))
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
