// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { XmlFault } from '../../../components/kit/xml/fault.ts'
import { openParser, parse, parseStanza } from '../../../components/kit/xml/parse.ts'

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

const REFUSED = [
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
]
for (const text of REFUSED)
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

test('one parser reads many texts, and what is wrong with one is not in the next', () => {
  const parser = openParser({ depth: 4 }, 'jabber:client')
  const read = (n: number) => {
    const { element, raw } = parser.read(`<message id='${n}'><body>x</body></message>`)
    assert.deepEqual([element.attrs.id, element.getNS(), raw.length], [`${n}`, 'jabber:client', raw.trim().length])
  }
  read(1)
  for (const [at, text] of REFUSED.entries()) {
    assert.throws(() => parser.read(text), XmlFault, text)
    read(at)
    read(at)
  }
  assert.ok(parser.read(' <a/>\r').element.is('a'))
  assert.ok(parser.read('\n<b/> ').element.is('b'))
  read(3)
})

test('the place counts from the text, whatever was read before', () => {
  const parser = openParser()
  for (let n = 0; n < 3; n++) parser.read('<a>\n\n</a>')
  assert.throws(
    () => parser.read('<a>\n<b></c></a>'),
    (fault: XmlFault) => fault.place.line === 2 && fault.place.column === 7 && fault.place.offset === 11,
  )
})

test('a reader that is used again holds each text to its limits, not all of them together', () => {
  const parser = openParser({ stanzaBytes: 500 })
  for (let n = 0; n < 10; n++) parser.read(`<a>${'x'.repeat(400)}</a>`)
  assert.throws(() => parser.read(`<a>${'x'.repeat(1000)}</a>`), XmlFault)
})
