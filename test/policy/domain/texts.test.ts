// SPDX-License-Identifier: Apache-2.0
// XEP-0045, 0054, 0060, 0071, 0085, 0096, 0234, 0249, 0292, RFC 6121: no text that a person can read escapes a word rule.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from '../../../components/kit/xml/parse.ts'
import { places, quiet } from '../../harness/text-places.ts'
import { chat, judge, refusing, screened } from '../cast.ts'

const words = refusing('{ words: [secret] }')
for (const [where, xml] of places) {
  test(`a word rule finds the word in ${where}`, () => {
    const element = parse(xml)
    assert.equal(judge(element, words).action, 'refuse')
    assert.equal(judge(element, refusing('{ words: [otherword] }')).action, 'allow', 'and only that word')
  })
}

for (const [what, xml] of quiet) {
  test(`a word rule finds nothing in ${what}`, () => {
    assert.equal(judge(parse(xml), words).action, 'allow')
  })
}

test('a picture in XHTML-IM parts words and does not: it may not be seen', () => {
  const html = (inside: string) =>
    chat(
      `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>${inside}</p></body></html>`,
    )
  for (const inside of ["sec<img src='x'/>ret", "secret<img src='x'/>s"])
    assert.equal(judge(html(inside), words).action, 'refuse', inside)
})

test('a body that only looks like base64 is a text', () => {
  assert.equal(judge(chat(`<body>${'A'.repeat(80)}+secret</body>`), words).action, 'refuse')
})

test('what looks like base64 up to its end is read in time that grows with its length', () => {
  // Two ways to read each run would take 2^250000 steps.
  for (const run of ['A', 'AAAA ', 'AAAA=', '    '])
    assert.equal(
      judge(chat(`<x xmlns='urn:x'>AAAA${run.repeat(250_000 / run.length)}!secret</x>`), words).action,
      'refuse',
    )
})

test('the same stanza gives the same texts each time', () => {
  for (const [, xml] of places) {
    const element = parse(xml)
    assert.deepEqual(
      screened(element)
        .texts()
        .map((text) => text.value),
      screened(element)
        .texts()
        .map((text) => text.value),
    )
  }
})
