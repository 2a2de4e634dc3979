// SPDX-License-Identifier: Apache-2.0
// The store of each version is opened by this program, and says what it said.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { openHistory } from '../../../components/kit/transport/history/history.ts'
import { MIGRATIONS } from '../../../components/kit/transport/history/operations.ts'

const TEA = 'a.example #tea'

test('the store of version 1: who was where, what was said, by every id', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-transport-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'rooms.db')
  const db = new DatabaseSync(path)
  db.exec(readFileSync(new URL('../../golden/transport-1.sql', import.meta.url), 'utf8'))
  db.close()
  const faults: unknown[] = []
  await using history = await openHistory({
    path,
    keepMs: 30 * 86_400_000,
    mostPerRoom: 100,
    now: () => 1_766_000_002_000,
    failed: (_, error) => faults.push(error),
  })
  assert.deepEqual(await history.seats(), [
    {
      owner: 'anna@corp.example',
      network: 'a.example',
      key: TEA,
      room: '#Tea',
      nick: 'anna',
      password: 'sealed',
      clients: [['anna@corp.example/desk', '#tea%a.example@net.corp.example']],
    },
    {
      owner: 'bert@corp.example',
      network: 'a.example',
      key: TEA,
      room: '#Tea',
      nick: 'bert',
      password: null,
      clients: [],
    },
  ])
  const [first, second] = await history.recent(TEA, 10)
  assert.deepEqual(first, {
    n: 1,
    id: 'QAEC-first',
    at: 1_766_000_000_000,
    nick: 'otto',
    owner: null,
    mid: 'QAEC-first',
    body: 'Hello & welcome',
    payload: '<body>Hello &amp; welcome</body>',
    foreign: ['net-1'],
  })
  assert.deepEqual(await history.byForeign(TEA, 'net-2b'), second)
  assert.deepEqual(await history.byMid(TEA, 'anna@corp.example', 'm-1'), second)
  assert.deepEqual(await history.byId(TEA, 'QAEC-second'), second)
  // What is new is kept beside it; what came twice is there once.
  const message = { ...(second as NonNullable<typeof second>), id: 'new', mid: 'm-2', foreign: [] }
  history.keep(TEA, message)
  history.keep(TEA, message)
  history.link(TEA, 'new', ['net-3'])
  assert.equal((await history.byForeign(TEA, 'net-3'))?.mid, 'm-2')
  // What is told later holds, also where it was another's before.
  history.link(TEA, 'new', ['net-2b', 'net-4'])
  assert.equal(await history.byForeign(TEA, 'net-3'), null)
  assert.deepEqual((await history.byForeign(TEA, 'net-2b'))?.foreign, ['net-2b', 'net-4'])
  assert.equal((await history.recent(TEA, 10)).length, 3)
  history.dropSeat({ owner: 'bert@corp.example', network: 'a.example', key: TEA })
  assert.equal((await history.seats()).length, 1)
  assert.deepEqual(faults, [])
})

test('version 2, and beside it what was written ahead and did not get into it: in order, and nothing twice', (t) =>
  opensWithAhead(t, 'transport-2.sql'))

test('version 3 likewise', (t) => {
  assert.equal(MIGRATIONS.length, 3, 'a new version gets a golden file of its own')
  return opensWithAhead(t, 'transport-3.sql')
})

async function opensWithAhead(t: TestContext, file: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-transport-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'rooms.db')
  const db = new DatabaseSync(path)
  db.exec(readFileSync(new URL(`../../golden/${file}`, import.meta.url), 'utf8'))
  db.close()
  const golden = readFileSync(new URL('../../golden/transport-ahead-1.jsonl', import.meta.url), 'utf8').split('\n')
  // The two files take turns: the older half is in the second one here.
  writeFileSync(`${path}-ahead-1`, golden.slice(0, 5).join('\n').concat('\n'))
  writeFileSync(`${path}-ahead-0`, `{"ahead":1,"first":10}\n${golden.slice(5).join('\n')}{"note":"keep","room":"a.exa`)
  const faults: unknown[] = []
  await using history = await openHistory({
    path,
    keepMs: 30 * 86_400_000,
    mostPerRoom: 100,
    now: () => 1_766_000_002_000,
    failed: (_, error) => faults.push(error),
  })
  assert.deepEqual(
    (await history.recent(TEA, 10)).map(({ id, body, foreign }) => [id, body, foreign]),
    [
      ['QAEC-first', '', ['net-1']],
      ['QAEC-second', 'Thanks', ['net-2a', 'net-2b']],
      ['QAEC-third', 'Third', ['net-3']],
    ],
  )
  assert.deepEqual(
    (await history.seats()).map(({ owner }) => owner),
    ['anna@corp.example', 'carl@corp.example'],
  )
  assert.equal((await history.byMid(TEA, 'anna@corp.example', 'm-1'))?.id, 'QAEC-second')
  assert.equal((await history.byForeign(TEA, 'net-2b'))?.id, 'QAEC-second')
  assert.deepEqual(faults, [])
}

test('what is older than its term goes at the start, and what is too much for one room', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-transport-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'rooms.db')
  let now = 1000
  const open = (mostPerRoom: number) =>
    openHistory({ path, keepMs: 5000, mostPerRoom, now: () => now, failed: (_, error) => assert.fail(String(error)) })
  const message = (n: number) => ({
    id: `id${n}`,
    at: n * 1000,
    nick: 'otto',
    owner: null,
    mid: `id${n}`,
    body: `n${n}`,
    payload: `<body>n${n}</body>`,
    foreign: [`f${n}`],
  })
  {
    await using history = await open(100)
    for (let n = 1; n <= 10; n++) history.keep(TEA, message(n))
    assert.equal((await history.recent(TEA, 100)).length, 10)
  }
  now = 10_000
  {
    await using history = await open(100)
    assert.deepEqual(
      (await history.recent(TEA, 100)).map(({ body }) => body),
      ['n5', 'n6', 'n7', 'n8', 'n9', 'n10'],
    )
    assert.equal(await history.byForeign(TEA, 'f1'), null)
  }
  await using history = await open(2)
  assert.deepEqual(
    (await history.recent(TEA, 100)).map(({ body }) => body),
    ['n9', 'n10'],
  )
})
