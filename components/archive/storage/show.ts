// SPDX-License-Identifier: Apache-2.0
// Reading records with all their tries, settlements and what they are about.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import type { Hosts, LinkKind, Related, ShownRecord, ShownTry } from '../domain/record.ts'
import { type RecordName, writeRecordId } from '../domain/record-id.ts'
import { type Outcome, type Settled, settle } from '../domain/settling.ts'
import { hostsValue, OF_HOSTS } from './hosts.ts'
import { occupantsAt } from './occupants.ts'

/** A line of a list: the effective try, or the first where none is. */
export type ListedRecord = { number: number; id: string; settled: Settled; tries: number; shown: ShownTry }

export type Shown =
  | { found: 'one'; record: ShownRecord }
  | { found: 'several'; ids: readonly string[] }
  | { found: 'nothing' }

type Row = Record<string, SQLOutputValue>
type SourceRow = { number: number; id: string; short: string; done: number }

/** A short name is looked up as it was shown; any longer start of the source's id will do when it fits one source only. */
export function show(db: DatabaseSync, name: RecordName, hosts: Hosts): Shown {
  const sources = sourcesNamed(db, name.source).filter(
    (source) => isKnown(db, source, name.n) && (hosts === null || isOf(db, hosts, source, name.n)),
  )
  const [source, other] = sources
  if (!source) return { found: 'nothing' }
  if (other) return { found: 'several', ids: sources.map(({ id }) => writeRecordId(id, name.n)) }
  return { found: 'one', record: readRecord(db, source, name.n) }
}

export function listRecords(db: DatabaseSync, numbers: readonly number[]): ListedRecord[] {
  const seen = new Set<string>()
  const listed: ListedRecord[] = []
  for (const number of numbers) {
    const row = statement(db, 'SELECT source, n FROM record WHERE number = ?').get(number)
    const key = `${row?.source}-${row?.n}`
    if (!row || seen.has(key)) continue
    seen.add(key)
    const source = sourceBy(db, Number(row.source))
    const n = Number(row.n)
    const tries = readTries(db, source.number, n)
    const settled = settledBy(db, source, n, tries)
    const shown = tries.find((one) => one.try === settled.effectiveTry) ?? tries[0]
    if (shown) listed.push({ number, id: writeRecordId(source.short, n), settled, tries: tries.length, shown })
  }
  return listed
}

/** Records kept after a number, oldest first, each try in a line of its own. `last` counts those of other hosts too. */
export function listAfter(
  db: DatabaseSync,
  { after, limit, hosts }: { after: number; limit: number; hosts: Hosts },
): { last: number; records: ListedRecord[] } {
  const rows = statement(db, 'SELECT number FROM record WHERE number > ? ORDER BY number LIMIT ?').all(after, limit)
  const numbers = rows.map((row) => Number(row.number))
  const visible = hosts === null ? numbers : numbers.filter((number) => isRecordOf(db, hosts, number))
  return { last: numbers.at(-1) ?? after, records: listRecords(db, visible) }
}

export function lastNumber(db: DatabaseSync): number {
  return Number(statement(db, 'SELECT max(number) AS last FROM record').get()?.last ?? 0)
}

function sourcesNamed(db: DatabaseSync, start: string): SourceRow[] {
  const columns = 'number, id, short, done'
  const exact = statement(db, `SELECT ${columns} FROM source WHERE short = ? OR id = ?`).all(start, start)
  const rows =
    exact.length > 0
      ? exact
      : statement(db, `SELECT ${columns} FROM source WHERE substr(id, 1, ?) = ?`).all(start.length, start)
  return rows.map(readSource)
}

function sourceBy(db: DatabaseSync, number: number): SourceRow {
  return readSource(statement(db, 'SELECT number, id, short, done FROM source WHERE number = ?').get(number) ?? {})
}

function readSource(row: Row): SourceRow {
  return { number: Number(row.number), id: String(row.id), short: String(row.short), done: Number(row.done) }
}

function isKnown(db: DatabaseSync, source: SourceRow, n: number): boolean {
  const sql = `SELECT 1 WHERE EXISTS (SELECT 1 FROM record WHERE source = :s AND n = :n) OR EXISTS (SELECT 1 FROM settle WHERE source = :s AND n = :n)
    OR EXISTS (SELECT 1 FROM outage WHERE source = :s AND low <= :n AND high >= :n)`
  return statement(db, sql).get({ s: source.number, n }) !== undefined
}

function isRecordOf(db: DatabaseSync, hosts: readonly string[], number: number): boolean {
  const sql = `SELECT 1 FROM record r WHERE r.number = ? AND ${OF_HOSTS}`
  return statement(db, sql).get(number, hostsValue(hosts)) !== undefined
}

/** A number that was never asked about belongs to the host of its outage, or to none. */
function isOf(db: DatabaseSync, hosts: readonly string[], source: SourceRow, n: number): boolean {
  const value = hostsValue(hosts)
  const record = `SELECT 1 FROM record r WHERE r.source = ? AND r.n = ? AND ${OF_HOSTS}`
  const outage = `SELECT 1 FROM outage o JOIN name ON name.number = o.host
    WHERE o.source = ? AND o.low <= ? AND o.high >= ? AND name.text IN (SELECT value FROM json_each(?))`
  return (
    statement(db, record).get(source.number, n, value) !== undefined ||
    statement(db, outage).get(source.number, n, n, value) !== undefined
  )
}

function readRecord(db: DatabaseSync, source: SourceRow, n: number): ShownRecord {
  const tries = readTries(db, source.number, n)
  const settled = settledBy(db, source, n, tries)
  const ids = statement(
    db,
    'SELECT (SELECT text FROM name WHERE number = by) AS by, id FROM stanza_id WHERE source = ? AND n = ?',
  )
    .all(source.number, n)
    .map((row) => ({ by: String(row.by), id: String(row.id) }))
  const first = tries.find((one) => one.try === settled.effectiveTry) ?? tries[0]
  const room = first?.room ? statement(db, 'SELECT number FROM name WHERE text = ?').get(first.room) : undefined
  return {
    id: writeRecordId(source.short, n),
    fullId: writeRecordId(source.id, n),
    source: source.id,
    n,
    settlement: settled.settlement,
    effectiveTry: settled.effectiveTry,
    settledBy: settled.by,
    conflicting: settled.conflicting,
    tries,
    settles: readSettles(db, source.number, n).map(({ outcome, at, ...rest }) => ({ ...rest, outcome, at })),
    outage: readOutage(db, source.number, n),
    stanzaIds: ids,
    occupants: room && first ? occupantsAt(db, Number(room.number), first.at ?? first.recordedAt) : [],
    about: first ? aboutOf(db, source.number, n, first) : [],
    followedBy: first ? followersOf(db, [first.stanzaId, first.originId, ...ids.map(({ id }) => id)], first) : [],
  }
}

function settledBy(db: DatabaseSync, source: SourceRow, n: number, tries: readonly ShownTry[]): Settled {
  if (n < 0) return { settlement: 'originated', effectiveTry: 1, by: 'nothing', conflicting: false }
  return settle(n, tries, readSettles(db, source.number, n), source.done)
}

function readSettles(
  db: DatabaseSync,
  source: number,
  n: number,
): { try?: number; outcome: Outcome; at: number | null }[] {
  const rows = statement(db, 'SELECT try, outcome, at FROM settle WHERE source = ? AND n = ? ORDER BY number').all(
    source,
    n,
  )
  return rows.map((row) => ({
    ...(Number(row.try) > 0 ? { try: Number(row.try) } : {}),
    outcome: String(row.outcome) as Outcome,
    at: numberOrNull(row.at),
  }))
}

function readOutage(db: DatabaseSync, source: number, n: number): ShownRecord['outage'] {
  const sql =
    'SELECT low, high, outcome, at FROM outage WHERE source = :source AND high >= :n AND low <= :n ORDER BY high LIMIT 1'
  const row = statement(db, sql).get({ source, n })
  return row
    ? { from: Number(row.low), to: Number(row.high), outcome: String(row.outcome), at: numberOrNull(row.at) }
    : null
}

const NAMED = (column: string) => `(SELECT text FROM name WHERE number = ${column}) AS ${column}`
const TRIES = `SELECT r.number, try, ${NAMED('host')}, direction, via, at, recorded_at,
  (SELECT kept_at FROM batch WHERE first_record <= r.number ORDER BY first_record DESC LIMIT 1) AS kept_at,
  (SELECT id FROM journal WHERE number = r.journal) AS journal, position, element, what, type, ${NAMED('from_bare')}, from_resource,
  ${NAMED('to_bare')}, to_resource, ${NAMED('room')}, stanza_id, origin_id, ${NAMED('language')}, ${NAMED('encrypted')}, note, action,
  ${NAMED('rule')}, ${NAMED('rules')}, verdict, replacement, spooled, octet_length(stanza) AS size, lower(hex(sha256)) AS sha256, stanza
  FROM record r WHERE source = ? AND n = ? ORDER BY try`

function readTries(db: DatabaseSync, source: number, n: number): ShownTry[] {
  return statement(db, TRIES).all(source, n).map(readTry)
}

function readTry(row: Row): ShownTry {
  const text = (column: string) => (row[column] === null || row[column] === undefined ? '' : String(row[column]))
  const end = (bare: string, resource: string) => (resource ? `${bare}/${resource}` : bare)
  return {
    try: Number(row.try),
    host: text('host'),
    direction: text('direction'),
    via: text('via'),
    at: numberOrNull(row.at),
    recordedAt: Number(row.recorded_at),
    keptAt: Number(row.kept_at),
    journal: text('journal'),
    position: Number(row.position),
    element: text('element'),
    what: text('what'),
    type: text('type'),
    from: end(text('from_bare'), text('from_resource')),
    to: end(text('to_bare'), text('to_resource')),
    room: text('room'),
    stanzaId: text('stanza_id'),
    originId: text('origin_id') || text('stanza_id'),
    language: text('language'),
    encrypted: text('encrypted'),
    note: text('note'),
    action: text('action'),
    rule: text('rule'),
    rules: text('rules'),
    verdict: text('verdict'),
    replacement: text('replacement'),
    spooled: Number(row.spooled) === 1,
    size: Number(row.size),
    sha256: text('sha256'),
    stanza: text('stanza'),
  }
}

/** The same conversation: the same room, or the same two people. Ids are chosen by clients and may repeat elsewhere. */
const SAME_TALK = `(r.room IS NOT NULL AND r.room = (SELECT number FROM name WHERE text = :room)
  OR r.from_bare IN (SELECT number FROM name WHERE text IN (:one, :other)) AND r.to_bare IN (SELECT number FROM name WHERE text IN (:one, :other)))`

function talkOf(shown: ShownTry): { room: string; one: string; other: string } {
  return { room: shown.room, one: shown.from.split('/')[0] ?? '', other: shown.to.split('/')[0] ?? '' }
}

function aboutOf(db: DatabaseSync, source: number, n: number, shown: ShownTry): ShownRecord['about'] {
  const links = statement(
    db,
    'SELECT DISTINCT kind, target FROM link JOIN record r ON r.number = link.record WHERE r.source = ? AND r.n = ?',
  ).all(source, n)
  return links.map((link) => {
    const kind = String(link.kind) as LinkKind
    const target = String(link.target)
    const sql = `SELECT s.short, r.n FROM record r JOIN source s ON s.number = r.source WHERE r.number IN (
        SELECT number FROM record WHERE stanza_id = :target UNION SELECT number FROM record WHERE origin_id = :target
        UNION SELECT record.number FROM stanza_id i JOIN record ON record.source = i.source AND record.n = i.n WHERE i.id = :target)
      AND NOT (r.source = :source AND r.n = :n) AND ${SAME_TALK} ORDER BY r.number DESC LIMIT 1`
    const row = statement(db, sql).get({ target, source, n, ...talkOf(shown) })
    return row ? { id: writeRecordId(String(row.short), Number(row.n)), kind } : { target, kind }
  })
}

function followersOf(db: DatabaseSync, ids: readonly string[], shown: ShownTry): Related[] {
  const sql = `SELECT DISTINCT s.short, r.n, link.kind FROM link JOIN record r ON r.number = link.record JOIN source s ON s.number = r.source
    WHERE link.target = :id AND ${SAME_TALK} ORDER BY r.number LIMIT 1000`
  const found = new Map<string, Related>()
  for (const id of new Set(ids)) {
    if (id === '') continue
    for (const row of statement(db, sql).all({ id, ...talkOf(shown) })) {
      const related = { id: writeRecordId(String(row.short), Number(row.n)), kind: String(row.kind) as LinkKind }
      found.set(`${related.kind} ${related.id}`, related)
    }
  }
  return [...found.values()]
}

function numberOrNull(value: SQLOutputValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}
