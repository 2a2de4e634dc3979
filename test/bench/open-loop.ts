// SPDX-License-Identifier: Apache-2.0
// What the suite adds to the latency of one message: fixed rate, bare and suite in alternating slices, while searches run.
import { setTimeout } from 'node:timers/promises'
import type { World } from '../harness/world.ts'
import type { Load, LoadReport } from './load.ts'

type Spread = { p50Ms: number; p99Ms: number; p999Ms: number }

export type Added = Spread & { bare: Spread; suite: Spread; lost: number; doubled: number; searches: number }

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
  const [a, b] = [spread(slices.bare), spread(slices.suite)]
  const sum = (pick: (report: LoadReport) => number) => slices.suite.reduce((total, report) => total + pick(report), 0)
  return {
    p50Ms: b.p50Ms - a.p50Ms,
    p99Ms: b.p99Ms - a.p99Ms,
    p999Ms: b.p999Ms - a.p999Ms,
    bare: a,
    suite: b,
    lost: sum((report) => report.lost),
    doubled: sum((report) => report.doubled),
    searches,
  }
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
