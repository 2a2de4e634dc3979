// SPDX-License-Identifier: Apache-2.0
// What went wrong under load. Whoever refuses, loses or breaks is fast: nothing that was measured beside it counts.
import type { LoadReport } from './load.ts'

/** Messages; `broken`: connections. */
export type Wrong = { lost: number; doubled: number; disordered: number; errors: number; broken: number }

const KINDS = ['lost', 'doubled', 'disordered', 'errors', 'broken'] as const satisfies readonly (keyof Wrong)[]

export function wrongOf(reports: readonly Pick<LoadReport, keyof Wrong>[]): Wrong {
  return sumOf(reports.map(({ broken, ...report }) => ({ ...report, broken: broken.length })))
}

export function sumOf(each: readonly Wrong[]): Wrong {
  const sum: Wrong = { lost: 0, doubled: 0, disordered: 0, errors: 0, broken: 0 }
  for (const one of each) for (const kind of KINDS) sum[kind] += one[kind]
  return sum
}

/** One line for each kind that is not 0. */
export function tellWrong(where: string, wrong: Wrong): string[] {
  return KINDS.filter((kind) => wrong[kind] !== 0).map(
    (kind) => `missed: ${where}: ${kind}: ${wrong[kind]}, wanted none`,
  )
}

export function isRight(wrong: Wrong): boolean {
  return KINDS.every((kind) => wrong[kind] === 0)
}
