// SPDX-License-Identifier: Apache-2.0
// What was shown is in the history, whatever becomes of the process a moment later; and what comes faster than it is kept waits.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type HistoryOptions, openHistory } from '../../../components/kit/transport/history/history.ts'
import { room, stand } from './stand.ts'

const TEA = 'a.example #tea'

function storeIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-ahead-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'rooms.db')
}

const open = (path: string, more: Partial<HistoryOptions> = {}) =>
  openHistory({
    path,
    keepMs: Number.MAX_SAFE_INTEGER,
    mostPerRoom: 100_000,
    now: Date.now,
    failed: (_, error) => assert.fail(String(error)),
    ...more,
  })

/** Keeps so many more, and ends by SIGKILL before the store has committed them. */
function killed(path: string, count: number): void {
  const { signal, stderr } = spawnSync(process.execPath, [
    join(import.meta.dirname, 'shows/main.ts'),
    path,
    String(count),
  ])
  assert.equal(signal, 'SIGKILL', String(stderr))
}

const message = (n: number) => ({
  id: `id${n}`,
  at: n,
  nick: 'otto',
  owner: null,
  mid: `id${n}`,
  body: `n${n}`,
  payload: 'x'.repeat(300),
  foreign: [],
})

test('kill -9 right after something was shown: messages and seats are there, each once and in order, twice over', async (t) => {
  const path = storeIn(t)
  killed(path, 3)
  killed(path, 2)
  await using history = await open(path)
  assert.deepEqual(
    (await history.recent(TEA, 10)).map(({ body }) => body),
    ['n0', 'n1', 'n2', 'n3', 'n4'],
  )
  assert.deepEqual(
    (await history.seats()).map(({ owner, nick }) => [owner, nick]),
    [['anna@corp.example', 'anna']],
  )
})

test('a power cut may take the end of it: the rest is there, and it is told', async (t) => {
  const path = storeIn(t)
  killed(path, 3)
  const lines = readFileSync(`${path}-ahead-0`, 'utf8').split('\n')
  writeFileSync(`${path}-ahead-0`, [...lines.slice(0, 3), `\0\0\0${lines[3]}`, lines[4], ''].join('\n'))
  const torn: number[] = []
  await using history = await open(path, { torn: (pieces) => torn.push(pieces) })
  assert.deepEqual(
    (await history.recent(TEA, 10)).map(({ body }) => body),
    ['n0', 'n1'],
  )
  assert.deepEqual(torn, [2])
})

test('what a newer program wrote ahead is not thrown away', async (t) => {
  const path = storeIn(t)
  await (await open(path)).close()
  writeFileSync(`${path}-ahead-1`, '{"ahead":2,"first":1}\n{"note":"new"}\n')
  await assert.rejects(open(path), /has version 2, and this program knows 1: use the newer program/)
  assert.match(readFileSync(`${path}-ahead-1`, 'utf8'), /new/)
})

test('what was kept and is over its bound does not come back by what was written ahead', async (t) => {
  const path = storeIn(t)
  killed(path, 30)
  {
    await using history = await open(path, { mostPerRoom: 10 })
    assert.equal((await history.recent(TEA, 100)).length, 10)
    history.keep(TEA, message(30))
    await history.recent(TEA, 1)
  }
  await using again = await open(path, { mostPerRoom: 10 })
  assert.deepEqual(
    (await again.recent(TEA, 100)).map(({ body }) => body),
    Array.from({ length: 10 }, (_, n) => `n${n + 21}`),
  )
})

test('what is written ahead takes a bounded place, also while it never stops', async (t) => {
  const path = storeIn(t)
  await using history = await open(path)
  let largest = 0
  for (let n = 0; n < 40_000; n++) {
    history.keep(TEA, message(n))
    if (n % 500 !== 499) continue
    history.ahead()
    const sizes = ['0', '1'].map((part) => statSync(`${path}-ahead-${part}`).size)
    largest = Math.max(largest, ...sizes)
    // A commit that takes its time, and never all of what there is.
    if (n % 2000 === 1999) await history.byId(TEA, `id${n - 500}`)
  }
  assert.ok(largest < 3 * 1024 * 1024, `${largest} bytes`)
  assert.equal((await history.find({ room: TEA, max: 1, page: { from: 'start' } })).missing, undefined)
})

test('a flood: reading stops while too much waits to be kept, goes on afterwards, and every message is in the history', async () => {
  await using at = await stand({ settings: { history: { mostPerRoom: 100_000 } } })
  at.net.comes('#tea', 'otto')
  await at.enter('anna@corp.example/desk', '#tea', 'anna')
  const all = 25_000
  const released = Promise.withResolvers<void>()
  for (let n = 0; n < all; n++) {
    at.net.says('#tea', 'otto', `n${n}`)
    if (n % 500 === 499) await new Promise((resolve) => process.nextTick(resolve))
  }
  assert.ok(at.net.holds.times > 0)
  const look = () => {
    if (at.net.holds.now === 0) released.resolve()
    else setTimeout(look, 5)
  }
  look()
  await released.promise
  const metadata = await at.ask(
    'anna@corp.example/desk',
    room('#tea'),
    'set',
    `<query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>1</max></set></query>`,
  )
  assert.match(String(metadata), new RegExp(`<count>${all}</count>`))
  assert.equal(at.transport.counts.unkept, 0)
  assert.equal(at.transport.counts.heldBack, at.net.holds.times)
})

test('what is still to be kept when the history is closed is told, and goes into no file that has the place of its own now', async (t) => {
  const path = storeIn(t)
  const failed: string[] = []
  const history = await open(path, { failed: (what, error) => failed.push(`${what} ${String(error)}`) })
  history.keep(TEA, message(1))
  history.ahead()
  await history.close()
  const others = Array.from({ length: 64 }, (_, n) => openSync(`${path}-other-${n}`, 'w'))
  history.keep(TEA, message(2))
  history.ahead()
  assert.deepEqual(
    others.map((fd) => fstatSync(fd).size),
    others.map(() => 0),
  )
  for (const fd of others) closeSync(fd)
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.match(failed.join(), /^message /)
})
