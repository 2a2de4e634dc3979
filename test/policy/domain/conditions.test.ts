// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chat, judge, refusing, rules, screened, stanza } from '../cast.ts'

const MUC = 'http://jabber.org/protocol/muc'
const groupchat = stanza(
  `<message from='alice@corp.example/desk' to='tea@rooms.corp.example' type='groupchat'><body>x</body></message>`,
)
const privately = stanza(
  `<message from='alice@corp.example/desk' to='tea@rooms.corp.example/Bob' type='chat'><body>x</body></message>`,
)
const marked = stanza(
  `<message from='alice@corp.example/desk' to='a@b.example/Bob' type='chat'><body>x</body><x xmlns='${MUC}#user'/></message>`,
)
const join = stanza(
  `<presence from='alice@corp.example/desk' to='tea@rooms.corp.example/al'><x xmlns='${MUC}'/></presence>`,
)
const invite = stanza(
  `<message from='alice@corp.example/desk' to='tea@rooms.corp.example'><x xmlns='${MUC}#user'><invite to='eve@partner.example/x'/></x></message>`,
)
const iq = (inside: string) =>
  stanza(`<iq from='alice@corp.example/desk' to='bob@corp.example/x' type='set' id='i'>${inside}</iq>`)
const presence = (type: string) => stanza(`<presence from='alice@corp.example' to='bob@corp.example' type='${type}'/>`)
const partner = chat('<body>x</body>', 'Bob@Sub.Partner.example/phone')

/** Of bob@corp.example. */
const SPELLINGS = ['BOB@Corp.Example', 'bob@corp.example.', '\uff42ob@corp.example', 'bob@corp.ex\u00adample']

const cases: readonly [when: string, element: ReturnType<typeof stanza>, holds: boolean, direction?: 'received'][] = [
  ['always', chat('<body>x</body>'), true],
  ['{ direction: sent }', chat('<body>x</body>'), true],
  ['{ direction: received }', chat('<body>x</body>'), false],
  ['{ direction: received }', chat('<body>x</body>'), true, 'received'],
  ['{ from: alice@corp.example }', partner, true],
  ['{ from: ALICE@Corp.Example }', partner, true],
  ['{ from: bob@corp.example }', partner, false],
  ['{ from: corp.example }', partner, true],
  ['{ from: p.example }', partner, false],
  ["{ from: '*' }", partner, true],
  ["{ from: 'al*@corp.example' }", partner, true],
  ["{ from: 'b*@corp.example' }", partner, false],
  ["{ to: '*.partner.example' }", partner, true],
  ["{ to: '*.partner.example' }", chat('<body>x</body>', 'bob@partner.example'), false],
  ["{ to: ['partner.example', '*.partner.example'] }", chat('<body>x</body>', 'bob@partner.example'), true],
  ["{ to: '*@sub.partner.example' }", partner, true],
  ["{ to: 'b*b@*.example' }", partner, true],
  ['{ to: partner.example }', invite, true],
  ...SPELLINGS.flatMap((to): [string, ReturnType<typeof stanza>, boolean][] => [
    ['{ to: bob@corp.example }', chat('<body>x</body>', to), true],
    ['{ to: corp.example }', chat('<body>x</body>', `${to}/desk`), true],
    [`{ to: '${to}' }`, chat('<body>x</body>', 'bob@corp.example'), true],
    ["{ to: 'b*@corp.*' }", chat('<body>x</body>', to), true],
    [
      '{ from: bob@corp.example }',
      stanza(`<message from='${to}/desk' to='a@b.example'><body>x</body></message>`),
      true,
    ],
    ['{ room: bob@corp.example }', stanza(`<message from='a@b.example/x' to='${to}' type='groupchat'/>`), true],
    [
      '{ to: bob@corp.example }',
      chat(
        `<addresses xmlns='http://jabber.org/protocol/address'><address type='to' jid='${to}/y'/></addresses>`,
        'c@d',
      ),
      true,
    ],
    ['{ to: bob@corp.example }', chat(`<x xmlns='${MUC}#user'><invite to='${to}'/></x>`, 'r@rooms.d'), true],
  ]),
  ["{ to: '*.m\u00fcller.example' }", chat('<body>x</body>', 'b@sub.xn--mller-kva.example'), true],
  ["{ to: '*.xn--mller-kva.example' }", chat('<body>x</body>', 'b@sub.M\u00dcLLER.example'), true],
  [
    '{ to: partner.example }',
    chat(
      `<addresses xmlns='http://jabber.org/protocol/address'><address type='to' jid='x@partner.example/y'/></addresses>`,
    ),
    true,
  ],
  ["{ to: '*' }", stanza(`<presence from='alice@corp.example/desk'/>`), false],
  ['{ room: true }', groupchat, true],
  ['{ room: false }', groupchat, false],
  ['{ room: true }', privately, true],
  ['{ room: true }', marked, true],
  ['{ room: true }', join, true],
  ['{ room: false }', chat('<body>x</body>'), true],
  ['{ room: tea@rooms.corp.example }', groupchat, true],
  ['{ room: rooms.corp.example }', privately, true],
  ['{ room: [coffee@rooms.corp.example] }', groupchat, false],
  [
    '{ room: tea@rooms.corp.example }',
    stanza(`<message from='tea@rooms.corp.example/eve' to='alice@corp.example/desk' type='groupchat'/>`),
    true,
    'received',
  ],
  ['{ not: { room: true } }', chat('<body>x</body>'), true],
  ['{ all: [{ room: true }, { kind: groupchat }] }', groupchat, true],
  ['{ all: [{ room: true }, { kind: join }] }', groupchat, false],
  ['{ any: [{ kind: join }, { kind: message }] }', groupchat, true],
  ['{ room: true, kind: join }', groupchat, false],
  ['{ room: true, kind: join }', join, true],
  ['{ not: { any: [{ from: corp.example }, { to: corp.example }] } }', partner, false],
  ['{ words: [x, y] }', groupchat, true],
  ['{ not: { words: [y] } }', groupchat, true],
]

for (const [when, element, expected, direction] of cases) {
  test(`${when} ${expected ? 'holds' : 'does not hold'} for ${element.toString().slice(0, 160)}`, () => {
    assert.equal(judge(element, refusing(when), direction).action, expected ? 'refuse' : 'allow')
  })
}

const kinds: readonly [element: ReturnType<typeof stanza>, kinds: readonly string[]][] = [
  [chat('<body>x</body>'), ['message']],
  [groupchat, ['message', 'groupchat']],
  [privately, ['message', 'private']],
  [
    stanza(
      `<message from='alice@corp.example/desk' to='tea@rooms.corp.example' type='groupchat'><subject>s</subject></message>`,
    ),
    ['message', 'groupchat', 'subject'],
  ],
  [invite, ['message', 'invitation']],
  [chat(`<x xmlns='jabber:x:conference' jid='a@b'/>`), ['message', 'invitation']],
  [stanza(`<message from='a@b.example' to='c@d.example' type='error'><body>x</body></message>`), ['message', 'error']],
  [chat(`<encrypted xmlns='eu.siacs.conversations.axolotl'/>`), ['message', 'encrypted']],
  [chat(`<encrypted xmlns='urn:xmpp:omemo:2'/>`), ['message', 'encrypted']],
  [chat(`<openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp>`), ['message', 'encrypted']],
  [chat(`<x xmlns='jabber:x:encrypted'>x</x>`), ['message', 'encrypted']],
  [chat(`<encryption xmlns='urn:xmpp:eme:0' namespace='urn:any'/>`), ['message', 'encrypted']],
  [chat('<body>?OTR:AAQD</body>'), ['message', 'encrypted']],
  [chat(`<body>hello</body><body xml:lang='de'>?OTR:AAQD</body>`), ['message', 'encrypted']],
  [chat(`<replace xmlns='urn:xmpp:message-correct:0' id='1'/>`), ['message', 'correction']],
  [chat(`<retract xmlns='urn:xmpp:message-retract:1' id='1'/>`), ['message', 'retraction']],
  [
    chat(`<apply-to xmlns='urn:xmpp:fasten:0' id='1'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>`),
    ['message', 'retraction'],
  ],
  [chat(`<reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>x</reaction></reactions>`), ['message', 'reaction']],
  [chat(`<x xmlns='jabber:x:oob'><url>u</url></x>`), ['message', 'file-offer']],
  [chat(`<file-sharing xmlns='urn:xmpp:sfs:0'/>`), ['message', 'file-offer']],
  [
    chat(`<reference xmlns='urn:xmpp:reference:0'><media-sharing xmlns='urn:xmpp:sims:1'/></reference>`),
    ['message', 'file-offer'],
  ],
  [presence('subscribe'), ['presence', 'subscription']],
  [presence('subscribed'), ['presence', 'subscription']],
  [join, ['presence', 'join']],
  [stanza(`<presence from='alice@corp.example/desk'><status>x</status></presence>`), ['presence', 'status']],
  [iq(`<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='x'/></pubsub>`), ['iq', 'pep']],
  [
    iq(`<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:vcard4'/></pubsub>`),
    ['iq', 'pep', 'vcard'],
  ],
  [iq(`<vCard xmlns='vcard-temp'/>`), ['iq', 'vcard']],
  [iq(`<query xmlns='${MUC}#owner'/>`), ['iq', 'room-config']],
  [iq(`<query xmlns='${MUC}#admin'/>`), ['iq', 'room-admin']],
  [iq(`<si xmlns='http://jabber.org/protocol/si'/>`), ['iq', 'file-offer']],
  [iq(`<query xmlns='jabber:iq:oob'><url>u</url></query>`), ['iq', 'file-offer']],
  [
    iq(
      `<jingle xmlns='urn:xmpp:jingle:1'><content><description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/></content></jingle>`,
    ),
    ['iq', 'file-offer'],
  ],
  [
    iq(
      `<jingle xmlns='urn:xmpp:jingle:1'><content><description xmlns='urn:xmpp:jingle:apps:rtp:1'/></content></jingle>`,
    ),
    ['iq'],
  ],
  [iq(`<query xmlns='urn:any'/>`), ['iq']],
]
for (const [element, expected] of kinds) {
  test(`${expected.join(' + ')}: ${element.toString().slice(0, 160)}`, () => {
    assert.deepEqual([...screened(element).kinds].sort(), [...expected].sort())
  })
}

test('the first allow or refuse that fits decides; otherwise decides the rest', () => {
  const set = rules(`
version: 1
otherwise: refuse
rules:
  - { id: a, when: { words: [fine] }, then: allow }
  - { id: b, when: { words: [bad] }, then: { refuse: { condition: forbidden, text: { en: no } } } }
  - { id: c, when: { kind: join }, then: refuse }
`)
  assert.deepEqual(judge(chat('<body>fine and bad</body>'), set), {
    action: 'allow',
    rule: 'a',
    matched: [{ rule: 'a', text: 0, where: 'body', start: 0, end: 4 }],
  })
  assert.deepEqual(judge(chat('<body>bad</body>'), set), {
    action: 'refuse',
    rule: 'b',
    condition: 'forbidden',
    text: { en: 'no' },
    matched: [{ rule: 'b', text: 0, where: 'body', start: 0, end: 3 }],
  })
  assert.deepEqual(judge(join, set), { action: 'refuse', rule: 'c', condition: 'not-allowed', text: null })
  assert.deepEqual(judge(chat('<body>x</body>'), set), {
    action: 'refuse',
    rule: 'otherwise',
    condition: 'policy-violation',
    text: null,
  })
})

test('texts are read only when a rule looks at them', () => {
  const asked = screened(chat('<body>x</body>'))
  let reads = 0
  const counted = {
    ...asked,
    texts: () => {
      reads += 1
      return asked.texts()
    },
  }
  assert.equal(decideOn(counted, '{ all: [{ kind: join }, { from: nobody@corp.example }] }'), 'allow')
  assert.equal(reads, 0)
  // What is decided before a rule that looks at texts comes up is decided without them.
  const early = rules(`
version: 1
otherwise: refuse
rules:
  - { id: a, when: { kind: message }, then: allow }
  - { id: b, when: { words: [x] }, then: refuse }
`)
  assert.equal(decide(counted, early).rule, 'a')
  assert.equal(reads, 0)
  assert.equal(decideOn(counted, '{ all: [{ kind: message }, { words: [x] }, { words: [x] }] }'), 'refuse')
  assert.equal(reads, 1)
})

function decideOn(asked: ReturnType<typeof screened>, when: string): string {
  return decide(asked, refusing(when)).action
}

import { decide } from '../../../components/policy/domain/decide.ts'
