// SPDX-License-Identifier: Apache-2.0
// The tables of the irc bench for people, and its flat line for programs.
import type { IrcReport } from './irc-load.ts'

/** biboumi as Debian installs it, which keeps history as ours does; and where each of its users has turned that off. */
export const RIVALS = ['biboumi', 'biboumi-bare'] as const
export type Rival = (typeof RIVALS)[number]
export type Name = Rival | 'ours'

/** `full`: so many messages under way as the window has. `calm`: at a rate that both carry, ours and `beside`. */
export type Row =
  | { kind: 'full'; round: number; what: string; gateway: Name; report: IrcReport; cpuUs: number }
  | { kind: 'calm'; round: number; what: string; gateway: Name; beside: Rival; rate: number; report: IrcReport }
  | { kind: 'join'; round: number; gateway: Name; joinMs: number }

export type Memory = { gateway: Name; emptyMb: number; fullMb: number }

const ENDINGS: Readonly<Record<Rival, string>> = { biboumi: '', 'biboumi-bare': '_without_history' }

const TITLES: Readonly<Record<Rival, string>> = {
  biboumi: 'biboumi as Debian installs it: it keeps history, and so does ours',
  'biboumi-bare':
    'biboumi without history, which each of its users has to turn off: it writes nothing then, ours still does',
}

export function rowText(row: Exclude<Row, { kind: 'join' }>): string {
  const { report, what, gateway } = row
  const wrong = `lost/doubled ${report.lost}/${report.doubled}${report.errors.length > 0 ? ` ${report.errors[0]}` : ''}`
  const before = `round ${row.round + 1}: ${what.padEnd(21)} ${gateway.padEnd(12)}`
  if (row.kind === 'full')
    return (
      `${before} ${report.perSecond.toFixed(0).padStart(5)} msg/s (p99 ${report.p99Ms.toFixed(1)} ms), ${row.cpuUs.toFixed(0)} us CPU, ` +
      `generator ${(report.generatorShare * 100).toFixed(0)} % of a core, ${wrong}`
    )
  return (
    `${before} at ${row.rate.toFixed(0)} msg/s as ${row.beside}: p50 ${report.p50Ms.toFixed(1)} p99 ${report.p99Ms.toFixed(1)} ` +
    `max ${report.maxMs.toFixed(1)} ms of ${report.sent} messages, ${wrong}`
  )
}

/** Ratios are ours by theirs, of each round, and then the median; of the four loads the worst is the figure. */
export function figuresOf(rows: readonly Row[], memory: readonly Memory[]) {
  const sides = RIVALS.map((rival) => sideOf(rows, rival))
  const measured = rows.flatMap((row) => (row.kind === 'join' ? [] : [row]))
  const mine = measured.filter(({ gateway }) => gateway === 'ours')
  const mb = (name: Name) => rounded(memory.find(({ gateway }) => gateway === name)?.fullMb ?? Number.NaN, 1)
  const json = {
    bench: 'irc',
    ...sides[0]?.worst,
    rss_mb_500_users: mb('ours'),
    rss_mb_500_users_biboumi: mb('biboumi'),
    ...sides[1]?.worst,
    ...Object.assign({}, ...sides.map(({ each }) => each)),
    generator_share: rounded(Math.max(...measured.map(({ report }) => report.generatorShare)), 2),
    lost: mine.reduce((sum, { report }) => sum + report.lost, 0),
    doubled: mine.reduce((sum, { report }) => sum + report.doubled, 0),
  }
  const lines = [
    ...sides.flatMap((side) => side.lines),
    ...memory.map(
      ({ gateway, emptyMb, fullMb }) =>
        `memory: ${gateway} ${emptyMb.toFixed(0)} MB without people, ${fullMb.toFixed(0)} MB with 500, ${(((fullMb - emptyMb) * 1024) / 500).toFixed(0)} KiB for each`,
    ),
  ]
  lines.push(...missedOf(json as Figures))
  return { lines, json, right: json.lost === 0 && json.doubled === 0 }
}

type Figures = Readonly<Record<Goal | 'rss_mb_500_users' | 'rss_mb_500_users_biboumi', number>>
type Goal = 'throughput_over_biboumi' | 'p99_over_biboumi' | 'join_over_biboumi'

/** What nobody measured is missed too. */
function missedOf(figures: Figures): string[] {
  const memory = figures.rss_mb_500_users / figures.rss_mb_500_users_biboumi
  const goals: readonly (readonly [string, number, boolean, string])[] = [
    ['throughput over biboumi', figures.throughput_over_biboumi, figures.throughput_over_biboumi >= 1, 'at least 1'],
    ['p99 over biboumi', figures.p99_over_biboumi, figures.p99_over_biboumi <= 1, 'at most 1'],
    ['time to join over biboumi', figures.join_over_biboumi, figures.join_over_biboumi <= 1, 'at most 1'],
    ['memory with 500 people over biboumi', rounded(memory, 3), memory <= 2, 'at most 2'],
  ]
  return goals.flatMap(([what, got, isMet, wanted]) => (isMet ? [] : [`missed: ${what}: ${got}, wanted ${wanted}`]))
}

function sideOf(rows: readonly Row[], rival: Rival) {
  const full = (name: Name, what: string, pick: (report: IrcReport, cpuUs: number) => number) =>
    rows.flatMap((row) =>
      row.kind === 'full' && row.gateway === name && row.what === what ? [pick(row.report, row.cpuUs)] : [],
    )
  const calm = (name: Name, what: string) =>
    rows.flatMap((row) =>
      row.kind === 'calm' && row.gateway === name && row.what === what && row.beside === rival
        ? [row.report.p99Ms]
        : [],
    )
  const joins = (name: Name) => rows.flatMap((row) => (row.kind === 'join' && row.gateway === name ? [row.joinMs] : []))
  const names = [...new Set(rows.flatMap((row) => (row.kind === 'full' ? [row.what] : [])))]
  const shapes = names.map((what) => {
    const perSecond = compared((name) => full(name, what, (report) => report.perSecond), rival)
    const cpu = compared((name) => full(name, what, (_, cpuUs) => cpuUs), rival)
    const p99 = compared((name) => calm(name, what), rival)
    const rate = rows.find((row) => row.kind === 'calm' && row.what === what && row.beside === rival)
    return { what, perSecond, cpu, p99, rate: rate?.kind === 'calm' ? rate.rate : Number.NaN }
  })
  const join = compared(joins, rival)
  const end = ENDINGS[rival]
  const name = (what: string) => what.replaceAll(/[^a-z]+/gu, '_')
  return {
    worst: {
      [`throughput_over_biboumi${end}`]: rounded(Math.min(...shapes.map(({ perSecond }) => perSecond.ratio)), 3),
      [`p99_over_biboumi${end}`]: rounded(Math.max(...shapes.map(({ p99 }) => p99.ratio)), 3),
      [`join_over_biboumi${end}`]: rounded(join.ratio, 3),
      [`cpu_over_biboumi${end}`]: rounded(Math.max(...shapes.map(({ cpu }) => cpu.ratio)), 3),
    },
    each: Object.fromEntries(
      shapes.flatMap(({ what, perSecond, p99 }) => [
        [`throughput_over_biboumi_${name(what)}${end}`, rounded(perSecond.ratio, 3)],
        [`p99_over_biboumi_${name(what)}${end}`, rounded(p99.ratio, 3)],
      ]),
    ),
    lines: [
      `beside ${TITLES[rival]}`,
      ...shapes.map(
        ({ what, perSecond, cpu, p99, rate }) =>
          `  ${what}: msg/s ${both(perSecond, 0)}; p99 at ${rate.toFixed(0)} msg/s, ms ${both(p99, 1)}; CPU us per message ${both(cpu, 0)}`,
      ),
      `  joining: ms ${both(join, 0)}`,
    ],
  }
}

type Compared = { ours: number; theirs: number; ratio: number }

function compared(of: (name: Name) => readonly number[], rival: Rival): Compared {
  const ours = of('ours')
  const theirs = of(rival)
  const ratios = ours.map((value, round) => value / (theirs[round] ?? Number.NaN))
  return { ours: median(ours), theirs: median(theirs), ratio: median(ratios) }
}

function both({ ours, theirs, ratio }: Compared, digits: number): string {
  return `ours ${ours.toFixed(digits)}, biboumi ${theirs.toFixed(digits)} (ratio ${ratio.toFixed(2)})`
}

function median(all: readonly number[]): number {
  return all.toSorted((one, other) => one - other)[Math.floor(all.length / 2)] ?? Number.NaN
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
