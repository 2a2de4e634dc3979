// SPDX-License-Identifier: Apache-2.0
// What was found missing is never forgotten: between finding it and having it on record the archive may be killed, or its own
// journal may be full.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Batch } from '../../components/archive/domain/batch.ts'
import { countFrom } from '../../components/archive/domain/completeness.ts'
import { countingOf, openFollowing } from '../../components/archive/follow.ts'
import { openStanzaReader } from '../../components/archive/protocol/stanza-reader.ts'
import { openArchiveStore } from '../../components/archive/storage/archive-store.ts'
import { openWatch } from '../../components/archive/watch.ts'
import { openFollower } from '../../components/kit/bus/file-follower.ts'
import { openJournal } from '../../components/kit/bus/file-journal.ts'
import { type Entry, JournalFull } from '../../components/kit/bus/journal.ts'
import { writeFact } from '../../components/kit/facts/entries.ts'
import { ask, SOURCE } from './facts.ts'

const PATIENCE = { graceMs: 1000, silentMs: 1_000_000_000 }
const SMALLEST = 4 << 20
const filling = (characters: number) => ({ kind: 'filling', version: 1, body: 'x'.repeat(characters) })

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-watch-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a gap whose fact the own journal did not take is found again after a crash', async () => {
  await using store = await openArchiveStore(join(folder, 'archive.db'), 1)
  const keepCounting = (sources: Batch['sources']) => store.write('keepCounting', sources)
  const completeness = countFrom([], [], PATIENCE)
  completeness.take({ kind: 'ask', source: SOURCE, n: 1 }, 0)
  completeness.take({ kind: 'mark', source: SOURCE, last: 3 }, 0)
  {
    await using full = await openJournal(join(folder, 'own'), { maxBytes: SMALLEST })
    // Together with this no fact ever fits, however much is given back meanwhile.
    const crowded = { append: (entries: readonly Entry[]) => full.append([...entries, filling(SMALLEST)]) }
    const watch = openWatch({ completeness, journal: crowded, keepCounting, now: () => 5000 })
    await assert.rejects(watch.look(5000), JournalFull)
    await assert.rejects(watch.look(6000), JournalFull)
    // What the next batch of a follower keeps, with or without anything new of this source.
    await keepCounting(countingOf(completeness))
    completeness.take({ kind: 'ask', source: SOURCE, n: 4 }, 6000)
    await keepCounting(countingOf(completeness))
  }
  const { counts, open } = await store.read('resume', null)
  assert.deepEqual(open, [])
  await using journal = await openJournal(join(folder, 'own'), { maxBytes: 2 * SMALLEST })
  const after = countFrom(counts, open, PATIENCE)
  const watch = openWatch({ completeness: after, journal, keepCounting, now: () => 9000 })
  const gap = { kind: 'gap', event: 'found', source: SOURCE, from: 2, to: 3, count: 2 }
  assert.deepEqual(await watch.look(9000), [gap])
  assert.deepEqual(await watch.look(9000), [])
  const { counts: kept } = await store.read('resume', null)
  assert.deepEqual(
    kept.map(({ dueTo, told }) => ({ dueTo, told })),
    [{ dueTo: 3, told: [] }],
    'once it is on record it is not looked for again',
  )
})

test('the position goes past lost entries only when that they are lost is on record', async () => {
  const lossy = join(folder, 'lossy')
  await using journal = await openJournal(lossy, { maxBytes: 8 << 20, segmentBytes: 64 << 10 })
  const entry = () => writeFact(ask({ stanza: `<message>${'x'.repeat(2000)}</message>` }))
  {
    await using early = await openFollower(lossy, 'early')
    for (let n = 1; n <= 200; n++) await journal.append([entry()])
    await early.acknowledge(200)
    assert.ok((await journal.trim()) > 0)
    await journal.append([entry()])
  }
  const { first, last } = await journal.state()
  await using follower = await openFollower(lossy, 'archive')
  const stop = new AbortController()
  const happened: string[] = []
  const following = openFollowing({
    follower,
    journal: 'lossy',
    cursor: 0,
    batch: 1000,
    commitEveryMs: 0,
    reading: { stanzas: openStanzaReader(), isRoom: () => false, sha256: () => '' },
    seenRoom: () => {},
    completeness: countFrom([], [], PATIENCE),
    async keep({ after, to }) {
      happened.push(`kept ${after}..${to}`)
      if (to === last) stop.abort()
      return { records: 0, again: 0, conflicts: 0, skewed: 0, unreadable: 0, reopened: 0, otherHost: 0 }
    },
    now: () => 0,
    told: {
      kept: () => {},
      refused: (error) => assert.fail(String(error)),
      resumed: () => {},
      async hole(_, from, to) {
        happened.push(`lost ${from}..${to}`)
        if (happened.length < 3) throw new JournalFull('no room')
      },
      unrecorded: (error) => happened.push(`unrecorded: ${error instanceof Error ? error.message : error}`),
    },
  })
  await following.run(stop.signal)
  const lost = `lost 1..${first - 1}`
  assert.deepEqual(happened.slice(0, 4), [lost, 'unrecorded: no room', lost, `kept 0..${last}`])
})
