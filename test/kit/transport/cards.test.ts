// SPDX-License-Identifier: Apache-2.0
// Cards of people of the network: XEP-0054 and XEP-0292, of what the network says when somebody asks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NetworkSession } from '../../../components/kit/transport/network.ts'
import type { Asking } from '../../../components/kit/transport/rooms/house.ts'
import { GATEWAY, NETWORK, room, type Stand, stand } from './stand.ts'

const ANNA = 'anna@corp.example/desk'
const BERT = 'bert@corp.example/desk'
const OTTO = `otto%${NETWORK}@${GATEWAY}`
const TEMP = "<vCard xmlns='vcard-temp'/>"

type About = Awaited<ReturnType<NetworkSession['about']>>

/** A room with otto and anna; what the network says of otto. */
async function tea(about: Partial<About> = {}, asker?: Asking): Promise<Stand> {
  const at = await stand(asker && { asker })
  at.net.comes('#tea', 'otto')
  await at.enter(ANNA, '#tea', 'anna')
  at.net.about.set('otto', about)
  return at
}

test('a contact has a card, in both forms, of what the network says of him', async () => {
  await using at = await tea({
    name: 'Otto \u0003<b>',
    account: 'otto',
    identity: 'otto!o@host.example',
    server: 'two.example',
    away: 'at lunch',
    rooms: ['#tea', '#cake'],
  })
  const temp = (await at.ask(ANNA, OTTO, 'get', TEMP)).getChild('vCard', 'vcard-temp')
  assert.deepEqual(
    ['FN', 'NICKNAME', 'JABBERID'].map((name) => temp?.getChildText(name)),
    ['Otto  <b>', 'otto', OTTO],
  )
  const note = temp?.getChildText('DESC')
  for (const said of ['otto!o@host.example', 'two.example', 'at lunch', '#tea #cake'])
    assert.ok(note?.includes(said), `${said} in ${note}`)
  const ns = 'urn:ietf:params:xml:ns:vcard-4.0'
  const four = (await at.ask(ANNA, OTTO, 'get', `<vcard xmlns='${ns}'/>`)).getChild('vcard', ns)
  assert.equal(four?.getChild('fn', ns)?.getChildText('text'), 'Otto  <b>')
  const pubsub = 'http://jabber.org/protocol/pubsub'
  const items = (node: string) =>
    at.ask(ANNA, OTTO, 'get', `<pubsub xmlns='${pubsub}'><items node='${node}'/></pubsub>`)
  assert.match(String(await items('urn:xmpp:vcard4')), /<item id="current"><vcard/)
  assert.match(String(await items('urn:xmpp:avatar:metadata')), /item-not-found/)
  assert.equal(at.net.done.filter((done) => done === 'anna asks about otto').length, 1, 'asked once, and kept')
  const info = await at.ask(ANNA, OTTO, 'get', "<query xmlns='http://jabber.org/protocol/disco#info'/>")
  assert.match(String(info), /vcard-temp/)
})

test('an occupant has one for those who are in the room; what is not known is no card', async () => {
  await using at = await tea()
  const card = await at.ask(ANNA, `${room('#tea')}/otto`, 'get', TEMP)
  assert.match(String(card), /<FN>otto<\/FN><NICKNAME>otto<\/NICKNAME>/)
  assert.match(String(await at.ask(BERT, `${room('#tea')}/otto`, 'get', TEMP)), /item-not-found/)
  assert.match(String(await at.ask(ANNA, `${room('#tea')}/nobody`, 'get', TEMP)), /item-not-found/)
  assert.match(String(await at.ask(ANNA, room('#tea'), 'get', TEMP)), /service-unavailable/)
  // Nobody is connected for a card, and what fails is asked again.
  assert.match(String(await at.ask(BERT, OTTO, 'get', TEMP)), /remote-server-not-found/)
  const nobody = `nobody%${NETWORK}@${GATEWAY}`
  for (const _ of [1, 2]) assert.match(String(await at.ask(ANNA, nobody, 'get', TEMP)), /item-not-found/)
  assert.equal(at.net.done.filter((done) => done === 'anna asks about nobody').length, 2)
})

test('what stands in it is asked about once, as his; what may not be read leaves the nick', async () => {
  const asker: Asking = {
    async ask({ stanza }) {
      if (!stanza.includes('poison')) return { action: 'deliver', stanza, replaced: false }
      return { action: 'refuse', why: 'policy', rule: 'r', condition: 'policy-violation', text: {} }
    },
    occupant() {},
  }
  await using at = await tea({ name: 'Otto', account: 'ottos', identity: 'otto!o@host.example', away: 'poison' }, asker)
  for (const _ of [1, 2]) {
    const card = String(await at.ask(ANNA, OTTO, 'get', TEMP))
    assert.match(card, /<FN>otto<\/FN><NICKNAME>otto<\/NICKNAME>/)
    assert.doesNotMatch(card, /poison|Otto|host\.example/)
  }
  const asked = at.asked.filter(({ stanza }) => stanza.includes('poison'))
  assert.deepEqual(
    asked.map(({ foreign }) => foreign),
    [{ nick: 'otto', account: 'ottos', identity: 'otto!o@host.example' }],
  )
  assert.match(asked[0]?.stanza ?? '', / to='anna@corp\.example' type='headline'.*<body>Otto\nottos\n/s)
})

test('what nobody could be asked about is asked about again with the next look at it', async () => {
  let isAway = true
  const asker: Asking = {
    async ask({ stanza }) {
      return isAway ? { action: 'refuse', why: 'outage' } : { action: 'deliver', stanza, replaced: false }
    },
    occupant() {},
  }
  await using at = await tea({ name: 'Otto Long' }, asker)
  assert.doesNotMatch(String(await at.ask(ANNA, OTTO, 'get', TEMP)), /Long/)
  isAway = false
  assert.match(String(await at.ask(ANNA, OTTO, 'get', TEMP)), /<FN>Otto Long<\/FN>/)
  assert.equal(at.net.done.filter((done) => done === 'anna asks about otto').length, 1, 'the network was asked once')
})

test('who asks for many at once is told to wait', async () => {
  await using at = await tea()
  at.net.aboutWaits = Promise.withResolvers()
  const asked = Array.from({ length: 11 }, (_, n) => at.ask(ANNA, `p${n}%${NETWORK}@${GATEWAY}`, 'get', TEMP))
  assert.match(String(await asked[10]), /resource-constraint/)
  at.net.aboutWaits.resolve()
  for (const answer of await Promise.all(asked.slice(0, 10))) assert.match(String(answer), /item-not-found/)
})
