// SPDX-License-Identifier: Apache-2.0
// What a record is about, and what came about it later: corrections, retractions, moderation, reactions, replies. Each is a record of
// its own, and none changes another. Ids are chosen by clients and may repeat elsewhere: only what was said in the same room, or
// between the same two people, is of one family. In rooms the room's own id counts as well, as the helper reported it.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import type { Hosts, LinkKind, Related, ShownRecord, ShownTry } from '../domain/record.ts'
import { writeRecordId } from '../domain/record-id.ts'
import { hostsValue, isWhollyOf, SENT_TO } from './hosts.ts'
import type { MonthName } from './month-path.ts'
import { listFiles, type ReadMonths } from './read-months.ts'

/** `month`: where the record is; `hosts`: relatives only of these, null for all. */
type Of = { first: ShownTry; source: string; n: number; month: string; hosts: Hosts }

/** Files that are looked through for one link at most. */
const MOST_FILES = 200

/** In the same room, or between the same two people. */
const SAME_TALK = `(r.room IS NOT NULL AND r.room = (SELECT number FROM name WHERE text = :room)
  OR r.from_bare IN (SELECT number FROM name WHERE text IN (:one, :other)) AND r.to_bare IN (SELECT number FROM name WHERE text IN (:one, :other)))`

const SHORT = '(SELECT short FROM book.source b WHERE b.id = s.id)'

export function aboutOf(book: DatabaseSync, months: ReadMonths, of: Of): ShownRecord['about'] {
  // What it is about was said before it, perhaps months before.
  const files = listFiles(book).filter(({ month }) => month <= of.month)
  return linksOf(months, files.slice(0, MOST_FILES), of).map(({ kind, target }) => {
    const sql = `SELECT ${SHORT} AS short, r.n FROM record r JOIN source s ON s.number = r.source WHERE r.number IN (
        SELECT number FROM record WHERE stanza_id = :target UNION SELECT number FROM record WHERE origin_id = :target
        UNION SELECT record.number FROM stanza_id i JOIN record ON record.source = i.source AND record.n = i.n WHERE i.id = :target)
      AND NOT (s.id = :source AND r.n = :n) AND ${SAME_TALK} SEEN ORDER BY r.number DESC LIMIT 1`
    for (const file of files.slice(0, MOST_FILES)) {
      const row = statement(months.at(file), seenBy(of.hosts, file, sql)).get({
        target,
        source: of.source,
        n: of.n,
        ...talkOf(of.first),
        ...hostsIn(of.hosts, file),
      })
      if (row) return { id: writeRecordId(String(row.short), Number(row.n)), kind }
    }
    return { target, kind }
  })
}

/** Oldest first. */
export function followersOf(book: DatabaseSync, months: ReadMonths, of: Of, ids: readonly string[]): Related[] {
  const sql = `SELECT DISTINCT ${SHORT} AS short, r.n, link.kind FROM link JOIN record r ON r.number = link.record
    JOIN source s ON s.number = r.source WHERE link.target = :id AND NOT (s.id = :source AND r.n = :n) AND ${SAME_TALK} SEEN
    ORDER BY r.number LIMIT 1000`
  const files = listFiles(book)
    .filter(({ month }) => month >= of.month)
    .reverse()
  const found = new Map<string, Related>()
  for (const file of files.slice(0, MOST_FILES)) {
    for (const id of new Set(ids)) {
      if (id === '') continue
      const values = { id, source: of.source, n: of.n, ...talkOf(of.first), ...hostsIn(of.hosts, file) }
      for (const row of statement(months.at(file), seenBy(of.hosts, file, sql)).all(values)) {
        const related = { id: writeRecordId(String(row.short), Number(row.n)), kind: String(row.kind) as LinkKind }
        found.set(`${related.kind} ${related.id}`, related)
      }
    }
  }
  return [...found.values()]
}

/** Of another host's file only what was sent to those of the asker. */
function seenBy(hosts: Hosts, file: MonthName, sql: string): string {
  return sql.replace('SEEN', isWhollyOf(hosts, file) ? '' : `AND ${SENT_TO.replace('?', ':hosts')}`)
}

function hostsIn(hosts: Hosts, file: MonthName): { hosts?: string } {
  return isWhollyOf(hosts, file) ? {} : { hosts: hostsValue(hosts ?? []) }
}

function linksOf(
  months: ReadMonths,
  files: ReturnType<typeof listFiles>,
  { source, n, month }: Of,
): { kind: LinkKind; target: string }[] {
  const sql = `SELECT DISTINCT kind, target FROM link JOIN record r ON r.number = link.record JOIN source s ON s.number = r.source
    WHERE s.id = ? AND r.n = ?`
  const rows = files
    .filter((file) => file.month === month)
    .flatMap((file) => statement(months.at(file), sql).all(source, n))
  return rows.map((row) => ({ kind: String(row.kind) as LinkKind, target: String(row.target) }))
}

function talkOf(shown: ShownTry): { room: string; one: string; other: string } {
  return { room: shown.room, one: shown.from.split('/')[0] ?? '', other: shown.to.split('/')[0] ?? '' }
}
