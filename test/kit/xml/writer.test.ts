// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Element, xml } from '../../../components/kit/xml/element.ts'
import { parse } from '../../../components/kit/xml/parse.ts'
import { escapeAttribute, escapeText, write } from '../../../components/kit/xml/writer.ts'

const runs = process.env.GATEHOUSE_LONG === '1' ? 20_000 : 500

test('literal bytes', () => {
  assert.equal(escapeText(`a<b>&"'\r\n\t]]>`), `a&lt;b&gt;&amp;"'&#xD;\n\t]]&gt;`)
  assert.equal(escapeAttribute(`a<b>&"'\r\n\t`), 'a&lt;b&gt;&amp;&quot;&apos;&#xD;&#xA;&#x9;')
  assert.equal(
    write(xml('a', { b: '1&2' }, xml('c'), 'x<y', xml('d', {}, 'z'))),
    `<a b='1&amp;2'><c/>x&lt;y<d>z</d></a>`,
  )
})

test('what XML cannot carry is dropped, and nothing else', () => {
  assert.equal(escapeText('a\0b\x01\x08\x0b\x0c\x1f\ufffe\uffffc\ud800d\udc00e😀\u007f\u0085'), 'abcde😀\u007f\u0085')
  assert.equal(escapeAttribute('\ud83d'), '')
})

test('any text and any attribute come back as they were written', () => {
  const carried = (text: string) => text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, value) => {
      const back = parse(`<a b='${escapeAttribute(value)}'>${escapeText(text)}</a>`)
      assert.equal(back.getText(), carried(text))
      assert.equal(back.attrs.b, carried(value))
    }),
    { numRuns: runs },
  )
})

test('what is written reads as the same element', () => {
  const name = fc.constantFrom('a', 'b', 'body', 'x-y')
  const tree: fc.Arbitrary<Element> = fc.letrec<{ node: Element }>((tie) => ({
    node: fc
      .tuple(
        name,
        fc.dictionary(fc.constantFrom('id', 'to', 'xml:lang'), fc.string({ unit: 'grapheme' })),
        fc.array(fc.oneof({ maxDepth: 4 }, fc.string({ unit: 'grapheme', minLength: 1 }), tie('node')), {
          maxLength: 3,
        }),
      )
      .map(([tag, attrs, children]) => xml(tag, { ...attrs }, ...children)),
  })).node
  fc.assert(
    fc.property(tree, (element) => {
      const text = write(element)
      assert.equal(write(parse(text)), text)
    }),
    { numRuns: runs },
  )
})

test('depth costs no stack: 200,000 levels', () => {
  const root = xml('a')
  let at = root
  for (let level = 1; level < 200_000; level++) at = at.c('a')
  const text = write(root)
  assert.equal(text.length, 199_999 * 7 + 4)
})
