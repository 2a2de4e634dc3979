// SPDX-License-Identifier: Apache-2.0
// The counting itself: each kind of fault is seen, and what is honest is not counted as one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judge } from './count.ts'
import type { Message } from './steady.ts'

const CASES: readonly [title: string, message: Partial<Message>, settlements: string[] | null, faults: string[]][] = [
  ['delivered and recorded as released', { deliveries: 1 }, ['released'], []],
  ['delivered unscreened, told later', { deliveries: 1 }, ['unscreened'], []],
  ['refused, and recorded', { errors: 1 }, ['refused'], []],
  ['bounced while nobody could be asked: no record', { errors: 1 }, null, []],
  ['delivered, and the server died before it told', { deliveries: 1 }, ['undecided'], []],
  ['sent twice after a crash, came twice', { sends: 2, deliveries: 2 }, ['undecided', 'released'], []],
  ['sent twice, came once and was bounced once', { sends: 2, deliveries: 1, errors: 1 }, ['undecided', 'bounced'], []],
  ['neither delivered nor refused', {}, ['undecided'], ['lost']],
  ['delivered without a record', { deliveries: 1 }, null, ['unrecorded']],
  ['delivered, but every record says it was not', { deliveries: 1 }, ['bounced'], ['unrecorded']],
  ['recorded as released, never came', { errors: 1 }, ['released'], ['phantom']],
  ['recorded as released twice, came once', { sends: 2, deliveries: 1 }, ['released', 'released'], ['phantom']],
  ['sent once, came twice', { deliveries: 2 }, ['released'], ['doubled']],
  ['sent once, came and was refused as well', { deliveries: 1, errors: 1 }, ['released'], ['doubled']],
]

for (const [title, given, settlements, faults] of CASES) {
  test(title, () => {
    const message = { id: 'm', pair: 0, number: 0, batch: 'b', sends: 1, deliveries: 0, errors: 0, acknowledged: true }
    const known = new Map(settlements === null ? [] : [['m', settlements]])
    const { findings } = judge([{ ...message, ...given }], 0, known)
    assert.deepEqual(
      findings.map((one) => one.what),
      faults,
    )
  })
}
