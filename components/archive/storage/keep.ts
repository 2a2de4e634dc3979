// SPDX-License-Identifier: Apache-2.0
// Keeping a batch: records into the files of their months; settlements, counting and the journal's cursor into the book, which is
// committed last. After a kill between the commits the batch comes again: each file then leaves alone what it has already.
import type { DatabaseSync } from 'node:sqlite'
import { isFull } from '../../kit/store/faults.ts'
import { statement } from '../../kit/store/statement.ts'
import type { Batch, Item, KeptBatch } from '../domain/batch.ts'
import { address, type TryRecord } from '../domain/record.ts'
import { needsSettle } from '../domain/settling.ts'
import { eraseIn, erasureIn } from './erase.ts'
import { keepAccount } from './identities.ts'
import { findTry, hasNumberOf, insertTry } from './keep-try.ts'
import { monthOf } from './month-path.ts'
import type { Month, Months } from './months.ts'
import type { Names } from './names.ts'
import { keepOccupant } from './occupants.ts'
import { keepPerson } from './persons.ts'
import type { Shelf, ShelfFile } from './shelf.ts'

/** What the writer knows beside the tables. `names` are those of the book. */
export type Keeper = { months: Months; names: Names; shelf: Shelf }

/** What is at or before the journal's cursor is here already and is left alone. Throws when there is a hole before the batch. */
export function keepBatch(db: DatabaseSync, keeper: Keeper, batch: Batch): KeptBatch {
  const { names, shelf } = keeper
  names.check(db)
  const journal = names.journal(db, batch.journal)
  const cursor = Number(statement(db, 'SELECT position FROM journal WHERE number = ?').get(journal)?.position)
  if (cursor < batch.after) throw new Error(`the batch begins after ${batch.after}, the cursor stands at ${cursor}`)
  const kept: KeptBatch = { records: 0, again: 0, conflicts: 0, skewed: 0, unreadable: 0, reopened: 0, otherHost: 0 }
  if (batch.to <= cursor) return kept
  const work: Work = { ...keeper, db, journal, batch, kept, opened: new Map() }
  for (const item of batch.items) {
    if (positionOf(item) <= cursor) continue
    if (batch.careful) keepCarefully(work, item)
    else keepItem(work, item)
  }
  for (const opened of work.opened.values()) closeMonth(work, opened)
  shelf.write(db)
  writeCounting(db, names, batch.sources)
  run(db, 'UPDATE journal SET position = ? WHERE number = ?', [batch.to, journal])
  return kept
}

/** Counting that moved without new entries: time passed. */
export function keepCounting(db: DatabaseSync, names: Names, sources: Batch['sources']): void {
  names.check(db)
  writeCounting(db, names, sources)
}

function writeCounting(db: DatabaseSync, names: Names, sources: Batch['sources']): void {
  for (const { source, done, counting } of sources) {
    const values = [done, counting, names.source(db, source)]
    run(db, 'UPDATE source SET done = ?, counting = ? WHERE number = ?', values)
  }
}

type Work = Keeper & {
  db: DatabaseSync
  journal: number
  batch: Batch
  kept: KeptBatch
  opened: Map<string, Opened>
}

/** A file of a month in this batch. `cursor`: up to where it has what is its own of this journal. */
type Opened = { month: Month; file: ShelfFile; journal: number; cursor: number; first: number; last: number }

function openMonthOf({ db, months, shelf, batch, opened }: Work, host: string, recordedAt: number): Opened {
  const month = monthOf(recordedAt)
  const key = `${month} ${host}`
  const here = opened.get(key)
  if (here !== undefined) return here
  const held = months.at({ host, month })
  const journal = held.names.journal(held.db, batch.journal)
  const cursor = Number(statement(held.db, 'SELECT position FROM journal WHERE number = ?').get(journal)?.position)
  const fresh = { month: held, file: shelf.file(db, held), journal, cursor, first: 0, last: 0 }
  opened.set(key, fresh)
  return fresh
}

function closeMonth({ batch, shelf }: Work, { month, file, journal, cursor, first, last }: Opened): void {
  const { db, totals } = month
  if (cursor < batch.to) {
    if (first > 0) run(db, 'INSERT INTO batch (first_record, kept_at) VALUES (?, ?)', [first, batch.keptAt])
    for (const [name, value] of Object.entries(totals))
      run(db, 'INSERT OR REPLACE INTO total (name, value) VALUES (?, ?)', [name, value])
    run(db, 'UPDATE journal SET position = ? WHERE number = ?', [batch.to, journal])
  }
  file.last = last || Number(statement(db, 'SELECT max(number) AS last FROM record').get()?.last ?? 0)
  file.totals = JSON.stringify(totals)
  shelf.changed(file)
}

function positionOf(item: Item): number {
  return item.as === 'try' ? item.record.position : item.position
}

/** One item that cannot be kept is kept as it came, and those behind it go on. */
function keepCarefully(work: Work, item: Item): void {
  const { db, journal } = work
  const record = item.as === 'try' ? item.record : null
  const of = record ?? (item.as === 'other' ? item.of : null)
  const month = record ? openMonthOf(work, record.host, record.recordedAt).month : null
  const both = month ? [db, month.db] : [db]
  work.shelf.write(db)
  for (const one of both) one.exec('SAVEPOINT item')
  try {
    keepItem(work, item)
  } catch (error) {
    if (isFull(error) || both.some((one) => !one.isTransaction)) throw error
    for (const one of both) one.exec('ROLLBACK TO item')
    work.shelf.forget()
    for (const opened of work.opened.values()) opened.file = work.shelf.file(db, opened.month)
    month?.names.forget()
    const note = `could not be kept: ${error instanceof Error ? error.message : String(error)}`
    const body = JSON.stringify(item)
    keepOther(db, [journal, positionOf(item), item.as, 1, work.batch.keptAt, note, body], of)
  }
  for (const one of both) one.exec('RELEASE item')
}

/** `of`: the record whose content it holds. */
function keepOther(db: DatabaseSync, values: readonly Value[], of: { source: string; n: number } | null): void {
  run(
    db,
    `INSERT OR IGNORE INTO other_fact (journal, position, kind, version, recorded_at, note, body, source, n)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [...values, of?.source ?? null, of?.n ?? null],
  )
}

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
    case 'account':
      if (keepAccount(db, names, { ...item, toldBy: 'server' })) work.kept.reopened += 1
      return
    case 'person':
      keepPerson(db, names, item.hash, item.person, item.at)
      return
    case 'stanza-id':
      keepStanzaId(work, item)
      return
    case 'rules': {
      const values = [item.hash, item.rules, item.file, item.at]
      insertOnce(db, 'rules', ['hash', 'rules', 'file', 'at'], values)
      return
    }
    case 'network':
      run(db, 'INSERT OR IGNORE INTO network (network, domain) VALUES (?, ?)', [item.network, item.domain])
      return
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
    case 'other': {
      const { position, kind, version, recordedAt, note, body } = item
      keepOther(db, [journal, position, kind, version, recordedAt, note, body], item.of)
    }
  }
}

function keepTry(work: Work, record: TryRecord): void {
  const { db, names, shelf, kept, batch } = work
  const source = names.source(db, record.source)
  const opened = openMonthOf(work, record.host, record.recordedAt)
  const elsewhere = findElsewhere(work, record, source, opened)
  if (elsewhere === undefined) shelf.note(db, opened.file, source, record.n, record.at)
  if (needsSettle(record) && record.n > 0) keepUnsure(db, source, record.n)
  // It was committed here before the book was: a kill came between them.
  if (record.position <= opened.cursor) {
    keepAgain(work, record, elsewhere ?? opened.month)
    return
  }
  const { totals } = opened.month
  const count = (name: 'tries' | 'again' | 'conflicts' | 'skewed' | 'repeats' | 'unreadable' | 'otherHost') => {
    totals[name] = (totals[name] ?? 0) + 1
  }
  const done = elsewhere === undefined ? insertTry(opened.month, record, batch.keptAt) : null
  if (done === null) {
    kept.again += 1
    count('again')
    if (keepAgain(work, record, elsewhere ?? opened.month)) {
      kept.conflicts += 1
      count('conflicts')
    }
    return
  }
  opened.first ||= done.number
  opened.last = done.number
  kept.records += 1
  count('tries')
  if (done.repeat) count('repeats')
  if (done.unreadable) {
    kept.unreadable += 1
    count('unreadable')
  }
  if (done.skewed) {
    kept.skewed += 1
    count('skewed')
  }
  if (record.try === 1 && !record.spooled) return
  eraseAgain(work, record, source, opened.month)
  if (isOfOtherHost(work, record, source)) {
    kept.otherHost += 1
    count('otherHost')
  }
}

/** At the turn of a month the same question may be told of once in each. */
function findElsewhere(work: Work, record: TryRecord, source: number, { file }: Opened): Month | undefined {
  if (!work.shelf.isElsewhere(work.db, source, record.n, file)) return undefined
  for (const other of work.shelf.holding(work.db, source, record.n)) {
    if (other === file || other.host !== record.host) continue
    const month = work.months.at(other)
    if (findTry(month.db, record.source, record.n, record.try)) return month
  }
  return undefined
}

/** What was erased does not come back with a further try of it, such as one that a helper had in its spool. */
function eraseAgain(
  { db, shelf, months }: Work,
  { host, source: id, n }: TryRecord,
  source: number,
  month: Month,
): void {
  for (const file of shelf.holding(db, source, n)) {
    const erasure = file.host === host ? erasureIn(months.at(file).db, id, n) : undefined
    if (erasure === undefined) continue
    eraseIn(month, { ...erasure, source: id, n })
    months.fold(month)
    return
  }
}

/** A number belongs to the host that asked about it: nobody else tells of it. Only further tries are looked at, for the price of it. */
function isOfOtherHost({ db, shelf, months }: Work, { host, source: id, n }: TryRecord, source: number): boolean {
  const others = shelf.holding(db, source, n).filter((file) => file.host !== host)
  return others.some((file) => hasNumberOf(months.at(file).db, id, n))
}

/** The same name again. The same content is kept once; another content is kept beside, as it came: true. */
function keepAgain(work: Work, record: TryRecord, month: Month): boolean {
  const { db, names, batch, journal } = work
  const here = findTry(month.db, record.source, record.n, record.try)
  if (here === undefined) return false
  if (isOver(work, month)) {
    const values = [names.source(db, record.source), record.n, journal, record.position]
    run(db, 'INSERT OR IGNORE INTO repeat (source, n, journal, position) VALUES (?, ?, ?, ?)', values)
  } else {
    const values = [here.number, month.names.journal(month.db, batch.journal), record.position]
    run(month.db, 'INSERT OR IGNORE INTO repeat (record, journal, position) VALUES (?, ?, ?)', values)
  }
  // What was erased does not come back.
  if (here.stanza === null || here.stanza === record.stanza.toWellFormed()) return false
  const note = 'another stanza under a name that is taken'
  const body = JSON.stringify(record)
  keepOther(db, [journal, record.position, 'ask', 1, record.recordedAt, note, body], record)
  return true
}

/** Its file is written by erasure alone. */
function isOver({ batch }: Work, { month }: { month: string }): boolean {
  return month < monthOf(batch.keptAt)
}

/** With the record that it names; in the book when there is none, or its month is over. */
function keepStanzaId(work: Work, item: Item & { as: 'stanza-id' }): void {
  const { db, names, shelf, months } = work
  const source = names.source(db, item.source)
  const insert = 'INSERT OR IGNORE INTO stanza_id (source, n, by, id) VALUES (?, ?, ?, ?)'
  for (const file of shelf.holding(db, source, item.n)) {
    if (isOver(work, file)) continue
    const month = months.at(file)
    if (!hasNumberOf(month.db, item.source, item.n)) continue
    const by = month.names.number(month.db, item.by)
    run(month.db, insert, [month.names.source(month.db, item.source), item.n, by, item.id])
    return
  }
  run(db, insert, [source, item.n, names.number(db, item.by), item.id])
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
