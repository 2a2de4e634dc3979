// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attribute, splitter, textOf } from './stanza-splitter.ts'

const STREAM =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client'><stream:features><a/></stream:features>" +
  "<message id='1'><body>a &lt;b&gt; c</body><x/></message><r xmlns='urn:xmpp:sm:3'/> <iq/></stream:stream>"
const WANTED = [
  'opened',
  '<stream:features><a/></stream:features>',
  "<message id='1'><body>a &lt;b&gt; c</body><x/></message>",
  "<r xmlns='urn:xmpp:sm:3'/>",
  '<iq/>',
  'closed',
]

test('a stream is cut into its top-level elements, whatever pieces it comes in', () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const got: string[] = []
    const cut = splitter({
      opened: () => got.push('opened'),
      take: (stanza) => got.push(stanza),
      closed: () => got.push('closed'),
    })
    for (let at = 0; at < STREAM.length; at += size) cut(STREAM.slice(at, at + size))
    assert.deepEqual(got, WANTED, `pieces of ${size}`)
  }
})

test('attributes are those of the first tag; texts are unescaped', () => {
  const stanza = "<message a='1'><body>a &lt;b&gt; &amp;lt;</body><x b='2'/></message>"
  assert.equal(attribute(stanza, 'a'), '1')
  assert.equal(attribute(stanza, 'b'), null)
  assert.equal(textOf(stanza, 'body'), 'a <b> &lt;')
  assert.equal(textOf(stanza, 'subject'), null)
})
