// SPDX-License-Identifier: Apache-2.0
// RFC 3986 §2.1: what is written in %XX escapes is looked through as it stands and as it reads.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Element } from '../../../components/kit/xml/element.ts'
import { writeReplacement } from '../../../components/policy/protocol/replacement.ts'
import { readRules } from '../../../components/policy/rules/rule-file.ts'
import { chat, judge, refusing, rules, screened } from '../cast.ts'

const named = chat(`<x xmlns='jabber:x:oob'><url>https://x.example/M%C3%BCller%20vertraulich.pdf</url></x>`)

const conditions: readonly [what: string, when: string][] = [
  ['a word', '{ words: [vertraulich] }'],
  ['a beginning', '{ words: [vertrau*] }'],
  ['a phrase over an escaped space', '{ words: [Müller vertraulich] }'],
  ['a word whose letter is escaped', '{ words: [müller] }'],
  ['an expression', `{ regex: 'ller\\s+vertraulich\\.pdf' }`],
  ['an expression for what is escaped only', `{ regex: ' vertr' }`],
  ['what stands there', `{ regex: '%C3%BC' }`],
]
for (const [what, when] of conditions) {
  test(`found in an escaped file name: ${what}`, () => assert.equal(judge(named, refusing(when)).action, 'refuse'))
}

test('a list of words in a lexicon finds what is escaped', () => {
  const set = rules(
    'version: 1\notherwise: allow\nlexicons: { names: [vertraulich] }\nrules:\n  - { id: r, when: { lexicon: names }, then: refuse }\n',
  )
  assert.equal(judge(named, set).action, 'refuse')
})

test('it is decoded once, and a text without escapes is one text', () => {
  const values = (inside: string) =>
    screened(chat(inside))
      .texts()
      .map(({ value }) => value)
  assert.deepEqual(values('<body>s%2565cret</body>'), ['s%2565cret', 's%65cret'])
  assert.deepEqual(values('<body>100 % s%ffcret</body>'), ['100 % s%ffcret'])
})

const set = rules(
  `version: 1\notherwise: allow\nrules:\n  - { id: m, when: { words: [secret] }, then: { replace: { mask: '*' } } }\n`,
)
function replaced(element: Element): string {
  const decision = judge(element, set)
  return decision.action === 'replace' ? writeReplacement(element, decision.texts) : decision.action
}

test('what only the escapes say cannot be masked, and is refused', () => {
  assert.equal(replaced(chat('<body>s%65cret</body>')), 'refuse')
  assert.equal(replaced(chat('<body>secret and https://x.example/s%65cret</body>')), 'refuse')
  assert.equal(replaced(chat(`<body>secret</body><x xmlns='jabber:x:oob'><url>http://x/s%65cret</url></x>`)), 'refuse')
})

test('what stands there is masked beside escapes of other words', () => {
  const body = (text: string) => `<body>${text}</body>`
  const masked = replaced(chat(body('secret: https://x.example/a%20b')))
  assert.ok(masked.includes(body('******: https://x.example/a%20b')), masked)
  const html = `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>s%65cret</p></body></html>`
  assert.doesNotMatch(replaced(chat(`<body>x</body>${html}`)), /html|cret/, 'a formatted copy is left out')
  const url = `<x xmlns='jabber:x:oob'><url>http://x/a%20b</url></x>`
  assert.ok(replaced(chat(`<body>secret</body>${url}`)).includes(url), 'and what says no such word stays')
})

test('an example of a rule is read like a text', () => {
  const file = (example: string) =>
    Buffer.from(
      `version: 1\notherwise: allow\nrules:\n  - { id: r, when: { words: [secret] }, then: refuse, ${example} }\n`,
    )
  assert.equal(readRules(file(`matches: ['s%65cret']`)).ok, true)
  assert.equal(readRules(file(`passes: ['s%65cret']`)).ok, false)
})
