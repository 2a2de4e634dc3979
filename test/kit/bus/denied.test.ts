// SPDX-License-Identifier: Apache-2.0
// What was refused is on record, and nobody can fill a journal by being refused.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { MOST_PEOPLE, MOST_PER_HOUR, openDenialLog } from '../../../components/kit/bus/denied.ts'
import { openFollower } from '../../../components/kit/bus/file-follower.ts'
import { openJournal } from '../../../components/kit/bus/file-journal.ts'
import type { Journal } from '../../../components/kit/bus/journal.ts'
import { readFact } from '../../../components/kit/facts/entries.ts'

const AT = Date.parse('2026-11-22T10:00:00.000Z')
const attempt = (uid: number) => ({
  who: { uid, user: `u${uid}` },
  command: 'archive show',
  query: { id: '1', reason: 'case 7' },
})

it('appends an access fact with denied, on disk before it resolves', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-denied-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  await using journal = await openJournal(join(folder, 'j'), { maxBytes: 1 << 24 })
  await openDenialLog(
    journal,
    () => AT,
    () => assert.fail(),
  ).record(attempt(7))
  await using follower = await openFollower(join(folder, 'j'), 'test')
  const stop = new AbortController()
  for await (const [kept] of follower.follow(0, { limit: 10, signal: stop.signal })) {
    assert.ok(kept)
    assert.deepEqual(readFact(kept), {
      kind: 'access',
      who: { uid: 7, user: 'u7' },
      command: 'archive show',
      query: { id: '1' },
      hits: null,
      reason: 'case 7',
      denied: true,
      at: '2026-11-22T10:00:00.000Z',
    })
    break
  }
})

function counting() {
  const appended: number[] = []
  const journal = {
    append: async (entries: readonly { body: string }[]) => {
      for (const { body } of entries) appended.push(JSON.parse(body).who.uid)
      return { first: 1, last: 1 }
    },
  } as unknown as Journal
  return { journal, appended }
}

it('keeps a share of the hour for each user, and says once when it is used up', async () => {
  const { journal, appended } = counting()
  const over: number[] = []
  let now = AT
  const log = openDenialLog(
    journal,
    () => now,
    (who) => over.push(who !== null && 'uid' in who ? who.uid : -1),
  )
  for (let round = 0; round < MOST_PER_HOUR + 5; round++) await log.record(attempt(7))
  await log.record(attempt(8))
  assert.deepEqual(
    [appended.filter((uid) => uid === 7).length, appended.filter((uid) => uid === 8).length],
    [MOST_PER_HOUR, 1],
  )
  assert.deepEqual(over, [7])
  now += 3_600_000
  await log.record(attempt(7))
  assert.equal(appended.at(-1), 7)
  assert.equal(appended.length, MOST_PER_HOUR + 2)
})

it('is bounded for any number of users: those beyond the bound share one share', async () => {
  const { journal, appended } = counting()
  const log = openDenialLog(
    journal,
    () => AT,
    () => {},
  )
  for (let uid = 0; uid < MOST_PEOPLE + MOST_PER_HOUR + 50; uid++) await log.record(attempt(uid))
  assert.equal(appended.length, MOST_PEOPLE + MOST_PER_HOUR)
})
