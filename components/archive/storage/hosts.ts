// SPDX-License-Identifier: Apache-2.0
// What belongs to a virtual host: what its helper asked about, and what was sent to it by another host of the same server, which
// is asked about once, by the sender's host.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'

/** A condition on the record `r`. `?` stands for `hostsValue` of hosts that are not all. */
export const OF_HOSTS = `EXISTS (SELECT 1 FROM json_each(?) AS h WHERE h.value = (SELECT text FROM name WHERE number = r.host)
  OR h.value = (SELECT substr(text, instr(text, '@') + 1) FROM name WHERE number = r.to_bare))`

/** A condition on the source `s`: it serves one of the hosts, or has not said which it serves. */
export const SERVES_HOSTS = `(s.hosts IS NULL OR EXISTS (
  SELECT 1 FROM json_each(?) AS h WHERE instr(' ' || lower(s.hosts) || ' ', ' ' || h.value || ' ') > 0))`

export function hostsValue(hosts: readonly string[]): string {
  return JSON.stringify(hosts)
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

/** Of some hosts; every record is looked at. */
export function hostCounts(db: DatabaseSync, hosts: readonly string[]): HostCounts {
  const value = hostsValue(hosts)
  const one = (sql: string): number => Number(statement(db, sql).get(value)?.value ?? 0)
  const kept = statement(
    db,
    `SELECT count(DISTINCT r.source || ' ' || r.n) AS records, count(*) AS tries, min(r.recorded_at) AS oldest, max(r.recorded_at) AS newest
      FROM record r WHERE ${OF_HOSTS}`,
  ).get(value)
  const time = (of: unknown) => (of === null || of === undefined ? null : Number(of))
  return {
    records: Number(kept?.records ?? 0),
    tries: Number(kept?.tries ?? 0),
    outages: one(
      'SELECT ifnull(sum(count), 0) AS value FROM outage o JOIN name ON name.number = o.host WHERE name.text IN (SELECT value FROM json_each(?))',
    ),
    sources: one(`SELECT count(*) AS value FROM source s WHERE ${SERVES_HOSTS}`),
    openFindings: one(
      `SELECT count(*) AS value FROM finding f LEFT JOIN source s ON s.number = f.source
        WHERE f.closed_at IS NULL AND (f.kind = 'journal-gap' OR ${SERVES_HOSTS})`,
    ),
    oldest: time(kept?.oldest),
    newest: time(kept?.newest),
  }
}
