// SPDX-License-Identifier: Apache-2.0
// Keeping a batch: records, index, settlements, counting and the journal's cursor in one transaction.
import type { DatabaseSync } from 'node:sqlite'
import { isFull } from '../../kit/store/faults.ts'
import { statement } from '../../kit/store/statement.ts'
import type { Batch, Item, KeptBatch } from '../domain/batch.ts'
import { address, type TryRecord, UNREADABLE } from '../domain/record.ts'
import { needsSettle } from '../domain/settling.ts'
import type { Names } from './names.ts'
import { keepOccupant } from './occupants.ts'

const HOUR = 3_600_000
const SKEW_MS = 1000

/** What is at or before the journal's cursor is here already and is left alone. Throws when there is a hole before the batch. */
export function keepBatch(db: DatabaseSync, names: Names, batch: Batch): KeptBatch {
  names.check(db)
  const journal = names.journal(db, batch.journal)
  const cursor = Number(statement(db, 'SELECT position FROM journal WHERE number = ?').get(journal)?.position)
  if (cursor < batch.after) throw new Error(`the batch begins after ${batch.after}, the cursor stands at ${cursor}`)
  const kept: KeptBatch = { records: 0, again: 0, conflicts: 0, skewed: 0, unreadable: 0 }
  if (batch.to <= cursor) return kept
  const work: Work = { db, names, journal, batch, kept, first: 0, repeats: 0 }
  for (const item of batch.items) {
    if (positionOf(item) <= cursor) continue
    if (batch.careful) keepCarefully(work, item)
    else keepItem(work, item)
  }
  for (const { source, done, counting } of batch.sources) {
    statement(db, 'UPDATE source SET done = ?, counting = ? WHERE number = ?').run(
      done,
      counting,
      names.source(db, source),
    )
  }
  if (work.first > 0)
    statement(db, 'INSERT INTO batch (first_record, kept_at) VALUES (?, ?)').run(work.first, batch.keptAt)
  addTotals(db, {
    tries: kept.records,
    again: kept.again,
    conflicts: kept.conflicts,
    skewed: kept.skewed,
    repeats: work.repeats,
    unreadable: kept.unreadable,
  })
  statement(db, 'UPDATE journal SET position = ? WHERE number = ?').run(batch.to, journal)
  return kept
}

/** Counting that moved without new entries: time passed. */
export function keepCounting(db: DatabaseSync, names: Names, sources: Batch['sources']): void {
  names.check(db)
  for (const { source, done, counting } of sources) {
    statement(db, 'UPDATE source SET done = ?, counting = ? WHERE number = ?').run(
      done,
      counting,
      names.source(db, source),
    )
  }
}

type Work = {
  db: DatabaseSync
  names: Names
  journal: number
  batch: Batch
  kept: KeptBatch
  first: number
  /** Tries of numbers that had one already. */
  repeats: number
}

function positionOf(item: Item): number {
  return item.as === 'try' ? item.record.position : item.position
}

function keepCarefully(work: Work, item: Item): void {
  const { db, journal } = work
  db.exec('SAVEPOINT item')
  try {
    keepItem(work, item)
  } catch (error) {
    if (isFull(error) || !db.isTransaction) throw error
    db.exec('ROLLBACK TO item')
    const note = `could not be kept: ${error instanceof Error ? error.message : String(error)}`
    run(db, OTHER_FACT, [journal, positionOf(item), item.as, 1, work.batch.keptAt, note, JSON.stringify(item)])
  }
  db.exec('RELEASE item')
}

const OTHER_FACT =
  'INSERT OR IGNORE INTO other_fact (journal, position, kind, version, recorded_at, note, body) VALUES (?, ?, ?, ?, ?, ?, ?)'

function keepItem(work: Work, item: Item): void {
  const { db, names, journal } = work
  switch (item.as) {
    case 'try':
      keepTry(work, item.record)
      return
    case 'settle': {
      const source = names.source(db, item.source)
      run(
        db,
        'INSERT OR IGNORE INTO settle (source, n, try, outcome, at, journal, position) VALUES (?, ?, ?, ?, ?, ?, ?)',
        [source, item.n, item.try ?? 0, item.outcome, item.at, journal, item.position],
      )
      run(db, 'DELETE FROM unsure WHERE source = ? AND n = ?', [source, item.n])
      return
    }
    case 'source':
      run(
        db,
        'UPDATE source SET at = ?, node = ?, hosts = ?, software = ?, helper = ?, predecessor = ? WHERE number = ?',
        [item.at, item.node, item.hosts, item.software, item.helper, item.predecessor, names.source(db, item.source)],
      )
      return
    case 'outage':
      keepOutage(work, item)
      return
    case 'occupant':
      keepOccupant(db, names, item)
      return
    case 'session':
      keepSession(db, names, item)
      return
    case 'stanza-id':
      run(db, 'INSERT OR IGNORE INTO stanza_id (source, n, by, id) VALUES (?, ?, ?, ?)', [
        names.source(db, item.source),
        item.n,
        names.number(db, item.by),
        item.id,
      ])
      return
    case 'rules': {
      const values = [item.hash, item.rules, item.file, item.at]
      insertOnce(db, 'rules', ['hash', 'rules', 'file', 'at'], values)
      return
    }
    case 'access': {
      const said = ['at', 'uid', 'user', 'command', 'query', 'hits', 'reason', 'denied']
      const { at, uid, user, command, query, hits, reason, denied } = item
      const values = [at, uid, user, command, query, hits, reason || null, denied ? 1 : 0]
      insertOnce(db, 'access', said, values, { journal, position: item.position, recorded_at: item.recordedAt })
      return
    }
    case 'finding':
      keepFinding(work, item)
      return
    case 'other':
      run(db, OTHER_FACT, [journal, item.position, item.kind, item.version, item.recordedAt, item.note, item.body])
  }
}

const INSERT_RECORD = `INSERT OR IGNORE INTO record (source, n, try, journal, position, at, recorded_at, host, direction, via, spooled,
  element, what, type, from_bare, from_resource, to_bare, to_resource, room, stanza_id, origin_id, language, encrypted, note,
  action, rule, rules, verdict, replacement, sha256, stanza)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

function keepTry(work: Work, record: TryRecord): void {
  const { db, names, journal, kept } = work
  const { fields } = record
  const source = names.source(db, record.source)
  const name = (text: string) => names.number(db, text)
  const from = name(fields.from.bare)
  const to = name(fields.to.bare)
  const done = run(db, INSERT_RECORD, [
    source,
    record.n,
    record.try,
    journal,
    record.position,
    record.at,
    record.recordedAt,
    name(record.host),
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
    name(record.rule),
    name(record.rules),
    record.verdict || null,
    record.replacement || null,
    Buffer.from(record.sha256, 'hex'),
    record.stanza,
  ])
  if (done.changes === 0) {
    keepAgain(work, source, record)
    return
  }
  const number = Number(done.lastInsertRowid)
  work.first ||= number
  kept.records += 1
  if (fields.what === UNREADABLE) kept.unreadable += 1
  if (record.try > 1 && hasOther(db, source, number, record.n)) work.repeats += 1
  if (record.try === 1 || !sameContent(db, source, number, record)) {
    const people = [from, to, ...fields.people.map(name)].filter((one) => one !== null)
    run(db, 'INSERT INTO words (rowid, text, people) VALUES (?, ?, ?)', [
      number,
      record.words,
      people.map((one) => `p${one}`).join(' '),
    ])
  }
  for (const { kind, target } of fields.links)
    run(db, 'INSERT OR IGNORE INTO link (record, kind, target) VALUES (?, ?, ?)', [number, kind, target])
  if (needsSettle(record) && record.n > 0) keepUnsure(db, source, record.n)
  if (record.at === null) return
  if (!record.spooled && Math.abs(record.recordedAt - record.at) > SKEW_MS) work.kept.skewed += 1
  if (work.batch.keptAt - record.at > HOUR) run(db, 'INSERT INTO late (record, at) VALUES (?, ?)', [number, record.at])
}

/** The same name again. The same content is kept once; another content is kept beside, as it came, and counted. */
function keepAgain(work: Work, source: number, record: TryRecord): void {
  const { db, kept, journal } = work
  kept.again += 1
  const here = statement(
    db,
    'SELECT lower(hex(sha256)) AS sha256 FROM record WHERE source = ? AND n = ? AND try = ?',
  ).get(source, record.n, record.try)
  if (here?.sha256 === record.sha256) return
  kept.conflicts += 1
  const body = JSON.stringify(record)
  run(db, OTHER_FACT, [
    journal,
    record.position,
    'ask',
    1,
    record.recordedAt,
    'another stanza under a name that is taken',
    body,
  ])
}

/** A repeated question is in the index once. */
function sameContent(db: DatabaseSync, source: number, number: number, record: TryRecord): boolean {
  const sql =
    'SELECT 1 FROM record WHERE source = ? AND n = ? AND number <> ? AND sha256 = unhex(?) AND ifnull(replacement, ?) = ?'
  return statement(db, sql).get(source, record.n, number, record.sha256, '', record.replacement) !== undefined
}

function hasOther(db: DatabaseSync, source: number, number: number, n: number): boolean {
  return (
    statement(db, 'SELECT 1 FROM record WHERE source = ? AND n = ? AND number <> ?').get(source, n, number) !==
    undefined
  )
}

function keepUnsure(db: DatabaseSync, source: number, n: number): void {
  const settled = statement(db, 'SELECT 1 FROM settle WHERE source = ? AND n = ?').get(source, n)
  if (!settled) run(db, 'INSERT OR IGNORE INTO unsure (source, n) VALUES (?, ?)', [source, n])
}

function keepFinding({ db, names }: Work, { finding, at }: Item & { as: 'finding' }): void {
  const { kind, event, from, to, count } = finding
  const source = kind === 'journal-gap' ? names.journal(db, finding.source) : names.source(db, finding.source)
  const open = statement(
    db,
    'SELECT number, found_at FROM finding WHERE source = ? AND kind = ? AND low = ? AND closed_at IS NULL',
  ).get(source, kind, from)
  // What closed an earlier one and is told again leaves a later one open.
  if (event === 'closed' && open && (open.found_at === null || at === null || Number(open.found_at) <= at))
    run(db, 'UPDATE finding SET closed_at = ? WHERE number = ?', [at, Number(open.number)])
  if (event !== 'found' || open) return
  insertOnce(db, 'finding', ['kind', 'source', 'low', 'high', 'found_at'], [kind, source, from, to, at], { count })
}

function addTotals(db: DatabaseSync, totals: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(totals)) {
    if (value > 0)
      run(
        db,
        'INSERT INTO total (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value',
        [name, value],
      )
  }
}

/** Told again together with others of a report that was not answered in time. */
function keepSession(db: DatabaseSync, names: Names, item: Item & { as: 'session' }): void {
  const { bare, resource } = address(item.jid)
  insertOnce(
    db,
    'session',
    ['source', 'host', 'jid', 'resource', 'via', 'event', 'at'],
    [
      names.source(db, item.source),
      names.number(db, item.host),
      names.number(db, bare),
      resource || null,
      item.via,
      item.event,
      item.at,
    ],
  )
}

/** A fact that came before is not kept again; `beside` is where it stands, which is no part of what it says. */
function insertOnce(
  db: DatabaseSync,
  table: 'session' | 'rules' | 'access' | 'finding',
  said: readonly string[],
  values: readonly Value[],
  beside: Readonly<Record<string, number>> = {},
): void {
  const columns = [...said, ...Object.keys(beside)]
  const sql = `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${columns.map((_, at) => `?${at + 1}`).join(', ')}
    WHERE NOT EXISTS (SELECT 1 FROM ${table} WHERE ${said.map((name, at) => `${name} IS ?${at + 1}`).join(' AND ')})`
  run(db, sql, [...values, ...Object.values(beside)])
}

/** A helper tells of it until it knows that it was heard. */
function keepOutage({ db, names, journal }: Work, told: Item & { as: 'outage' }): void {
  const { from, to, count, outcome, at, position } = told
  const source = names.source(db, told.source)
  const same = 'SELECT 1 FROM outage WHERE source = ? AND high = ? AND low = ? AND outcome = ?'
  if (statement(db, same).get(source, to, from, outcome)) return
  const insert =
    'INSERT INTO outage (source, host, low, high, count, outcome, at, journal, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'
  run(db, insert, [source, names.number(db, told.host), from, to, count, outcome, at, journal, position])
}

type Value = string | number | null | Uint8Array

function run(
  db: DatabaseSync,
  sql: string,
  values: readonly Value[],
): { changes: number | bigint; lastInsertRowid: number | bigint } {
  return statement(db, sql).run(...values)
}
