// SPDX-License-Identifier: Apache-2.0
// What belongs to a virtual host: what its helper asked about, which stands in files of its own, and what was sent to it by another
// host of the same server, which is asked about once, by the sender's host, and stands in that one's files.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import type { Hosts } from '../domain/record.ts'
import type { MonthName } from './month-path.ts'
import { listFiles, type ReadMonths } from './read-months.ts'

/** A condition on the record `r`: it was sent to one of the hosts. `?` stands for `hostsValue`. */
export const SENT_TO = `EXISTS (SELECT 1 FROM json_each(?) AS h
  WHERE h.value = (SELECT substr(text, instr(text, '@') + 1) FROM name WHERE number = r.to_bare))`

/** A condition on the source `s`: it serves one of the hosts, or has not said which it serves. */
export const SERVES_HOSTS = `(s.hosts IS NULL OR EXISTS (
  SELECT 1 FROM json_each(?) AS h WHERE instr(' ' || lower(s.hosts) || ' ', ' ' || h.value || ' ') > 0))`

/** Something was recorded for it, or a helper has named it. */
export function knowsHost(book: DatabaseSync, host: string): boolean {
  const sql = `SELECT 1 FROM file WHERE lower(host) = :host UNION ALL
    SELECT 1 FROM source WHERE instr(' ' || lower(hosts) || ' ', ' ' || :host || ' ') > 0 LIMIT 1`
  return statement(book, sql).get({ host: host.toLowerCase() }) !== undefined
}

export function hostsValue(hosts: readonly string[]): string {
  return JSON.stringify(hosts)
}

/** Everything in the file belongs to the hosts. */
export function isWhollyOf(hosts: Hosts, { host }: MonthName): boolean {
  return hosts === null || hosts.includes(host.toLowerCase())
}

export type HostCounts = {
  records: number
  tries: number
  outages: number
  sources: number
  openFindings: number
  oldest: number | null
  newest: number | null
}

/** Of some hosts; every record of the files of others is looked at. */
export function hostCounts(book: DatabaseSync, months: ReadMonths, hosts: readonly string[]): HostCounts {
  const value = hostsValue(hosts)
  const one = (sql: string): number => Number(statement(book, sql).get(value)?.value ?? 0)
  const kept = { records: 0, tries: 0, times: [] as number[] }
  for (const file of listFiles(book)) {
    const whole = isWhollyOf(hosts, file)
    const sql = `SELECT count(DISTINCT r.source || ' ' || r.n) AS records, count(*) AS tries, min(r.recorded_at) AS oldest,
      max(r.recorded_at) AS newest FROM record r WHERE ${whole ? '?1 <> 0' : SENT_TO}`
    const row = statement(months.at(file), sql).get(whole ? 1 : value)
    kept.records += Number(row?.records ?? 0)
    kept.tries += Number(row?.tries ?? 0)
    for (const time of [row?.oldest, row?.newest])
      if (time !== null && time !== undefined) kept.times.push(Number(time))
  }
  return {
    records: kept.records,
    tries: kept.tries,
    outages: one(
      'SELECT ifnull(sum(count), 0) AS value FROM outage o JOIN name ON name.number = o.host WHERE name.text IN (SELECT value FROM json_each(?))',
    ),
    sources: one(`SELECT count(*) AS value FROM source s WHERE ${SERVES_HOSTS}`),
    openFindings: one(
      `SELECT count(*) AS value FROM finding f LEFT JOIN source s ON s.number = f.source
        WHERE f.closed_at IS NULL AND (f.kind = 'journal-gap' OR ${SERVES_HOSTS})`,
    ),
    oldest: kept.times.length > 0 ? Math.min(...kept.times) : null,
    newest: kept.times.length > 0 ? Math.max(...kept.times) : null,
  }
}
