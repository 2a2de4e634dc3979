// SPDX-License-Identifier: Apache-2.0
// The suite on a disk that takes its time, for the long form of the gate bench.
import { slowSync } from '../harness/slow-sync.ts'
import type { Ran } from './figures.ts'
import { type LoadReport, openLoad } from './load.ts'
import type { Suite } from './set-ups.ts'
import { SIZES, type Turn } from './turns.ts'
import { wrongOf } from './wrong.ts'

const PAIRS = 20

/** The same suite on a disk whose every sync takes longer; right before each of its loads, bare at the same rate. */
export async function slowed(
  folder: string,
  delayMs: number,
  bare: Turn,
  openSuite: (environment: Readonly<Record<string, string>>) => Promise<Suite>,
): Promise<Ran[]> {
  const environment = await slowSync(folder, { delayUs: delayMs * 1000 })
  await using suite: Suite = await openSuite(environment)
  const where = `each sync ${delayMs} ms slower`
  const ran: Ran[] = []
  for (const { pairs, rate, bodies, what } of SLOWED) {
    const run = { mode: 'open', rate, bodies, warmUpMs: 1000 } as const
    await using without =
      pairs === bare.score.pairs ? null : await openLoad({ ...bare.set.target, pairs, prefix: 'single' })
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

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
