// SPDX-License-Identifier: Apache-2.0
// What a run of faults says in the end: a line for everything that is wrong, and one flat JSON object over all modes.
import { type Counted, isClean, type Result } from './count.ts'
import { bodyOf } from './steady.ts'

const SUMMED = [
  ...['sent', 'delivered', 'archived', 'errors'],
  ...['lost', 'unrecorded', 'phantom', 'doubled', 'disordered'],
] as readonly (keyof Counted)[]
const MOST_LINES = 50

/** A line for each message with which something is wrong (source and number as far as they are known), and for what the archive should not say. */
export function reportLines({ findings, unexplained }: Pick<Result, 'findings' | 'unexplained'>): string[] {
  const lines = findings.map(({ what, message, records }) => {
    const { sends, deliveries, errors, acknowledged } = message
    const known = records.map(({ source, n, settlement }) => `source ${source} n ${n} ${settlement}`)
    return [
      `${what}: ${known.length === 0 ? 'no record' : known.join(', ')}`,
      `sent ${sends}, came ${deliveries}, errors ${errors}, acknowledged ${acknowledged ? 'yes' : 'no'}`,
      `pair ${message.pair} number ${message.number}, body "${bodyOf(message)}"`,
    ].join('; ')
  })
  const more = lines.length - MOST_LINES
  return [
    ...lines.slice(0, MOST_LINES),
    ...(more > 0 ? [`and ${more} more, in findings.json`] : []),
    ...unexplained.map((text) => `not explained: ${text}`),
  ]
}

/** The last line of a run over all its modes, and how it ends: 1 when anything is wrong, or a mode could not be counted. */
export function closing(
  server: string,
  rounds: number,
  results: readonly (Pick<Result, 'counted' | 'findings' | 'unexplained'> | null)[],
): { line: string; exit: 0 | 1 } {
  const total = SUMMED.map((name) => [name, results.reduce((sum, one) => sum + (one?.counted[name] ?? 0), 0)])
  return {
    line: JSON.stringify({ faults: true, server, rounds, ...Object.fromEntries(total) }),
    exit: results.every((one) => one !== null && isClean(one)) ? 0 : 1,
  }
}
