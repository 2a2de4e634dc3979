// SPDX-License-Identifier: Apache-2.0
// Search over the files of months: newest first by number, never by rank; a count stops at its bound.
import type { DatabaseSync } from 'node:sqlite'
import { listsOf, statement } from '../../kit/store/statement.ts'
import { type Span, spansOf } from '../domain/identity.ts'
import type { Search } from '../domain/record.ts'
import { asked, type Term } from '../domain/words.ts'
import { foreignKey, markOf } from './foreign.ts'
import { hostsValue, isWhollyOf, SENT_TO } from './hosts.ts'
import { periodsFor } from './identities.ts'
import { nameNumber } from './names.ts'
import { knownAs } from './persons.ts'
import { type FileRow, type Hit, listFiles, type ReadMonths } from './read-months.ts'
import { type ListedRecord, listRecords } from './show.ts'

/** Hits are counted up to here; more are "more than". */
export const COUNT_BOUND = 10_000
const HOUR = 3_600_000
const PAGE = 500
/**
 * A part with fewer hits is read in one pass, oldest first: the index goes backwards over what a common word of a phrase has at three times
 * the price, and the pass that counts is spared. Of a part with more it costs the first few.
 */
const FEW = 200

export type Found = { hits: number; capped: boolean; records: ListedRecord[] }

/** A number with several tries that fit is given once; its hits are counted by content. */
export function search(book: DatabaseSync, months: ReadMonths, wanted: Search): Found {
  const query = withHeld(book, wanted)
  let hits = 0
  const found: Hit[] = []
  for (const month of byMonth(filesFor(book, query))) {
    const here: Hit[] = []
    for (const file of month) {
      const db = months.at(file)
      const part = searchFile(db, file, within(query, file), query.limit - found.length, COUNT_BOUND + 1 - hits)
      hits += part.hits
      here.push(...part.numbers.map((number) => ({ file, number })))
    }
    // Within one file the order is that of keeping; files of different hosts in the same month are merged by the recorder's clock.
    if (month.length > 1) mergeByClock(months, here)
    found.push(...here.slice(0, query.limit - found.length))
    if (hits > COUNT_BOUND && found.length >= query.limit) break
  }
  const records = listRecords(book, months, found)
  return { hits: Math.min(hits, COUNT_BOUND), capped: hits > COUNT_BOUND, records }
}

function mergeByClock(months: ReadMonths, hits: Hit[]): void {
  const recordedAt = new Map<Hit, number>()
  for (const hit of hits) {
    const row = statement(months.at(hit.file), 'SELECT recorded_at FROM record WHERE number = ?').get(hit.number)
    recordedAt.set(hit, Number(row?.recorded_at))
  }
  hits.sort((one, other) =>
    one.file === other.file ? other.number - one.number : (recordedAt.get(other) ?? 0) - (recordedAt.get(one) ?? 0),
  )
}

/**
 * All hits of the query, oldest first, for an export: nothing is counted or bounded. Read in pages, so that nothing is held open in
 * between: files are closed and wiped meanwhile.
 */
export function* searchAll(book: DatabaseSync, months: ReadMonths, wanted: Search): Generator<Hit> {
  const query = withHeld(book, wanted)
  for (const file of filesFor(book, query).reverse()) {
    const filter = filterOf(months.at(file), file, query)
    if (filter === null) continue
    const number = filter.match ? 'words.rowid' : 'r.number'
    for (const { from, values } of partsOf(months.at(file), within(query, file), filter).reverse()) {
      let last = 0
      for (;;) {
        const db = months.at(file)
        const sql = `SELECT r.number FROM ${from} AND ${number} > ? ORDER BY ${number} ASC LIMIT ${PAGE}`
        const rows = statement(db, sql).all(...values, last)
        for (const row of rows) yield { file, number: Number(row.number) }
        if (rows.length < PAGE) break
        last = Number(rows.at(-1)?.number)
      }
    }
  }
}

/**
 * `gateways`: the domains of the network that is asked for; `held`: for each identity that is asked for, when it held its address; `known`: by what else person and
 * peer are to be found.
 */
type Query = Search & {
  gateways: readonly string[]
  held: readonly (readonly Span[])[]
  known: readonly { addresses: readonly string[]; hashes: readonly string[] }[]
}

function withHeld(book: DatabaseSync, query: Search): Query {
  const spans = (address: string, ordinal: number | undefined) =>
    ordinal === undefined ? [] : [spansOf(periodsFor(book, address), ordinal)]
  // Who asks for one of several identities of an address means that one.
  const known = (address: string, said: string | undefined, ordinal: number | undefined) => {
    if (address === '' && !said) return []
    const also = ordinal === undefined ? knownAs(book, said ?? address) : { addresses: [], hashes: [] }
    return [{ addresses: [...new Set([address, ...also.addresses])], hashes: also.hashes }]
  }
  return {
    ...query,
    gateways: query.network ? gatewaysOf(book, query.network) : [],
    known: [
      ...known(query.person, query.personSaid, query.personIdentity),
      ...known(query.peer, query.peerSaid, query.peerIdentity),
    ],
    held: [...spans(query.person, query.personIdentity), ...spans(query.peer, query.peerIdentity)],
  }
}

/** Wherever policy said that such a network is, or was. */
function gatewaysOf(book: DatabaseSync, network: string): readonly string[] {
  return listsOf(book, 'SELECT domain FROM network WHERE network = ?', network).map(([domain]) => String(domain))
}

const SENT_AT = 'ifnull(r.at, r.recorded_at)'

/** Files that may hold something of the time asked for, newest month first. */
function filesFor(book: DatabaseSync, { since, until, held }: Query): FileRow[] {
  return listFiles(book).filter(
    ({ lowAt, highAt }) =>
      held.every((spans) =>
        spans.some((one) => (highAt === null || one.from <= highAt) && (lowAt === null || lowAt < one.until)),
      ) &&
      (since === null || (highAt !== null && highAt >= since)) &&
      (until === null || (lowAt !== null && lowAt <= until)),
  )
}

/** What holds for all of the file need not be asked of each record. */
function within(query: Query, { lowAt, highAt }: FileRow): Query {
  const since = query.since !== null && lowAt !== null && lowAt >= query.since ? null : query.since
  const until = query.until !== null && highAt !== null && highAt <= query.until ? null : query.until
  return { ...query, since, until }
}

function byMonth(files: readonly FileRow[]): FileRow[][] {
  const months = new Map<string, FileRow[]>()
  for (const file of files) months.set(file.month, [...(months.get(file.month) ?? []), file])
  return [...months.values()]
}

type FileHits = { hits: number; numbers: number[] }

function searchFile(db: DatabaseSync, file: FileRow, query: Query, wanted: number, countUpTo: number): FileHits {
  const filter = filterOf(db, file, query)
  if (filter === null) return { hits: 0, numbers: [] }
  let hits = 0
  const numbers: number[] = []
  const number = filter.match ? 'words.rowid' : 'r.number'
  for (const part of partsOf(db, query, filter)) {
    const room = wanted - numbers.length
    if (room <= 0 && hits >= countUpTo) break
    const first = numbersOf(db, part, `ORDER BY ${number} ASC LIMIT ?`, FEW)
    hits += first.length
    if (first.length < FEW) {
      numbers.push(...first.reverse().slice(0, Math.max(0, room)))
      continue
    }
    if (room > 0) numbers.push(...numbersOf(db, part, `ORDER BY ${number} DESC LIMIT ?`, room))
    if (hits >= countUpTo) continue
    const sql = `SELECT count(*) FROM (SELECT 1 FROM ${part.plain ?? part.from} AND ${number} > ? LIMIT ?)`
    const rest = listsOf(db, sql, ...part.values, first.at(-1) ?? 0, countUpTo - hits)
    hits += Number(rest[0]?.[0] ?? 0)
  }
  return { hits, numbers }
}

function numbersOf(db: DatabaseSync, { plain, from, values }: Part, order: string, limit: number): number[] {
  const sql = `SELECT ${plain === null ? 'r.number' : 'words.rowid'} FROM ${plain ?? from} ${order}`
  return listsOf(db, sql, ...values, limit).map(([number]) => Number(number))
}

type Value = string | number

/** `match`: the index query, '' when nothing of the index is asked for; `where`: what the index does not know. */
type Filter = { match: string; where: readonly { sql: string; values: readonly Value[] }[] }

/** null when nothing in this file can fit: nobody of that name is in it. */
function filterOf(db: DatabaseSync, file: FileRow, query: Query): Filter | null {
  const { host } = file
  const parts: string[] = []
  const where: { sql: string; values: Value[] }[] = []
  if (query.hosts !== null && !isWhollyOf(query.hosts, file)) {
    const known = query.hosts.map((one) => nameNumber(db, one)).filter((number) => number !== undefined)
    if (known.length === 0) return null
    parts.push(`tags : (${known.map((number) => `"d${number}"`).join(' OR ')})`)
    where.push({ sql: SENT_TO, values: [hostsValue(query.hosts)] })
  }
  for (const spans of query.held)
    where.push({
      sql: `(${spans.map(() => `${SENT_AT} >= ? AND ${SENT_AT} < ?`).join(' OR ')})`,
      values: spans.flatMap(({ from, until }) => [from, until]),
    })
  const terms = asked(query.words)
  if (query.words.trim() !== '' && terms.length === 0) return null
  if (terms.length > 0) parts.push(`text : (${terms.map(writeTerm).join(' AND ')})`)
  for (const { addresses, hashes } of query.known) {
    const tags = [
      ...addresses.flatMap((address) => tagsIn(db, address, ['p'])),
      ...hashes.flatMap((hash) => tagsIn(db, hash, ['f', 't'])),
    ]
    if (tags.length === 0) return null
    parts.push(tags.length === 1 ? `tags : ${tags[0]}` : `tags : (${tags.join(' OR ')})`)
  }
  if (query.network) {
    // What came from it says so; what went to it, and what the server said of that, has its domain.
    const tags = [...tagsIn(db, query.network, ['n']), ...query.gateways.flatMap((domain) => tagsIn(db, domain, ['d']))]
    if (tags.length === 0) return null
    parts.push(`tags : (${tags.join(' OR ')})`)
  }
  if (query.room !== '') {
    const number = nameNumber(db, query.room)
    if (number === undefined) return null
    parts.push(`tags : "p${number}"`)
    where.push({ sql: 'r.room = ?', values: [number] })
  }
  for (const [tag, text] of [
    ['d', query.domain === host ? '' : query.domain],
    ['r', query.rule],
    ['k', query.foreign ? markOf(foreignKey(query.foreign)) : ''],
  ] as const) {
    if (text === '') continue
    const number = nameNumber(db, text)
    if (number === undefined) return null
    parts.push(`tags : "${tag}${number}"`)
  }
  if (query.domain !== '' && query.domain === host) {
    const sql =
      "EXISTS (SELECT 1 FROM name WHERE number IN (r.from_bare, r.to_bare) AND (text = ? OR text LIKE '%@' || ?))"
    where.push({ sql, values: [host, host] })
  }
  if (query.verdict !== '')
    where.push({
      sql: `r.action = ?${query.verdict === 'allow' ? '' : " AND r.action <> 'allow'"}`,
      values: [query.verdict],
    })
  // It stands in the row, so what was kept before there was such a filter, and what is erased, are found too.
  if (query.tag !== '')
    where.push({
      sql: 'r.rule_tags IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(r.rule_tags) WHERE value = ?)',
      values: [query.tag],
    })
  if (query.settlement !== '') where.push({ sql: `${settledIn(query.settlement)}`, values: [query.settlement] })
  return { match: parts.join(' AND '), where }
}

function tagsIn(db: DatabaseSync, name: string, sorts: readonly string[]): string[] {
  const number = nameNumber(db, name)
  return number === undefined ? [] : sorts.map((sort) => `"${sort}${number}"`)
}

function writeTerm({ text, prefix }: Term): string {
  return `"${text.replaceAll('"', '""')}"${prefix ? ' *' : ''}`
}

const SOURCE_OF = '(SELECT b.number FROM book.source b JOIN source s ON s.id = b.id WHERE s.number = r.source)'
/** domain/settling.ts in SQL; a test holds both to the same records. */
const SETTLEMENT = `CASE WHEN r.n < 0 THEN 'originated' ELSE ifnull(
  (SELECT outcome FROM book.settle WHERE source = ${SOURCE_OF} AND n = r.n ORDER BY number LIMIT 1),
  CASE WHEN r.try = 1 AND r.spooled = 0 AND r.action IN ('allow', 'replace', 'refuse')
      AND r.n <= (SELECT done FROM book.source WHERE number = ${SOURCE_OF})
      AND NOT EXISTS (SELECT 1 FROM record o WHERE o.source = r.source AND o.n = r.n AND o.try <> 1)
    THEN CASE r.action WHEN 'refuse' THEN 'refused' ELSE 'released' END ELSE 'undecided' END) END`

/** What the server seldom does is looked up where it said so. */
function settledIn(settlement: string): string {
  const few = ['bounced', 'unscreened', 'gone'].includes(settlement)
    ? `r.number IN (SELECT t.number FROM book.settle e JOIN book.source b ON b.number = e.source JOIN source s ON s.id = b.id
        JOIN record t ON t.source = s.number AND t.n = e.n WHERE e.outcome = '${settlement}') AND `
    : ''
  return `${few}${SETTLEMENT} = ?`
}

/** `plain`: the same without the record, where nothing of it is asked for. */
type Part = { from: string; plain: string | null; values: Value[] }

/**
 * A time names a range of numbers, because numbers grow with the time of keeping; what was kept late is looked for apart.
 * Newest part first.
 */
function partsOf(db: DatabaseSync, { since, until }: Query, { match, where }: Filter): Part[] {
  const low = since === null ? null : firstKeptSince(db, since - HOUR)
  const high = until === null ? null : lastKeptUntil(db, until + HOUR)
  const exact = [
    ...(since === null ? [] : [{ sql: 'r.at >= ?', values: [since] }]),
    ...(until === null ? [] : [{ sql: 'r.at <= ?', values: [until] }]),
    ...where,
  ]
  const number = match ? 'words.rowid' : 'r.number'
  const tables = match
    ? 'words CROSS JOIN record r ON r.number = words.rowid WHERE words MATCH ?'
    : 'record r WHERE r.try >= ?'
  const part = (range: { sql: string; values: readonly Value[] }[]): Part => ({
    from: [tables, ...[...range, ...exact].map(({ sql }) => sql)].join(' AND '),
    plain:
      match && exact.length === 0 ? ['words WHERE words MATCH ?', ...range.map(({ sql }) => sql)].join(' AND ') : null,
    values: [match || 0, ...[...range, ...exact].flatMap(({ values }) => values)],
  })
  const within = [
    ...(low === null ? [] : [{ sql: `${number} >= ?`, values: [low] }]),
    ...(high === null ? [] : [{ sql: `${number} <= ?`, values: [high] }]),
  ]
  if (high === null) return [part(within)]
  const late = {
    sql: `${number} > ? AND ${number} IN (SELECT record FROM late WHERE at >= ? AND at <= ?)`,
    values: [high, since ?? Number.MIN_SAFE_INTEGER, until ?? Number.MAX_SAFE_INTEGER],
  }
  return [part([late]), part(within)]
}

function firstKeptSince(db: DatabaseSync, time: number): number {
  const row = statement(db, 'SELECT max(first_record) AS number FROM batch WHERE kept_at < ?').get(time)
  return Number(row?.number ?? 0)
}

function lastKeptUntil(db: DatabaseSync, time: number): number {
  const row = statement(db, 'SELECT min(first_record) AS number FROM batch WHERE kept_at > ?').get(time)
  return row?.number === null || row?.number === undefined ? Number.MAX_SAFE_INTEGER : Number(row.number) - 1
}
