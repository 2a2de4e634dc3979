// SPDX-License-Identifier: Apache-2.0
// ARCHITECTURE.md, settled once: the settled try is effective, and nothing is called released unless the server said so.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needsSettle, type Settle, settle, type Try } from '../../../components/archive/domain/settling.ts'

const of = (action: string, number = 1, spooled = false): Try => ({ try: number, action, spooled })
const N = 10

const cases: readonly [title: string, tries: Try[], settles: Settle[], done: number, expected: string][] = [
  ['one try, not done yet', [of('allow')], [], 9, 'undecided/null/nothing'],
  ['allow, done', [of('allow')], [], 10, 'released/1/done'],
  ['allow, done beyond', [of('allow')], [], 11, 'released/1/done'],
  ['replace, done', [of('replace')], [], 10, 'released/1/done'],
  ['refuse, done', [of('refuse')], [], 10, 'refused/1/done'],
  ['a verdict of a later version, done', [of('keep')], [], 10, 'undecided/null/nothing'],
  ['spooled, done', [of('allow', 1, true)], [], 10, 'undecided/null/nothing'],
  ['spooled, settled unscreened', [of('allow', 1, true)], [{ outcome: 'unscreened' }], 10, 'unscreened/null/settle'],
  ['two tries, done without settle', [of('allow'), of('allow', 2)], [], 10, 'undecided/null/nothing'],
  ['only the second try is here, done', [of('allow', 2)], [], 10, 'undecided/null/nothing'],
  [
    'two tries, released by the second',
    [of('refuse'), of('allow', 2)],
    [{ try: 2, outcome: 'released' }],
    10,
    'released/2/settle',
  ],
  [
    'two tries, refused by the first',
    [of('refuse'), of('allow', 2)],
    [{ try: 1, outcome: 'refused' }],
    10,
    'refused/1/settle',
  ],
  [
    'two tries, released, which is not said, but one fits',
    [of('refuse'), of('allow', 2)],
    [{ outcome: 'released' }],
    0,
    'released/2/settle',
  ],
  [
    'two tries, released, both fit',
    [of('allow'), of('allow', 2)],
    [{ outcome: 'released' }],
    0,
    'released/null/settle',
  ],
  ['bounced though allowed (time-out)', [of('allow')], [{ outcome: 'bounced' }], 10, 'bounced/null/settle'],
  ['sender gone, before done', [of('allow')], [{ outcome: 'gone' }], 0, 'gone/null/settle'],
  ['delivered unscreened though refused', [of('refuse')], [{ outcome: 'unscreened' }], 10, 'unscreened/null/settle'],
  ['settled without any record', [], [{ outcome: 'bounced' }], 0, 'bounced/null/settle'],
  ['no record, done', [], [], 10, 'undecided/null/nothing'],
  ['the same settle twice', [of('allow')], [{ outcome: 'gone' }, { outcome: 'gone' }], 0, 'gone/null/settle'],
  [
    'two settles that differ: the first stands',
    [of('allow')],
    [{ outcome: 'gone' }, { outcome: 'bounced' }],
    0,
    'gone/null/settle/conflicting',
  ],
]

for (const [title, tries, settles, done, expected] of cases) {
  test(title, () => {
    const { settlement, effectiveTry, by, conflicting } = settle(N, tries, settles, done)
    assert.equal([settlement, String(effectiveTry), by, ...(conflicting ? ['conflicting'] : [])].join('/'), expected)
  })
}

test('every combination of one or two tries, a settle and done: never released or refused without a word of the server', () => {
  const actions = ['allow', 'replace', 'refuse', 'keep']
  const outcomes = ['released', 'refused', 'bounced', 'unscreened', 'gone', null] as const
  let seen = 0
  for (const first of actions)
    for (const second of [...actions, null])
      for (const outcome of outcomes)
        for (const done of [N - 1, N])
          for (const spooled of [false, true]) {
            const tries = [of(first, 1, spooled), ...(second ? [of(second, 2)] : [])]
            const { settlement, by } = settle(N, tries, outcome ? [{ outcome }] : [], done)
            seen += 1
            if (outcome) assert.equal(settlement, outcome)
            else if (second || spooled || done < N || first === 'keep') assert.equal(settlement, 'undecided')
            else assert.deepEqual([settlement, by], [first === 'refuse' ? 'refused' : 'released', 'done'])
          }
  assert.equal(seen, 4 * 5 * 6 * 2 * 2)
})

test('a try that done will never settle is known as such', () => {
  assert.equal(needsSettle(of('allow')), false)
  assert.equal(needsSettle(of('refuse')), false)
  assert.equal(needsSettle(of('allow', 2)), true)
  assert.equal(needsSettle(of('allow', 1, true)), true)
  assert.equal(needsSettle(of('keep')), true)
})
