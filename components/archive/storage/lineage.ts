// SPDX-License-Identifier: Apache-2.0
// What a record is about, and what came about it later: corrections, retractions, moderation, reactions, replies. Each is a record of
// its own, and none changes another. Ids are chosen by clients and may repeat elsewhere: only what was said in the same room, or
// between the same two people, is of one family. In rooms the room's own id counts as well, as the helper reported it.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import { isBySame, lineageOf } from '../domain/lineage.ts'
import type { Hosts, Lineage, LinkKind, Related, ShownRecord, ShownTry, StepKind, Told } from '../domain/record.ts'
import { writeRecordId } from '../domain/record-id.ts'
import type { Settlement } from '../domain/settling.ts'
import { hostsValue, isWhollyOf, SENT_TO } from './hosts.ts'
import type { MonthName } from './month-path.ts'
import { type FileRow, listFiles, type ReadMonths } from './read-months.ts'

/** `month`: where the record is; `ids`: those by which others name it. */
export type Node = {
  source: string
  n: number
  id: string
  shown: ShownTry
  settlement: Settlement
  month: string
  ids: readonly string[]
  /** The room, or an archive, gave it an id. */
  confirmed: boolean
}

/** `hosts`: relatives only of these, null for all. `read`: a record that was found. */
export type Family = {
  book: DatabaseSync
  months: ReadMonths
  hosts: Hosts
  read(source: string, n: number): Node | undefined
}

/** Files that are looked through for one link at most; of one id so many records; of one lineage so many. */
const MOST_FILES = 200
const MOST_NAMESAKES = 20
const MOST_STEPS = 200
const MOST_DEEP = 50

/** In the same room, or between the same two people. */
const SAME_TALK = `(r.room IS NOT NULL AND r.room = (SELECT number FROM name WHERE text = :room)
  OR r.from_bare IN (SELECT number FROM name WHERE text IN (:one, :other)) AND r.to_bare IN (SELECT number FROM name WHERE text IN (:one, :other)))`

const CHANGES: ReadonlySet<string> = new Set(['correction', 'retraction', 'moderation'])

type Link = { kind: LinkKind; target: string }

export function aboutOf(family: Family, node: Node): ShownRecord['about'] {
  return linksOf(family, node).map(({ kind, target }) => {
    const found = targetOf(family, node, target)
    return found ? { id: found.id, kind } : { target, kind }
  })
}

/** Oldest first. */
export function followersOf(family: Family, node: Node): Related[] {
  const found = new Map<string, Related>()
  for (const { source, n, kind } of followers(family, node, node.ids, node.month)) {
    if (source === node.source && n === node.n) continue
    const id = shortId(family.book, source, n)
    found.set(`${kind} ${id}`, { id, kind })
  }
  return [...found.values()]
}

/** null where nothing was changed and nothing changes another. */
export function lineage(family: Family, node: Node): Lineage | null {
  const { root, missing } = rootOf(family, node)
  const told = new Map<string, Told>()
  const known = new Map<string, Node>()
  const add = (one: Node, kind: StepKind) => {
    known.set(keyOf(one), one)
    told.set(keyOf(one), { id: one.id, kind, shown: one.shown, settlement: one.settlement, confirmed: one.confirmed })
  }
  add(root, missing ?? 'original')
  let more = false
  let names = [...root.ids, ...(missing ? targetsOf(family, root) : [])]
  for (let depth = 0; names.length > 0 && depth < MOST_DEEP; depth++) {
    const next: string[] = []
    for (const { source, n, kind } of followers(family, root, names, missing ? '' : root.month)) {
      if (!isChange(kind) || known.has(keyOf({ source, n }))) continue
      more ||= known.size >= MOST_STEPS
      const one = more ? undefined : family.read(source, n)
      if (one === undefined || isOfNamesake(family, one, known)) continue
      add(one, kind)
      next.push(...one.ids)
    }
    names = next
  }
  return told.size > 1 || missing ? lineageOf([...told.values()], more) : null
}

/** Up to what nothing is behind. `missing`: how it changes what is not on record. */
function rootOf(family: Family, node: Node): { root: Node; missing: Exclude<StepKind, 'original'> | null } {
  const passed = new Set<string>()
  let root = node
  for (;;) {
    passed.add(keyOf(root))
    const change = linksOf(family, root).find(({ kind }) => isChange(kind))
    if (change === undefined || !isChange(change.kind)) return { root, missing: null }
    const above = targetOf(family, root, change.target)
    if (above === undefined) return { root, missing: change.kind }
    // Whoever names himself, or each other, has no original: the one that was reached first stands for it.
    if (passed.has(keyOf(above)) || passed.size > MOST_DEEP) return { root, missing: change.kind }
    root = above
  }
}

function isChange(kind: LinkKind): kind is Exclude<StepKind, 'original'> {
  return CHANGES.has(kind)
}

function targetsOf(family: Family, node: Node): string[] {
  return linksOf(family, node).flatMap(({ kind, target }) => (isChange(kind) ? [target] : []))
}

/** Two people may choose the same id: what somebody changes of his own is not of another's. */
function isOfNamesake(family: Family, one: Node, known: ReadonlyMap<string, Node>): boolean {
  if ([...known.values()].some(({ shown }) => isBySame(one.shown, shown))) return false
  const above = targetsOf(family, one).map((target) => targetOf(family, one, target))
  return above.some((node) => node !== undefined && isBySame(one.shown, node.shown) && !known.has(keyOf(node)))
}

function keyOf({ source, n }: { source: string; n: number }): string {
  return `${source}-${n}`
}

/** What was said before it, perhaps months before: by the same sender if there is such, else the newest. */
function targetOf(family: Family, node: Node, target: string): Node | undefined {
  const sql = `SELECT s.id AS source, r.n FROM record r JOIN source s ON s.number = r.source WHERE r.number IN (
      SELECT number FROM record WHERE stanza_id = :target UNION SELECT number FROM record WHERE origin_id = :target
      UNION SELECT record.number FROM stanza_id i JOIN record ON record.source = i.source AND record.n = i.n WHERE i.id = :target
      UNION SELECT record.number FROM book.stanza_id i JOIN book.source told ON told.number = i.source JOIN source own ON own.id = told.id
        JOIN record ON record.source = own.number AND record.n = i.n WHERE i.id = :target)
    AND NOT (s.id = :source AND r.n = :n) AND ${SAME_TALK} SEEN ORDER BY r.number DESC LIMIT ${MOST_NAMESAKES}`
  if (target === '') return undefined
  let other: Node | undefined
  for (const file of filesUpTo(family, node.month)) {
    for (const row of rowsIn(family, file, sql, node, { target, source: node.source, n: node.n })) {
      const found = family.read(String(row.source), Number(row.n))
      if (found === undefined || sentAt(found) > sentAt(node)) continue
      if (isBySame(found.shown, node.shown)) return found
      other ??= found
    }
  }
  return other
}

function sentAt({ shown }: Node): number {
  return shown.at ?? shown.recordedAt
}

type Follower = { source: string; n: number; kind: LinkKind }

/** What names one of the ids in the same talk, oldest file first. */
function followers(family: Family, talk: Node, ids: readonly string[], since: string): Follower[] {
  const sql = `SELECT DISTINCT s.id AS source, r.n, link.kind FROM link JOIN record r ON r.number = link.record
    JOIN source s ON s.number = r.source WHERE link.target IN (SELECT value FROM json_each(:ids)) AND ${SAME_TALK} SEEN
    ORDER BY r.number LIMIT 1000`
  const files = listFiles(family.book)
    .filter(({ month }) => month >= since)
    .reverse()
  const named = JSON.stringify([...new Set(ids)].filter((id) => id !== ''))
  return files.slice(0, MOST_FILES).flatMap((file) =>
    rowsIn(family, file, sql, talk, { ids: named }).map((row) => ({
      source: String(row.source),
      n: Number(row.n),
      kind: String(row.kind) as LinkKind,
    })),
  )
}

type Values = Readonly<Record<string, string | number>>

/** Of another host's file only what was sent to those of the asker. */
function rowsIn({ months, hosts }: Family, file: MonthName, sql: string, talk: Node, values: Values) {
  const whole = isWhollyOf(hosts, file)
  const seen = sql.replace('SEEN', whole ? '' : `AND ${SENT_TO.replace('?', ':hosts')}`)
  const { shown } = talk
  const people = { room: shown.room, one: shown.from.split('/')[0] ?? '', other: shown.to.split('/')[0] ?? '' }
  return statement(months.at(file), seen).all({
    ...values,
    ...people,
    ...(whole ? {} : { hosts: hostsValue(hosts ?? []) }),
  })
}

function linksOf(family: Family, { source, n, month }: Node): Link[] {
  const sql = `SELECT DISTINCT kind, target FROM link JOIN record r ON r.number = link.record JOIN source s ON s.number = r.source
    WHERE s.id = ? AND r.n = ? ORDER BY kind`
  const rows = filesUpTo(family, month)
    .filter((file) => file.month === month)
    .flatMap((file) => statement(family.months.at(file), sql).all(source, n))
  return rows.map((row) => ({ kind: String(row.kind) as LinkKind, target: String(row.target) }))
}

function filesUpTo({ book }: Family, month: string): FileRow[] {
  return listFiles(book)
    .filter((file) => file.month <= month)
    .slice(0, MOST_FILES)
}

function shortId(book: DatabaseSync, source: string, n: number): string {
  return writeRecordId(String(statement(book, 'SELECT short FROM source WHERE id = ?').get(source)?.short ?? source), n)
}
