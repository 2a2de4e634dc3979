// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { XmlFault } from '../../../components/kit/xml/fault.ts'
import { parse, parseStanza } from '../../../components/kit/xml/parse.ts'

test('one stanza is read, with white space around it', () => {
  const element = parse(` <message xmlns='jabber:client' id='1'><body>x</body></message>\n`)
  assert.ok(element.is('message', 'jabber:client'))
  assert.equal(element.getChildText('body'), 'x')
})

test('forwarded children come with their source text', () => {
  const stanza = parseStanza(
    `<iq><forwarded xmlns='urn:xmpp:forward:0'><message  a='1'/></forwarded></iq>`,
    {},
    'jabber:client',
  )
  const message = stanza.element.getChild('forwarded')?.getChildElements()[0]
  assert.ok(message !== undefined)
  assert.equal(stanza.slice(message), `<message  a='1'/>`)
  assert.equal(stanza.element.getNS(), 'jabber:client')
})

for (const text of [
  '',
  ' ',
  'x',
  '<a',
  '<a>',
  '<a></b>',
  '<a/><b/>',
  '<a/></s><b/>',
  '</s>',
  'x<a/>',
  '<a/>x',
  '<a/>\u00a0',
  '<a>\ud800</a>',
  '<a>&x;</a>',
  '<!-- --><a/>',
])
  test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(() => parse(text), XmlFault)
  })

test('the place counts from the text', () => {
  assert.throws(
    () => parse('<a>\n<b></c></a>'),
    (fault: XmlFault) => fault.place.line === 2 && fault.place.column === 7 && fault.place.offset === 11,
  )
})

test('limits hold here too', () => {
  assert.throws(() => parse('<a><b><c/></b></a>', { depth: 2 }), XmlFault)
  assert.throws(() => parse(`<a>${'x'.repeat(1000)}</a>`, { stanzaBytes: 500 }), XmlFault)
})
