// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Element } from '../../../components/kit/xml/element.ts'
import { parse } from '../../../components/kit/xml/parse.ts'
import { escapeText } from '../../../components/kit/xml/writer.ts'
import { writeReplacement } from '../../../components/policy/protocol/replacement.ts'
import { rounds } from '../../harness/rounds.ts'
import { chat, judge, rules, screened, stanza } from '../cast.ts'

const masking = (words: string, mask = '*') =>
  rules(
    `version: 1\notherwise: allow\nrules:\n  - id: m\n    when: { words: [${words}] }\n    then: { replace: { mask: '${mask}' } }\n`,
  )

/** The replaced stanza, or the action that was decided instead. */
function replaced(element: Element, set = masking('secret')): string {
  const decision = judge(element, set)
  return decision.action === 'replace' ? writeReplacement(element, decision.texts) : decision.action
}

const bodyOf = (xml: string) => parse(xml).getChildText('body')

test('the words are masked in bodies of all languages and in the subject; all else stays', () => {
  const message = stanza(
    `<message from='a@b.example/x' to='c@d.example' type='chat' id='i&amp;1'><origin-id xmlns='urn:xmpp:sid:0' id='o1'/><subject>Secret!</subject><body>one SECRET, two secret</body><body xml:lang='de'>secret</body><body xml:lang='fr'>rien &lt;</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  )
  assert.equal(
    replaced(message),
    `<message xmlns='jabber:client' from='a@b.example/x' to='c@d.example' type='chat' id='i&amp;1'><origin-id xmlns='urn:xmpp:sid:0' id='o1'/><subject>******!</subject><body>one ******, two ******</body><body xml:lang='de'>******</body><body xml:lang='fr'>rien &lt;</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  )
})

test('formatted text is left out of a replacement', () => {
  const html = `<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>a sec<b>ret</b></p></body></html>`
  assert.doesNotMatch(replaced(chat(`<body>a secret</body>${html}`)), /html|sec/)
  assert.doesNotMatch(replaced(chat(`<body>harmless</body>${html}`)), /html|sec/, 'also where only it has the word')
})

test('the stanza itself is left as it was', () => {
  const message = chat(`<body>a secret<x xmlns='urn:x'/></body>`)
  const before = message.toString()
  replaced(message)
  assert.equal(message.toString(), before)
})

test('a longer mask stands for the whole word; one character for each character', () => {
  assert.equal(bodyOf(replaced(chat('<body>a secret b</body>'), masking('secret', '[…]'))), 'a […] b')
  assert.equal(bodyOf(replaced(chat('<body>a 😀 b</body>'), masking("'😀'", '█'))), 'a █ b')
  assert.equal(
    bodyOf(replaced(chat('<body>top secret plan</body>'), masking('top secret, secret plan', '#'))),
    '###############',
  )
  assert.equal(
    bodyOf(replaced(chat('<body>top secret plan</body>'), masking('top secret, secret plan', '[cut]'))),
    '[cut]',
  )
})

const refused: readonly [what: string, element: Element][] = [
  ['in an encrypted message', chat(`<body>a secret</body><encrypted xmlns='urn:xmpp:omemo:2'/>`)],
  ['in a nick', chat(`<body>x</body><nick xmlns='http://jabber.org/protocol/nick'>secret</nick>`)],
  ['in the body and in a nick', chat(`<body>secret</body><nick xmlns='http://jabber.org/protocol/nick'>secret</nick>`)],
  ['in a file name', chat(`<body>x</body><x xmlns='jabber:x:oob'><url>http://x/secret</url></x>`)],
  ['in a status', stanza(`<presence from='a@b.example/x'><status>secret</status></presence>`)],
  ['in an IQ', stanza(`<iq from='a@b.example/x' to='c@d.example/y' type='set' id='1'><body>secret</body></iq>`)],
  ['in an element inside the body', chat(`<body>x<i xmlns='urn:x'>secret</i></body>`)],
]
for (const [what, element] of refused) {
  test(`a word that cannot be masked is refused: ${what}`, () => {
    assert.equal(replaced(element), 'refuse')
  })
}

test('a mask that says the word again is refused', () => {
  assert.equal(replaced(chat('<body>a secret b</body>'), masking('secret', 'no secret here')), 'refuse')
})

test('after a replacement the walk goes on over the masked text', () => {
  const set = rules(`
version: 1
otherwise: allow
rules:
  - { id: one, when: { words: [secret] }, then: replace }
  - { id: two, when: { words: [secret] }, then: refuse }
  - { id: three, when: { words: [plan] }, then: { replace: { mask: x } } }
  - { id: four, when: { words: [stop] }, then: refuse }
`)
  const message = chat('<body>secret plan</body>')
  const decision = judge(message, set)
  assert.ok(decision.action === 'replace')
  assert.equal(decision.rule, 'one,three')
  assert.equal(bodyOf(writeReplacement(message, decision.texts)), '****** xxxx')
  assert.equal(judge(chat('<body>secret stop</body>'), set).action, 'refuse')
})

test('what has no such word is not replaced', () => {
  assert.equal(replaced(chat('<body>secretary</body>')), 'allow')
})

test('no replacement says one of the words, whatever the text and the words', (t) => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'A', ' ', '-', 'ß', '😀', '<', '&'), maxLength: 20 })
  const word = fc
    .string({ unit: fc.constantFrom('a', 'b', ' ', '-', 'ß', '😀'), minLength: 1, maxLength: 4 })
    .filter((it) => it.trim() !== '')
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 3 }), letters, letters, (words, body, subject) => {
      const set = masking(words.map((each) => JSON.stringify(each)).join(', '))
      const message = stanza(
        `<message from='a@b.example/x' to='c@d.example' id='1'><subject>${escapeText(subject)}</subject><body>${escapeText(body)}</body></message>`,
      )
      const result = replaced(message, set)
      if (!result.startsWith('<')) return
      const again = parse(result)
      assert.equal(judge(again, set).action, 'allow')
      assert.deepEqual([again.attrs.id, again.attrs.from, again.attrs.to], ['1', 'a@b.example/x', 'c@d.example'])
      assert.deepEqual(screened(again).kinds, screened(message).kinds)
    }),
    rounds(t, 1_000, 100_000),
  )
})
