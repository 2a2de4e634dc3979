// SPDX-License-Identifier: Apache-2.0
// The engine `file` over damaged, foreign and badly set journals: see "Crashes and damage" in JOURNAL.md.
import assert from 'node:assert/strict'
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { openFollower } from '../../../components/kit/bus/file-follower.ts'
import { type FileJournalOptions, openJournal } from '../../../components/kit/bus/file-journal.ts'
import { type Journal, JournalFault } from '../../../components/kit/bus/journal.ts'
import { listSegments } from '../../../components/kit/bus/segments.ts'
import { startChild } from './children.ts'
import { make } from './file-engine.ts'
import { appendUntilFull, collect } from './journal-body.ts'

const MAX = 64 << 20

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const top = mkdtempSync(join(tmpdir(), 'gatehouse-damage-'))
  try {
    await body(join(top, 'journal'))
  } finally {
    rmSync(top, { recursive: true, force: true })
  }
}

const on = (title: string, body: (folder: string) => Promise<void>) =>
  void test(title, { timeout: 60_000 }, () => inFolder(body))

/** A closed journal of several small segments whose bodies are their positions, padded. */
async function fill(folder: string, entries: number, options: Partial<FileJournalOptions> = {}): Promise<void> {
  await using journal = await openJournal(folder, { maxBytes: MAX, segmentBytes: 64 << 10, ...options })
  for (let n = 1; n <= entries; n += 10) await appendFrom(journal, n, 10)
}

function appendFrom(journal: Journal, first: number, count: number): Promise<unknown> {
  return journal.append(
    Array.from({ length: count }, (_, index) => ({ kind: 'n', version: 1, body: String(first + index).padEnd(500) })),
  )
}

const faultNaming = (path: string, words: RegExp) => (error: unknown) =>
  error instanceof JournalFault && error.message.includes(path) && words.test(error.message)

for (const [damage, wound] of [
  ['garbage', (wal: string) => appendFileSync(wal, Buffer.alloc(10_000, 0xa5))],
  ['half a commit', (wal: string) => appendFileSync(wal, Buffer.alloc(4096 + 24 + 100, 0))],
] as const) {
  test(`${damage} at the end of the log of a killed writer: everything acknowledged is there`, {
    timeout: 60_000,
  }, async () => {
    const engine = await make()
    try {
      const writer = startChild(engine, 'write')
      await writer.heard((told) => (told.acknowledged ?? 0) >= 500)
      await writer.kill()
      const newest = listSegments(engine.where).at(-1)
      assert.ok(newest !== undefined && statSync(`${newest.path}-wal`).size > 0)
      wound(`${newest.path}-wal`)
      await using follower = await engine.follow('reader')
      const { last } = await follower.state()
      assert.ok(last >= writer.acknowledged)
      await using journal = await engine.write()
      assert.equal((await journal.state()).last, last)
      await journal.append([{ kind: 'n', version: 1, body: String(last + 1) }])
      const kept = await collect(follower, 0, last + 1)
      assert.ok(kept.every(({ position, body }, index) => position === index + 1 && body === String(position)))
    } finally {
      await engine.remove()
    }
  })
}

test('a log that is torn off ends at a whole call, and goes on from there', { timeout: 60_000 }, async () => {
  const engine = await make()
  try {
    const writer = startChild(engine, 'write')
    await writer.heard((told) => (told.acknowledged ?? 0) >= 500)
    await writer.kill()
    const wal = `${listSegments(engine.where).at(-1)?.path}-wal`
    truncateSync(wal, Math.floor(statSync(wal).size / 2))
    await using journal = await engine.write()
    const { last } = await journal.state()
    assert.deepEqual(await journal.append([{ kind: 'n', version: 1, body: String(last + 1) }]), {
      first: last + 1,
      last: last + 1,
    })
    await using follower = await engine.follow('reader')
    const kept = await collect(follower, 0, last + 1)
    assert.ok(kept.every(({ position, body }, index) => position === index + 1 && body === String(position)))
  } finally {
    await engine.remove()
  }
})

on('a segment that is no database is refused by name, by writer and follower', async (folder) => {
  await fill(folder, 10)
  const path = listSegments(folder)[0]?.path ?? ''
  writeFileSync(path, Buffer.alloc(20_000, 0x5a))
  await assert.rejects(openJournal(folder, { maxBytes: MAX }), faultNaming(path, /not a database/))
  await using follower = await openFollower(folder, 'reader')
  await assert.rejects(follower.state(), faultNaming(path, /not a database/))
})

on('a damaged page is a fault that names the file, and no entry is made up', async (folder) => {
  await fill(folder, 500)
  const path = listSegments(folder)[1]?.path ?? ''
  const fd = openSync(path, 'r+')
  // From the third page on; the schema stays readable.
  writeSync(fd, Buffer.alloc(statSync(path).size - 3 * 4096, 0xff), 0, undefined, 3 * 4096)
  closeSync(fd)
  await using follower = await openFollower(folder, 'reader')
  const seen: string[] = []
  await assert.rejects(
    async () => {
      for await (const batch of follower.follow(0, { limit: 10, signal: new AbortController().signal })) {
        for (const { position, body } of batch) {
          assert.equal(body.trim(), String(position))
          seen.push(body)
        }
      }
    },
    faultNaming(path, /malformed|missing/),
  )
  assert.ok(seen.length > 0 && seen.length < 500)
})

on('a missing segment is a fault that names the entries', async (folder) => {
  await fill(folder, 500)
  const [, second, third] = listSegments(folder)
  assert.ok(second !== undefined && third !== undefined)
  rmSync(second.path)
  await using follower = await openFollower(folder, 'reader')
  let position = 0
  await assert.rejects(
    async () => {
      for await (const batch of follower.follow(0, { limit: 1000, signal: new AbortController().signal })) {
        position = batch.at(-1)?.position ?? 0
      }
    },
    faultNaming(folder, new RegExp(`entries ${second.first} to ${third.first - 1} are missing`)),
  )
  assert.equal(position, second.first - 1)
})

on('a segment of a newer format is refused', async (folder) => {
  await fill(folder, 10)
  const path = listSegments(folder)[0]?.path ?? ''
  const db = new DatabaseSync(path)
  db.exec('PRAGMA user_version = 2')
  db.close()
  await assert.rejects(openJournal(folder, { maxBytes: MAX }), faultNaming(path, /newer program/))
  await using follower = await openFollower(folder, 'reader')
  await assert.rejects(follower.state(), faultNaming(path, /newer program/))
})

on('a segment of another journal is refused', async (folder) => {
  await fill(folder, 10)
  await fill(`${folder}-other`, 500)
  const foreign = listSegments(`${folder}-other`).at(-1)
  assert.ok(foreign !== undefined)
  renameSync(foreign.path, join(folder, foreign.path.split('/').at(-1) ?? ''))
  await using follower = await openFollower(folder, 'reader')
  await assert.rejects(follower.state(), faultNaming(folder, /belongs to the journal/))
})

on("another program's database in the place of a segment is refused", async (folder) => {
  mkdirSync(folder)
  const path = join(folder, 'journal-0000000000000001.db')
  const db = new DatabaseSync(path)
  db.exec('CREATE TABLE entries (position INTEGER PRIMARY KEY)')
  db.close()
  await assert.rejects(openJournal(folder, { maxBytes: MAX }), faultNaming(path, /not a segment/))
})

on('a journal that is moved under its writer takes no more', async (folder) => {
  await using journal = await openJournal(folder, { maxBytes: MAX })
  await appendFrom(journal, 1, 10)
  renameSync(folder, `${folder}-moved`)
  await assert.rejects(appendFrom(journal, 11, 10), JournalFault)
  renameSync(`${folder}-moved`, folder)
  await appendFrom(journal, 11, 10)
  assert.equal((await journal.state()).last, 20)
})

on('a follower notices that another journal stands in the place of the one it follows', async (folder) => {
  await fill(folder, 10)
  await using follower = await openFollower(folder, 'reader')
  const batches = follower.follow(10, { limit: 10, signal: new AbortController().signal })[Symbol.asyncIterator]()
  const next = assert.rejects(Promise.resolve(batches.next()), faultNaming(folder, /moved or replaced|ENOENT/))
  renameSync(folder, `${folder}-old`)
  await fill(folder, 5)
  await next
})

on('what a crash left of a segment is swept', async (folder) => {
  await fill(folder, 10)
  const left = [
    'journal-0000000000000011.db.new',
    'journal-0000000000000011.db.new-wal',
    'journal-0000000000000000.db-wal',
  ]
  for (const name of left) writeFileSync(join(folder, name), 'x')
  await using journal = await openJournal(folder, { maxBytes: MAX })
  assert.equal((await journal.state()).last, 10)
  for (const name of left) assert.ok(!existsSync(join(folder, name)), name)
})

on("a follower's mark that cannot be read keeps everything", async (folder) => {
  await using journal = await openJournal(folder, { maxBytes: MAX })
  await appendFrom(journal, 1, 10)
  await using follower = await openFollower(folder, 'reader')
  await follower.acknowledge(10)
  writeFileSync(join(folder, 'follower-reader'), '')
  assert.equal(await journal.trim(), 0)
  assert.deepEqual((await journal.state()).followers, [{ name: 'reader', position: 0 }])
})

on('without a journal a follower is refused, or waits if it is told to', async (folder) => {
  await assert.rejects(openFollower(folder, 'reader'), faultNaming(folder, /no journal/))
  await assert.rejects(
    openFollower(folder, 'reader', { waitFor: AbortSignal.abort() }),
    faultNaming(folder, /given up/),
  )
  const waiting = openFollower(folder, 'reader', { waitFor: new AbortController().signal })
  await using journal = await openJournal(folder, { maxBytes: MAX })
  await appendFrom(journal, 1, 1)
  await using follower = await waiting
  assert.equal((await follower.state()).last, 1)
  writeFileSync(join(folder, 'state.json'), '{')
  await assert.rejects(openFollower(folder, 'other'), faultNaming('state.json', /cannot be read/))
})

on('bad settings are refused by name', async (folder) => {
  const wrong: [Partial<FileJournalOptions>, RegExp][] = [
    [{ maxBytes: 1000 }, /maxBytes is 1000/],
    [{ maxBytes: Number.NaN }, /maxBytes is NaN/],
    [{ segmentBytes: MAX }, /segmentBytes/],
    [{ segmentAgeMs: 0 }, /segmentAgeMs/],
    [{ trimEveryMs: 0 }, /trimEveryMs/],
  ]
  for (const [options, words] of wrong) {
    await assert.rejects(openJournal(folder, { maxBytes: MAX, ...options }), (error: unknown) => {
      return error instanceof RangeError && words.test(error.message)
    })
  }
  writeFileSync(folder, 'a file')
  await assert.rejects(openJournal(folder, { maxBytes: MAX }), JournalFault)
})

on('at the bound the files themselves are within it', async (folder) => {
  const maxBytes = 8 << 20
  await using journal = await openJournal(folder, { maxBytes })
  await appendUntilFull(journal, maxBytes)
  const sizeOf = (name: string): number => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  const onDisk = readdirSync(folder).reduce((sum, name) => sum + sizeOf(name), 0)
  assert.ok(onDisk <= maxBytes && onDisk > maxBytes / 2, `${onDisk} bytes`)
})

on('a segment that has reached its age ends, so that what is acknowledged goes', async (folder) => {
  await using journal = await openJournal(folder, { maxBytes: MAX, segmentAgeMs: 1, trimEveryMs: 10 })
  await appendFrom(journal, 1, 10)
  await using follower = await openFollower(folder, 'reader')
  await follower.acknowledge(10)
  // Each question is answered by the worker between its turns; it ends as soon as one of them has trimmed.
  while ((await journal.state()).first !== 11);
  assert.equal((await journal.state()).last, 10)
})
