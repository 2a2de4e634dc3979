// SPDX-License-Identifier: Apache-2.0
// Whatever a client sends: an iq has exactly one answer, anything else one error at most, and nothing is a fault of ours.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { calm, GATEWAY, room, stand } from './stand.ts'

const ROUNDS = process.env.GATEHOUSE_LONG === '1' ? 5000 : 250
const ANNA = 'anna@corp.example/desk'
const USER = 'http://jabber.org/protocol/muc#user'

const to = fc.constantFrom(
  room('#tea'),
  `${room('#tea')}/anna`,
  `${room('#tea')}/otto`,
  `${room('#tea')}/no one`,
  room('#other'),
  `otto%a.example@${GATEWAY}`,
  `a.example@${GATEWAY}`,
  `b.evil@${GATEWAY}`,
  `#x%b.evil@${GATEWAY}/anna`,
  GATEWAY,
)
const from = fc.constantFrom(ANNA, 'anna@corp.example', 'bert@corp.example/x', 'eve@evil.example/x')
const word = fc.constantFrom(
  '',
  '0',
  '-1',
  '99999999999999999999',
  'x',
  '../..',
  '\'"<&>',
  '\u202e',
  '𝄞'.repeat(50),
  'otto',
)
const inXml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll("'", '&apos;')
const child = fc.oneof(
  word.map((text) => `<body>${inXml(text)}</body>`),
  word.map((text) => `<subject>${inXml(text)}</subject>`),
  word.map((text) => `<thread>${inXml(text)}</thread>`),
  fc
    .tuple(word, word)
    .map(
      ([one, other]) =>
        `<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='${inXml(one)}' since='${inXml(other)}'/></x>`,
    ),
  word.map((text) => `<x xmlns='${USER}'><invite to='${inXml(text)}'/><decline to='${inXml(text)}'/></x>`),
  word.map((text) => `<x xmlns='jabber:x:conference' jid='${inXml(text)}'/>`),
  fc
    .tuple(word, word)
    .map(
      ([one, other]) =>
        `<reply xmlns='urn:xmpp:reply:0' id='${inXml(one)}'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='${inXml(one)}' end='${inXml(other)}'/></fallback>`,
    ),
  word.map(
    (text) =>
      `<reactions xmlns='urn:xmpp:reactions:0' id='${inXml(text)}'><reaction>${inXml(text)}</reaction></reactions>`,
  ),
  word.map((text) => `<replace xmlns='urn:xmpp:message-correct:0' id='${inXml(text)}'/>`),
  word.map((text) => `<retract xmlns='urn:xmpp:message-retract:1' id='${inXml(text)}'/>`),
  fc.constant(`<composing xmlns='http://jabber.org/protocol/chatstates'/>`),
  fc.constant(`<show>away</show><status>x</status>`),
  word.map((text) => `<unknown xmlns='urn:x' a='${inXml(text)}'><deep/></unknown>`),
)
const payload = fc.oneof(
  fc
    .tuple(word, word, word)
    .map(
      ([nick, role, affiliation]) =>
        `<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='${inXml(nick)}' role='${inXml(role)}' affiliation='${inXml(affiliation)}'/></query>`,
    ),
  fc
    .constantFrom('moderator', 'none', 'visitor')
    .map((role) => `<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='otto' role='${role}'/></query>`),
  fc.constant(`<query xmlns='http://jabber.org/protocol/muc#admin'/>`),
  fc.constant(`<query xmlns='http://jabber.org/protocol/muc#owner'/>`),
  fc.constant(`<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='result'/></query>`),
  fc
    .tuple(word, word)
    .map(
      ([one, other]) =>
        `<query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'><field var='start'><value>${inXml(one)}</value></field></x><set xmlns='http://jabber.org/protocol/rsm'><max>${inXml(other)}</max><before/></set></query>`,
    ),
  word.map((text) => `<query xmlns='http://jabber.org/protocol/disco#info' node='${inXml(text)}'/>`),
  word.map(
    (text) =>
      `<query xmlns='http://jabber.org/protocol/disco#items'><set xmlns='http://jabber.org/protocol/rsm'><after>${inXml(text)}</after></set></query>`,
  ),
  word.map(
    (text) =>
      `<moderate xmlns='urn:xmpp:message-moderate:1' id='${inXml(text)}'><retract xmlns='urn:xmpp:message-retract:1'/></moderate>`,
  ),
  fc.constant(`<ping xmlns='urn:xmpp:ping'/>`),
  fc.constant(`<metadata xmlns='urn:xmpp:mam:2'/>`),
)
const stanza = fc.oneof(
  fc.record({
    kind: fc.constant('message'),
    type: fc.constantFrom('groupchat', 'chat', 'normal', 'headline', 'error'),
    from,
    to,
    inside: fc.array(child, { maxLength: 3 }).map((all) => all.join('')),
  }),
  fc.record({
    kind: fc.constant('presence'),
    type: fc.constantFrom('', 'unavailable', 'subscribe', 'probe', 'error'),
    from,
    to,
    inside: fc.array(child, { maxLength: 2 }).map((all) => all.join('')),
  }),
  fc.record({ kind: fc.constant('iq'), type: fc.constantFrom('get', 'set'), from, to, inside: payload }),
)

test('hostile and broken stanzas', { timeout: 60_000 }, async () => {
  await using at = await stand()
  at.net.comes('#tea', 'otto')
  let count = 0
  await fc.assert(
    fc.asyncProperty(fc.array(stanza, { minLength: 1, maxLength: 8 }), async (stanzas) => {
      at.sent.length = 0
      if (
        at.transport.roomsOf('anna@corp.example').every(({ room: name, clients }) => name !== '#tea' || clients === 0)
      )
        await at.enter(ANNA, '#tea', 'anna')
      const asked: { id: string; kind: string; from: string }[] = []
      for (const { kind, type, from: who, to: whom, inside } of stanzas) {
        const id = `h${count++}`
        asked.push({ id, kind, from: who })
        at.send(
          `<${kind} id='${id}' from='${who}' to='${inXml(whom)}'${type === '' ? '' : ` type='${type}'`}>${inside}</${kind}>`,
        )
      }
      for (const { id, kind, from: who } of asked) {
        if (kind === 'iq') await at.heard(who, new RegExp(`^<iq [^>]*id='${id}'`))
        await calm(at)
        const answers = at.sent.filter(
          (xml) => xml.includes(` id='${id}'`) && (xml.startsWith('<iq') || xml.includes(`type='error'`)),
        )
        assert.ok(answers.length <= 1, answers.join('\n'))
        if (kind === 'iq') assert.equal(answers.length, 1)
      }
      for (const client of [ANNA, 'anna@corp.example', 'bert@corp.example/x', 'eve@evil.example/x']) at.unread(client)
      assert.deepEqual(
        at.errors.filter((line) => !line.startsWith('a stanza was dropped') && !line.startsWith('refused')),
        [],
      )
    }),
    { numRuns: ROUNDS },
  )
})
