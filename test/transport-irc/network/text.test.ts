// SPDX-License-Identifier: Apache-2.0
// What people write: cut without harm, styled both ways, in the bytes of each server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readCtcp, writeCtcp } from '../../../components/transport-irc/network/wire/ctcp.ts'
import { encodingOf } from '../../../components/transport-irc/network/wire/encoding.ts'
import {
  fromStyled,
  openCodes,
  toStyled,
  withoutCodes,
} from '../../../components/transport-irc/network/wire/formatting.ts'
import { roomForText, splitText } from '../../../components/transport-irc/network/wire/split.ts'

const numRuns = process.env.GATEHOUSE_LONG === '1' ? 50_000 : 1_500

const sizeOf = (text: string) => Buffer.byteLength(text)

test('a text is cut at spaces, between letters as people see them, and nothing of it is lost', () => {
  assert.deepEqual(splitText('one two three', 8, sizeOf), ['one two ', 'three'])
  assert.deepEqual(splitText('onetwothree', 4, sizeOf), ['onet', 'woth', 'ree'])
  assert.deepEqual(splitText('aaaaa 😀😀🇩🇪', 14, sizeOf), ['aaaaa ', '😀😀', '🇩🇪'])
  const family = '👨‍👩‍👧‍👦'
  assert.deepEqual(splitText(family.repeat(3), 60, sizeOf), [family.repeat(2), family])
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.integer({ min: 8, max: 80 }), (text, most) => {
      const parts = splitText(text, most, sizeOf)
      assert.equal(parts.join(''), text)
      for (const part of parts) assert.ok(sizeOf(part) <= most, part)
      for (const part of parts) assert.ok(!text.isWellFormed() || part.isWellFormed())
    }),
    { numRuns },
  )
})

test('the whole line fits as the server sends it on', () => {
  const room = roomForText(512, 'nick!user@host', 'PRIVMSG', '#channel')
  assert.equal(Buffer.byteLength(`:nick!user@host PRIVMSG #channel :${'x'.repeat(room)}\r\n`), 512)
})

test('codes become marks where marks are read as such', () => {
  for (const [coded, styled] of [
    ['\x02bold\x02', '*bold*'],
    ['\x02bold', '*bold*'],
    ['a \x1dslanted\x1d b', 'a _slanted_ b'],
    ['\x1estruck\x0f plain', '~struck~ plain'],
    ['\x11code *x*\x11', '`code *x*`'],
    ['\x02both \x1dslanted\x1d\x02', '*both _slanted_*'],
    ['\x02 bold \x02x', ' *bold* x'],
    ['in\x02side\x02', 'inside'],
    ['\x0304,12red\x03 plain', 'red plain'],
    ['\x03' + '12 people', ' people'],
    ['\x04ff0000red', 'red'],
    ['\x1funderlined\x1f \x16reversed\x16', 'underlined reversed'],
    ['\x02\x02empty', 'empty'],
    ['*as typed*', '*as typed*'],
    ['bell\x07 and \x1b[0m', 'bell and [0m'],
  ] as const)
    assert.equal(toStyled(coded), styled, JSON.stringify(coded))
  assert.equal(withoutCodes('\x02a\x0304b\x03c\x0f'), 'abc')
})

test('codes that are open at the end of a line are known', () => {
  assert.equal(openCodes('\x02bold \x1dboth\x1d'), '\x02')
  assert.equal(openCodes('\x02bold\x0f \x1e\x1f'), '\x1e\x1f')
  assert.equal(openCodes('\x02a\x02 plain'), '')
})

test('marks become codes where XEP-0393 reads them', () => {
  for (const [styled, coded] of [
    ['*bold*', '\x02bold\x02'],
    ['a _b_ c', 'a \x1db\x1d c'],
    ['*both _slanted_*', '\x02both \x1dslanted\x1d\x02'],
    ['`*x*`', '\x11*x*\x11'],
    ['2 * 3 * 4', '2 * 3 * 4'],
    ['a_b_c', 'a_b_c'],
    ['* a*', '* a*'],
    ['**', '**'],
    ['*a', '*a'],
    ['```\n*x*\n```\n*y*', '```\n*x*\n```\n\x02y\x02'],
  ] as const)
    assert.equal(fromStyled(styled), coded, styled)
})

test('styling survives the way there and back; no code is left in what people read', () => {
  const word = fc.stringMatching(/^[a-z]{1,6}$/)
  const span = fc.tuple(fc.constantFrom('*', '_', '~', '`'), word).map(([mark, text]) => `${mark}${text}${mark}`)
  const line = fc.array(fc.oneof(word, span), { minLength: 1, maxLength: 8 }).map((words) => words.join(' '))
  fc.assert(
    fc.property(line, (text) => assert.equal(toStyled(fromStyled(text)), text)),
    { numRuns },
  )
  const coded = fc.array(
    fc.constantFrom(
      '\x02',
      '\x1d',
      '\x1e',
      '\x11',
      '\x0f',
      '\x03',
      '\x034',
      '\x04',
      '\x16',
      '\x1f',
      ' ',
      'a',
      '*',
      '_',
      'bc',
      '1,2',
    ),
    {
      maxLength: 20,
    },
  )
  fc.assert(
    fc.property(coded, (pieces) => {
      const text = pieces.join('')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes are control characters
      assert.doesNotMatch(toStyled(text), /[\x00-\x08\x0b-\x1f\x7f]/)
      const letters = (all: string) => all.replace(/[*_~`]/g, '')
      assert.equal(letters(toStyled(text)), letters(withoutCodes(text)))
    }),
    { numRuns },
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      toStyled(text)
      fromStyled(text)
    }),
    { numRuns },
  )
})

test('CTCP is taken apart and put together', () => {
  assert.deepEqual(readCtcp('\x01ACTION waves\x01'), { name: 'ACTION', text: 'waves' })
  assert.deepEqual(readCtcp('\x01version\x01'), { name: 'VERSION', text: '' })
  assert.deepEqual(readCtcp('\x01ACTION cut off'), { name: 'ACTION', text: 'cut off' })
  assert.deepEqual(readCtcp('\x01'), { name: '', text: '' })
  assert.equal(readCtcp('plain'), null)
  assert.equal(writeCtcp('ACTION', 'a\x01b'), '\x01ACTION ab\x01')
})

test('every encoding reads what it writes; what it cannot write is a question mark', () => {
  for (const label of [
    'latin1',
    'iso-8859-15',
    'windows-1250',
    'windows-1251',
    'windows-1252',
    'koi8-r',
    'koi8-u',
    'shift_jis',
    'gbk',
    'euc-kr',
    'big5',
    'euc-jp',
    'utf-8',
  ]) {
    const encoding = encodingOf(label)
    assert.ok(encoding !== null, label)
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte >= 32 || byte === 0))
    for (const byte of all) {
      const letter = encoding.read(Buffer.from([byte]))
      if (letter.length === 1 && letter !== '\ufffd' && label !== 'utf-8')
        assert.equal(encoding.read(encoding.write(letter)), letter, `${label} ${byte}`)
    }
    for (const text of [
      'plain ~|{}',
      {
        'koi8-r': 'Привет',
        'koi8-u': 'Привіт',
        'windows-1251': 'Привет',
        shift_jis: 'こんにちは',
        gbk: '你好',
        'euc-kr': '안녕',
        big5: '你好',
        'euc-jp': '日本',
      }[label] ?? 'é',
    ]) {
      assert.equal(encoding.read(encoding.write(text)), text, label)
      assert.equal(encoding.sizeOf(text), encoding.write(text).length, label)
    }
  }
  assert.deepEqual([...(encodingOf('windows-1252')?.write('€é→') ?? [])], [0x80, 0xe9, 63])
  assert.equal(encodingOf('windows-1252')?.read(Buffer.from([0x80, 0x93])), '€“')
})

test('what is no UTF-8 is read as the fallback', () => {
  assert.equal(encodingOf('utf-8')?.read(Buffer.from('é€')), 'é€')
  assert.equal(encodingOf('utf-8')?.read(Buffer.from([0x47, 0xfc, 0x80])), 'Gü€')
  assert.equal(encodingOf('utf-8', 'koi8-r')?.read(Buffer.from([0xf0])), 'П')
  assert.equal(encodingOf('utf-8', 'utf-8')?.read(Buffer.from([0xfc])), '\ufffd')
  for (const label of ['utf-16le', 'iso-2022-jp', 'nothing', 'replacement', 'x-user-defined'])
    assert.equal(encodingOf(label), null, label)
})

test('marks that nothing closes are read once, however many there are', () => {
  const text = ' *a _b'.repeat(40_000)
  assert.equal(fromStyled(text), text)
})
