// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { StoreFault } from '../../../components/kit/store/faults.ts'
import { openStore } from '../../../components/kit/store/store.ts'
import type { NotesOperations } from './notes-worker.ts'

const worker = new URL('./notes-worker.ts', import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-store-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const open = (name: string, more: { maxWaiting?: number; secureDelete?: boolean; readers?: number } = {}) =>
  openStore<NotesOperations>(worker, { path: join(folder, name), ...more })

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
  const calls = [
    store.write('keep', { text: 'a' }),
    store.write('keepThenFail', { text: 'b' }),
    store.write('keep', { text: 'c' }),
  ]
  const results = await Promise.allSettled(calls)
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.ok(results[1]?.status === 'rejected' && results[1].reason instanceof StoreFault)
  const rows: string[] = []
  for await (const batch of store.stream('texts', null, { batch: 10 })) rows.push(...batch)
  assert.deepEqual(rows, ['a', 'c'])
})
