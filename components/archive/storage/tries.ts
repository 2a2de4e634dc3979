// SPDX-License-Identifier: Apache-2.0
// Tries as they stand in a file of a month. A search lists many of them at once: rows come as lists of values, and what names a number
// in the file is looked up once, because objects by column and a subquery a name took most of the time of a search.
import { hash } from 'node:crypto'
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import { listsOf, statement } from '../../kit/store/statement.ts'
import type { ShownTry } from '../domain/record.ts'
import { readForeign } from './foreign.ts'
import type { MonthName } from './month-path.ts'
import type { ReadMonths } from './read-months.ts'

/** In the order in which `readTry` takes them, behind source and n. */
const TRY = `r.source, r.n, r.try, r.direction, r.via, r.at, r.recorded_at,
  (SELECT kept_at FROM batch WHERE first_record <= r.number ORDER BY first_record DESC LIMIT 1), r.journal, r.position,
  r.element, r.what, r.type, r.from_bare, r.from_resource, r.to_bare, r.to_resource, r.room, r.stanza_id, r.origin_id,
  r.language, r.encrypted, r.note, r.action, r.rule, r.rules, r.verdict, c.replacement, r.spooled, r.size, r.recorded, r.rule_tags,
  r.matched, lower(hex(r.seal)), c.salt, c.stanza, e.at, e.user, e.reason, c.tags`
const BESIDE = 'LEFT JOIN content c ON c.record = r.number LEFT JOIN erasure e ON e.record = r.number'
const TRIES = `SELECT ${TRY} FROM record r ${BESIDE}
  WHERE r.source = (SELECT number FROM source WHERE id = ?) AND r.n = ? ORDER BY r.try`
/** For each record of a list all of the number that it is a try of: one statement, since fifty take a fifth longer. */
const TRIES_WITH = `SELECT hit.value, ${TRY} FROM json_each(?) hit CROSS JOIN record o ON o.number = hit.value
  CROSS JOIN record r ON r.source = o.source AND r.n = o.n ${BESIDE}`

/** `source`: its id. */
export type Tries = { source: string; n: number; tries: ShownTry[] }

export function readTries(
  months: ReadMonths,
  source: { id: string },
  n: number,
  files: readonly MonthName[],
): ShownTry[] {
  const tries = files.flatMap((file) => {
    const db = months.at(file)
    return listsOf(db, TRIES, source.id, n).map((row) => readTry(db, file, row))
  })
  return withWho(
    files.length < 2 ? tries : tries.sort((one, other) => one.try - other.try || one.recordedAt - other.recordedAt),
  )
}

/** By the number of each record that is in this file: all tries in it of what the record is a try of. */
export function readTriesWith(db: DatabaseSync, file: MonthName, records: readonly number[]): Map<number, Tries> {
  const found = new Map<number, Tries>()
  for (const [record, ...row] of listsOf(db, TRIES_WITH, JSON.stringify(records))) {
    const [source, n] = row
    const tried = readTry(db, file, row)
    const here = found.get(Number(record))
    if (here) here.tries.push(tried)
    else {
      const id = named(db, 'SELECT id FROM source WHERE number = ?', source)
      found.set(Number(record), { source: id, n: Number(n), tries: [tried] })
    }
  }
  for (const one of found.values()) {
    one.tries.sort((first, other) => first.try - other.try)
    one.tries = withWho(one.tries)
  }
  return found
}

function readTry(db: DatabaseSync, { host }: MonthName, row: readonly SQLOutputValue[]): ShownTry {
  const [_source, _n, tried, direction, via, at, recordedAt, keptAt, journal, position, ...more] = row
  const [element, what, type, fromBare, fromResource, toBare, toResource, room, stanzaId, originId, ...behind] = more
  const [language, encrypted, note, action, rule, rules, verdict, replacement, spooled, size, ...last] = behind
  const [recorded, tags, matched, seal, salt, stanza, erasedAt, erasedBy, erasedWhy, index] = last
  const content = text(stanza)
  return {
    try: Number(tried),
    host,
    direction: text(direction),
    via: text(via),
    at: numberOrNull(at),
    recordedAt: Number(recordedAt),
    keptAt: Number(keptAt),
    journal: named(db, 'SELECT id FROM journal WHERE number = ?', journal),
    position: Number(position),
    element: text(element),
    what: text(what),
    type: text(type),
    from: end(name(db, fromBare), text(fromResource)),
    to: end(name(db, toBare), text(toResource)),
    fromIdentity: null,
    toIdentity: null,
    fromPerson: null,
    toPerson: null,
    fromWho: tagged(db, index, 'f'),
    toWho: tagged(db, index, 't'),
    network: tagged(db, index, 'n'),
    foreign: readForeign((sort) => tagged(db, index, sort)),
    room: name(db, room),
    stanzaId: text(stanzaId),
    originId: text(originId) || text(stanzaId),
    language: name(db, language),
    encrypted: name(db, encrypted),
    note: text(note),
    action: text(action),
    rule: name(db, rule),
    rules: name(db, rules),
    verdict: text(verdict),
    replacement: text(replacement),
    spooled: Number(spooled) === 1,
    size: Number(size),
    sha256: typeof stanza === 'string' ? hash('sha256', stanza) : '',
    seal: text(seal),
    salt: text(salt),
    stanza: content,
    erased: typeof erasedAt === 'number' ? { at: erasedAt, user: text(erasedBy), reason: text(erasedWhy) } : null,
    recorded: (text(recorded) || 'content') as ShownTry['recorded'],
    tags: typeof tags === 'string' ? (JSON.parse(tags) as string[]) : [],
    matched: text(matched),
  }
}

/** A try that says the same as one before is in the index once, with that. */
function withWho(tries: ShownTry[]): ShownTry[] {
  const known = tries.find(({ fromWho, toWho, network }) => fromWho !== '' || toWho !== '' || network !== '')
  if (known === undefined || tries.length === 1) return tries
  const { fromWho, toWho, network, foreign } = known
  const says = (one: ShownTry) => one.fromWho !== '' || one.toWho !== '' || one.network !== ''
  return tries.map((one) => (says(one) || one.erased !== null ? one : { ...one, fromWho, toWho, network, foreign }))
}

/** What stands under a tag of this sort in the index. */
function tagged(db: DatabaseSync, tags: SQLOutputValue | undefined, sort: string): string {
  if (typeof tags !== 'string') return ''
  const tag = tags.split(' ').find((one) => one.startsWith(sort))
  return tag === undefined ? '' : name(db, Number(tag.slice(1)))
}

function end(bare: string, resource: string): string {
  return resource ? `${bare}/${resource}` : bare
}

function text(value: SQLOutputValue | undefined): string {
  return value === null || value === undefined ? '' : String(value)
}

export function numberOrNull(value: SQLOutputValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value)
}

function name(db: DatabaseSync, number: SQLOutputValue | undefined): string {
  return named(db, 'SELECT text FROM name WHERE number = ?', number)
}

/** So many names of a file are remembered: about 1 MB. */
const MOST_REMEMBERED = 10_000
const remembered = new WeakMap<DatabaseSync, Map<string, Map<number, string>>>()

/** What a number stands for; '' for none. In a file of a month a number that was given never stands for anything else. */
function named(db: DatabaseSync, sql: string, number: SQLOutputValue | undefined): string {
  if (typeof number !== 'number') return ''
  let tables = remembered.get(db)
  if (tables === undefined) {
    tables = new Map()
    remembered.set(db, tables)
  }
  let known = tables.get(sql)
  if (known === undefined || known.size >= MOST_REMEMBERED) {
    known = new Map()
    tables.set(sql, known)
  }
  const here = known.get(number)
  if (here !== undefined) return here
  const read = text(Object.values(statement(db, sql).get(number) ?? {})[0])
  known.set(number, read)
  return read
}
