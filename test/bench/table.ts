// SPDX-License-Identifier: Apache-2.0
// The table of a gate bench, for people.
import { type Added, DISTURBED_P99_MS, type Spread } from './open-loop.ts'
import type { Score } from './turns.ts'

/** What the columns do not say by themselves. */
export const NOTES = `msg/s: peers and bare end when the last message is delivered, whether their archive has it on disk or not; the suite ends when
  the last record can be found by a search. "drain s" is the time between the two.
rows, commits: of all loads of a set-up together. commits: of mod_mam its transactions; of the suite those of the archive only. Those of policy's journal, each of which is synced
  to disk before its messages are delivered, are not counted.`

export function table(scores: readonly Score[]): string {
  const head = [
    'set-up',
    'pairs',
    'msg/s',
    'of bare',
    'p50 ms',
    'p99 ms',
    'CPU us per message',
    'peak RSS MB',
    'rows',
    'commits',
    'drain s',
    'lost',
  ]
  const rows = scores.map((score) => [
    score.name,
    String(score.pairs),
    String(Math.round(rate(score))),
    (rate(score) / rate(scores.find((one) => one.pairs === score.pairs) ?? score)).toFixed(2),
    score.p50Ms.toFixed(1),
    score.p99Ms.toFixed(1),
    each(score.cpuUsPerMessage, (us) => us.toFixed(0)),
    each(score.peakRssMb, (mb) => mb.toFixed(0)),
    score.rows === null ? '-' : String(score.rows),
    score.commits === null ? '-' : String(score.commits),
    score.drainSeconds.toFixed(2),
    `${score.wrong.lost}${score.wrong.errors > 0 ? ` (${score.wrong.errors} errors)` : ''}`,
  ])
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)))
  return [head, ...rows].map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n')
}

/** Messages per second; the first of each number of pairs is bare. */
function rate(score: Score): number {
  return score.sent / score.seconds
}

function each(values: Readonly<Record<string, number>>, show: (value: number) => string): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${show(value)}`)
    .join(', ')
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

export function rssText({ rssMb, peakRssMb }: Score, messages: number): string {
  const each = Object.entries(rssMb).map(
    ([name, mb]) => `${name} ${mb.toFixed(0)} MB (peak ${(peakRssMb[name] ?? Number.NaN).toFixed(0)} MB)`,
  )
  return `RSS of the full suite after ${messages} messages: ${each.join(', ')}`
}
