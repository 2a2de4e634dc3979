// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hoursLeft, Rate } from '../../../components/kit/bus/rate.ts'

const MINUTE = 60_000

test('the rate is not known in the first minute, and then of what was seen', () => {
  const rate = new Rate(0)
  rate.add(10, 600)
  assert.equal(rate.perHour(MINUTE - 1), null)
  assert.equal(rate.perHour(MINUTE), 36_000)
  assert.equal(rate.perHour(2 * MINUTE), 18_000)
})

test('only the last hour counts', () => {
  const rate = new Rate(0)
  for (let minute = 0; minute < 600; minute++) rate.add(minute * MINUTE, minute < 540 ? 1_000_000 : 10)
  assert.equal(rate.perHour(599 * MINUTE + 1), 600)
  assert.equal(rate.perHour(700 * MINUTE), 0)
})

test('hours left follow from the rate, and are not known without one', () => {
  assert.equal(hoursLeft(400, 1000, 100), 6)
  assert.equal(hoursLeft(1200, 1000, 100), 0)
  assert.equal(hoursLeft(400, 1000, null), null)
  assert.equal(hoursLeft(400, 1000, 0), null)
})
