// SPDX-License-Identifier: Apache-2.0
import { randomInt } from 'node:crypto'
import type { TestContext } from 'node:test'

/**
 * How many cases a property is tried on, and from which seed, for fast-check; both are told beside the test. GATEHOUSE_SEED sets
 * the seed, to see again what was seen; GATEHOUSE_LONG=1 takes the larger number.
 */
export function rounds(t: TestContext, short: number, long: number): { numRuns: number; seed: number } {
  const numRuns = process.env.GATEHOUSE_LONG === '1' ? long : short
  const seed = Number(process.env.GATEHOUSE_SEED ?? randomInt(2 ** 31))
  t.diagnostic(`${numRuns} cases from seed ${seed}`)
  return { numRuns, seed }
}
