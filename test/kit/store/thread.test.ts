// SPDX-License-Identifier: Apache-2.0
// Several stores and a journal on one thread.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { openJournal } from '../../../components/kit/bus/file-journal.ts'
import { StoreFault, StoreVersion } from '../../../components/kit/store/faults.ts'
import { openStore } from '../../../components/kit/store/store.ts'
import { openThread, type Thread } from '../../../components/kit/store/thread.ts'
import type { NotesOperations } from './notes-worker.ts'

const worker = new URL('./notes-worker.ts', import.meta.url)
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-thread-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** Names of the threads of this process that were started by one. */
const threads = () =>
  readdirSync('/proc/self/task')
    .map((task) => readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim())
    .filter((name) => ['of a test', 'store writer', 'store reader', 'journal writer'].includes(name))
const open = (name: string, thread: Thread) =>
  openStore<NotesOperations>(worker, { path: join(folder, name), readers: 0, thread })

test('two files of one module and a journal share a thread, each with its own answers', async () => {
  await using thread = openThread('of a test')
  await using one = await open('one.db', thread)
  await using other = await open('other.db', thread)
  await using journal = await openJournal(join(folder, 'journal'), { maxBytes: 4 << 20, thread })
  const kept = await Promise.all([
    one.write('keep', { text: 'a' }),
    other.write('keep', { text: 'b' }),
    one.write('keep', { text: 'c' }),
    journal.append([{ kind: 'k', version: 1, body: '{}' }]),
  ])
  assert.deepEqual(kept, [1, 1, 2, { first: 1, last: 1 }])
  assert.deepEqual(threads(), ['of a test'])
  await one.close()
  await assert.rejects(one.write('keep', { text: 'd' }), StoreFault)
  assert.equal(await other.write('keep', { text: 'e' }), 2)
})

test('what was kept stands there when the thread has ended, and one that cannot be opened harms nobody', async () => {
  await (await openStore<NotesOperations>(worker, { path: join(folder, 'newer.db'), readers: 0 })).close()
  const newer = new DatabaseSync(join(folder, 'newer.db'))
  newer.exec('PRAGMA user_version = 1000')
  newer.close()
  {
    await using thread = openThread('of a test')
    await using good = await open('good.db', thread)
    await assert.rejects(open('newer.db', thread), StoreVersion)
    assert.equal(await good.write('keep', { text: 'kept' }), 1)
  }
  await using alone = await openStore<NotesOperations>(worker, { path: join(folder, 'good.db') })
  assert.equal(await alone.read('count', null), 1)
})
