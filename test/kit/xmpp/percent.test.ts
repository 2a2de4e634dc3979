// SPDX-License-Identifier: Apache-2.0
// RFC 3986 §2.1, RFC 3629 §4.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodedPercent } from '../../../components/kit/xmpp/percent.ts'
import { rounds } from '../../harness/rounds.ts'

const cases: readonly [text: string, decoded: string | null][] = [
  ['', null],
  ['plain text', null],
  ['100 % sure', null],
  ['https://x.example/s%65cret', 'https://x.example/secret'],
  ['M%C3%BCller%20vertraulich.pdf', 'Müller vertraulich.pdf'],
  ['m%c3%bcller', 'müller'],
  ['Mu%CC%88ller', 'Mu\u0308ller'],
  ['%E5%90%88%E5%90%8C', '合同'],
  ['%F0%9F%98%80', '😀'],
  // What is no escape, and what is no UTF-8, stays; what stands beside it is decoded.
  ['%', null],
  ['%6', null],
  ['%g5 %5g', null],
  ['%%65', '%e'],
  ['%6%65', '%6e'],
  ['%FC', null],
  ['%C3%41', '%C3A'],
  ['a%C3', null],
  ['%73%FF%65', 's%FFe'],
  ['%BC%C3%BC', '%BCü'],
  ['%E5%90%65', '%E5%90e'],
  // Overlong forms, surrogates, and what is above U+10FFFF (RFC 3629 §3).
  ['%C1%A5', null],
  ['%E0%81%A5', null],
  ['%ED%A0%80', null],
  ['%ED%9F%BF', '\uD7FF'],
  ['%F0%80%81%A5', null],
  ['%F4%8F%BF%BF', '\u{10FFFF}'],
  ['%F4%90%80%80', null],
  // Once.
  ['s%2565cret', 's%65cret'],
  ['%25', '%'],
  // Control characters.
  ['a%0Ab%1Bc', 'a\nb\u001Bc'],
  ['a%00b', 'a b'],
]
for (const [text, decoded] of cases) {
  test(`${JSON.stringify(text)} ${decoded === null ? 'has nothing to decode' : `says ${JSON.stringify(decoded)}`}`, () =>
    assert.equal(decodedPercent(text), decoded))
}

test('whatever is written in escapes is read again, and never grows', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, beside) => {
      const escaped = [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
      assert.equal(decodedPercent(escaped) ?? '', text.replaceAll('\0', ' '))
      assert.ok((decodedPercent(beside + escaped)?.length ?? 0) <= beside.length + escaped.length)
    }),
    rounds(t, 1_000, 100_000),
  )
})

test('a text of nothing but escapes is read whole, whatever its length', () => {
  // A run held as one match would take a stack as deep as it is long.
  assert.equal(decodedPercent('%65'.repeat(700_000)), 'e'.repeat(700_000))
  assert.equal(decodedPercent(`${'%C3'.repeat(700_000)}%65`)?.length, 3 * 700_000 + 1)
})
