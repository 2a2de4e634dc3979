// SPDX-License-Identifier: Apache-2.0
// Counts, findings, accesses: what the archive tells without contents; and what it needs to go on after a start.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import type { Finding, SourceCount } from '../domain/completeness.ts'
import type { Access, Hosts } from '../domain/record.ts'
import { hostsValue, SERVES_HOSTS } from './hosts.ts'

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
  accesses: number
  sources: number
  openFindings: number
  oldest: number | null
  newest: number | null
  bytes: number
  journals: readonly { journal: string; position: number }[]
}

/** Counts only; the slow ones are bounded by what is not settled yet. */
export function counts(db: DatabaseSync): Counts {
  const one = (sql: string): number => Number(statement(db, sql).get()?.value ?? 0)
  const total = (name: string): number =>
    Number(statement(db, 'SELECT value FROM total WHERE name = ?').get(name)?.value ?? 0)
  const at = (order: string): number | null => {
    const row = statement(db, `SELECT recorded_at FROM record ORDER BY number ${order} LIMIT 1`).get()
    return row ? Number(row.recorded_at) : null
  }
  const tries = total('tries')
  return {
    records: tries - total('repeats'),
    tries,
    again: total('again'),
    conflicts: total('conflicts'),
    skewed: total('skewed'),
    undecided: undecided(db),
    unreadable: total('unreadable'),
    settles: Object.fromEntries(
      statement(db, 'SELECT outcome, count(*) AS value FROM settle GROUP BY outcome')
        .all()
        .map((row) => [String(row.outcome), Number(row.value)]),
    ),
    outages: one('SELECT ifnull(sum(count), 0) AS value FROM outage'),
    accesses: one('SELECT count(*) AS value FROM access'),
    sources: one('SELECT count(*) AS value FROM source'),
    openFindings: one('SELECT count(*) AS value FROM finding WHERE closed_at IS NULL'),
    oldest: at('ASC'),
    newest: at('DESC'),
    bytes: one('SELECT page_count * page_size AS value FROM pragma_page_count(), pragma_page_size()'),
    journals: resumeCursors(db),
  }
}

/** Numbers on record of which the server has not said what became of them. */
export function undecided(db: DatabaseSync): number {
  const sql = `SELECT (SELECT count(*) FROM unsure JOIN source s ON s.number = unsure.source WHERE n <= s.done)
    + (SELECT ifnull(sum((SELECT count(DISTINCT r.n) FROM record r WHERE r.source = s.number AND r.n > s.done
        AND NOT EXISTS (SELECT 1 FROM settle WHERE source = r.source AND n = r.n))), 0) FROM source s) AS value`
  return Number(statement(db, sql).get()?.value ?? 0)
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

function resumeCursors(db: DatabaseSync): { journal: string; position: number }[] {
  const rows = statement(db, 'SELECT id, position FROM journal').all()
  return rows.map((row) => ({ journal: String(row.id), position: Number(row.position) }))
}
