// SPDX-License-Identifier: Apache-2.0
// Names, ranks and modes, after what each server says of itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keyBy } from '../../../components/transport-irc/network/wire/casemapping.ts'
import { NOTHING_SAID, withTokens } from '../../../components/transport-irc/network/wire/isupport.ts'
import { fitsMask } from '../../../components/transport-irc/network/wire/mask.ts'
import { rankedSigns, readModes, splitSigns, writeModes } from '../../../components/transport-irc/network/wire/modes.ts'
import { nextNick, wrongNick } from '../../../components/transport-irc/network/wire/nick.ts'

const numRuns = process.env.GATEHOUSE_LONG === '1' ? 50_000 : 2_000

test('names are compared as CASEMAPPING says', () => {
  const same = (mapping: string, one: string, other: string) => keyBy(mapping)(one) === keyBy(mapping)(other)
  for (const [mapping, letters] of [
    ['ascii', false],
    ['rfc1459', true],
    ['rfc1459-strict', true],
    ['something-else', false],
  ] as const) {
    assert.ok(same(mapping, 'Alice', 'aLICE'), mapping)
    assert.equal(same(mapping, 'A[]\\', 'a{}|'), letters, mapping)
    assert.ok(!same(mapping, 'Ä', 'ä'), mapping)
  }
  assert.ok(same('rfc1459', 'a~', 'A^'))
  assert.ok(!same('rfc1459-strict', 'a~', 'A^'))
  assert.ok(same('rfc8265', 'ÄX', 'äx'))
})

test('a key is its own key, in every mapping', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('ascii', 'rfc1459', 'rfc1459-strict', 'rfc8265'),
      fc.string({ unit: 'binary' }),
      (mapping, name) => {
        const key = keyBy(mapping)
        assert.equal(key(key(name)), key(name))
      },
    ),
    { numRuns },
  )
})

const server = withTokens(
  withTokens(NOTHING_SAID, [
    'PREFIX=(qaohv)~&@%+',
    'CHANMODES=Ibe,k,HLl,CKMNRSimnprst',
    'CASEMAPPING=ascii',
    'NICKLEN=30',
    'MODES=4',
  ]),
  ['NETWORK=Some\\x20Net', 'STATUSMSG=@+', '-SAFELIST', 'MONITOR=30', 'LINELEN=1024', 'UTF8ONLY', 'CHATHISTORY=100'],
)

test('005 is read, token by token, and what is not said has the value of the standard', () => {
  assert.equal(NOTHING_SAID.nickLength, 9)
  assert.equal(NOTHING_SAID.key('A~'), 'a^')
  assert.equal(server.network, 'Some Net')
  assert.deepEqual(
    [server.nickLength, server.monitor, server.lineLength, server.utf8Only, server.chathistory],
    [30, 30, 1024, true, 100],
  )
  assert.equal(server.key('A~'), 'a~')
  assert.equal(withTokens(server, ['-MONITOR']).monitor, 0)
  assert.equal(withTokens(server, ['MONITOR']).monitor, Number.POSITIVE_INFINITY)
  assert.equal(withTokens(server, ['NICKLEN=many']).nickLength, 9)
  assert.ok(
    withTokens(
      NOTHING_SAID,
      Array.from({ length: 5_000 }, (_, n) => `X${n}=1`),
    ).tokens.size <= 500,
  )
})

test('modes take their parameters as CHANMODES and PREFIX say', () => {
  assert.deepEqual(
    readModes(server, '+ov-k+lti-lb', ['a', 'b', 'key', '5', 'mask']).map(
      ({ sign, letter, parameter }) => `${sign}${letter} ${parameter}`,
    ),
    ['+o a', '+v b', '-k key', '+l 5', '+t null', '+i null', '-l null', '-b mask'],
  )
  assert.deepEqual(writeModes(readModes(server, '+ov-k+lti', ['a', 'b', 'key', '5']), 2), [
    ['+ov', 'a', 'b'],
    ['-k+lti', 'key', '5'],
  ])
  const { signs, rest } = splitSigns(server, '~@+nick!u@h')
  assert.deepEqual([signs, rest], ['~@+', 'nick!u@h'])
  assert.equal(rankedSigns(server, '@', { sign: '+', letter: 'q', parameter: 'x' }), '~@')
  assert.equal(rankedSigns(server, '~@+', { sign: '-', letter: 'o', parameter: 'x' }), '~+')
})

test('changes of modes that are written are read again', () => {
  const change = fc.record({
    sign: fc.constantFrom('+' as const, '-' as const),
    letter: fc.constantFrom('o', 'v', 'b', 'k', 'i', 't', 'l'),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), fc.integer({ min: 1, max: 6 }), (plain, atOnce) => {
      const changes = plain.map(({ sign, letter }, index) => ({
        sign,
        letter,
        parameter: 'ovbk'.includes(letter) || (letter === 'l' && sign === '+') ? `p${index}` : null,
      }))
      const lines = writeModes(changes, atOnce)
      assert.ok(lines.every((line) => line.length - 1 <= atOnce))
      assert.deepEqual(
        lines.flatMap(([letters = '', ...params]) => readModes(server, letters, params)),
        changes,
      )
    }),
    { numRuns },
  )
})

test('masks fit as on a server, in a time that does not grow with their stars', () => {
  for (const [mask, name, fits] of [
    ['*!*@host', 'a!b@host', true],
    ['a?c!*@*', 'abc!x@y', true],
    ['a?c!*@*', 'ac!x@y', false],
    ['*', '', true],
    ['', 'a', false],
    ['*a*b*', 'xxaxxbxx', true],
  ] as const)
    assert.equal(fitsMask(mask, name), fits, `${mask} ${name}`)
  assert.equal(fitsMask('*a'.repeat(500), 'a'.repeat(20_000)), true)
  assert.equal(fitsMask(`${'*a'.repeat(500)}b`, 'a'.repeat(20_000)), false)
  const pattern = fc.array(fc.constantFrom('*', '?', 'a', 'b'), { maxLength: 8 })
  fc.assert(
    fc.property(pattern, fc.stringMatching(/^[ab]{0,8}$/), (mask, name) => {
      const as = new RegExp(`^${mask.map((each) => (each === '*' ? '.*' : each === '?' ? '.' : each)).join('')}$`)
      assert.equal(fitsMask(mask.join(''), name), as.test(name))
    }),
    { numRuns },
  )
})

test('no nick is taken for something else', () => {
  for (const nick of ['alice', 'Älice', 'a[]\\`^{}|_-', '_x1']) assert.equal(wrongNick(nick, 30), null, nick)
  for (const nick of [
    '',
    'a b',
    '#a',
    ':a',
    '1a',
    '-a',
    'a!b',
    'a@b',
    'a*',
    '@a',
    '+a',
    '$a',
    'a\u202eb',
    'a\nb',
    'a'.repeat(31),
    'a.b',
  ])
    assert.notEqual(wrongNick(nick, 30), null, JSON.stringify(nick))
})

test('the next nick fits and is another', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{1,20}$/), fc.integer({ min: 4, max: 12 }), (nick, most) => {
      const all = [1, 2, 3, 4, 5].map((attempt) => nextNick(nick, attempt, most))
      assert.equal(new Set(all).size, 5)
      for (const next of all) assert.ok(next.length <= Math.max(most, 2), next)
    }),
    { numRuns },
  )
})
