// SPDX-License-Identifier: Apache-2.0
// What the archive reads out of each kind of stanza: its kind, whom it concerns, what it is about, and every readable text.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readStanzaFields } from '../../../components/archive/protocol/stanza-fields.ts'
import { openStanzaReader } from '../../../components/archive/protocol/stanza-reader.ts'

const reader = openStanzaReader()
const read = (stanza: string) => readStanzaFields(reader.read(stanza), (bare) => bare === 'known@rooms.corp.example')

const ENDS = "from='alice@corp.example/desk' to='bob@corp.example'"
const chat = (inside: string, more = "type='chat' id='m1'") =>
  `<message xmlns='jabber:client' ${ENDS} ${more}>${inside}</message>`
const iq = (inside: string, to = 'bob@corp.example') =>
  `<iq xmlns='jabber:client' from='alice@corp.example/desk' to='${to}' type='set' id='i1'>${inside}</iq>`

const cases: readonly [title: string, stanza: string, expected: Record<string, unknown>][] = [
  [
    'a body',
    chat('<body>hello Bob</body>'),
    { what: 'message', text: 'hello Bob', excerpt: 'hello Bob', id: 'm1', type: 'chat', room: '' },
  ],
  [
    'bodies in two languages',
    chat("<body xml:lang='en'>hello</body><body xml:lang='de'>hallo</body>"),
    { text: 'hello\nhallo', excerpt: 'hello', language: 'en' },
  ],
  ['the language of the stanza', chat('<body>hallo</body>', "xml:lang='de' type='chat'"), { language: 'de' }],
  ['a subject', chat('<subject>quarter</subject>', "type='normal'"), { what: 'subject', text: 'quarter' }],
  [
    'a subject beside a body is a message',
    chat('<subject>q</subject><body>b</body>'),
    { what: 'message', text: 'q\nb', excerpt: 'b' },
  ],
  [
    'XHTML-IM (XEP-0071): words that marks split are one word, links are text',
    chat(
      "<body>see</body><html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>con<b>trac</b>t</p><p>two</p></body></html>",
    ),
    { text: 'see\ncontract\ntwo' },
  ],
  [
    'a correction (XEP-0308)',
    chat("<body>fixed</body><replace xmlns='urn:xmpp:message-correct:0' id='m0'/>"),
    { what: 'correction', links: [{ kind: 'correction', target: 'm0' }] },
  ],
  [
    'a retraction (XEP-0424)',
    chat("<retract xmlns='urn:xmpp:message-retract:1' id='m0'/><body>gone</body>"),
    { what: 'retraction', links: [{ kind: 'retraction', target: 'm0' }] },
  ],
  [
    'a retraction as older clients write it',
    chat("<apply-to xmlns='urn:xmpp:fasten:0' id='m0'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>"),
    { what: 'retraction', links: [{ kind: 'retraction', target: 'm0' }] },
  ],
  [
    'a moderation (XEP-0425) with its reason',
    iq(
      "<moderate xmlns='urn:xmpp:message-moderate:1' id='s1'><retract xmlns='urn:xmpp:message-retract:1'/><reason>spam</reason></moderate>",
    ),
    { what: 'moderation', links: [{ kind: 'moderation', target: 's1' }], text: 'spam' },
  ],
  [
    'a reaction (XEP-0444)',
    chat("<reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>👍</reaction></reactions>"),
    { what: 'reaction', links: [{ kind: 'reaction', target: 'm0' }], text: '👍' },
  ],
  [
    'a reply (XEP-0461) is a message about another',
    chat("<body>yes</body><reply xmlns='urn:xmpp:reply:0' to='bob@corp.example' id='m0'/>"),
    { what: 'message', links: [{ kind: 'reply', target: 'm0' }] },
  ],
  [
    'origin-id (XEP-0359)',
    chat("<body>x</body><origin-id xmlns='urn:xmpp:sid:0' id='o1'/>"),
    { id: 'm1', originId: 'o1' },
  ],
  [
    'encrypted (OMEMO): the ciphertext has no words, the hint for people has; what is short could be words, but is in no list',
    chat(
      `<encrypted xmlns='eu.siacs.conversations.axolotl'><header><iv>c2VjcmV0</iv></header><payload>${'c2VjcmV0'.repeat(8)}</payload></encrypted><encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl' name='OMEMO'/>`,
    ),
    { what: 'encrypted', encrypted: 'eu.siacs.conversations.axolotl', text: 'c2VjcmV0\nOMEMO', excerpt: 'OMEMO' },
  ],
  [
    'a chat state alone',
    chat("<active xmlns='http://jabber.org/protocol/chatstates'/>"),
    { what: 'message', text: '' },
  ],
  [
    'what is escaped is read decoded too, once, behind all texts and in no list',
    chat(
      "<body>see p%6Can%ff</body><x xmlns='jabber:x:oob'><url>see p%6Can%ff</url><desc>p%6cans</desc></x><thread>t</thread>",
    ),
    { text: 'see p%6Can%ff\np%6cans\nt\nsee plan%ff\nplans', excerpt: 'see p%6Can%ff' },
  ],
  [
    'a text hidden in an unknown element is found',
    chat("<x xmlns='urn:example:odd'><deep><deeper>smuggled</deeper></deep></x>"),
    { text: 'smuggled' },
  ],
  [
    'an error with a text',
    chat(
      "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>moved</text></error>",
      "type='error'",
    ),
    { what: 'error', text: 'moved' },
  ],
  [
    'a forwarded message',
    chat(
      "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'><body>inner</body></message></forwarded>",
    ),
    { text: 'inner' },
  ],
  [
    'an address out of band',
    chat("<x xmlns='jabber:x:oob'><url>https://up.example/a.pdf</url></x>"),
    { text: 'https://up.example/a.pdf' },
  ],
  [
    'a message to a room',
    "<message xmlns='jabber:client' from='alice@corp.example/desk' to='team@rooms.corp.example' type='groupchat'><body>hi</body></message>",
    { room: 'team@rooms.corp.example', people: ['team@rooms.corp.example'] },
  ],
  [
    'a message from a room',
    "<message xmlns='jabber:client' from='team@rooms.far.example/Eve' to='alice@corp.example/desk' type='groupchat'><body>hi</body></message>",
    { room: 'team@rooms.far.example' },
  ],
  [
    'a private message in a room that is known',
    "<message xmlns='jabber:client' from='alice@corp.example/desk' to='known@rooms.corp.example/Bob' type='chat'><body>psst</body></message>",
    { room: 'known@rooms.corp.example', what: 'message' },
  ],
  [
    'an invitation by a room (XEP-0045) names the invited',
    "<message xmlns='jabber:client' from='alice@corp.example/desk' to='team@rooms.corp.example'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='Carol@Corp.example'><reason>join us</reason></invite></x></message>",
    {
      what: 'invite',
      room: 'team@rooms.corp.example',
      people: ['carol@corp.example', 'team@rooms.corp.example'],
      text: 'join us',
    },
  ],
  [
    'a direct invitation (XEP-0249)',
    chat("<x xmlns='jabber:x:conference' jid='team@rooms.corp.example' reason='come'/>"),
    { what: 'invite', people: ['team@rooms.corp.example'], text: 'team@rooms.corp.example\ncome' },
  ],
  [
    'a presence with a status',
    "<presence xmlns='jabber:client' from='alice@corp.example/desk'><show>away</show><status>at lunch</status></presence>",
    { element: 'presence', what: 'status', text: 'away\nat lunch', excerpt: 'at lunch' },
  ],
  [
    'a subscription request',
    `<presence xmlns='jabber:client' ${ENDS} type='subscribe'><status>it is me</status></presence>`,
    { what: 'subscription', text: 'it is me' },
  ],
  [
    'joining a room',
    "<presence xmlns='jabber:client' from='alice@corp.example/desk' to='team@rooms.corp.example/Alice'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
    { what: 'join', room: 'team@rooms.corp.example', text: 'Alice', excerpt: '' },
  ],
  [
    'a PEP item (XEP-0163)',
    iq(
      "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='http://jabber.org/protocol/mood'><item><mood xmlns='http://jabber.org/protocol/mood'><text>Yay</text></mood></item></publish></pubsub>",
    ),
    { what: 'pep', text: 'Yay' },
  ],
  [
    'a vCard: its texts, not its picture',
    iq(
      "<vCard xmlns='vcard-temp'><FN>Alice Li</FN><PHOTO><TYPE>image/png</TYPE><BINVAL>" +
        `${'iVBORw0KGgo'.repeat(9)}=</BINVAL></PHOTO></vCard>`,
    ),
    { what: 'vcard', text: 'Alice Li\nimage/png' },
  ],
  [
    'the configuration of a room',
    iq(
      "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'><field var='muc#roomconfig_roomname'><value>Project Nightingale</value></field></x></query>",
      'team@rooms.corp.example',
    ),
    { what: 'room-config', room: 'team@rooms.corp.example', text: 'Project Nightingale' },
  ],
  [
    'a file offer (XEP-0096)',
    iq(
      "<si xmlns='http://jabber.org/protocol/si'><file xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='plan.pdf' size='9'><desc>the plan</desc></file></si>",
    ),
    { what: 'file', text: 'plan.pdf\nthe plan' },
  ],
  [
    'prefixes do not hide an element',
    "<message xmlns='jabber:client' xmlns:c='urn:xmpp:message-correct:0' type='chat'><body>x</body><c:replace id='m0'/></message>",
    { what: 'correction' },
  ],
]

for (const [title, stanza, expected] of cases) {
  test(title, () => {
    const fields = read(stanza) as Record<string, unknown>
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, fields[key]])), expected)
    assert.equal(fields.note, '')
  })
}

test('addresses: the bare part is compared in lower case, the resource stays', () => {
  const { from, to } = read("<message xmlns='jabber:client' from='Alice@Corp.Example/Desk/1' to='corp.example'/>")
  assert.deepEqual(
    [from, to],
    [
      { bare: 'alice@corp.example', resource: 'Desk/1' },
      { bare: 'corp.example', resource: '' },
    ],
  )
})

test('what the sender wrote where a language or a namespace belongs is no field: fields stay when the content is erased', () => {
  const stanza = reader.read(
    `<message xmlns='jabber:client' xml:lang='a secret plan'><body xml:lang='another plan'>x</body><encryption xmlns='urn:xmpp:eme:0' namespace='the plan'/></message>`,
  )
  const { language, encrypted, text } = readStanzaFields(stanza, () => false)
  assert.deepEqual([language, encrypted], ['', 'urn:xmpp:eme:0'])
  assert.deepEqual(text.split('\n').sort(), ['a secret plan', 'another plan', 'the plan', 'x'])
})
