// SPDX-License-Identifier: Apache-2.0
// What is read goes on before its page is over, and nothing more is asked for while it is not taken.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBelt } from '../../../components/directory/network/belt.ts'

const LARGE = 64 * 1024

test('what was put on is taken in parts, before the end as well, in order', async () => {
  const belt = openBelt<number>()
  const parts = belt.parts()
  const first = parts.next()
  belt.put([1], 10)
  belt.put([2, 3], LARGE)
  assert.deepEqual(await first, { done: false, value: [1, 2, 3] })
  belt.put([4], 10)
  belt.end()
  assert.deepEqual(await parts.next(), { done: false, value: [4] })
  assert.deepEqual(await parts.next(), { done: true, value: undefined })
})

test('there is no room while too much is not taken', async () => {
  const belt = openBelt<number>()
  await belt.room()
  belt.put([1], 9 * LARGE)
  let isRoom = false
  const room = belt.room().then(() => {
    isRoom = true
  })
  await new Promise(setImmediate)
  assert.equal(isRoom, false)
  await belt.parts().next()
  await room
})

test('what it was ended with comes behind what is there, and makes room: nobody waits for ever', async () => {
  const belt = openBelt<number>()
  belt.put([1], 9 * LARGE)
  const room = belt.room()
  belt.end(new Error('half'))
  await room
  const parts = belt.parts()
  assert.deepEqual(await parts.next(), { done: false, value: [1] })
  await assert.rejects(parts.next(), /half/)
})
