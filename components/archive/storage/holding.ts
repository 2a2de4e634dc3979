// SPDX-License-Identifier: Apache-2.0
// Rows of the book that say which numbers of a source are in which file of a month: how they are read, and what they say of a number.
import type { SQLOutputValue } from 'node:sqlite'

type Row = Record<string, SQLOutputValue>

/** Numbers of a source that are in a file; others may be between them. `originated`: also such that the server itself wrote, below 0. */
export type Numbers = { low: number; high: number; originated: boolean }

export function mayHold({ low, high, originated }: Numbers, n: number): boolean {
  return n < 0 ? originated : low <= n && n <= high
}

export function readNumbers(row: Row): Numbers {
  return { low: Number(row.low), high: Number(row.high), originated: row.originated === 1 }
}

/** Of the table `file`, without its totals. */
export function readFileRow(row: Row) {
  return {
    number: Number(row.number),
    host: String(row.host),
    month: String(row.month),
    lowAt: row.low_at === null ? null : Number(row.low_at),
    highAt: row.high_at === null ? null : Number(row.high_at),
    last: Number(row.last),
  }
}
