// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openQuiet } from '../../components/transport-irc/quiet.ts'

const MB = 1024 * 1024

test('memory goes back when two seconds were quiet, if there is enough of it, and not again for nothing', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let collected = 0
  let cpu = 0
  let heap = { total: 60 * MB, used: 30 * MB }
  const world = {
    collect() {
      collected += 1
      heap = { total: 32 * MB, used: 30 * MB }
    },
    heap: () => heap,
    cpuUs: () => cpu,
  }
  using _ = openQuiet(world)
  const second = (busyUs: number) => {
    cpu += busyUs
    t.mock.timers.tick(1_000)
    return collected
  }
  assert.deepEqual([second(900_000), second(10_000), second(60_000), second(40_000)], [0, 0, 0, 0])
  assert.equal(second(40_000), 1)
  assert.deepEqual([second(0), second(0), second(0)], [1, 1, 1])
  heap = { total: 39 * MB, used: 30 * MB }
  assert.equal(second(0), 1)
  heap = { total: 41 * MB, used: 30 * MB }
  assert.equal(second(0), 2)
  heap = { total: 400 * MB, used: 129 * MB }
  assert.equal(second(0), 2)
})

test('without the permission of node nothing is looked at', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  assert.equal(globalThis.gc, undefined)
  using quiet = openQuiet()
  t.mock.timers.tick(10_000)
  assert.ok(quiet)
})
