// SPDX-License-Identifier: Apache-2.0
// A log that nobody need follow goes on for ever: without followers the oldest goes, and with one nothing that it has not acknowledged.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFollower } from '../../../components/kit/bus/file-follower.ts'
import { openJournal } from '../../../components/kit/bus/file-journal.ts'
import { JournalFull } from '../../../components/kit/bus/journal.ts'

const BOUND = 4 << 20
const entry = { kind: 'directory', version: 1, body: JSON.stringify({ text: 'x'.repeat(16 << 10) }) }

test('a journal that forgets takes more than its bound; from its first follower on nothing goes that was not acknowledged', async () => {
  const top = mkdtempSync(join(tmpdir(), 'gatehouse-forgets-'))
  try {
    const folder = join(top, 'log')
    await using journal = await openJournal(folder, {
      maxBytes: BOUND,
      segmentBytes: 256 << 10,
      trimEveryMs: 3_600_000,
      forgets: true,
    })
    // Four times the bound.
    for (let written = 0; written < 4 * BOUND; written += 8 * entry.body.length) {
      await journal.append(Array.from({ length: 8 }, () => entry))
      await journal.trim()
    }
    const { first, last, bytes } = await journal.state()
    assert.ok(first > 1 && last - first > 50, `${first} to ${last} are kept`)
    assert.ok(bytes <= (BOUND / 4) * 3, `${bytes} bytes`)
    await using follower = await openFollower(folder, 'archive')
    await follower.acknowledge(first)
    await assert.rejects(async () => {
      for (let written = 0; written < 2 * BOUND; written += 8 * entry.body.length) {
        await journal.append(Array.from({ length: 8 }, () => entry))
        await journal.trim()
      }
    }, JournalFull)
    assert.equal((await journal.state()).first, first, 'the follower has not seen it')
  } finally {
    rmSync(top, { recursive: true, force: true })
  }
})
