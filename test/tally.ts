// SPDX-License-Identifier: Apache-2.0
// What came out of test files: counted, with every skip and its reason.

export type Tally = {
  passed: number
  failed: number
  skipped: string[]
  faults: string[]
  seconds: Map<string, number>
}

export function emptyTally(): Tally {
  return { passed: 0, failed: 0, skipped: [], faults: [], seconds: new Map() }
}

/** As JSON, for a runner elsewhere to read. */
export function writeTally(tally: Tally): string {
  return JSON.stringify({ ...tally, seconds: [...tally.seconds] })
}

/** Adds what writeTally() wrote; the names in it say already where it was. */
export function addTally(tally: Tally, written: string): void {
  const { passed, failed, skipped, faults, seconds } = JSON.parse(written) as Omit<Tally, 'seconds'> & {
    seconds: [string, number][]
  }
  tally.passed += passed
  tally.failed += failed
  tally.skipped.push(...skipped)
  tally.faults.push(...faults)
  for (const [file, took] of seconds) tally.seconds.set(file, took)
}
