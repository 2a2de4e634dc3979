// SPDX-License-Identifier: Apache-2.0
// Taking away the content of a record: stanza, salt and words go, the row stays with its seal, and says who erased it and why; it is
// still found by what it says: people, domains, rule.
// Written over with zeros: pages of tables by secure_delete, the index by its own secure-delete, which is on for this transaction only
// (always on it would look up each word of each insert), the -wal by being folded and cut.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import type { MonthName } from './month-path.ts'
import type { Month, Months } from './months.ts'
import { sourceNumber } from './names.ts'
import { filesHolding, type ReadMonths } from './read-months.ts'
import type { Shelf } from './shelf.ts'

/** `source`: the full id; `at`: Unix ms. */
export type Erase = { source: string; n: number; at: number; user: string; reason: string }

/** Gives how many tries had content. Tries that have none keep what is said of their first erasure. */
export function erase(
  book: DatabaseSync,
  { months, shelf }: { months: Months; shelf: Shelf },
  asked: Erase,
): { erased: number } {
  const source = sourceNumber(book, asked.source)
  if (source === undefined) return { erased: 0 }
  let erased = 0
  for (const file of shelf.holding(book, source, asked.n)) {
    const name: MonthName = { host: file.host, month: file.month }
    erased += eraseIn(months.at(name), asked)
    // Also when nothing is left to erase: a kill may have come before the first erasure was wiped.
    months.fold(name)
  }
  statement(book, 'DELETE FROM other_fact WHERE source = ? AND n = ?').run(asked.source, asked.n)
  return { erased }
}

/** Who erased what is on record of this number in this file; undefined when nobody did. */
export function erasureIn(db: DatabaseSync, source: string, n: number): Omit<Erase, 'source' | 'n'> | undefined {
  const sql = `SELECT e.at, e.user, e.reason FROM erasure e JOIN record r ON r.number = e.record JOIN source s ON s.number = r.source
    WHERE s.id = ? AND r.n = ? LIMIT 1`
  const row = statement(db, sql).get(source, n)
  return row && { at: Number(row.at), user: String(row.user), reason: String(row.reason) }
}

export function eraseIn({ db }: Month, { source, n, at, user, reason }: Erase): number {
  const sql = `SELECT c.record, c.text, c.tags, r.from_bare, r.to_bare, r.room FROM content c JOIN record r ON r.number = c.record
    JOIN source s ON s.number = r.source WHERE s.id = ? AND r.n = ? ORDER BY c.record`
  const rows = statement(db, sql).all(source, n)
  if (rows.length === 0) return 0
  const earlier = erasureIn(db, source, n) !== undefined
  const indexed = rows.filter(({ text }) => text !== null)
  // What other calls of this group have added goes to the index first, at its usual price.
  db.exec("INSERT INTO words (words) VALUES ('flush'); INSERT INTO words (words, rank) VALUES ('secure-delete', 1)")
  for (const { record, text, tags } of indexed)
    statement(db, "INSERT INTO words (words, rowid, text, tags) VALUES ('delete', ?, ?, ?)").run(
      Number(record),
      String(text),
      String(tags),
    )
  for (const { record } of rows) {
    const number = Number(record)
    statement(db, 'DELETE FROM content WHERE record = ?').run(number)
    statement(db, 'INSERT OR IGNORE INTO erasure (record, at, user, reason) VALUES (?, ?, ?, ?)').run(
      number,
      at,
      user,
      reason,
    )
  }
  db.exec("INSERT INTO words (words) VALUES ('flush'); INSERT INTO words (words, rank) VALUES ('secure-delete', 0)")
  // Whoever looks for a person still finds that there was something, once for all tries.
  const [first] = indexed
  if (first && !earlier)
    statement(db, "INSERT INTO words (rowid, text, tags) VALUES (?, '', ?)").run(Number(first.record), tagsOfRow(first))
  return rows.length
}

/** Of the tags those that the row says too: sender, recipient, room, domains, rule. Whom the content names goes with it. */
function tagsOfRow({ tags, from_bare, to_bare, room }: Record<string, SQLOutputValue>): string {
  const stay = [from_bare, to_bare, room].filter((one) => one !== null).map((one) => `p${one}`)
  return String(tags)
    .split(' ')
    .filter((tag) => !tag.startsWith('p') || stay.includes(tag))
    .join(' ')
}

/** Where in journals the content of a record was told. */
export type Standing = { journal: string; position: number }

export function standings(
  book: DatabaseSync,
  months: ReadMonths,
  { source, n }: { source: string; n: number },
): Standing[] {
  const number = sourceNumber(book, source)
  if (number === undefined) return []
  const sql = `SELECT j.id AS journal, r.position FROM record r JOIN source s ON s.number = r.source JOIN journal j ON j.number = r.journal
      WHERE s.id = :source AND r.n = :n
    UNION SELECT j.id, p.position FROM repeat p JOIN record r ON r.number = p.record JOIN source s ON s.number = r.source
      JOIN journal j ON j.number = p.journal WHERE s.id = :source AND r.n = :n`
  const found = filesHolding(book, number, n).flatMap((file) => statement(months.at(file), sql).all({ source, n }))
  const inBook = `SELECT j.id AS journal, f.position FROM other_fact f JOIN journal j ON j.number = f.journal WHERE f.source = ? AND f.n = ?
    UNION SELECT j.id, p.position FROM repeat p JOIN journal j ON j.number = p.journal WHERE p.source = ? AND p.n = ?`
  const others = statement(book, inBook).all(source, n, number, n)
  return [...found, ...others].map((row) => ({ journal: String(row.journal), position: Number(row.position) }))
}
