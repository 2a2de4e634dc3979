// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { StoreBusy, StoreFault, StoreFull, StoreVersion } from '../../../components/kit/store/faults.ts'
import { openStore, type Store, type StoreOptions } from '../../../components/kit/store/store.ts'
import { workerUrl } from '../../../components/kit/store/worker-url.ts'
import { smallDisk } from '../small-disk.ts'
import type { CrashOperations } from './crash-worker.ts'
import type { NotesOperations } from './notes-worker.ts'

const worker = new URL('./notes-worker.ts', import.meta.url)
const crashWorker = new URL('./crash-worker.ts', import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-store-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const open = (name: string, more: Partial<StoreOptions> = {}) =>
  openStore<NotesOperations>(worker, { path: join(folder, name), ...more })

async function texts(store: Store<NotesOperations>, batch = 10): Promise<string[]> {
  const rows: string[] = []
  for await (const some of store.stream('texts', null, { batch })) {
    assert.ok(some.length > 0 && some.length <= batch)
    rows.push(...some)
  }
  return rows
}

test('a write that resolved is seen by the next read, and stands there after reopening', async () => {
  {
    await using store = await open('plain.db')
    assert.equal(store.version, 1)
    assert.equal(await store.write('keep', { text: 'one' }), 1)
    assert.equal(await store.read('count', null), 1)
  }
  await using again = await open('plain.db')
  assert.equal(await again.read('count', null), 1)
})

test('a call that throws is undone alone, the others of its group are kept', async () => {
  await using store = await open('group.db')
  const results = await Promise.allSettled([
    store.write('keep', { text: 'a' }),
    store.write('keepThenFail', { text: 'b' }),
    store.write('bad', { text: null }),
    store.write('keep', { text: 'c' }),
  ])
  assert.deepEqual(
    results.map((result) => (result.status === 'rejected' ? result.reason.name : result.status)),
    ['fulfilled', 'StoreFault', 'StoreFault', 'fulfilled'],
  )
  const [, planted, constraint] = results
  assert.ok(planted?.status === 'rejected' && /keepThenFail: planted/.test(planted.reason.message))
  assert.ok(constraint?.status === 'rejected' && (constraint.reason.code & 0xff) === 19)
  assert.deepEqual(await texts(store), ['a', 'c'])
})

test('calls that wait at the same time share commits, and come back in order', async () => {
  await using store = await openStore<CrashOperations>(crashWorker, { path: join(folder, 'commits.db') })
  await Promise.all(Array.from({ length: 2000 }, (_, n) => store.write('keep', { text: String(n) })))
  const commits = await store.write('commits', null)
  assert.ok(commits >= 2 && commits < 500, `${commits} commits for 2000 calls`)
  assert.equal(await store.read('count', null), 2000)
})

test('rows come in bounded batches, in order, and only as they are asked for', async () => {
  await using store = await open('stream.db')
  const wanted = Array.from({ length: 95 }, (_, n) => `note ${n}`)
  await Promise.all(wanted.map((text) => store.write('keep', { text })))
  assert.deepEqual(await texts(store, 10), wanted)
  for await (const batch of store.stream('texts', null, { batch: 10 })) {
    assert.equal(batch.length, 10)
    break
  }
  await assert.rejects(async () => {
    for await (const batch of store.stream('broken', null, { batch: 1 })) assert.deepEqual(batch, [1])
  }, /broken: planted/)
  // Were a query of a stopped or broken stream still open, the log could not begin anew at closing and would be left.
  await store.close()
  assert.ok(!existsSync(join(folder, 'stream.db-wal')))
})

test('a long read delays no write', async () => {
  await using store = await open('slow.db')
  const order: string[] = []
  const slow = store.read('slowly', { upTo: 3_000_000 }).then(() => order.push('read'))
  await store.write('keep', { text: 'quick' })
  order.push('written')
  await slow
  assert.deepEqual(order, ['written', 'read'])
})

test('a read cannot write', async () => {
  await using store = await open('reader.db')
  await assert.rejects(store.read('keepAnyway', { text: 'x' }), /readonly/)
  assert.equal(await store.read('count', null), 0)
})

test('an operation that does not exist is refused by name', async () => {
  await using store = await open('names.db')
  await assert.rejects(store.write('nothing' as 'keep', { text: '' }), /nothing: no such write/)
  await assert.rejects(store.read('nothing' as 'count', null), /nothing: no such read/)
  const rows = store.stream('nothing' as 'texts', null, { batch: 1 })[Symbol.asyncIterator]()
  await assert.rejects(Promise.resolve(rows.next()), /nothing: no such stream/)
})

test('more calls than the bound are refused with StoreBusy, and the others are done', async () => {
  await using store = await open('busy.db', { maxWaiting: 50 })
  const results = await Promise.allSettled(
    Array.from({ length: 80 }, (_, n) => store.write('keep', { text: String(n) })),
  )
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 50)
  for (const result of results.slice(50)) assert.ok(result.status === 'rejected' && result.reason instanceof StoreBusy)
  await store.write('keep', { text: 'later' })
  assert.equal(await store.read('count', null), 51)
})

test('closing finishes what is queued, and refuses what comes after', async () => {
  const store = await open('close.db')
  const queued = Array.from({ length: 300 }, (_, n) => store.write('keep', { text: String(n) }))
  const closed = store.close()
  await assert.rejects(store.write('keep', { text: 'late' }), StoreFault)
  await Promise.all(queued)
  await closed
  await assert.rejects(store.read('count', null), StoreFault)
  assert.ok(!existsSync(join(folder, 'close.db-wal')))
  await using again = await open('close.db')
  assert.equal(await again.read('count', null), 300)
})

test('a backup is whole while writes go on, and never overwrites', async () => {
  await using store = await open('live.db')
  for (let round = 0; round < 20; round++) {
    await Promise.all(Array.from({ length: 100 }, () => store.write('keep', { text: 'x'.repeat(1000) })))
  }
  const target = join(folder, 'copy.db')
  let copied = false
  const copy = store.backup(target).then(() => {
    copied = true
  })
  let written = 2000
  const modes = new Set<number>()
  while (!copied) {
    await store.write('keep', { text: 'meanwhile' })
    written++
    for (const end of ['', '.unfinished', '.unfinished-journal']) {
      const seen = statSync(target + end, { throwIfNoEntry: false })
      if (seen) modes.add(seen.mode & 0o777)
    }
  }
  await copy
  assert.deepEqual([...modes, statSync(target).mode & 0o777], [0o600, 0o600], 'nobody else reads it at any time')
  assert.equal(await store.read('count', null), written)
  const db = new DatabaseSync(target, { readOnly: true })
  assert.equal(db.prepare('PRAGMA integrity_check').get()?.integrity_check, 'ok')
  const kept = Number(db.prepare('SELECT count(*) AS n FROM notes').get()?.n)
  db.close()
  assert.ok(kept >= 2000 && kept <= written)
  await assert.rejects(store.backup(target), /exists already/)
  await assert.rejects(store.backup(join(folder, 'no-folder', 'copy.db')), StoreFault)
  await using opened = await open('copy.db')
  assert.equal(await opened.read('count', null), kept)
})

test('a file of a newer program is refused, and left as it is', async () => {
  await (await open('newer.db')).close()
  const path = join(folder, 'newer.db')
  const db = new DatabaseSync(path)
  db.exec('PRAGMA user_version = 2')
  db.close()
  const before = readFileSync(path)
  await assert.rejects(open('newer.db'), (error: unknown) => {
    return (
      error instanceof StoreVersion &&
      /newer\.db has version 2, and this program knows versions up to 1/.test(error.message)
    )
  })
  assert.deepEqual(readFileSync(path), before)
})

test("another program's file, a file that is no database and a folder that is missing are refused", async () => {
  const foreign = new DatabaseSync(join(folder, 'foreign.db'))
  foreign.exec('CREATE TABLE other (x)')
  foreign.close()
  await assert.rejects(open('foreign.db'), /another program's file/)
  writeFileSync(join(folder, 'text.db'), 'this is not a database, and long enough to be read as one'.repeat(100))
  await assert.rejects(
    open('text.db'),
    (error: unknown) => error instanceof StoreFault && /text\.db/.test(error.message),
  )
  await assert.rejects(open('missing/notes.db'), StoreFault)
})

test('secure_delete leaves no trace of what was removed', async () => {
  const secret = 'a-word-that-must-go'
  for (const secureDelete of [true, false]) {
    const path = join(folder, `secure-${secureDelete}.db`)
    const store = await open(`secure-${secureDelete}.db`, { secureDelete })
    await store.write('keep', { text: secret })
    await store.write('keep', { text: 'stays' })
    await store.write('remove', { text: secret })
    await store.close()
    const found = readFileSync(path).includes(secret)
    assert.equal(found, !secureDelete)
  }
})

test('a full disk is StoreFull, nothing is half kept, and writing works again once there is space', {
  timeout: 60_000,
}, async (t) => {
  const disk = smallDisk(8)
  if (typeof disk === 'string') return t.skip(disk)
  try {
    const other = join(disk.folder, 'other')
    writeFileSync(other, Buffer.alloc(4 << 20))
    await using store = await openStore<NotesOperations>(worker, { path: join(disk.folder, 'notes.db') })
    let kept = 0
    await assert.rejects(async () => {
      for (;;) {
        await store.write('keep', { text: 'x'.repeat(10_000) })
        kept++
      }
    }, StoreFull)
    assert.ok(kept > 50)
    assert.equal(await store.read('count', null), kept)
    rmSync(other)
    await store.write('keep', { text: 'again' })
    assert.equal(await store.read('count', null), kept + 1)
  } finally {
    disk.remove()
  }
})

test('kill -9 in the middle of writes: what resolved is there', { timeout: 60_000 }, async () => {
  const path = join(folder, 'killed.db')
  let kept = 0
  for (let round = 1; round <= 3; round++) {
    const child = fork(new URL('./store-child.ts', import.meta.url), [path])
    const exited = once(child, 'exit')
    await new Promise<void>((resolve) => {
      const until = kept + 500
      child.on('message', () => {
        kept++
        if (kept === until) resolve()
      })
    })
    child.kill('SIGKILL')
    await exited
    const copy = join(folder, `killed-${round}.db`)
    for (const end of ['', '-wal']) copyFileSync(path + end, copy + end)
    await using store = await openStore<CrashOperations>(crashWorker, { path: copy })
    const found = await store.read('count', null)
    assert.ok(found >= kept, `${kept} were kept, ${found} are there`)
  }
})

for (const [point, rows] of [
  ['before-commit', 0],
  ['after-commit', 1],
] as const) {
  test(`a crash ${point} keeps ${rows === 0 ? 'nothing' : 'all'} of the group`, { timeout: 60_000 }, async () => {
    const path = join(folder, `${point}.db`)
    const child = fork(new URL('./store-child.ts', import.meta.url), [path], {
      env: { ...process.env, CRASH_AT: point },
    })
    let told = 0
    child.on('message', () => told++)
    const [, signal] = await once(child, 'exit')
    assert.equal(signal, 'SIGKILL')
    assert.equal(told, 0, 'nothing was acknowledged')
    await using store = await openStore<CrashOperations>(crashWorker, { path })
    const found = await store.read('count', null)
    assert.equal(found > 0, rows === 1, `${found} rows`)
  })
}

test("a worker's module has the extension of the kit itself", () => {
  assert.equal(workerUrl(new URL('file:///x/archive-worker.ts')).href, 'file:///x/archive-worker.ts')
  assert.equal(workerUrl(new URL('file:///x/archive-worker.js')).href, 'file:///x/archive-worker.ts')
})
