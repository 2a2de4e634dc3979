// SPDX-License-Identifier: Apache-2.0
// Lines of IRC: what is written is read again, and nothing that a server sends makes the reader fail.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodingOf } from '../../../components/transport-irc/network/wire/encoding.ts'
import { type Line, readLine, readSource, writeLine } from '../../../components/transport-irc/network/wire/line.ts'
import { readTags, readTime, writeTags } from '../../../components/transport-irc/network/wire/tags.ts'

const LONG = process.env.GATEHOUSE_LONG === '1'
const numRuns = LONG ? 100_000 : 5_000

const parts = ({ tags, source, command, params }: Line) => ({ tags: [...tags], source, command, params })

// RFC 1459, IRCv3 message-tags and the cases of ircdocs' parser-tests, in our words.
const CASES: [string, ReturnType<typeof parts>][] = [
  ['PING', { tags: [], source: '', command: 'PING', params: [] }],
  [':a!b@c PRIVMSG #d :e f', { tags: [], source: 'a!b@c', command: 'PRIVMSG', params: ['#d', 'e f'] }],
  [':a!b@c  PRIVMSG   #d   :  e ', { tags: [], source: 'a!b@c', command: 'PRIVMSG', params: ['#d', '  e '] }],
  ['foo bar baz :', { tags: [], source: '', command: 'FOO', params: ['bar', 'baz', ''] }],
  ['foo bar baz ::asdf', { tags: [], source: '', command: 'FOO', params: ['bar', 'baz', ':asdf'] }],
  ['foo bar:baz :x', { tags: [], source: '', command: 'FOO', params: ['bar:baz', 'x'] }],
  [
    '@a=b;c=32;k;rt=ql7;+x/y=1 :z 005 me X=\\x20 :are',
    {
      tags: [
        ['a', 'b'],
        ['c', '32'],
        ['k', ''],
        ['rt', 'ql7'],
        ['+x/y', '1'],
      ],
      source: 'z',
      command: '005',
      params: ['me', 'X=\\x20', 'are'],
    },
  ],
  ['@a=\\:\\s\\\\\\r\\n\\b\\ FOO', { tags: [['a', '; \\\r\nb']], source: '', command: 'FOO', params: [] }],
  ['@a=1;a=2 FOO', { tags: [['a', '2']], source: '', command: 'FOO', params: [] }],
  ['FOO a\0b\rc', { tags: [], source: '', command: 'FOO', params: ['abc'] }],
]

test('lines are read as the standards say', () => {
  for (const [text, wanted] of CASES) {
    const line = readLine(text)
    assert.ok(line !== null, text)
    assert.deepEqual(parts(line), wanted, text)
  }
})

test('what is no line of IRC is none', () => {
  for (const text of ['', ' ', ':', ':a', ':a ', '@', '@a', '@a=b ', '@a :b', '12 x', 'PRIV-MSG x', 'Ä', '1234'])
    assert.equal(readLine(text), null, text)
})

test('any text, and any bytes in any encoding, are read or refused, and no end of line or NUL comes out', () => {
  const utf8 = encodingOf('utf-8')
  assert.ok(utf8 !== null)
  const check = (text: string) => {
    const line = readLine(text)
    if (line === null) return
    assert.doesNotMatch([line.source, line.command, ...line.params].join(' '), /[\r\n\0]/)
    assert.match(line.command, /^(?:[A-Z]+|[0-9]{3})$/)
  }
  const pieces = fc.array(
    fc.constantFrom('@', ':', ' ', ';', '=', '\\', '\0', '\r', '\n', 'a', 'PRIVMSG', '001', 'ß', '\ud83d', '👍'),
    {
      maxLength: 40,
    },
  )
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 100 }), check), { numRuns })
  fc.assert(
    fc.property(pieces, (all) => check(all.join(''))),
    { numRuns },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => check(utf8.read(Buffer.from(bytes)))),
    { numRuns },
  )
})

const middle = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((text) => !/[\s\0]/.test(text) && !text.startsWith(':') && text.isWellFormed())
const last = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((text) => !/[\r\n\0]/.test(text))
const tagName = fc.stringMatching(/^\+?(?:[a-z]{1,5}(?:\.[a-z]{1,3})?\/)?[A-Za-z0-9-]{1,8}$/)
const tags = fc.uniqueArray(
  fc.tuple(
    tagName,
    fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll('\0', '')),
  ),
  {
    selector: ([name]) => name,
    maxLength: 6,
  },
)

test('a line that is written is read again', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Z]{1,10}$/),
      fc.array(middle, { maxLength: 8 }),
      last,
      tags,
      (command, params, end, all) => {
        const line = readLine(writeLine(command, [...params, end], new Map(all)))
        assert.ok(line !== null)
        assert.deepEqual([line.command, line.params, [...line.tags]], [command, [...params, end], all])
      },
    ),
    { numRuns },
  )
  fc.assert(
    fc.property(tags, (all) => assert.deepEqual([...readTags(writeTags(new Map(all)))], all)),
    { numRuns },
  )
})

test('nothing can be smuggled into a line', () => {
  for (const params of [
    ['a\r\nQUIT'],
    ['a\nb', 'c'],
    ['a\0b'],
    ['a b', 'c'],
    ['', 'c'],
    [':a', 'b'],
    ['#c', 'x\rQUIT'],
  ])
    assert.throws(() => writeLine('PRIVMSG', params), RangeError, JSON.stringify(params))
  assert.throws(() => writeTags(new Map([['a b', 'c']])), RangeError)
  assert.throws(() => writeTags(new Map([['a;b', 'c']])), RangeError)
  assert.doesNotMatch(writeTags(new Map([['a', 'b\r\nQUIT; :']])), /[\r\n ]/)
})

test('sources are people or servers', () => {
  assert.deepEqual(readSource('a!b@c'), { nick: 'a', user: 'b', host: 'c', isServer: false })
  assert.deepEqual(readSource('a@c.d'), { nick: 'a', host: 'c.d', isServer: false })
  assert.deepEqual(readSource('irc.example.org'), { nick: 'irc.example.org', isServer: true })
  assert.deepEqual(readSource('alice'), { nick: 'alice', isServer: false })
})

test('stamps of server-time are milliseconds', () => {
  assert.equal(readTime('2026-01-02T03:04:05.678Z'), Date.UTC(2026, 0, 2, 3, 4, 5, 678))
  assert.equal(readTime('yesterday'), null)
  assert.equal(readTime(undefined), null)
})
