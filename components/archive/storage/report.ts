// SPDX-License-Identifier: Apache-2.0
// Counts, findings, accesses: what the archive tells without contents; and what it needs to go on after a start.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import type { Finding, SourceCount } from '../domain/completeness.ts'
import type { Access, Hosts } from '../domain/record.ts'
import { hostsValue, SERVES_HOSTS } from './hosts.ts'
import { reopened } from './identities.ts'
import { listFiles, type ReadMonths } from './read-months.ts'

export type Resumed = {
  cursors: readonly { journal: string; position: number }[]
  counts: readonly SourceCount[]
  open: readonly Finding[]
  rooms: readonly string[]
}

export function resume(db: DatabaseSync): Resumed {
  const rows = statement(db, 'SELECT counting FROM source WHERE counting IS NOT NULL').all()
  const rooms = statement(
    db,
    'SELECT text FROM name WHERE number IN (SELECT DISTINCT room FROM occupant) LIMIT 100000',
  ).all()
  return {
    cursors: statement(db, 'SELECT id, position FROM journal')
      .all()
      .map((row) => ({ journal: String(row.id), position: Number(row.position) })),
    counts: rows.map((row) => JSON.parse(String(row.counting)) as SourceCount),
    open: findings(db, { open: true, limit: 1_000_000, hosts: null })
      .filter(({ kind }) => kind !== 'journal-gap')
      .map(({ kind, source, from, to, count }) => ({
        kind,
        event: 'found',
        source,
        from,
        to,
        count,
      })),
    rooms: rooms.map((row) => String(row.text)),
  }
}

export type KeptFinding = Omit<Finding, 'event'> & { foundAt: number | null; closedAt: number | null }

/** Newest first. */
export function findings(
  db: DatabaseSync,
  { open, limit, hosts }: { open: boolean; limit: number; hosts: Hosts },
): KeptFinding[] {
  // A journal is of all hosts; a source is of those it serves.
  const seen =
    hosts === null
      ? ''
      : `AND (f.kind = 'journal-gap' OR f.source IN (SELECT number FROM source s WHERE ${SERVES_HOSTS}))`
  const sql = `SELECT f.kind, f.low, f.high, f.count, f.found_at, f.closed_at,
    CASE f.kind WHEN 'journal-gap' THEN (SELECT id FROM journal WHERE number = f.source)
      ELSE (SELECT id FROM source WHERE number = f.source) END AS source
    FROM finding f WHERE ${open ? 'f.closed_at IS NULL' : '1'} ${seen} ORDER BY f.number DESC LIMIT ?`
  return statement(db, sql)
    .all(...(hosts === null ? [] : [hostsValue(hosts)]), limit)
    .map((row) => ({
      kind: String(row.kind) as Finding['kind'],
      source: String(row.source),
      from: Number(row.low),
      to: Number(row.high),
      count: Number(row.count),
      foundAt: row.found_at === null ? null : Number(row.found_at),
      closedAt: row.closed_at === null ? null : Number(row.closed_at),
    }))
}

export type Counts = {
  records: number
  tries: number
  again: number
  conflicts: number
  skewed: number
  undecided: number
  unreadable: number
  settles: Readonly<Record<string, number>>
  outages: number
  /** Of them, by what the server did. */
  outagesBy: Readonly<Record<string, number>>
  accesses: number
  sources: number
  /** Files of virtual hosts and months. */
  months: number
  openFindings: number
  /** Addresses that had more than one identity. */
  reopened: number
  /** Further tries of a number that another virtual host had asked about. */
  otherHost: number
  oldest: number | null
  newest: number | null
}

/** Counts only; the slow ones are bounded by what is not settled yet. */
export function counts(book: DatabaseSync, months: ReadMonths): Counts {
  const one = (sql: string): number => Number(statement(book, sql).get()?.value ?? 0)
  const files = listFiles(book)
  const total = (name: string): number =>
    Number(statement(book, 'SELECT value FROM total WHERE name = ?').get(name)?.value ?? 0) +
    files.reduce((sum, { totals }) => sum + (totals[name] ?? 0), 0)
  const tries = total('tries')
  const times = (order: 'ASC' | 'DESC', month: string | undefined): number[] =>
    files
      .filter((file) => file.month === month)
      .flatMap((file) =>
        statement(months.at(file), `SELECT recorded_at FROM record ORDER BY number ${order} LIMIT 1`)
          .all()
          .map((row) => Number(row.recorded_at)),
      )
  const oldest = times('ASC', files.at(-1)?.month)
  const newest = times('DESC', files[0]?.month)
  return {
    records: tries - total('repeats'),
    tries,
    again: total('again'),
    conflicts: total('conflicts'),
    skewed: total('skewed'),
    undecided: undecided(book, months),
    unreadable: total('unreadable'),
    settles: Object.fromEntries(
      statement(book, 'SELECT outcome, count(*) AS value FROM settle GROUP BY outcome')
        .all()
        .map((row) => [String(row.outcome), Number(row.value)]),
    ),
    outages: one('SELECT ifnull(sum(count), 0) AS value FROM outage'),
    outagesBy: Object.fromEntries(
      statement(book, 'SELECT outcome, sum(count) AS value FROM outage GROUP BY outcome')
        .all()
        .map((row) => [String(row.outcome), Number(row.value)]),
    ),
    accesses: one('SELECT count(*) AS value FROM access'),
    sources: one('SELECT count(*) AS value FROM source'),
    months: files.length,
    reopened: reopened(book),
    otherHost: total('otherHost'),
    openFindings: one('SELECT count(*) AS value FROM finding WHERE closed_at IS NULL'),
    oldest: oldest.length > 0 ? Math.min(...oldest) : null,
    newest: newest.length > 0 ? Math.max(...newest) : null,
  }
}

/** Numbers on record of which the server has not said what became of them. */
export function undecided(book: DatabaseSync, months: ReadMonths): number {
  const unsure = statement(
    book,
    'SELECT count(*) AS value FROM unsure JOIN source s ON s.number = unsure.source WHERE n <= s.done',
  ).get()
  // Only files that hold numbers the server has not come to yet.
  const open = statement(
    book,
    `SELECT s.number, s.id, s.done, file.host, file.month FROM span JOIN source s ON s.number = span.source JOIN file ON file.number = span.file
      WHERE span.high > s.done`,
  ).all()
  const numbers = new Map<string, Set<number>>()
  for (const row of open) {
    const sql = `SELECT DISTINCT r.n FROM record r JOIN source s ON s.number = r.source WHERE s.id = ? AND r.n > ?
      AND NOT EXISTS (SELECT 1 FROM book.settle WHERE source = ? AND n = r.n)`
    const db = months.at({ host: String(row.host), month: String(row.month) })
    const ofSource = numbers.get(String(row.id)) ?? new Set()
    for (const { n } of statement(db, sql).all(String(row.id), Number(row.done), Number(row.number)))
      ofSource.add(Number(n))
    numbers.set(String(row.id), ofSource)
  }
  return Number(unsure?.value ?? 0) + [...numbers.values()].reduce((sum, { size }) => sum + size, 0)
}

/** Newest first. */
export function accesses(
  db: DatabaseSync,
  { user, limit, hosts }: { user: string; limit: number; hosts: Hosts },
): Access[] {
  // A look that names no hosts was one at all of them.
  const seen =
    hosts === null
      ? ''
      : `AND (json_extract(a.query, '$.hosts') IS NULL OR EXISTS (SELECT 1 FROM json_each(a.query, '$.hosts') AS h
          WHERE h.value IN (SELECT value FROM json_each(:hosts))))`
  const sql = `SELECT a.*, j.id AS journal_id FROM access a JOIN journal j ON j.number = a.journal
    WHERE (:user = '' OR a.user = :user) ${seen} ORDER BY a.number DESC LIMIT :limit`
  return statement(db, sql)
    .all({ user, limit, ...(hosts === null ? {} : { hosts: hostsValue(hosts) }) })
    .map((row) => ({
      journal: String(row.journal_id),
      position: Number(row.position),
      recordedAt: Number(row.recorded_at),
      at: row.at === null ? null : Number(row.at),
      uid: row.uid === null ? null : Number(row.uid),
      user: String(row.user),
      command: String(row.command),
      query: String(row.query),
      hits: row.hits === null ? null : Number(row.hits),
      reason: row.reason === null ? '' : String(row.reason),
      denied: row.denied === 1,
    }))
}
