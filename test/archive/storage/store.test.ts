// SPDX-License-Identifier: Apache-2.0
// The archive's store by itself: full disks, long searches beside commits, the schema as it was released.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openArchiveStore } from '../../../components/archive/storage/archive-store.ts'
import { findings } from '../../../components/archive/storage/report.ts'
import { migrations } from '../../../components/archive/storage/schema.ts'
import { ask, chat, done, SOURCE } from '../facts.ts'
import { openStage } from '../stage.ts'

const SHORT = SOURCE.slice(0, 8)
const WORKER = new URL('../mains/crash-worker.ts', import.meta.url)

test('the disk of the store is full: a clear line in the log, nothing lost, and it goes on when there is space', async () => {
  await using stage = await openStage({ worker: WORKER, yaml: 'follow: { batch: 20 }\n' })
  await stage.write(...Array.from({ length: 20 }, (_, i) => ask({ n: i + 1, stanza: chat(`space ${i + 1}`) })))
  assert.equal((await stage.ask('archive search', { words: 'space' })).rows.length, 20)
  await stage.stop()
  const size = new DatabaseSync(stage.store)
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
    const reading = store
      .read('search', { words: 'slow', person: '', peer: '', since: null, until: null, limit: 1, hosts: null })
      .then(() => order.push('search'))
    for (let to = 1; to <= 20; to++) {
      await store.write('keep', {
        journal: 'j',
        after: to - 1,
        to,
        keptAt: to,
        items: [],
        careful: false,
        sources: [],
      })
    }
    order.push('20 commits')
    // The search waits in its thread until it sees the last commit: it could not end if it held up the writer.
    await reading
    assert.deepEqual(order, ['20 commits', 'search'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

const GOLDEN = [1, 2, 3, 4].map((version) => new URL(`../../golden/archive-${version}.sql`, import.meta.url))

for (const [index, golden] of GOLDEN.entries()) {
  test(`a store of version ${index + 1}, as it was released, is opened and read`, async () => {
    await using stage = await openStage()
    await stage.stop()
    rmSync(stage.store)
    const db = new DatabaseSync(stage.store)
    db.exec(readFileSync(golden, 'utf8'))
    db.close()
    await stage.start()
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
      (await stage.ask('archive gaps')).rows.map((one) => [one.kind, one.from, one.to]),
      [
        ['ended-without-mark', 9, 9],
        ['gap', 3, 4],
      ],
    )
    assert.deepEqual(
      (await stage.ask('archive access')).rows.slice(2).map((one) => [one.user, one.command, one.hits, one.denied]),
      [...(index === 0 ? [] : [['operator', 'archive show', null, true]]), ['olga', 'archive search', 1, false]],
    )
  })
}

test('the newest golden file is what this program makes', () => {
  assert.equal(migrations.length, GOLDEN.length, 'a new version gets a golden file of its own')
  const fresh = schemaOf((db) => {
    for (const step of migrations) db.exec(step)
  })
  const golden = schemaOf((db) => db.exec(readFileSync(GOLDEN.at(-1) as URL, 'utf8')))
  assert.deepEqual(fresh, golden)
})

test('what is deleted with secure-delete on is gone from the index, although it was inserted while it was off', () => {
  const db = new DatabaseSync(':memory:')
  for (const step of migrations) db.exec(step)
  const traces = () => {
    const blocks = db.prepare('SELECT block FROM words_data').all()
    return blocks.some(({ block }) => Buffer.from(block as Uint8Array).includes('nightingale'))
  }
  db.exec("INSERT INTO words (rowid, text, people) VALUES (1, 'the nightingale', 'p1'), (2, 'the lark', 'p1')")
  assert.ok(traces())
  db.exec(`BEGIN; INSERT INTO words (words, rank) VALUES ('secure-delete', 1); DELETE FROM words WHERE rowid = 1; COMMIT;
    INSERT INTO words (words, rank) VALUES ('secure-delete', 0)`)
  assert.ok(!traces())
  assert.equal(db.prepare("SELECT count(*) AS n FROM words WHERE words MATCH 'the'").get()?.n, 1)
  db.close()
})

test('a lost entry that version 3 took for one of a source is one of its journal', () => {
  const db = new DatabaseSync(':memory:')
  db.exec(readFileSync(GOLDEN[2] as URL, 'utf8'))
  const id = String(db.prepare('SELECT id FROM journal WHERE number = 1').get()?.id)
  db.exec(`INSERT INTO source (number, id, short) VALUES (7, '${id}', '${id.slice(0, 8)}'), (8, '${'d'.repeat(32)}', 'dddddddd');
    INSERT INTO finding (kind, source, low, high, count, found_at) VALUES ('journal-gap', 7, 3, 4, 2, 1), ('journal-gap', 8, 5, 5, 1, 2)`)
  db.exec(migrations[3] ?? '')
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

function schemaOf(make: (db: DatabaseSync) => void): unknown[] {
  const db = new DatabaseSync(':memory:')
  make(db)
  const rows = db.prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'words_%' ORDER BY name").all()
  db.close()
  return rows.map((row) => ({ ...row }))
}
