// SPDX-License-Identifier: Apache-2.0
// What the suite adds to the latency of one message: fixed rate, bare and suite in alternating slices, while searches run.
import { setTimeout } from 'node:timers/promises'
import type { World } from '../harness/world.ts'
import type { Load, LoadReport } from './load.ts'
import { type Wrong, wrongOf } from './wrong.ts'

export type Spread = { p50Ms: number; p99Ms: number; p999Ms: number }

export type Added = Spread & {
  /** Over all slices together. */
  bare: Spread
  suite: Spread
  /** Slices in which bare itself was so slow that something else had the machine: what is added to it says nothing. */
  disturbed: number
  slices: number
  wrong: { bare: Wrong; suite: Wrong }
  /** Messages of the suite. */
  sent: number
  searches: number
}

/** A bare server at this rate needs a millisecond or two. */
export const DISTURBED_P99_MS = 10

const RATE = 500
const SEARCH_EVERY_MS = 100

export async function addedLatency(
  bare: Load,
  suite: Load,
  world: World,
  shape: { slices: number; sliceSeconds: number },
): Promise<Added> {
  const stop = new AbortController()
  const searching = search(world, stop.signal)
  const slices: { bare: LoadReport[]; suite: LoadReport[] } = { bare: [], suite: [] }
  const run = {
    mode: 'open',
    rate: RATE,
    seconds: shape.sliceSeconds,
    warmUpMs: 500,
    bodies: [100, 1000],
    keep: true,
  } as const
  for (let slice = 0; slice < shape.slices; slice++) {
    slices.bare.push(await bare.run(run))
    slices.suite.push(await suite.run(run))
  }
  stop.abort()
  const searches = await searching
  const each = slices.bare.map((report, i) => ({ bare: spread([report]), suite: spread(slices.suite.slice(i, i + 1)) }))
  return {
    ...addedOf(each, { bare: spread(slices.bare), suite: spread(slices.suite) }),
    wrong: { bare: wrongOf(slices.bare), suite: wrongOf(slices.suite) },
    sent: slices.suite.reduce((total, { sent }) => total + sent, 0),
    searches,
  }
}

/**
 * p50 and p99: the median over the slices of what the suite adds to the bare slice beside it, so that one slice that was
 * disturbed moves it neither way. p99.9: of all slices together, because one holds too few messages for it.
 */
export function addedOf(
  each: readonly { bare: Spread; suite: Spread }[],
  all: { bare: Spread; suite: Spread },
): Omit<Added, 'wrong' | 'sent' | 'searches'> {
  const over = (pick: (one: Spread) => number) => median(each.map(({ bare, suite }) => pick(suite) - pick(bare)))
  return {
    p50Ms: over((one) => one.p50Ms),
    p99Ms: over((one) => one.p99Ms),
    p999Ms: all.suite.p999Ms - all.bare.p999Ms,
    ...all,
    disturbed: each.filter(({ bare }) => bare.p99Ms > DISTURBED_P99_MS).length,
    slices: each.length,
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** An officer who looks for a common word ten times a second. */
async function search(world: World, signal: AbortSignal): Promise<number> {
  let count = 0
  while (!signal.aborted) {
    await world.ask('archive search', { words: 'contract budget', reason: 'bench' })
    count += 1
    await setTimeout(SEARCH_EVERY_MS)
  }
  return count
}

function spread(reports: readonly LoadReport[]): Spread {
  const all = Float64Array.from(reports.flatMap((report) => report.latenciesMs ?? [])).sort()
  const at = (part: number) => all[Math.min(all.length - 1, Math.floor(part * all.length))] ?? Number.NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) }
}
