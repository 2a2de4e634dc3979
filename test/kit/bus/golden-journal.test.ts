// SPDX-License-Identifier: Apache-2.0
// test/golden/journal-1: a journal as version 1 left it, closed in good order: two segments, the follower `archive` at 4, and
// the first 19 lines of test/golden/facts-1.jsonl as entries.
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openFollower } from '../../../components/kit/bus/file-follower.ts'
import { openJournal } from '../../../components/kit/bus/file-journal.ts'
import { listSegments } from '../../../components/kit/bus/segments.ts'
import { readFact } from '../../../components/kit/facts/entries.ts'
import { collect } from './journal-body.ts'

const golden = fileURLToPath(new URL('../../golden', import.meta.url))
const lines = readFileSync(join(golden, 'facts-1.jsonl'), 'utf8').trimEnd().split('\n')

test('the golden journal of version 1 is read, and written on', { timeout: 60_000 }, async () => {
  const top = mkdtempSync(join(tmpdir(), 'gatehouse-golden-'))
  try {
    const folder = join(top, 'journal')
    cpSync(join(golden, 'journal-1'), folder, { recursive: true })
    assert.equal(listSegments(folder).length, 2)
    await using follower = await openFollower(folder, 'archive')
    const { id, first, last, followers } = await follower.state()
    assert.equal(id, JSON.parse(readFileSync(join(golden, 'journal-1', 'state.json'), 'utf8')).id)
    assert.deepEqual([first, last, followers], [1, 19, [{ name: 'archive', position: 4 }]])
    const kept = await collect(follower, 0, last)
    assert.deepEqual(
      kept.map(({ body }) => body),
      lines.slice(0, 19),
    )
    for (const entry of kept) assert.equal(readFact(entry).kind, entry.kind)
    await using journal = await openJournal(folder, { maxBytes: 64 << 20 })
    assert.deepEqual(await journal.append([{ kind: 'done', version: 1, body: '{}' }]), {
      first: last + 1,
      last: last + 1,
    })
    assert.equal((await journal.state()).id, id)
  } finally {
    rmSync(top, { recursive: true, force: true })
  }
})
