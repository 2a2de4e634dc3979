// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shownNick } from '../../../components/kit/transport/nicks.ts'

test('a nick that can be a resource stays as it is', () => {
  for (const nick of ['iris', '[w]izard^', 'Zażółć', '日本語', 'with blank', 'אבג', '😀', 'a/b@c', '~x`y']) {
    assert.equal(shownNick(nick), nick)
  }
})

test('of one that cannot, what is left stays, and two stay two', () => {
  const wrong = [
    '',
    '\u0001\u0002',
    '\u0001\u0003',
    'x\u202ey',
    'x\u200dy',
    '\ufffd',
    '\ufe0f',
    'a\u00a0b',
    'אבג1',
    'אa',
    '1אב',
    'n'.repeat(5_000),
    'ü'.repeat(600),
    'a\u2028b',
  ]
  const shown = wrong.map(shownNick)
  for (const nick of shown) assert.match(nick, /^[!-~]{1,60}$/u)
  assert.equal(new Set(shown).size, wrong.length)
  assert.match(shown[3] ?? '', /^x_y~/u)
})
