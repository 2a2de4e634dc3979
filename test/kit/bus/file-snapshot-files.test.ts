// SPDX-License-Identifier: Apache-2.0
// The snapshot's engine `file`: system users, modes, damage, a full disk, and test/golden/snapshot-1, a snapshot as version 1 left it, closed
// in good order: the lines of test/golden/people-1.jsonl at version 1, then `person/gone` come and gone again.
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openSnapshotWriter } from '../../../components/kit/bus/file-snapshot.ts'
import { openSnapshotReader } from '../../../components/kit/bus/file-snapshot-reader.ts'
import { SnapshotFault, SnapshotFull } from '../../../components/kit/bus/snapshot.ts'
import { readItem } from '../../../components/kit/facts/people.ts'
import { smallDisk } from '../small-disk.ts'
import { startSnapshotChild } from './children.ts'
import { makeSnapshot } from './file-snapshot-engine.ts'
import { item, nextOf, versionsOf } from './snapshot-body.ts'
import type { SnapshotEngine } from './snapshot-engine.ts'

const GROUP = 61_110
const WRITER = [61_111, GROUP] as const
const READER = [61_112, GROUP] as const
const STRANGER = [61_113, 61_113] as const
const golden = fileURLToPath(new URL('../../golden', import.meta.url))

const on = (title: string, body: (engine: SnapshotEngine) => Promise<void>) =>
  void test(`snapshot, file: ${title}`, { timeout: 60_000 }, async (t) => {
    if (process.getuid?.() !== 0) return t.skip('only root can act as other system users')
    const engine = await makeSnapshot()
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

function checkFiles(folder: string, users: readonly number[]): void {
  const names = readdirSync(folder)
  assert.ok(names.includes('snapshot.db') && names.includes('bell'))
  for (const name of names) {
    const { mode, gid, uid } = statSync(join(folder, name))
    assert.deepEqual([(mode & 0o777).toString(8), gid, users.includes(uid)], ['660', GROUP, true], name)
  }
}

on('a reader under another user reads beside the writer, after it was killed, and after it closed', async (engine) => {
  await using writer = startSnapshotChild(engine, 'write', WRITER)
  await writer.heard((told) => (told.acknowledged ?? 0) >= 1)
  {
    await using reader = startSnapshotChild(engine, 'read', READER)
    assert.equal((await reader.heard((told) => (told.position ?? 0) >= 2)).uid, READER[0])
    checkFiles(engine.where, [WRITER[0], READER[0]])
    await writer.kill()
    await reader.heard((told) => (told.position ?? 0) >= writer.acknowledged)
  }
  await using again = startSnapshotChild(engine, 'write', WRITER)
  await again.heard((told) => (told.acknowledged ?? 0) > writer.acknowledged)
  await again.stop()
  assert.equal(statSync(join(engine.where, 'snapshot.db-wal'), { throwIfNoEntry: false }), undefined)
  await using late = startSnapshotChild(engine, 'read', READER)
  await late.heard((told) => (told.position ?? 0) >= again.acknowledged)
  assert.equal(statSync(join(engine.where, 'snapshot.db-shm')).uid, READER[0], 'the reader has made -shm itself')
  await using third = startSnapshotChild(engine, 'write', WRITER)
  await third.heard((told) => (told.acknowledged ?? 0) > again.acknowledged)
  await late.heard((told) => (told.position ?? 0) > again.acknowledged)
  checkFiles(engine.where, [WRITER[0], READER[0]])
})

on('who is not in the group reads nothing, and is told why', async (engine) => {
  await using writer = startSnapshotChild(engine, 'write', WRITER)
  await writer.heard((told) => (told.acknowledged ?? 0) >= 1)
  await using stranger = startSnapshotChild(engine, 'read', STRANGER)
  await assert.rejects(
    stranger.heard((told) => told.position !== undefined),
    /SnapshotFault: .*EACCES.*must be in the group/,
  )
})

test('snapshot, file: the files have their modes whatever the umask is', async () => {
  const engine = await makeSnapshot()
  const before = process.umask(0o077)
  try {
    await using writer = await engine.write()
    await writer.replace([item('k', 'a')])
    assert.equal((statSync(engine.where).mode & 0o7777).toString(8), '2770')
    const files = readdirSync(engine.where)
    assert.ok(files.some((name) => name.endsWith('-wal')) && files.some((name) => name.endsWith('-shm')))
    for (const name of files) assert.equal((statSync(join(engine.where, name)).mode & 0o777).toString(8), '660', name)
  } finally {
    process.umask(before)
    await engine.remove()
  }
})

test('snapshot, file: what is damaged, foreign or newer is named; another one under the name is read as the whole', async () => {
  const engine = await makeSnapshot()
  const path = join(engine.where, 'snapshot.db')
  const change = (sql: string) => {
    const db = new DatabaseSync(path)
    db.exec(sql)
    db.close()
  }
  const close = async () => (await engine.write())[Symbol.asyncDispose]()
  try {
    await close()
    await using reader = engine.read()
    change('PRAGMA user_version = 2')
    await assert.rejects(reader.state(), /snapshot.db has format 2, .*use the newer program/)
    await assert.rejects(engine.write(), /version 2.*use the newer program/)
    change('PRAGMA user_version = 1; PRAGMA application_id = 7')
    await assert.rejects(reader.state(), /snapshot.db is not a snapshot/)
    await assert.rejects(engine.write(), SnapshotFault)
    writeFileSync(path, 'no database at all '.repeat(1000))
    await assert.rejects(reader.state(), /snapshot.db cannot be read: file is not a database/)
    rmSync(path)
    const versions = versionsOf(reader, null)
    {
      await using writer = await engine.write()
      await writer.replace([item('k', 'a')])
    }
    const first = (await versions.next()).value
    renameSync(engine.where, `${engine.where}-away`)
    await using writer = await engine.write()
    await writer.replace([item('l', 'b')])
    const second = (await versions.next()).value
    assert.ok(first && second)
    assert.deepEqual([second.whole, second.mark.seq, [...second.items.keys()]], [true, 1, ['l']])
    assert.notEqual(second.mark.id, first.mark.id)
    await versions.return()
  } finally {
    await engine.remove()
  }
})

test('snapshot, file: a full disk is told, the last version stays, and is read', { timeout: 60_000 }, async (t) => {
  const disk = smallDisk(4)
  if (typeof disk === 'string') return t.skip(disk)
  try {
    const folder = join(disk.folder, 'snapshot')
    const items = (count: number, body: string) =>
      Array.from({ length: count }, (_, n) => item(`k${n}`, body.padEnd(1000)))
    await using writer = await openSnapshotWriter(folder)
    await writer.replace(items(500, 'a'))
    await assert.rejects(writer.replace(items(8000, 'b')), SnapshotFull)
    await using reader = openSnapshotReader(folder)
    const held = await nextOf(reader)
    const bodies = new Set([...held.items.values()].map((body) => body.trim()))
    assert.deepEqual([held.mark.seq, held.items.size, bodies], [1, 500, new Set(['a'])])
    assert.deepEqual(await writer.replace(items(10, 'd')), { seq: 2 })
    assert.throws(() => writeFileSync(join(disk.folder, 'other'), Buffer.alloc(8 << 20)), /ENOSPC/)
    await assert.rejects(openSnapshotWriter(join(disk.folder, 'second')), SnapshotFull)
  } finally {
    disk.remove()
  }
})

test('the golden snapshot of version 1 is read, and written on', async () => {
  const engine = await makeSnapshot()
  try {
    cpSync(join(golden, 'snapshot-1'), engine.where, { recursive: true })
    const lines = readFileSync(join(golden, 'people-1.jsonl'), 'utf8').trimEnd().split('\n')
    await using reader = engine.read()
    const held = await nextOf(reader)
    assert.deepEqual(held.mark, { id: '5eed5eed5eed5eed5eed5eed5eed5eed', seq: 3 })
    assert.deepEqual([...held.items.values()].sort(), lines.toSorted())
    for (const [key, body] of held.items) {
      const { kind } = JSON.parse(body)
      assert.equal(readItem({ key, kind, version: 1, body }).kind, kind)
    }
    const since = { ...held, mark: { ...held.mark, seq: 2 } }
    assert.deepEqual((await nextOf(reader, since)).removed, ['person/gone'])
    await using writer = await engine.write()
    assert.deepEqual(await writer.put({ remove: ['directory'] }), { seq: 4 })
  } finally {
    await engine.remove()
  }
})
