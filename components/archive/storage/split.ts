// SPDX-License-Identifier: Apache-2.0
// An archive of versions 1 to 4 stood in one file: it is written anew as a book and files of months, and takes their place when all of
// that is on disk. It needs as much space again for a moment. A kill in between leaves the one file as it is; the next start begins again.
import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import { StoreFault } from '../../kit/store/faults.ts'
import { migrate, schemaVersion } from '../../kit/store/migrations.ts'
import { syncPath } from '../../kit/store/sync-path.ts'
import type { LinkKind, TryRecord } from '../domain/record.ts'
import { insertTry } from './keep-try.ts'
import { monthOf, monthPath, monthsFolder } from './month-path.ts'
import { type Month, openMonth } from './months.ts'
import { openNames } from './names.ts'
import { BOOK_ID, bookMigrations, LAST_SINGLE_FILE } from './schema.ts'
import { openShelf } from './shelf.ts'
import { singleFileMigrations } from './single-file.ts'

/** Tables of the book that are as they were. */
const SAME = [
  'journal',
  'name',
  'source',
  'settle',
  'unsure',
  'outage',
  'occupant',
  'session',
  'rules',
  'access',
  'finding',
] as const

export function splitSingleFile(path: string): void {
  if (!existsSync(path)) return
  const old = new DatabaseSync(path, { timeout: 5000 })
  let isOld = false
  try {
    isOld = schemaVersion(old) > 0 && schemaVersion(old) <= LAST_SINGLE_FILE
    const mark = Number(old.prepare('PRAGMA application_id').get()?.application_id)
    if (isOld && mark !== BOOK_ID) throw new StoreFault(`${path} is another program's file (application_id ${mark})`)
    if (isOld) splitInto(old, path)
  } finally {
    old.close()
  }
  if (!isOld) return
  // The last to close has folded the -wal: what is renamed over it now has none.
  renameSync(unfinished(path), path)
  syncPath(dirname(path))
}

function unfinished(path: string): string {
  return `${path}.unfinished`
}

function splitInto(old: DatabaseSync, path: string): void {
  migrate(old, singleFileMigrations, path)
  const fresh = unfinished(path)
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(fresh + end, { force: true })
  rmSync(monthsFolder(path), { recursive: true, force: true })
  const book = new DatabaseSync(fresh)
  try {
    book.exec(`PRAGMA journal_mode = WAL; PRAGMA application_id = ${BOOK_ID}`)
    migrate(book, bookMigrations, fresh, LAST_SINGLE_FILE)
    book.exec('BEGIN')
    for (const table of SAME) copyTable(old, book, table)
    copyTable(old, book, 'other_fact')
    book.exec(
      `UPDATE other_fact SET source = json_extract(body, '$.source'), n = json_extract(body, '$.n') WHERE kind = 'ask' AND json_valid(body)`,
    )
    const counted = old.prepare("SELECT name, value FROM total WHERE name IN ('again', 'conflicts')").all()
    for (const { name, value } of counted)
      book.prepare('INSERT INTO total (name, value) VALUES (?, ?)').run(String(name), Number(value))
    moveRecords(old, book, path)
    book.exec('COMMIT')
    if (Number(book.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()?.busy) !== 0)
      throw new StoreFault(`${fresh} is in use`)
    book.exec('PRAGMA journal_mode = DELETE')
  } finally {
    book.close()
  }
  syncPath(fresh)
}

function copyTable(old: DatabaseSync, book: DatabaseSync, table: string): void {
  const columns = old
    .prepare(`SELECT name FROM pragma_table_info('${table}')`)
    .all()
    .map(({ name }) => String(name))
  const insert = book.prepare(
    `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
  )
  for (const row of old.prepare(`SELECT * FROM ${table}`).iterate())
    insert.run(...columns.map((column) => row[column] as SQLOutputValue))
}

const NAMED = (column: string) => `(SELECT text FROM name WHERE number = r.${column}) AS ${column}`
const OLD_RECORDS = `SELECT r.*, s.id AS source_id, r.source AS source_number, j.id AS journal_id, w.text AS words, w.people,
    (SELECT kept_at FROM batch WHERE first_record <= r.number ORDER BY first_record DESC LIMIT 1) AS kept_at,
    ${['host', 'from_bare', 'to_bare', 'room', 'language', 'encrypted', 'rule', 'rules'].map((one) => NAMED(one).replace(/AS /, 'AS named_')).join(', ')}
  FROM record r JOIN source s ON s.number = r.source JOIN journal j ON j.number = r.journal LEFT JOIN words w ON w.rowid = r.number
  ORDER BY r.number`

function moveRecords(old: DatabaseSync, book: DatabaseSync, path: string): void {
  const months = new Map<string, Month>()
  const lastBatch = new Map<Month, number>()
  const shelf = openShelf()
  const names = openNames()
  const nameOf = old.prepare('SELECT text FROM name WHERE number = ?')
  const linksOf = old.prepare('SELECT kind, target FROM link WHERE record = ?')
  const idsOf = old.prepare(
    'SELECT (SELECT text FROM name WHERE number = by) AS by, id FROM stanza_id WHERE source = ? AND n = ?',
  )
  try {
    for (const row of old.prepare(OLD_RECORDS).iterate()) {
      const record = readOld(row, linksOf.all(Number(row.number)), (number) => String(nameOf.get(number)?.text ?? ''))
      const keptAt = Number(row.kept_at)
      const month = monthFor(record)
      const kept = insertTry(month, record, keptAt)
      if (kept === null) throw new StoreFault(`${path}: ${record.source} ${record.n} ${record.try} is there twice`)
      if (lastBatch.get(month) !== keptAt) {
        month.db.prepare('INSERT INTO batch (first_record, kept_at) VALUES (?, ?)').run(kept.number, keptAt)
        lastBatch.set(month, keptAt)
      }
      for (const [name, counts] of [
        ['tries', true],
        ['repeats', kept.repeat],
        ['skewed', kept.skewed],
        ['unreadable', kept.unreadable],
      ] as const)
        if (counts) month.totals[name] = (month.totals[name] ?? 0) + 1
      const insertId = month.db.prepare('INSERT OR IGNORE INTO stanza_id (source, n, by, id) VALUES (?, ?, ?, ?)')
      for (const { by, id } of idsOf.all(Number(row.source_number), record.n))
        insertId.run(
          month.names.source(month.db, record.source),
          record.n,
          month.names.number(month.db, String(by)),
          String(id),
        )
      const file = shelf.file(book, month)
      shelf.note(book, file, Number(row.source_number), record.n, record.at)
      file.last = kept.number
    }
    for (const month of months.values()) finish(month)
    shelf.write(book)
    keepLooseIds(old, book)
  } finally {
    for (const { db } of months.values()) db.close()
  }

  function monthFor({ host, recordedAt }: TryRecord): Month {
    const name = { host, month: monthOf(recordedAt) }
    const file = monthPath(path, name)
    let month = months.get(file)
    if (month === undefined) {
      month = openMonth(file, name)
      month.db.exec('PRAGMA synchronous = OFF; BEGIN')
      months.set(file, month)
    }
    return month
  }

  function finish(month: Month): void {
    const file = shelf.file(book, month)
    file.totals = JSON.stringify(month.totals)
    shelf.changed(file)
    for (const [name, value] of Object.entries(month.totals))
      month.db.prepare('INSERT INTO total (name, value) VALUES (?, ?)').run(name, value)
    // Everything up to the cursors of the book is in: nothing of it is told again.
    month.db.exec('UPDATE journal SET position = 0')
    month.db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)')
    syncPath(month.path)
    syncPath(dirname(month.path))
    syncPath(monthsFolder(path))
  }

  /** Stanza ids of messages that are not on record. */
  function keepLooseIds(from: DatabaseSync, to: DatabaseSync): void {
    const loose = from
      .prepare(`SELECT i.*, n.text AS by_text FROM stanza_id i JOIN name n ON n.number = i.by
        WHERE NOT EXISTS (SELECT 1 FROM record r WHERE r.source = i.source AND r.n = i.n)`)
      .all()
    const insert = to.prepare('INSERT INTO stanza_id (source, n, by, id) VALUES (?, ?, ?, ?)')
    for (const row of loose)
      insert.run(Number(row.source), Number(row.n), names.number(to, String(row.by_text)), String(row.id))
  }
}

type OldRow = Record<string, SQLOutputValue>

function readOld(row: OldRow, links: readonly OldRow[], nameOf: (number: number) => string): TryRecord {
  const text = (column: string) => (row[column] === null || row[column] === undefined ? '' : String(row[column]))
  const ends = [text('named_from_bare'), text('named_to_bare')]
  const people = text('people')
    .split(' ')
    .filter(Boolean)
    .map((tag) => nameOf(Number(tag.slice(1))))
    .filter((one) => one !== '' && !ends.includes(one))
  return {
    journal: text('journal_id'),
    position: Number(row.position),
    recordedAt: Number(row.recorded_at),
    source: text('source_id'),
    n: Number(row.n),
    try: Number(row.try),
    host: text('named_host'),
    direction: text('direction'),
    via: text('via'),
    at: row.at === null ? null : Number(row.at),
    fields: {
      element: text('element') as TryRecord['fields']['element'],
      what: text('what'),
      type: text('type'),
      from: { bare: text('named_from_bare'), resource: text('from_resource') },
      to: { bare: text('named_to_bare'), resource: text('to_resource') },
      id: text('stanza_id'),
      originId: text('origin_id') || text('stanza_id'),
      language: text('named_language'),
      room: text('named_room'),
      people: [...new Set(people)],
      links: links.map(({ kind, target }) => ({ kind: String(kind) as LinkKind, target: String(target) })),
      encrypted: text('named_encrypted'),
      note: text('note'),
    },
    words: text('words'),
    action: text('action'),
    rule: text('named_rule'),
    rules: text('named_rules'),
    verdict: text('verdict'),
    replacement: text('replacement'),
    spooled: Number(row.spooled) === 1,
    recorded: 'content',
    tags: [],
    matched: '',
    fromWho: '',
    toWho: '',
    network: '',
    foreign: null,
    stanza: text('stanza'),
  }
}
