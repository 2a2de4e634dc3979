// SPDX-License-Identifier: Apache-2.0
// Search: newest first by number, never by rank; a count stops at its bound.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import type { Search } from '../domain/record.ts'
import { asked, type Term } from '../domain/words.ts'
import { hostsValue, OF_HOSTS } from './hosts.ts'
import { nameNumber } from './names.ts'
import { type ListedRecord, listRecords } from './show.ts'

/** Hits are counted up to here; more are "more than". */
export const COUNT_BOUND = 10_000
const HOUR = 3_600_000

export type Found = { hits: number; capped: boolean; records: ListedRecord[] }

/** Records of the hosts asked for; a number with several tries that fit is given once, its hits are counted by content. */
export function search(db: DatabaseSync, query: Search): Found {
  const none = { hits: 0, capped: false, records: [] }
  const match = matchOf(db, query)
  if (match === null) return none
  const parts = partsOf(db, query, match)
  let hits = 0
  const numbers: number[] = []
  for (const { from, values } of parts) {
    if (hits <= COUNT_BOUND) {
      const counted = statement(
        db,
        `SELECT count(*) AS hits FROM (SELECT 1 FROM ${from} LIMIT ${COUNT_BOUND + 1})`,
      ).get(...values)
      hits += Number(counted?.hits ?? 0)
    }
    if (numbers.length < query.limit) {
      const rows = statement(
        db,
        `SELECT r.number FROM ${from} ORDER BY ${match ? 'words.rowid' : 'r.number'} DESC LIMIT ?`,
      ).all(...values, query.limit)
      numbers.push(...rows.map((row) => Number(row.number)))
    }
  }
  numbers.sort((one, other) => other - one)
  const records = listRecords(db, numbers.slice(0, query.limit))
  return { hits: Math.min(hits, COUNT_BOUND), capped: hits > COUNT_BOUND, records }
}

/** The index query; '' when nothing but time is asked for; null when nothing can fit: nobody of that name is on record. */
function matchOf(db: DatabaseSync, query: Search): string | null {
  const parts: string[] = []
  const terms = asked(query.words)
  if (query.words.trim() !== '' && terms.length === 0) return null
  if (terms.length > 0) parts.push(`text : (${terms.map(writeTerm).join(' AND ')})`)
  for (const person of [query.person, query.peer]) {
    if (person === '') continue
    const number = nameNumber(db, person)
    if (number === undefined) return null
    parts.push(`people : "p${number}"`)
  }
  return parts.join(' AND ')
}

function writeTerm({ text, prefix }: Term): string {
  return `"${text.replaceAll('"', '""')}"${prefix ? ' *' : ''}`
}

type Part = { from: string; values: (string | number)[] }

/**
 * A time names a range of numbers, because numbers grow with the time of keeping; what was kept late is looked for apart.
 * Newest part first.
 */
function partsOf(db: DatabaseSync, query: Search, match: string): Part[] {
  const { since, until } = query
  const low = since === null ? null : firstKeptSince(db, since - HOUR)
  const high = until === null ? null : lastKeptUntil(db, until + HOUR)
  const exact = [
    ...(since === null ? [] : [{ sql: 'r.at >= ?', value: since }]),
    ...(until === null ? [] : [{ sql: 'r.at <= ?', value: until }]),
    ...(query.hosts === null ? [] : [{ sql: OF_HOSTS, value: hostsValue(query.hosts) }]),
  ]
  const number = match ? 'words.rowid' : 'r.number'
  const tables = match
    ? 'words JOIN record r ON r.number = words.rowid WHERE words MATCH ?'
    : 'record r WHERE r.try >= ?'
  const start: string | number = match || 0
  const part = (range: { sql: string; value: number }[]): Part => ({
    from: [tables, ...[...range, ...exact].map(({ sql }) => sql)].join(' AND '),
    values: [start, ...[...range, ...exact].map(({ value }) => value)],
  })
  const within = [
    ...(low === null ? [] : [{ sql: `${number} >= ?`, value: low }]),
    ...(high === null ? [] : [{ sql: `${number} <= ?`, value: high }]),
  ]
  if (high === null) return [part(within)]
  const late = `${number} IN (SELECT record FROM late WHERE at >= ? AND at <= ?)`
  const lateRange = { sql: `${number} > ?`, value: high }
  const lates = part([lateRange])
  return [
    {
      from: `${lates.from} AND ${late}`,
      values: [...lates.values, since ?? Number.MIN_SAFE_INTEGER, until ?? Number.MAX_SAFE_INTEGER],
    },
    part(within),
  ]
}

function firstKeptSince(db: DatabaseSync, time: number): number {
  const row = statement(db, 'SELECT max(first_record) AS number FROM batch WHERE kept_at < ?').get(time)
  return Number(row?.number ?? 0)
}

function lastKeptUntil(db: DatabaseSync, time: number): number {
  const row = statement(db, 'SELECT min(first_record) AS number FROM batch WHERE kept_at > ?').get(time)
  return row?.number === null || row?.number === undefined ? Number.MAX_SAFE_INTEGER : Number(row.number) - 1
}
