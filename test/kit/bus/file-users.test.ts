// SPDX-License-Identifier: Apache-2.0
// The engine `file` between system users: writer and follower share only the group of the folder.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { openJournal } from '../../../components/kit/bus/file-journal.ts'
import { listSegments } from '../../../components/kit/bus/segments.ts'
import { startChild } from './children.ts'
import type { Engine } from './engine.ts'
import { make } from './file-engine.ts'

const GROUP = 61_100
const WRITER = [61_101, GROUP] as const
const FOLLOWER = [61_102, GROUP] as const
const STRANGER = [61_103, 61_103] as const

const on = (title: string, body: (engine: Engine) => Promise<void>) =>
  void test(title, { timeout: 60_000 }, async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can act as other system users')
    const engine = await make()
    try {
      chmodSync(dirname(engine.where), 0o755)
      mkdirSync(engine.where)
      chownSync(engine.where, ...WRITER)
      chmodSync(engine.where, 0o2770)
      await body(engine)
    } finally {
      await engine.remove()
    }
  })

function checkFiles(folder: string): void {
  for (const name of readdirSync(folder)) {
    const found = statSync(join(folder, name), { throwIfNoEntry: false })
    // A mark that was being renamed.
    if (found === undefined && name.endsWith('.new')) continue
    assert.ok(found !== undefined, name)
    const { mode, gid, uid } = found
    assert.equal((mode & 0o777).toString(8), '660', name)
    assert.equal(gid, GROUP, name)
    assert.ok(uid === WRITER[0] || uid === FOLLOWER[0], name)
  }
}

on('a follower under another user reads while the writer is up, and after it was killed', async (engine) => {
  await using writer = startChild(engine, 'write', WRITER)
  await writer.heard((told) => (told.acknowledged ?? 0) >= 1000)
  await using follower = startChild(engine, 'follow', FOLLOWER)
  assert.equal((await follower.heard((told) => (told.position ?? 0) >= 3000)).uid, FOLLOWER[0])
  await writer.kill()
  await follower.heard((told) => (told.position ?? 0) >= writer.acknowledged)
  await using second = startChild(engine, 'follow', FOLLOWER)
  await second.heard((told) => (told.position ?? 0) >= writer.acknowledged)
  checkFiles(engine.where)
})

on(
  'a follower under another user reads what a writer that closed in good order left, and the writer comes back',
  async (engine) => {
    await using writer = startChild(engine, 'write', WRITER)
    await writer.heard((told) => (told.acknowledged ?? 0) >= 1000)
    await writer.stop()
    const newest = listSegments(engine.where).at(-1)?.path
    assert.equal(
      statSync(`${newest}-wal`, { throwIfNoEntry: false }),
      undefined,
      'a log is left although nobody was reading',
    )
    await using follower = startChild(engine, 'follow', FOLLOWER)
    await follower.heard((told) => (told.position ?? 0) >= writer.acknowledged)
    assert.equal(statSync(`${newest}-shm`).uid, FOLLOWER[0], 'the follower has made -shm itself')
    await using again = startChild(engine, 'write', WRITER)
    await again.heard((told) => (told.acknowledged ?? 0) >= writer.acknowledged + 3000)
    await follower.heard((told) => (told.position ?? 0) >= again.acknowledged)
    checkFiles(engine.where)
  },
)

on('who is not in the group reads nothing, and is told why', async (engine) => {
  await using writer = startChild(engine, 'write', WRITER)
  await writer.heard((told) => (told.acknowledged ?? 0) >= 100)
  await using stranger = startChild(engine, 'follow', STRANGER)
  await assert.rejects(
    stranger.heard((told) => told.ready === true),
    /JournalFault: .*EACCES.*must be in the group/,
  )
})

on('a writer that meets the journal of somebody else says whose it is, and what to do', async (engine) => {
  await using first = startChild(engine, 'write', WRITER)
  await first.heard((told) => (told.acknowledged ?? 0) >= 100)
  await first.stop()
  const newest = listSegments(engine.where).at(-1)?.path ?? ''
  const journal = new URL('../../../components/kit/bus/file-journal.ts', import.meta.url).href
  const program = `import(${JSON.stringify(journal)})
    .then(({ openJournal }) => openJournal(${JSON.stringify(engine.where)}, { maxBytes: 64 << 20 }))
    .then((open) => open[Symbol.asyncDispose]())
    .then(() => console.log('opened'), (fault) => console.log(fault.message))`
  const [uid, gid] = WRITER
  const open = () => spawnSync(process.execPath, ['-e', program], { uid, gid, encoding: 'utf8' }).stdout.trim()
  const told = (path: string) =>
    `${path} belongs to root, and this process runs as 61101: run it as root, or chown -R 61101 ${engine.where} (`
  chownSync(newest, 0, 0)
  assert.ok(open().startsWith(told(newest)), open())
  chownSync(newest, ...WRITER)
  chownSync(engine.where, 0, 0)
  assert.ok(open().startsWith(told(engine.where)), open())
  chownSync(engine.where, ...WRITER)
  assert.equal(open(), 'opened')
})

test('the files have their modes whatever the umask is', async () => {
  const engine = await make()
  const before = process.umask(0o077)
  try {
    await using journal = await openJournal(engine.where, { maxBytes: 64 << 20 })
    await journal.append([{ kind: 'n', version: 1, body: '1' }])
    await using follower = await engine.follow('reader')
    await follower.acknowledge(1)
    assert.equal((statSync(engine.where).mode & 0o7777).toString(8), '2770')
    const files = readdirSync(engine.where)
    assert.ok(files.some((name) => name.endsWith('-wal')) && files.some((name) => name.endsWith('-shm')))
    for (const name of files) assert.equal((statSync(join(engine.where, name)).mode & 0o777).toString(8), '660', name)
  } finally {
    process.umask(before)
    await engine.remove()
  }
})
