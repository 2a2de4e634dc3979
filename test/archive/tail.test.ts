// SPDX-License-Identifier: Apache-2.0
// Whoever watches for days must cost no more than whoever watches for a minute.
import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { ask, chat } from './facts.ts'
import { open, openStage } from './stage.ts'

test('a long tail leaves nothing at the signal of its caller', async () => {
  await using stage = await openStage({ yaml: 'follow: { commit_every: 0 s }\n' })
  const stop = new AbortController()
  const tail = open(stage.running, 'archive tail', {}, 'olga', stop.signal)[Symbol.asyncIterator]()
  for (let n = 1; n <= 200; n++) {
    const next = tail.next()
    await stage.write(ask({ n, stanza: chat(`seen ${n}`) }))
    await next
  }
  assert.ok(getEventListeners(stop.signal, 'abort').length <= 2)
  stop.abort()
  await tail.return?.()
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
})
