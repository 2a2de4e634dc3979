// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addRange, countNumbers, hasNumber, missingIn, type Ranges } from '../../../components/archive/domain/ranges.ts'

const range = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 15 }))
  .map(([from, more]) => [from, from + more] as const)

test('ranges hold exactly the numbers that a plain set would, sorted, disjoint and never touching', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 30 }), range, (added, [low, high]) => {
      const ranges: Ranges = []
      const plain = new Set<number>()
      for (const [from, to] of added) {
        const before = plain.size
        for (let n = from; n <= to; n++) plain.add(n)
        assert.equal(addRange(ranges, from, to), plain.size > before)
      }
      for (let n = 0; n <= 80; n++) assert.equal(hasNumber(ranges, n), plain.has(n))
      assert.equal(countNumbers(ranges), plain.size)
      ranges.forEach(([from, to], at) => {
        assert.ok(from <= to)
        const next = ranges[at + 1]
        if (next) assert.ok(next[0] > to + 1)
      })
      const missing = new Set(
        missingIn(ranges, low, high).flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i)),
      )
      for (let n = low; n <= high; n++) assert.equal(missing.has(n), !plain.has(n))
      assert.equal(missing.size, countNumbers(missingIn(ranges, low, high)))
    }),
    { numRuns: process.env.GATEHOUSE_LONG === '1' ? 100_000 : 3_000 },
  )
})
