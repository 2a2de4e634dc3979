// SPDX-License-Identifier: Apache-2.0
// Reading records with all their tries, settlements and what they are about.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { listsOf, statement } from '../../kit/store/statement.ts'
import type { Hosts, ShownRecord, ShownTry } from '../domain/record.ts'
import { type RecordName, writeRecordId } from '../domain/record-id.ts'
import { type Outcome, type Settled, type Settlement, settle } from '../domain/settling.ts'
import { hostsValue, isWhollyOf, SENT_TO } from './hosts.ts'
import { type Identities, identified, openIdentities } from './identities.ts'
import { aboutOf, type Family, followersOf, lineage, type Node } from './lineage.ts'
import type { MonthName } from './month-path.ts'
import { occupantsAt } from './occupants.ts'
import { filesHolding, type HeldSpan, type Hit, holding, listFiles, type ReadMonths, spansOf } from './read-months.ts'
import { numberOrNull, readTries, readTriesWith, type Tries } from './tries.ts'

/** A line of a list: the effective try, or the first where none is. `fullId` names it for ever. */
export type ListedRecord = { id: string; fullId: string; settled: Settled; tries: number; shown: ShownTry }

export type Shown =
  | { found: 'one'; record: ShownRecord }
  | { found: 'several'; ids: readonly string[] }
  | { found: 'nothing' }

type Row = Record<string, SQLOutputValue>
export type SourceRow = { number: number; id: string; short: string; done: number }

export type Asked = RecordName & { hosts: Hosts }

/** A short name is looked up as it was shown; any longer start of the source's id will do when it fits one source only. */
export function show(book: DatabaseSync, months: ReadMonths, { source: start, n, hosts }: Asked): Shown {
  const known: { source: SourceRow; files: MonthName[] }[] = []
  for (const source of sourcesNamed(book, start)) {
    const all = filesHolding(book, source.number, n).filter((file) => hasRecord(months.at(file), source.id, n))
    // Each host's tries for those who may see that host.
    const files = all.filter((file) => isRecordOf(months.at(file), hosts, file, source.id, n))
    if (all.length > 0 ? files.length > 0 : isSettled(book, source, n, hosts)) known.push({ source, files })
  }
  const [one, other] = known
  if (!one) return { found: 'nothing' }
  if (other) return { found: 'several', ids: known.map(({ source }) => writeRecordId(source.id, n)) }
  return { found: 'one', record: readRecord(book, months, one.source, n, one.files, hosts, openIdentities(book)) }
}

export function listRecords(book: DatabaseSync, months: ReadMonths, hits: readonly Hit[]): ListedRecord[] {
  const seen = new Set<string>()
  const listed: ListedRecord[] = []
  const identities = openIdentities(book)
  // What many hits have in common is read once, and what can be read of all of them at once is.
  const found = triesByHit(months, hits)
  const sources = new Map<string, SourceHere | undefined>()
  for (const hit of hits) {
    const here = found.get(hit)
    if (here === undefined) continue
    const { source: id, n } = here
    if (seen.has(`${id}-${n}`)) continue
    seen.add(`${id}-${n}`)
    if (!sources.has(id)) {
      const source = sourceOf(book, id)
      const numbers = () => new Set([...found.values()].filter((one) => one.source === id).map((one) => one.n))
      sources.set(
        id,
        source && {
          source,
          spans: spansOf(book, source.number),
          settles: settlesOf(book, source.number, [...numbers()]),
        },
      )
    }
    const known = sources.get(id)
    // What is in this file is in the book only once the book is committed.
    if (known === undefined) continue
    const others = holding(known.spans, n, hit.file.host).filter(({ month }) => month !== hit.file.month)
    const elsewhere = others.length === 0 ? [] : readTries(months, known.source, n, others)
    const tries = [...here.tries, ...elsewhere].sort((one, other) => one.try - other.try)
    const record = listRecord(known.source, n, tries, known.settles.get(n) ?? [])
    if (record) listed.push({ ...record, shown: identified(identities, record.shown) })
  }
  return listed
}

type SourceHere = { source: SourceRow; spans: readonly HeldSpan[]; settles: Map<number, Told[]> }

function triesByHit(months: ReadMonths, hits: readonly Hit[]): Map<Hit, Tries> {
  const found = new Map<Hit, Tries>()
  for (const [file, ofFile] of Map.groupBy(hits, (hit) => hit.file)) {
    const numbers = ofFile.map(({ number }) => number)
    const tries = readTriesWith(months.at(file), file, numbers)
    for (const hit of ofFile) {
      const here = tries.get(hit.number)
      if (here) found.set(hit, here)
    }
  }
  return found
}

function listRecord(
  source: SourceRow,
  n: number,
  tries: readonly ShownTry[],
  settles: readonly Told[],
): ListedRecord | undefined {
  const settled = settledWith(source, n, tries, settles)
  const shown = tries.find((one) => one.try === settled.effectiveTry) ?? tries[0]
  if (shown === undefined) return undefined
  return {
    id: writeRecordId(source.short, n),
    fullId: writeRecordId(source.id, n),
    settled,
    tries: tries.length,
    shown,
  }
}

/** Each number once, with everything but what came about it later. */
export function* exportRecords(
  book: DatabaseSync,
  months: ReadMonths,
  hits: Iterable<Hit>,
  hosts: Hosts,
): Generator<ShownRecord> {
  // Only numbers with several tries can be hit twice.
  const seen = new Set<string>()
  const identities = openIdentities(book)
  for (const { file, number } of hits) {
    const sql = 'SELECT s.id, r.n FROM record r JOIN source s ON s.number = r.source WHERE r.number = ?'
    const row = statement(months.at(file), sql).get(number)
    const source = row && sourceOf(book, String(row.id))
    if (!source) continue
    const n = Number(row.n)
    if (seen.has(`${source.id}-${n}`)) continue
    const others = filesHolding(book, source.number, n, file.host).filter(({ month }) => month !== file.month)
    const record = readRecord(book, months, source, n, [file, ...others], hosts, identities, false)
    if (record.tries.length > 1) seen.add(`${source.id}-${n}`)
    yield record
  }
}

/** Per file its newest record. */
export type Ends = Readonly<Record<string, number>>

/** Records kept after the ends of the files, oldest first in each, each try in a line of its own. */
export function listAfter(
  book: DatabaseSync,
  months: ReadMonths,
  { after, limit, hosts }: { after: Ends; limit: number; hosts: Hosts },
): { ends: Ends; moved: boolean; records: ListedRecord[] } {
  const ends = { ...after }
  const hits: Hit[] = []
  let read = 0
  for (const file of listFiles(book).reverse()) {
    const from = after[file.number] ?? 0
    if (file.last <= from || read >= limit) continue
    const db = months.at(file)
    const sql = `SELECT number, ${isWhollyOf(hosts, file) ? '?1 <> 0' : SENT_TO} AS seen FROM record r
      WHERE number > ? AND number <= ? ORDER BY number LIMIT ?`
    const value = isWhollyOf(hosts, file) ? 1 : hostsValue(hosts ?? [])
    for (const row of statement(db, sql).all(value, from, file.last, limit - read)) {
      read += 1
      ends[file.number] = Number(row.number)
      if (row.seen === 1) hits.push({ file, number: Number(row.number) })
    }
  }
  return { ends, moved: read > 0, records: hits.flatMap((hit) => listRecords(book, months, [hit])) }
}

export function endsOf(book: DatabaseSync): Ends {
  return Object.fromEntries(listFiles(book).map(({ number, last }) => [number, last]))
}

function sourcesNamed(book: DatabaseSync, start: string): SourceRow[] {
  const columns = 'number, id, short, done'
  const exact = statement(book, `SELECT ${columns} FROM source WHERE short = ? OR id = ?`).all(start, start)
  const rows =
    exact.length > 0
      ? exact
      : statement(book, `SELECT ${columns} FROM source WHERE substr(id, 1, ?) = ?`).all(start.length, start)
  return rows.map(readSource)
}

function sourceOf(book: DatabaseSync, id: string): SourceRow | undefined {
  const row = statement(book, 'SELECT number, id, short, done FROM source WHERE id = ?').get(id)
  return row && readSource(row)
}

function readSource(row: Row): SourceRow {
  return { number: Number(row.number), id: String(row.id), short: String(row.short), done: Number(row.done) }
}

function hasRecord(db: DatabaseSync, source: string, n: number): boolean {
  const sql = 'SELECT 1 FROM record r JOIN source s ON s.number = r.source WHERE s.id = ? AND r.n = ?'
  return statement(db, sql).get(source, n) !== undefined
}

function isRecordOf(db: DatabaseSync, hosts: Hosts, file: MonthName, source: string, n: number): boolean {
  if (hosts === null || isWhollyOf(hosts, file)) return true
  const sql = `SELECT 1 FROM record r JOIN source s ON s.number = r.source WHERE s.id = ? AND r.n = ? AND ${SENT_TO}`
  return statement(db, sql).get(source, n, hostsValue(hosts)) !== undefined
}

/** What was never asked about, and was bounced; it belongs to the host of its outage, or to none. */
function isSettled(book: DatabaseSync, source: SourceRow, n: number, hosts: Hosts): boolean {
  const settled = 'SELECT 1 FROM settle WHERE source = ? AND n = ?'
  if (hosts === null && statement(book, settled).get(source.number, n)) return true
  const outage =
    'SELECT 1 FROM outage o LEFT JOIN name ON name.number = o.host WHERE o.source = ? AND o.low <= ? AND o.high >= ?'
  if (hosts === null) return statement(book, outage).get(source.number, n, n) !== undefined
  const ofHosts = `${outage} AND name.text IN (SELECT value FROM json_each(?))`
  return statement(book, ofHosts).get(source.number, n, n, hostsValue(hosts)) !== undefined
}

function readRecord(
  book: DatabaseSync,
  months: ReadMonths,
  source: SourceRow,
  n: number,
  files: readonly MonthName[],
  hosts: Hosts,
  identities: Identities,
  withFollowers = true,
): ShownRecord {
  const tries = readTries(months, source, n, files)
  const outage = readOutage(book, source.number, n)
  const told = settledBy(book, source, n, tries)
  const settled = tries.length === 0 && told.by === 'nothing' ? unasked(book, source, n, outage, told) : told
  const ids = idsOf(book, months, files, source.id, n)
  const first = tries.find((one) => one.try === settled.effectiveTry) ?? tries[0]
  const at = first?.at ?? first?.recordedAt ?? 0
  const node = first && nodeOf(source, n, settled.settlement, identified(identities, first), files, ids)
  const family: Family = {
    book,
    months,
    hosts,
    read: (id, number) => readNode(book, months, identities, { source: id, n: number, hosts }),
  }
  const room = first?.room ? statement(book, 'SELECT number FROM name WHERE text = ?').get(first.room) : undefined
  return {
    id: writeRecordId(source.short, n),
    fullId: writeRecordId(source.id, n),
    source: source.id,
    n,
    settlement: settled.settlement,
    effectiveTry: settled.effectiveTry,
    settledBy: settled.by,
    conflicting: settled.conflicting,
    tries: tries.map((one) => identified(identities, one)),
    settles: readSettles(book, source.number, n).map(({ outcome, at, ...rest }) => ({ ...rest, outcome, at })),
    outage,
    stanzaIds: ids,
    occupants: room
      ? occupantsAt(book, Number(room.number), at).map((one) => ({
          ...one,
          identity: identities(one.jid, at),
          person: identities.persons.at(one.jid, at),
        }))
      : [],
    about: node ? aboutOf(family, node) : [],
    followedBy: node && withFollowers ? followersOf(family, node) : [],
    ...(withFollowers ? { lineage: node ? lineage(family, node) : null } : {}),
  }
}

function nodeOf(
  source: SourceRow,
  n: number,
  settlement: Settlement,
  shown: ShownTry,
  files: readonly MonthName[],
  given: readonly { by: string; id: string }[],
): Node {
  const ids = [shown.stanzaId, shown.originId, ...given.map(({ id }) => id)]
  const id = writeRecordId(source.short, n)
  return { source: source.id, n, id, shown, settlement, month: files[0]?.month ?? '', ids, confirmed: given.length > 0 }
}

function readNode(
  book: DatabaseSync,
  months: ReadMonths,
  identities: Identities,
  { source: id, n, hosts }: Asked,
): Node | undefined {
  const source = sourceOf(book, id)
  if (source === undefined) return undefined
  const files = filesHolding(book, source.number, n).filter(
    (file) => hasRecord(months.at(file), id, n) && isRecordOf(months.at(file), hosts, file, id, n),
  )
  const tries = readTries(months, source, n, files)
  const settled = settledBy(book, source, n, tries)
  const shown = tries.find((one) => one.try === settled.effectiveTry) ?? tries[0]
  if (shown === undefined) return undefined
  const given = idsOf(book, months, files, id, n)
  return nodeOf(source, n, settled.settlement, identified(identities, shown), files, given)
}

/**
 * What became of a number of an outage that nobody asked about. Where others of its range were asked about, it is one that ended
 * without a question as long as it is no gap, and not above what the server had settled when it was succeeded.
 */
function unasked(
  book: DatabaseSync,
  source: SourceRow,
  n: number,
  outage: ShownRecord['outage'],
  otherwise: Settled,
): Pick<ShownRecord, 'settlement' | 'effectiveTry' | 'conflicting'> & { by: ShownRecord['settledBy'] } {
  if (outage === null || outage.outcome === 'unscreened') return otherwise
  const isWhole = outage.count > outage.to - outage.from
  const gap =
    "SELECT 1 FROM finding WHERE closed_at IS NULL AND kind IN ('gap', 'tail-unknown') AND source = ? AND low <= ? AND high >= ?"
  if (!isWhole && statement(book, gap).get(source.number, n, n)) return otherwise
  return { settlement: outage.outcome as Outcome, effectiveTry: null, by: 'outage', conflicting: false }
}

/** Each once: what was told with the record may be told again when its month is over. */
function idsOf(
  book: DatabaseSync,
  months: ReadMonths,
  files: readonly MonthName[],
  source: string,
  n: number,
): { by: string; id: string }[] {
  const told = [book, ...files.map((file) => months.at(file))].flatMap((db) => idsIn(db, source, n))
  return [...new Map(told.map((one) => [`${one.by} ${one.id}`, one])).values()]
}

/** Of the book and of a file of a month alike. */
function idsIn(db: DatabaseSync, source: string, n: number): { by: string; id: string }[] {
  const sql = `SELECT (SELECT text FROM name WHERE number = by) AS by, i.id FROM stanza_id i JOIN source s ON s.number = i.source
    WHERE s.id = ? AND i.n = ?`
  return statement(db, sql)
    .all(source, n)
    .map((row) => ({ by: String(row.by), id: String(row.id) }))
}

function settledBy(book: DatabaseSync, source: SourceRow, n: number, tries: readonly ShownTry[]): Settled {
  return settledWith(source, n, tries, n < 0 ? [] : readSettles(book, source.number, n))
}

function settledWith(source: SourceRow, n: number, tries: readonly ShownTry[], settles: readonly Told[]): Settled {
  if (n < 0) return { settlement: 'originated', effectiveTry: 1, by: 'nothing', conflicting: false }
  return settle(n, tries, settles, source.done)
}

/** The server's word on a number. */
type Told = { try?: number; outcome: Outcome; at: number | null }

function readSettles(book: DatabaseSync, source: number, n: number): Told[] {
  return settlesOf(book, source, [n]).get(n) ?? []
}

/** Of each of these numbers of which something was said, in the order in which it came. */
function settlesOf(book: DatabaseSync, source: number, numbers: readonly number[]): Map<number, Told[]> {
  const sql = `SELECT s.n, s.try, s.outcome, s.at FROM json_each(?) one CROSS JOIN settle s ON s.source = ? AND s.n = one.value
    ORDER BY s.number`
  const said = new Map<number, Told[]>()
  for (const [number, tried, outcome, at] of listsOf(book, sql, JSON.stringify(numbers), source)) {
    const told = {
      ...(Number(tried) > 0 ? { try: Number(tried) } : {}),
      outcome: String(outcome) as Outcome,
      at: numberOrNull(at),
    }
    const n = Number(number)
    said.set(n, [...(said.get(n) ?? []), told])
  }
  return said
}

function readOutage(book: DatabaseSync, source: number, n: number): ShownRecord['outage'] {
  const sql =
    'SELECT low, high, count, outcome, at FROM outage WHERE source = :source AND high >= :n AND low <= :n ORDER BY count > high - low DESC, high LIMIT 1'
  const row = statement(book, sql).get({ source, n })
  return row
    ? {
        from: Number(row.low),
        to: Number(row.high),
        count: Number(row.count),
        outcome: String(row.outcome),
        at: numberOrNull(row.at),
      }
    : null
}
