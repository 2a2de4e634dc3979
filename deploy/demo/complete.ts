// SPDX-License-Identifier: Apache-2.0
// Reads what the command line says to programs, and what of it shows that something is missing.
import assert from 'node:assert/strict'

export type Row = Readonly<Record<string, unknown>>

/** What `--json` prints: one object a line. A text (`text` right behind `version`, with its numbers after it) is for people and no row. */
export function readRows(out: string): Row[] {
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Row => JSON.parse(line))
    .filter((row) => Object.keys(row)[1] !== 'text')
}

/** Throws unless these records, newest first, are settled as listed, oldest first. */
export function settled(records: readonly Row[], wanted: readonly string[]): void {
  assert.deepEqual(records.map((row) => row.settlement).reverse(), wanted)
}

/** A line for each thing that is missing: numbers without a record, records that are not settled, what the archive found. */
export function lacking(records: readonly Row[], findings: readonly Row[]): string[] {
  const numbers = new Map<string, Set<number>>()
  for (const { id } of records) {
    const [source = '', n] = String(id).split('-')
    numbers.set(source, (numbers.get(source) ?? new Set()).add(Number(n)))
  }
  if (numbers.size === 0) return ['there is no record at all']
  return [
    ...[...numbers].flatMap(([source, here]) =>
      Array.from({ length: Math.max(...here) }, (_, i) => i + 1)
        .filter((n) => !here.has(n))
        .map((n) => `no record of ${source}-${n}`),
    ),
    ...records.filter((row) => row.settlement === 'undecided').map(({ id }) => `${id} is undecided`),
    ...findings.map((row) => `found: ${JSON.stringify(row)}`),
  ]
}
