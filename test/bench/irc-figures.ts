// SPDX-License-Identifier: Apache-2.0
// The table of the irc bench for people, and its flat line for programs.
import type { IrcReport } from './irc-load.ts'

type Name = 'biboumi' | 'ours'

export type Round =
  | { round: number; what: string; gateway: Name; report: IrcReport; calm: IrcReport; cpuUs: number }
  | { round: number; what: 'join'; gateway: Name; joinMs: number }

export type Loaded = Extract<Round, { report: IrcReport }>

export type Memory = { gateway: Name; emptyMb: number; fullMb: number }

export function roundTable({ round, what, gateway, report, calm, cpuUs }: Loaded, rate: number): string {
  const wrong = [report, calm].map(
    ({ lost, doubled, errors }) => `${lost}/${doubled}${errors.length > 0 ? ` ${errors[0]}` : ''}`,
  )
  return (
    `round ${round + 1}: ${what.padEnd(21)} ${gateway.padEnd(8)} ${report.perSecond.toFixed(0).padStart(5)} msg/s (p99 ${report.p99Ms.toFixed(1)} ms), ` +
    `at ${rate.toFixed(0)} msg/s p50 ${calm.p50Ms.toFixed(1)} p99 ${calm.p99Ms.toFixed(1)} max ${calm.maxMs.toFixed(1)} ms, ${cpuUs.toFixed(0)} us CPU, ` +
    `generator ${(report.generatorShare * 100).toFixed(0)} % of a core, lost/doubled ${wrong.join(' ')}`
  )
}

/** Ratios are ours by theirs, of each round, and then the median; of the four loads the worst is the figure. */
export function figuresOf(rounds: readonly Round[], memory: readonly Memory[]) {
  const loads = rounds.filter((one): one is Loaded => 'report' in one)
  const names = [...new Set(loads.map(({ what }) => what))]
  const of = (name: Name, what: string, pick: (one: Loaded) => number) =>
    loads
      .filter((one) => one.gateway === name && one.what === what)
      .sort((a, b) => a.round - b.round)
      .map(pick)
  const ratio = (what: string, pick: (one: Loaded) => number) => {
    const theirs = of('biboumi', what, pick)
    return median(of('ours', what, pick).map((value, round) => value / (theirs[round] ?? Number.NaN)))
  }
  const joins = (name: Name) => rounds.flatMap((one) => ('joinMs' in one && one.gateway === name ? [one.joinMs] : []))
  const rows = names.map((what) => ({
    what,
    throughput: ratio(what, ({ report }) => report.perSecond),
    p99: ratio(what, ({ calm }) => calm.p99Ms),
    cpu: ratio(what, ({ cpuUs }) => cpuUs),
  }))
  const each = (what: string, pick: (one: Loaded) => number, digits: number) =>
    (['ours', 'biboumi'] as const).map((name) => `${name} ${median(of(name, what, pick)).toFixed(digits)}`).join(', ')
  const lines = [
    ...rows.map(
      ({ what, throughput, p99, cpu }) =>
        `${what}: msg/s ${each(what, ({ report }) => report.perSecond, 0)} (ratio ${throughput.toFixed(2)}); p99 ms ${each(what, ({ calm }) => calm.p99Ms, 1)} (${p99.toFixed(2)}); ` +
        `CPU us per message ${each(what, ({ cpuUs }) => cpuUs, 0)} (${cpu.toFixed(2)})`,
    ),
    `joining: ours ${median(joins('ours')).toFixed(0)} ms, biboumi ${median(joins('biboumi')).toFixed(0)} ms`,
    ...memory.map(
      ({ gateway, emptyMb, fullMb }) =>
        `memory: ${gateway} ${emptyMb.toFixed(0)} MB without people, ${fullMb.toFixed(0)} MB with 500, ${(((fullMb - emptyMb) * 1024) / 500).toFixed(0)} KiB for each`,
    ),
  ]
  const mb = (name: Name) => rounded(memory.find(({ gateway }) => gateway === name)?.fullMb ?? Number.NaN, 1)
  const theirJoins = joins('biboumi')
  const json = {
    bench: 'irc',
    throughput_over_biboumi: rounded(Math.min(...rows.map(({ throughput }) => throughput)), 3),
    p99_over_biboumi: rounded(Math.max(...rows.map(({ p99 }) => p99)), 3),
    join_over_biboumi: rounded(median(joins('ours').map((ms, round) => ms / (theirJoins[round] ?? Number.NaN))), 3),
    rss_mb_500_users: mb('ours'),
    rss_mb_500_users_biboumi: mb('biboumi'),
    cpu_over_biboumi: rounded(Math.max(...rows.map(({ cpu }) => cpu)), 3),
    ...Object.fromEntries(
      rows.flatMap(({ what, throughput, p99 }) => {
        const name = what.replaceAll(/[^a-z]+/gu, '_')
        return [
          [`throughput_over_biboumi_${name}`, rounded(throughput, 3)],
          [`p99_over_biboumi_${name}`, rounded(p99, 3)],
        ]
      }),
    ),
    generator_share: rounded(Math.max(...loads.map(({ report }) => report.generatorShare)), 2),
    lost: loads
      .filter(({ gateway }) => gateway === 'ours')
      .reduce((sum, { report, calm }) => sum + report.lost + calm.lost, 0),
    doubled: loads
      .filter(({ gateway }) => gateway === 'ours')
      .reduce((sum, { report, calm }) => sum + report.doubled + calm.doubled, 0),
  }
  return { lines, json, right: json.lost === 0 && json.doubled === 0 }
}

function median(all: readonly number[]): number {
  return all.toSorted((one, other) => one - other)[Math.floor(all.length / 2)] ?? Number.NaN
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
