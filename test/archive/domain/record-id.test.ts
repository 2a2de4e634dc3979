// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRecordId, writeRecordId } from '../../../components/archive/domain/record-id.ts'

const SOURCE = '9d0c5a11aabbccdd9d0c5a11aabbccdd'

test('ids: short, full, and of what the server originated', () => {
  assert.deepEqual(readRecordId('9d0c5a11-4711'), { source: '9d0c5a11', n: 4711 })
  assert.deepEqual(readRecordId(` ${SOURCE.toUpperCase()}-1 `), { source: SOURCE, n: 1 })
  assert.deepEqual(readRecordId('9d0c5a11-o88'), { source: '9d0c5a11', n: -88 })
  for (const [source, n] of [
    [SOURCE, 4711],
    [SOURCE, -88],
  ] as const)
    assert.deepEqual(readRecordId(writeRecordId(source, n)), { source, n })
})

for (const bad of [
  '',
  '4711',
  '9d0c-1',
  '9d0c5a11',
  '9d0c5a11-',
  '9d0c5a11-x',
  '9d0c5a11-1; DROP',
  '9d0c5a11--1',
  `${'a'.repeat(65)}-1`,
]) {
  test(`no id: ${bad.slice(0, 20)}`, () => assert.equal(readRecordId(bad), null))
}
