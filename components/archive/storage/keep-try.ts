// SPDX-License-Identifier: Apache-2.0
// One try into the file of its month: its row, its content apart from it, its words, its links.
import { hash, randomFillSync } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import { domainOf } from '../../kit/xmpp/jid.ts'
import { type TryRecord, UNREADABLE } from '../domain/record.ts'
import { foreignTags } from './foreign.ts'
import type { Month } from './months.ts'

const HOUR = 3_600_000
const SKEW_MS = 1000

export type KeptTry = { number: number; unreadable: boolean; skewed: boolean; repeat: boolean }

const INSERT_RECORD = `INSERT OR IGNORE INTO record (source, n, try, journal, position, at, recorded_at, direction, via, spooled,
  element, what, type, from_bare, from_resource, to_bare, to_resource, room, stanza_id, origin_id, language, encrypted, note,
  action, rule, rules, verdict, size, recorded, rule_tags, matched, seal, replacement_seal)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** null when a try of this name is in this file already: nothing was changed. */
export function insertTry(month: Month, record: TryRecord, keptAt: number): KeptTry | null {
  const { db, names } = month
  const { fields } = record
  const name = (text: string) => names.number(db, text)
  const source = names.source(db, record.source)
  const from = name(fields.from.bare)
  const to = name(fields.to.bare)
  const rule = name(record.rule)
  const salt = newSalt()
  const done = statement(db, INSERT_RECORD).run(
    source,
    record.n,
    record.try,
    names.journal(db, record.journal),
    record.position,
    record.at,
    record.recordedAt,
    record.direction,
    record.via,
    record.spooled ? 1 : 0,
    fields.element,
    fields.what,
    fields.type || null,
    from,
    fields.from.resource || null,
    to,
    fields.to.resource || null,
    name(fields.room),
    fields.id || null,
    fields.originId === fields.id ? null : fields.originId || null,
    name(fields.language),
    name(fields.encrypted),
    fields.note || null,
    record.action,
    rule,
    name(record.rules),
    record.verdict || null,
    Buffer.byteLength(record.stanza),
    record.recorded === 'content' ? null : record.recorded,
    record.tags.length > 0 ? JSON.stringify(record.tags) : null,
    record.matched || null,
    seal(salt, record.stanza),
    record.replacement ? seal(salt, record.replacement) : null,
  )
  if (done.changes === 0) return null
  const number = Number(done.lastInsertRowid)
  const inIndex = record.try === 1 || !sameContent(db, source, number, record)
  const tags = inIndex ? tagsOf(month, record, [from, to]) : null
  const text = inIndex ? record.words : null
  statement(db, 'INSERT INTO content (record, salt, stanza, replacement, text, tags) VALUES (?, ?, ?, ?, ?, ?)').run(
    number,
    salt,
    record.stanza,
    record.replacement || null,
    text,
    tags,
  )
  if (text !== null) statement(db, 'INSERT INTO words (rowid, text, tags) VALUES (?, ?, ?)').run(number, text, tags)
  for (const { kind, target } of fields.links)
    statement(db, 'INSERT OR IGNORE INTO link (record, kind, target) VALUES (?, ?, ?)').run(number, kind, target)
  const late = record.at !== null && keptAt - record.at > HOUR
  if (late) statement(db, 'INSERT INTO late (record, at) VALUES (?, ?)').run(number, record.at)
  return {
    number,
    unreadable: fields.what === UNREADABLE,
    skewed: record.at !== null && !record.spooled && Math.abs(record.recordedAt - record.at) > SKEW_MS,
    repeat: record.try > 1 && hasOther(db, source, number, record.n),
  }
}

/** What is on record of a try of this name: its number, and its stanza unless that was erased. */
export function findTry(
  db: DatabaseSync,
  source: string,
  n: number,
  tried: number,
): { number: number; stanza: string | null } | undefined {
  const sql = `SELECT r.number, c.stanza FROM record r JOIN source s ON s.number = r.source LEFT JOIN content c ON c.record = r.number
    WHERE s.id = ? AND r.n = ? AND r.try = ?`
  const row = statement(db, sql).get(source, n, tried)
  return row && { number: Number(row.number), stanza: row.stanza === null ? null : String(row.stanza) }
}

export function hasNumberOf(db: DatabaseSync, source: string, n: number): boolean {
  const sql = 'SELECT 1 FROM record r JOIN source s ON s.number = r.source WHERE s.id = ? AND r.n = ?'
  return statement(db, sql).get(source, n) !== undefined
}

/** SHA-256 of the salt's digits followed by the text. */
export function seal(salt: string, text: string): Buffer {
  return hash('sha256', salt + text, 'buffer')
}

const SALT_BYTES = 16
const pool = Buffer.alloc(256 * SALT_BYTES)
let taken = pool.length

function newSalt(): string {
  if (taken === pool.length) {
    randomFillSync(pool)
    taken = 0
  }
  taken += SALT_BYTES
  return pool.toString('hex', taken - SALT_BYTES, taken)
}

function tagsOf(month: Month, record: TryRecord, ends: readonly (number | null)[]): string {
  const { db, names, host } = month
  const { from, to, people } = record.fields
  // A few, looked through more quickly than put into a set.
  const tags: string[] = []
  const add = (tag: string) => {
    if (!tags.includes(tag)) tags.push(tag)
  }
  const addPerson = (person: number | null) => {
    if (person !== null) add(`p${person}`)
  }
  for (const end of ends) addPerson(end)
  for (const one of people) addPerson(names.number(db, one))
  for (const { bare } of [from, to]) {
    if (isAt(bare, host)) continue
    const domain = domainOf(bare)
    if (domain !== '' && domain !== host) add(`d${names.number(db, domain)}`)
  }
  if (record.fromWho !== '') add(`f${names.number(db, record.fromWho)}`)
  if (record.toWho !== '') add(`t${names.number(db, record.toWho)}`)
  if (record.network !== '') add(`n${names.number(db, record.network)}`)
  if (record.foreign) for (const tag of foreignTags(record.foreign, (text) => names.number(db, text))) add(tag)
  if (record.rule !== '') add(`r${names.number(db, record.rule)}`)
  // Several rules may have masked one message; it is found by each of them.
  if (record.rule.includes(','))
    for (const rule of record.rule.split(',')) if (rule !== '') add(`r${names.number(db, rule)}`)
  return tags.join(' ')
}

/** The usual case, without preparing the address once more. */
function isAt(bare: string, host: string): boolean {
  return bare.indexOf('@') + 1 === bare.length - host.length && bare.endsWith(host)
}

/** A repeated question is in the index once. */
function sameContent(db: DatabaseSync, source: number, number: number, record: TryRecord): boolean {
  const sql = `SELECT 1 FROM record r JOIN content c ON c.record = r.number
    WHERE r.source = ? AND r.n = ? AND r.number <> ? AND c.stanza = ? AND ifnull(c.replacement, '') = ?`
  return statement(db, sql).get(source, record.n, number, record.stanza, record.replacement) !== undefined
}

function hasOther(db: DatabaseSync, source: number, number: number, n: number): boolean {
  const sql = 'SELECT 1 FROM record WHERE source = ? AND n = ? AND number <> ?'
  return statement(db, sql).get(source, n, number) !== undefined
}
