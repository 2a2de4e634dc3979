// SPDX-License-Identifier: Apache-2.0
// XEP-0030, XEP-0092: literal bytes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readNode, writeInfo, writeItems } from '../../../components/kit/xep/disco.ts'
import { PING } from '../../../components/kit/xep/ping.ts'
import { writeVersion } from '../../../components/kit/xep/version.ts'
import { parse } from '../../../components/kit/xml/parse.ts'

test('XEP-0030 §3: identities, and features once each', () => {
  assert.equal(
    writeInfo({
      identities: [{ category: 'component', type: 'archive', name: `A&B's` }],
      features: ['u:b', 'u:a', 'u:b'],
    }),
    `<query xmlns='http://jabber.org/protocol/disco#info'><identity category='component' type='archive' name='A&amp;B&apos;s'/><feature var='u:a'/><feature var='u:b'/></query>`,
  )
  assert.equal(
    writeInfo({ identities: [], features: [] }, 'x<y'),
    `<query xmlns='http://jabber.org/protocol/disco#info' node='x&lt;y'></query>`,
  )
})

test('XEP-0030 §4: items', () => {
  assert.equal(
    writeItems([{ jid: 'a.example' }, { jid: 'b.example', node: 'n', name: 'B' }]),
    `<query xmlns='http://jabber.org/protocol/disco#items'><item jid='a.example'/><item jid='b.example' node='n' name='B'/></query>`,
  )
  assert.equal(readNode(parse(`<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>`)), 'n')
  assert.equal(readNode(parse(`<query xmlns='http://jabber.org/protocol/disco#info'/>`)), null)
})

test('XEP-0092: the operating system only where it is given', () => {
  assert.equal(
    writeVersion({ name: 'G', version: '1' }),
    `<query xmlns='jabber:iq:version'><name>G</name><version>1</version></query>`,
  )
  assert.equal(
    writeVersion({ name: 'G', version: '1', os: 'L<' }),
    `<query xmlns='jabber:iq:version'><name>G</name><version>1</version><os>L&lt;</os></query>`,
  )
})

test('XEP-0199: the ping', () => {
  assert.equal(PING, `<ping xmlns='urn:xmpp:ping'/>`)
})
