// SPDX-License-Identifier: Apache-2.0
// The engine `file` on a disk that is full before maxBytes is reached.
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFollower } from '../../../components/kit/bus/file-follower.ts'
import { openJournal } from '../../../components/kit/bus/file-journal.ts'
import { type Entry, type Journal, JournalFull } from '../../../components/kit/bus/journal.ts'
import { type SmallDisk, smallDisk } from '../small-disk.ts'
import { collect } from './journal-body.ts'

const MAX = 1 << 30
const entries = (first: number, count: number): Entry[] =>
  Array.from({ length: count }, (_, index) => ({ kind: 'n', version: 1, body: String(first + index).padEnd(1000) }))

/** Appends calls of ten until the disk is full; gives the newest position that was acknowledged. */
async function fillDisk(journal: Journal, from: number): Promise<number> {
  for (let last = from; ; ) {
    try {
      last = (await journal.append(entries(last + 1, 10))).last
    } catch (error) {
      assert.ok(error instanceof JournalFull, String(error))
      assert.match(error.message, /full/)
      return last
    }
  }
}

const on = (title: string, body: (disk: SmallDisk) => Promise<void>) =>
  void test(title, { timeout: 60_000 }, async (t) => {
    const disk = smallDisk(8)
    if (typeof disk === 'string') return t.skip(disk)
    try {
      await body(disk)
    } finally {
      disk.remove()
    }
  })

on(
  'a full disk rejects with JournalFull, keeps nothing half, and takes appends again once there is space',
  async (disk) => {
    const other = join(disk.folder, 'other')
    writeFileSync(other, Buffer.alloc(3 << 20))
    const levels: string[] = []
    await using journal = await openJournal(join(disk.folder, 'journal'), {
      maxBytes: MAX,
      warn: (level) => levels.push(level),
    })
    const full = await fillDisk(journal, 0)
    assert.ok(full > 500)
    assert.equal((await journal.state()).last, full)
    assert.ok(levels.includes('full'))
    rmSync(other)
    assert.deepEqual(await journal.append(entries(full + 1, 10)), { first: full + 1, last: full + 10 })
    await using follower = await openFollower(join(disk.folder, 'journal'), 'reader')
    const kept = await collect(follower, 0, full + 10)
    assert.ok(kept.every(({ position, body }, index) => position === index + 1 && body.trim() === String(position)))
  },
)

on('on a full disk a follower reads and acknowledges, and the writer trims: the journal frees itself', async (disk) => {
  const folder = join(disk.folder, 'journal')
  await using journal = await openJournal(folder, { maxBytes: MAX, segmentBytes: 512 << 10 })
  await using follower = await openFollower(folder, 'reader')
  let full = await fillDisk(journal, 0)
  for (let round = 0; round < 3; round++) {
    const { first, last } = await journal.state()
    assert.equal(last, full)
    assert.equal((await collect(follower, first - 1, full)).length, full - first + 1)
    await follower.acknowledge(full)
    assert.ok((await journal.trim()) > 0)
    full = await fillDisk(journal, full)
    assert.ok(full > last)
  }
})

on('even one segment that fills the whole disk is given back', async (disk) => {
  const folder = join(disk.folder, 'journal')
  await using journal = await openJournal(folder, { maxBytes: MAX, trimEveryMs: 20 })
  await using follower = await openFollower(folder, 'reader')
  const full = await fillDisk(journal, 0)
  assert.equal((await journal.state()).first, 1)
  assert.equal((await collect(follower, 0, full)).length, full)
  await follower.acknowledge(full)
  // By itself: each question is answered between the worker's turns, until one of them has trimmed.
  while ((await journal.state()).first !== full + 1);
  // A thread that was folding it may hold the file for a moment after it is unlinked: its blocks come back with the last of them.
  let last = full
  while (last <= full + full / 2) last = await fillDisk(journal, last)
})

on('a full disk while opening is told, and opening works once there is space', async (disk) => {
  const folder = join(disk.folder, 'journal')
  const other = join(disk.folder, 'other')
  writeFileSync(other, Buffer.alloc((8 << 20) - 8192))
  await assert.rejects(openJournal(folder, { maxBytes: MAX }), /full|ENOSPC|I\/O/i)
  rmSync(other)
  await using journal = await openJournal(folder, { maxBytes: MAX })
  assert.deepEqual(await journal.append(entries(1, 1)), { first: 1, last: 1 })
})
