// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { FactFault, readFact, writeFact } from '../../../components/kit/facts/entries.ts'
import { FACTS_VERSION, type Fact } from '../../../components/kit/facts/facts.ts'
import { fields } from '../../../components/kit/facts/fields.ts'

const goldenOf = (version: number) => {
  const text = readFileSync(new URL(`../../golden/facts-${version}.jsonl`, import.meta.url), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => ({ line, body: JSON.parse(line) as Fact }))
}
const bodies = [...goldenOf(1), ...goldenOf(2), ...goldenOf(3)].map(({ body }) => body)

test('the golden facts of every version are read and written again byte for byte', () => {
  assert.equal(FACTS_VERSION, 3)
  for (const version of [1, 2, 3]) {
    for (const { line, body } of goldenOf(version)) {
      const fact = readFact({ kind: body.kind, version, body: line })
      assert.notEqual(fact.kind, 'unknown', line)
      assert.equal(writeFact(fact as Fact).body, line)
    }
  }
})

test('a fact is written in the earliest version whose readers understand it', () => {
  assert.deepEqual([...new Set(goldenOf(1).map(({ body }) => writeFact(body).version))], [1])
  assert.deepEqual(
    goldenOf(2).map(({ body }) => writeFact(body).version),
    [2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1],
  )
  assert.deepEqual(
    goldenOf(3).map(({ body }) => writeFact(body).version),
    [3, 3, 1],
  )
})

test('the golden file has an example of every kind and of every field', () => {
  for (const [kind, wanted] of fields) {
    const examples = bodies.filter((body) => body.kind === kind)
    assert.ok(examples.length > 0, `no example of ${kind}`)
    const seen = new Set(examples.flatMap((body) => Object.keys(body)))
    for (const { name } of wanted) assert.ok(seen.has(name), `no example with ${kind}.${name}`)
  }
})

test('FACTS.md names every kind and every field', () => {
  const page = readFileSync(new URL('../../../components/kit/facts/FACTS.md', import.meta.url), 'utf8')
  for (const [kind, wanted] of fields) {
    const section = page.split('\n## ').find((part) => part.startsWith(`${kind}\n`))
    assert.ok(section !== undefined, `no section ${kind}`)
    for (const { name } of wanted) assert.ok(section.includes(`| \`${name}\``), `${kind}.${name} is missing`)
  }
})

test('a fact of an unknown kind, or of a later version, is kept as it is', () => {
  const body = '{"kind":"weather","sky":"clear"}'
  const read = { kind: 'unknown', of: 'weather', version: 1, body: { kind: 'weather', sky: 'clear' } }
  assert.deepEqual(readFact({ kind: 'weather', version: 1, body }), read)
  const later = readFact({ kind: 'done', version: 4, body: '{"kind":"done","upTo":4}' })
  assert.deepEqual(later, { kind: 'unknown', of: 'done', version: 4, body: { kind: 'done', upTo: 4 } })
  for (const kind of ['constructor', '__proto__', 'toString']) {
    assert.equal(readFact({ kind, version: 1, body: '{}' }).kind, 'unknown')
  }
})

test('an unknown field of a known kind is kept', () => {
  const body = '{"kind":"done","source":"s","to":7,"colour":"blue"}'
  assert.deepEqual(writeFact(readFact({ kind: 'done', version: 1, body }) as Fact).body, body)
})

const bad: [kind: string, field: string, body: string][] = [
  ['done', '', '{"kind":'],
  ['done', '', '[]'],
  ['done', '', 'null'],
  ['ask', 'stanza', JSON.stringify({ ...bodies.find(({ kind }) => kind === 'ask'), stanza: '' })],
  ['done', 'kind', '{"kind":"mark","source":"s","to":7}'],
  ['done', 'source', '{"kind":"done","source":"","to":7}'],
  ['done', 'to', '{"kind":"done","source":"s"}'],
  ['done', 'to', '{"kind":"done","source":"s","to":-1}'],
  ['done', 'to', '{"kind":"done","source":"s","to":9007199254740992}'],
  ['mark', 'at', '{"kind":"mark","source":"s","last":7,"at":"2026-11-22 10:00"}'],
  ['mark', 'end', '{"kind":"mark","source":"s","last":7,"at":"2026-11-22T10:00:00.000Z","end":false}'],
  ['settle', 'outcome', '{"kind":"settle","source":"s","n":7,"outcome":"lost","at":"2026-11-22T10:00:00.000Z"}'],
  [
    'access',
    'who',
    '{"kind":"access","who":{"uid":1},"command":"c","query":{},"hits":0,"at":"2026-11-22T10:00:00.000Z"}',
  ],
  [
    'access',
    'query',
    '{"kind":"access","who":{"jid":"a@b"},"command":"c","query":[],"hits":0,"at":"2026-11-22T10:00:00.000Z"}',
  ],
]
for (const [kind, field, body] of bad) {
  test(`a malformed body names the kind and the field: ${body}`, () => {
    assert.throws(
      () => readFact({ kind, version: 1, body }),
      (error: unknown) =>
        error instanceof FactFault && error.kind === kind && error.field === field && error.message.includes(kind),
    )
  })
}

test('every field of every kind is checked: absent or of the wrong shape, it is named', () => {
  for (const [kind, wanted] of fields) {
    const example = bodies.find((body) => body.kind === kind)
    for (const { name, optional } of wanted) {
      const wrong = JSON.stringify({ ...example, [name]: 0.5 })
      const named = (error: unknown): boolean =>
        error instanceof FactFault && error.kind === kind && error.field === name
      assert.throws(() => readFact({ kind, version: 1, body: wrong }), named, `${kind}.${name}`)
      const without = JSON.stringify({ ...example, [name]: undefined })
      if (optional) assert.doesNotThrow(() => readFact({ kind, version: 1, body: without }))
      else assert.throws(() => readFact({ kind, version: 1, body: without }), named, `${kind}.${name}`)
    }
  }
})

test('nothing but a FactFault comes out of any body', () => {
  const kinds = fc.constantFrom(...fields.keys(), 'other')
  fc.assert(
    fc.property(kinds, fc.oneof(fc.json(), fc.string()), (kind, body) => {
      try {
        readFact({ kind, version: 1, body })
      } catch (error) {
        assert.ok(error instanceof FactFault)
      }
    }),
    { numRuns: process.env.GATEHOUSE_LONG === '1' ? 100_000 : 5_000 },
  )
})

test('a stanza with any characters comes back unchanged', () => {
  const example = bodies.find((body) => body.kind === 'ask')
  assert.ok(example?.kind === 'ask')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (stanza) => {
      const read = readFact(writeFact({ ...example, stanza }))
      assert.ok(read.kind === 'ask' && read.stanza === stanza)
    }),
  )
})
