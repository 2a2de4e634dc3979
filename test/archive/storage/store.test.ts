// SPDX-License-Identifier: Apache-2.0
// The archive's store by itself: full disks, long searches beside commits, the schema as it was released.
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openArchiveStore } from '../../../components/archive/storage/archive-store.ts'
import { monthPath } from '../../../components/archive/storage/month-path.ts'
import { packBatch } from '../../../components/archive/storage/parcel.ts'
import { findings } from '../../../components/archive/storage/report.ts'
import { bookMigrations, monthMigrations } from '../../../components/archive/storage/schema.ts'
import { singleFileMigrations } from '../../../components/archive/storage/single-file.ts'
import { splitSingleFile } from '../../../components/archive/storage/split.ts'
import { ask, chat, done, SOURCE } from '../facts.ts'
import { openStage, type Stage } from '../stage.ts'

const SHORT = SOURCE.slice(0, 8)
const WORKER = new URL('../mains/crash-worker.ts', import.meta.url)

test('the disk of the store is full: a clear line in the log, nothing lost, and it goes on when there is space', async () => {
  await using stage = await openStage({ worker: WORKER, yaml: 'follow: { batch: 20 }\n' })
  await stage.write(...Array.from({ length: 20 }, (_, i) => ask({ n: i + 1, stanza: chat(`space ${i + 1}`) })))
  assert.equal((await stage.ask('archive search', { words: 'space' })).rows.length, 20)
  await stage.stop()
  const [file] = stage.months()
  const size = new DatabaseSync(String(file))
  const pages = Number(size.prepare('PRAGMA page_count').get()?.page_count)
  size.close()
  const limit = join(stage.folder, 'pages')
  writeFileSync(limit, String(pages + 5))
  process.env.LIMIT_FILE = limit
  await stage.start()
  await stage.write(
    ...Array.from({ length: 200 }, (_, i) => ask({ n: i + 21, stanza: chat(`space ${i + 21} ${'x'.repeat(2000)}`) })),
    done(220),
  )
  await stage.logs('store full, waiting for space')
  const before = await stage.ask('archive search', { words: 'space', limit: 1000 })
  assert.ok(before.rows.length >= 20 && before.rows.length < 220, 'what is kept can be found meanwhile')
  writeFileSync(limit, '1000000')
  await stage.logs('store takes again')
  delete process.env.LIMIT_FILE
  let { rows } = await stage.ask('archive search', { words: 'space', limit: 1000 })
  while (rows.length < 220) rows = (await stage.ask('archive search', { words: 'space', limit: 1000 })).rows
  assert.deepEqual(
    rows.map((row) => row.id),
    Array.from({ length: 220 }, (_, i) => `${SHORT}-${220 - i}`),
  )
})

test('a search that takes long delays no commit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-store-'))
  try {
    await using store = await openArchiveStore(
      join(folder, 'a.db'),
      1,
      new URL('../mains/slow-worker.ts', import.meta.url),
    )
    const order: string[] = []
    const reading = store.read('search', { ...ANYTHING, words: 'slow', limit: 1 }).then(() => order.push('search'))
    for (let to = 1; to <= 20; to++) {
      const batch = { journal: 'j', after: to - 1, to, keptAt: to, items: [], careful: false, sources: [] }
      await store.write('keep', packBatch(batch))
    }
    order.push('20 commits')
    // The search waits in its thread until it sees the last commit: it could not end if it held up the writer.
    await reading
    assert.deepEqual(order, ['20 commits', 'search'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

const golden = (name: string) => readFileSync(new URL(`../../golden/${name}`, import.meta.url), 'utf8')
const SINGLE = [1, 2, 3, 4].map((version) => golden(`archive-${version}.sql`))

for (const [index, sql] of SINGLE.entries()) {
  test(`a store of version ${index + 1}, as it was released, is opened and read, and stands in files of months then`, async () => {
    await using stage = await openStage()
    await stage.stop()
    rmSync(stage.store)
    fill(stage.store, sql)
    await stage.start()
    await readsGolden(stage, index === 0)
    assert.deepEqual(
      stage.months().map((file) => file.slice(stage.folder.length)),
      ['/state/archive/archive-months/corp.example/2026-11.db'],
    )
    await stage.stop()
    await stage.start()
    await readsGolden(stage, index === 0, true)
    await stage.write(ask({ n: 1, stanza: chat('golden words') }), ask({ n: 77, stanza: chat('what comes after') }))
    assert.equal((await stage.ask('archive search', { words: 'after' })).rows.length, 1)
  })
}

for (const version of [5, 6, 7, 8, 9]) {
  test(`a store of version ${version}, as it was released, is opened and read`, () => opensFolder(version))
}

/** Files of months are the same in all. */
async function opensFolder(version: number): Promise<void> {
  await using stage = await openStage()
  await stage.stop()
  rmSync(stage.store)
  fill(stage.store, golden(`archive-${version}/book.sql`))
  const month = monthPath(stage.store, { host: 'corp.example', month: '2026-11' })
  mkdirSync(dirname(month), { recursive: true })
  fill(month, golden('archive-5/month.sql'))
  await stage.start()
  await readsGolden(stage, false)
  const [shown] = (await stage.ask('archive show', { id: `${SHORT}-1` })).rows
  assert.equal(shown?.from_identity, version >= 6 ? 'alice@corp.example#1' : null)
  assert.deepEqual(shown?.stanza_ids, version >= 9 ? [{ by: 'corp.example', id: 'told-late' }] : [])
  assert.equal((await stage.ask('archive identities')).rows.length, version >= 6 ? 2 : 0)
  // By name: what her address says of the time before records named identities.
  const byName = (await stage.ask('archive search', { person: 'alice müller' })).rows
  assert.equal(byName.length > 0, version >= 7)
  const toNetwork = (await stage.ask('archive search', { network: 'irc' })).rows
  assert.deepEqual(
    toNetwork.map(({ text }) => text),
    version >= 8 ? ['in the room'] : [],
  )
}

test('killed while one file is being split, it is split from the beginning at the next start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-store-'))
  try {
    const path = join(folder, 'archive.db')
    const file = monthPath(path, { host: 'corp.example', month: '2026-11' })
    fill(path, golden('archive-4.sql'))
    splitSingleFile(path)
    const whole = [dump(path), dump(file)]
    // As a kill before the last step leaves it: the files of months are there, and the one file still stands in its place.
    rmSync(path)
    fill(path, golden('archive-4.sql'))
    fill(`${path}.unfinished`, 'CREATE TABLE half (x)')
    splitSingleFile(path)
    assert.deepEqual([dump(path), dump(file)], whole)
    splitSingleFile(path)
    assert.deepEqual([dump(path), dump(file)], whole, 'what is split stays as it is')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('the newest golden files are what this program makes', () => {
  assert.equal(bookMigrations.length, 5, 'a new version gets a golden file of its own')
  assert.equal(monthMigrations.length, 1, 'a new version gets a golden file of its own')
  const of = (steps: readonly string[]) =>
    schemaOf((db) => {
      for (const step of steps) db.exec(step)
    })
  assert.deepEqual(of(singleFileMigrations), of([golden('archive-4.sql')]))
  assert.deepEqual(of(bookMigrations), of([golden('archive-9/book.sql')]))
  assert.deepEqual(of(monthMigrations), of([golden('archive-5/month.sql')]))
})

test('a lost entry that version 3 took for one of a source is one of its journal', () => {
  const db = new DatabaseSync(':memory:')
  db.exec(SINGLE[2] ?? '')
  const id = String(db.prepare('SELECT id FROM journal WHERE number = 1').get()?.id)
  db.exec(`INSERT INTO source (number, id, short) VALUES (7, '${id}', '${id.slice(0, 8)}'), (8, '${'d'.repeat(32)}', 'dddddddd');
    INSERT INTO finding (kind, source, low, high, count, found_at) VALUES ('journal-gap', 7, 3, 4, 2, 1), ('journal-gap', 8, 5, 5, 1, 2)`)
  db.exec(singleFileMigrations[3] ?? '')
  const gaps = findings(db, { open: true, limit: 9, hosts: null }).map(({ kind, source, from }) => [kind, source, from])
  assert.deepEqual(gaps, [
    ['journal-gap', 'd'.repeat(32), 5],
    ['journal-gap', id, 3],
    ['ended-without-mark', SOURCE, 9],
    ['gap', SOURCE, 3],
  ])
  assert.deepEqual(
    db
      .prepare('SELECT id FROM source')
      .all()
      .map((row) => row.id),
    [SOURCE],
  )
  db.close()
})

const ANYTHING = {
  hosts: null,
  words: '',
  person: '',
  peer: '',
  room: '',
  domain: '',
  verdict: '',
  settlement: '',
  rule: '',
  tag: '',
  since: null,
  until: null,
}

/** `again`: the looks of the first time are there; those of the second, at the same time of the clock, are the same facts. */
async function readsGolden(stage: Stage, first: boolean, again = false): Promise<void> {
  const [row] = (await stage.ask('archive show', { id: `${SHORT}-1` })).rows
  assert.deepEqual(
    [row?.text, row?.settlement, row?.from, row?.at],
    ['golden words', 'released', 'alice@corp.example/desk', '2026-11-22T10:00:00.000Z'],
  )
  assert.deepEqual(
    (await stage.ask('archive search', { words: '合同' })).rows.map((one) => [one.id, one.settlement]),
    [[`${SHORT}-2`, 'bounced']],
  )
  assert.deepEqual(
    (await stage.ask('archive search', { room: 'team@rooms.corp.example' })).rows.map((one) => one.id),
    [`${SHORT}-5`],
  )
  assert.deepEqual((await stage.ask('archive show', { id: `${SHORT}-1` })).rows[0]?.followed_by, [
    { id: `${SHORT}-2`, kind: 'correction' },
  ])
  assert.deepEqual(
    (await stage.ask('archive gaps')).rows.map((one) => [one.kind, one.from, one.to]),
    [
      ['ended-without-mark', 9, 9],
      ['gap', 3, 4],
    ],
  )
  const stats = Object.fromEntries((await stage.ask('archive stats')).rows.map(({ what, value }) => [what, value]))
  assert.deepEqual([stats.records, stats.tries, stats.skewed, stats.undecided], [3, 3, 3, 1])
  assert.deepEqual(
    (await stage.ask('archive access')).rows
      .slice(again ? 4 : 3)
      .map((one) => [one.user, one.command, one.hits, one.denied]),
    [...(first ? [] : [['operator', 'archive show', null, true]]), ['olga', 'archive search', 1, false]],
  )
}

function fill(path: string, sql: string): void {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

/** All rows of all tables, without what is random. */
function dump(path: string): unknown {
  const db = new DatabaseSync(path, { readOnly: true })
  const tables = db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'words%' ORDER BY name")
    .all()
  const rows = tables.map(({ name }) => [
    name,
    db
      .prepare(`SELECT * FROM ${name}`)
      .all()
      .map(({ salt: _salt, seal: _seal, replacement_seal: _also, ...row }) => row),
  ])
  db.close()
  return rows
}

function schemaOf(make: (db: DatabaseSync) => void): unknown[] {
  const db = new DatabaseSync(':memory:')
  make(db)
  const rows = db.prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'words_%' ORDER BY name").all()
  db.close()
  return rows.map((row) => ({ ...row }))
}
