// SPDX-License-Identifier: Apache-2.0
// What is wrong is said with source, number and body, and ends the run with 1.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Counted, Finding } from './count.ts'
import { closing, reportLines } from './report.ts'

const MESSAGE = {
  ...{ id: 'f1p2n3', pair: 2, number: 3, batch: 'f1p2b0', sends: 1, deliveries: 0, errors: 0 },
  acknowledged: true,
}
const lost: Finding = {
  what: 'lost',
  message: MESSAGE,
  records: [{ source: '9d0c5a11', n: 4711, settlement: 'bounced' }],
}
const counted = (given: Partial<Counted> = {}): Counted => ({
  ...{ sent: 10, delivered: 9, archived: 10, errors: 1, lost: 0, unrecorded: 0, phantom: 0, doubled: 0, disordered: 0 },
  ...{ unsettled: 0, tail: 4, tailOfOne: 3 },
  ...given,
})
const clean = { counted: counted(), findings: [], unexplained: [] }

test('what was lost is said with its source, number and body', () => {
  assert.deepEqual(reportLines({ findings: [lost, { ...lost, records: [] }], unexplained: ['a gap'] }), [
    'lost: source 9d0c5a11 n 4711 bounced; sent 1, came 0, errors 0, acknowledged yes; pair 2 number 3, body "f1p2n3 f1p2b0 steady load"',
    'lost: no record; sent 1, came 0, errors 0, acknowledged yes; pair 2 number 3, body "f1p2n3 f1p2b0 steady load"',
    'not explained: a gap',
  ])
})

test('of many findings the first are said, and how many there are more', () => {
  const lines = reportLines({ findings: Array.from({ length: 60 }, () => lost), unexplained: [] })
  assert.equal(lines.length, 51)
  assert.equal(lines[50], 'and 10 more, in findings.json')
})

test('the last line is one flat object over all modes', () => {
  assert.deepEqual(closing('prosody 0', 40, [clean, clean]), {
    line: '{"faults":true,"server":"prosody 0","rounds":40,"sent":20,"delivered":18,"archived":20,"errors":2,"lost":0,"unrecorded":0,"phantom":0,"doubled":0,"disordered":0}',
    exit: 0,
  })
})

const WRONG: readonly [title: string, result: Parameters<typeof closing>[2][number]][] = [
  ['a message that is lost', { ...clean, counted: counted({ lost: 1 }), findings: [lost] }],
  ['what nothing explains', { ...clean, unexplained: ['a gap'] }],
  ['a mode that could not be counted', null],
]
for (const [title, wrong] of WRONG) {
  test(`${title} in one mode ends the run with 1`, () => {
    assert.equal(closing('prosody 0', 40, [wrong, clean]).exit, 1)
    assert.equal(closing('prosody 0', 40, [clean, wrong]).exit, 1)
  })
}
