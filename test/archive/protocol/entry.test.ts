// SPDX-License-Identifier: Apache-2.0
// A journal entry, whatever it holds, becomes something that is kept: reading never throws.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { readEntry } from '../../../components/archive/protocol/entry.ts'
import { openStanzaReader } from '../../../components/archive/protocol/stanza-reader.ts'
import { ask } from '../facts.ts'

const reading = {
  journal: 'j',
  stanzas: openStanzaReader(),
  isRoom: () => false,
  sha256: (text: string) => hash('sha256', text, 'hex'),
}
const read = (kind: string, body: unknown, version = 1) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return readEntry({ kind, version, body: text, position: 5, at: 1000 }, reading)
}

function tryIn(got: ReturnType<typeof readEntry>) {
  const item = got.items.find((one) => one.as === 'try')
  assert.ok(item?.as === 'try')
  return item.record
}

const hostile: readonly [title: string, stanza: string, note: RegExp][] = [
  ['not closed', "<message xmlns='jabber:client'><body>half", /one element is wanted/],
  ['mismatched', '<message><body>word</message></body>', /not readable as XML/],
  ['a raw &', '<message><body>R&D and secret; more</body></message>', /not readable as XML/],
  ['a DOCTYPE', '<!DOCTYPE x [<!ENTITY a "b">]><message/>', /not readable as XML/],
  ['a comment', '<message><!-- x --><body>y</body></message>', /comment/],
  ['two stanzas', '<message/><message/>', /one element is wanted/],
  ['text around', 'x<message/>', /not readable as XML/],
  ['20,000 levels', `${'<a>'.repeat(20_000)}deep${'</a>'.repeat(20_000)}`, /deeper/],
  ['an end tag that would close the stream', '</stream><message/>', /not readable as XML/],
  ['no XML at all', '\u0000\u0001', /not readable as XML/],
]

for (const [title, stanza, note] of hostile) {
  test(`a stanza that is ${title} is kept as it came, with a note, and the next one is read`, () => {
    const got = read('ask', ask({ n: 1, stanza }))
    const record = tryIn(got)
    assert.equal(record.stanza, stanza)
    assert.match(record.fields.note, note)
    assert.equal(record.fields.what, 'unreadable')
    assert.deepEqual(got.counted, { kind: 'ask', source: record.source, n: 1 })
    assert.equal(tryIn(read('ask', ask({ n: 2 }))).fields.note, '')
  })
}

test('the words of an unreadable stanza are found all the same', () => {
  assert.match(tryIn(read('ask', ask({ stanza: '<message><body>topsecret</message>' }))).words, /topsecret/)
})

test('half a character: the record is kept, and the body of the fact beside it, as it came', () => {
  const got = read('ask', ask({ stanza: '<message><body>\ud800</body></message>' }))
  assert.deepEqual(
    got.items.map((one) => one.as),
    ['try', 'other'],
  )
})

test('a very large stanza is read and found', () => {
  const stanza = `<message xmlns='jabber:client'><body>${'lorem '.repeat(300_000)}needle</body></message>`
  const record = tryIn(read('ask', ask({ stanza })))
  assert.ok(record.words.endsWith('needle'))
})

test('both texts of a replaced stanza are in the index, and both stanzas in the record', () => {
  const stanza = "<message xmlns='jabber:client'><body>Nightingale</body></message>"
  const replacement = "<message xmlns='jabber:client'><body>***********</body></message>"
  const record = tryIn(read('ask', ask({ stanza, verdict: { action: 'replace', rule: 'mask', stanza: replacement } })))
  assert.deepEqual(
    [record.stanza, record.replacement, record.action, record.rule],
    [stanza, replacement, 'replace', 'mask'],
  )
  assert.match(record.words, /Nightingale\n\*/)
})

test('condition and texts of a refusal are in the record', () => {
  const verdict = {
    action: 'refuse',
    rule: 'r1',
    condition: 'policy-violation',
    text: { en: 'no', de: 'nein' },
  } as const
  assert.deepEqual(JSON.parse(tryIn(read('ask', ask({ verdict }))).verdict), {
    condition: 'policy-violation',
    text: { en: 'no', de: 'nein' },
  })
})

test('a question with a verdict of a later version is a record, with a note', () => {
  const record = tryIn(read('ask', { ...ask({}), verdict: { action: 'keep', rule: 'r9' } }))
  assert.deepEqual([record.action, record.rule], ['keep', 'r9'])
  assert.match(record.fields.note, /verdict/)
})

test('a kind that is not known, a version that is not known, a body that is no JSON: kept as they came', () => {
  for (const [kind, body, version] of [
    ['review', { kind: 'review', x: 1 }, 1],
    ['ask', ask({}), 4],
    ['ask', '{"half', 1],
    ['settle', { kind: 'settle', source: '' }, 1],
  ] as const) {
    const got = read(kind, body, version)
    assert.deepEqual(
      got.items.map((one) => one.as),
      ['other'],
    )
    const [item] = got.items
    assert.ok(item?.as === 'other')
    assert.equal(item.body, typeof body === 'string' ? body : JSON.stringify(body))
    assert.ok(item.note)
  }
})

test('any text as body, any text as stanza: never a throw, always one thing kept', () => {
  const runs = { numRuns: process.env.GATEHOUSE_LONG === '1' ? 20_000 : 1000 }
  const piece = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('<message>', '</message>', '<body>', '</body>', '&', '<![CDATA[', ']]>', "x='"),
  )
  fc.assert(
    fc.property(fc.string(), (body) => assert.ok(read('ask', body).items.length > 0)),
    runs,
  )
  fc.assert(
    fc.property(
      fc.array(piece).map((all) => `<m>${all.join('')}`),
      (stanza) => assert.equal(tryIn(read('ask', ask({ stanza }))).stanza, stanza),
    ),
    runs,
  )
})
