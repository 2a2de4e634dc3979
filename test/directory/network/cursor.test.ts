// SPDX-License-Identifier: Apache-2.0
// From which moment on is asked what changed: nothing may fall between two readings, whatever the clocks say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Moment, momentOf, stampText, stampTime } from '../../../components/directory/network/cursor.ts'

/** A poll: how long it takes, how long after the last, and which changes happen while it runs and before the next (parts of 1). */
const poll = fc.record({
  pauseMs: fc.nat(100_000),
  takesMs: fc.nat(5_000),
  during: fc.array(fc.record({ part: fc.double({ min: 0, max: 1, noNaN: true }), seen: fc.boolean() }), {
    maxLength: 3,
  }),
  after: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
})

test('every change is asked for, with any distance of the clocks, a drift of one in a thousand, stamps of whole seconds', () => {
  fc.assert(
    fc.property(
      fc.array(poll, { minLength: 2, maxLength: 20 }),
      fc.integer({ min: 0, max: 10 ** 12 }),
      fc.constantFrom(0.999, 1, 1.001),
      fc.constantFrom(0, 2_000),
      (polls, offset, pace, overlapMs) => {
        const theirs = (ours: number): number => offset + ours * pace
        const stamp = (ours: number): number => Math.floor(theirs(ours) / 1_000) * 1_000
        let unread: number[] = []
        let moment: Moment | null = null
        let now = 0
        for (const { pauseMs, takesMs, during, after } of polls) {
          now += pauseMs
          const began = now
          const ended = began + takesMs
          const from =
            moment === null ? Number.NEGATIVE_INFINITY : Math.floor((moment.atMs - overlapMs) / 1_000) * 1_000
          for (const change of unread)
            assert.ok(stamp(change) >= from, `${stamp(change)} is not asked for from ${from} on`)
          // A change while it runs is seen or not, as the search has passed its entry or has yet to.
          const read = [...unread, ...during.flatMap(({ part, seen }) => (seen ? [began + part * takesMs] : []))]
          const seen = read.length === 0 ? null : Math.max(...read.map(stamp))
          moment = momentOf(moment, seen, began, ended, overlapMs)
          unread = during.flatMap(({ part, seen }) => (seen ? [] : [began + part * takesMs]))
          now = ended
          for (const part of after) unread.push(now + part)
          now += 1
        }
      },
    ),
    { numRuns: process.env.GATEHOUSE_LONG === '1' ? 200_000 : 2_000 },
  )
})

test('a stamp is written as servers write it, and read back', () => {
  const at = Date.UTC(2026, 10, 22, 12, 34, 56, 789)
  assert.equal(stampText(at, 'modifyTimestamp'), '20261122123456Z')
  assert.equal(stampText(at, 'entryCSN'), '20261122123456.789000Z#000000#000#000000')
  assert.equal(stampTime(stampText(at, 'entryCSN')), at)
  assert.equal(stampTime('20261122123456Z'), at - 789)
  assert.equal(stampTime('yesterday'), null)
})
