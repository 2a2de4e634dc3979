// SPDX-License-Identifier: Apache-2.0
// Where the file of a virtual host and month stands: beside the book, in a folder of the host's own.
import { hash } from 'node:crypto'
import { join } from 'node:path'

/** `month`: such as 2026-11, UTC. */
export type MonthName = { host: string; month: string }

let known = { from: 0, to: 0, month: '' }

/** The last one is remembered: writing the date of each record took as long as a column of it. */
export function monthOf(ms: number): string {
  if (!(ms >= known.from && ms < known.to)) {
    const date = new Date(ms)
    const at = [date.getUTCFullYear(), date.getUTCMonth()] as const
    known = { from: Date.UTC(...at), to: Date.UTC(at[0], at[1] + 1), month: date.toISOString().slice(0, 7) }
  }
  return known.month
}

/** archive.db -> archive-months */
export function monthsFolder(book: string): string {
  return `${book.replace(/\.db$/, '')}-months`
}

export function monthPath(book: string, { host, month }: MonthName): string {
  return join(monthsFolder(book), folderName(host), `${month}.db`)
}

/** Two hosts never share a folder, and none leaves it: what is no plain letter, digit, dot or hyphen is written as %XX. */
export function folderName(host: string): string {
  const plain = host.replace(/^\.|[^a-z0-9.-]/g, (one) =>
    [...Buffer.from(one)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  )
  if (plain === '') return '%'
  return plain.length <= 200 ? plain : `${plain.slice(0, 120)}%${hash('sha256', host).slice(0, 40)}`
}
