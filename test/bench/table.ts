// SPDX-License-Identifier: Apache-2.0
// The table of a gate bench, for people.
import type { Score } from './gate.ts'

/** What the columns do not say by themselves. */
export const NOTES = `msg/s: peers and bare end when the last message is delivered, whether their archive has it on disk or not; the suite ends when
  the last record can be found by a search. "drain s" is the time between the two.
commits: of mod_mam its transactions; of the suite those of the archive only. Those of policy's journal, each of which is synced
  to disk before its messages are delivered, are not counted.`

export function table(scores: readonly Score[]): string {
  const bare = scores[0]
  const head = [
    'set-up',
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
    String(Math.round(score.sent / score.seconds)),
    bare === undefined ? '' : (score.sent / score.seconds / (bare.sent / bare.seconds)).toFixed(2),
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

function each(values: Readonly<Record<string, number>>, show: (value: number) => string): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${show(value)}`)
    .join(', ')
}
