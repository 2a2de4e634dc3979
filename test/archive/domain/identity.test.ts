// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  holderAt,
  periodsOf,
  readIdentity,
  spansOf,
  type Word,
  writeIdentity,
} from '../../../components/archive/domain/identity.ts'

const word = (said: string): Word => {
  const [, ordinal, event, at] = /^(\d)(\+|\?|-)(\d+)$/.exec(said) ?? assert.fail(said)
  const events = { '+': 'created', '?': 'seen', '-': 'removed' } as const
  return { ordinal: Number(ordinal), event: events[event as keyof typeof events], at: Number(at) }
}

/** Words: identity, + created ? seen - removed, time. Holders at 0, 5, 10, ...: the identity, `~` when it may be another one. */
const CASES: readonly [what: string, words: string, holders: string][] = [
  ['met once: whatever was before is of the same', '1?10', '1 1 1 1 1 1'],
  ['made: what was before is of nobody known', '1+10', '0 0 1 1 1 1'],
  ['made and removed', '1+5 1-15', '0 1 1 0 0 0'],
  ['removed before anything else was heard of it', '1-10', '1 1 0 0 0 0'],
  ['removed, and made again later: nobody between', '1?5 1-10 2+20', '1 1 0 0 2 2'],
  ['removed, and met again later', '1?5 1-10 2?20', '1 1 0 0 2 2'],
  [
    'removed and made in silence: not sure between the last word of one and the first of the other',
    '1?5 2?20',
    '1 1 1~ 1~ 2 2',
  ],
  ['removed in silence, and the making told: sure', '1?5 2+20', '1 1 1 1 2 2'],
  ['three', '1?0 1?5 2+10 2-15 3?20', '1 1 2 0 3 3'],
  ['put back from a copy: the first one again', '1?0 2?10 1?20', '1 1~ 2 2~ 1 1'],
  ['removed, and there again under the same id', '1?0 1-10 1?20', '1 1 0 0 1 1'],
  ['of the second only its end is known', '1?5 2-15', '1 1 2 0 0 0'],
]

for (const [what, words, holders] of CASES) {
  test(what, () => {
    const periods = periodsOf(words.split(' ').map(word))
    const times = [0, 5, 10, 15, 20, 25]
    const found = times.map((at) => holderAt(periods, at) ?? assert.fail())
    assert.equal(found.map(({ ordinal, sure }) => `${ordinal}${sure ? '' : '~'}`).join(' '), holders)
    for (const [index, at] of times.entries()) {
      const within = [0, 1, 2, 3].filter((one) =>
        spansOf(periods, one).some(({ from, until }) => from <= at && at < until),
      )
      assert.deepEqual(within, [found[index]?.ordinal], `a search for it at ${at} finds the same`)
    }
  })
}

test('nothing is said of an address of which nobody told', () => {
  assert.equal(holderAt([], 5), null)
  assert.deepEqual(spansOf([], 0), [])
  assert.deepEqual(spansOf(periodsOf([word('1?5')]), 2), [])
})

test('an identity is written and read as address#number; what is no number belongs to the address', () => {
  assert.deepEqual(readIdentity(writeIdentity('a#1@corp.example', 2)), { address: 'a#1@corp.example', ordinal: 2 })
  for (const address of ['alice@corp.example', 'a#1@corp.example', 'x#', '#1', ''])
    assert.deepEqual(readIdentity(address), { address, ordinal: null })
})
