// SPDX-License-Identifier: Apache-2.0
// Everything that one person can write and another can read is asked about, also where it is not a chat message.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { ROOMS } from '../harness/world.ts'
import { RULES } from './rules.ts'
import { onServers } from './servers.ts'

onServers('kinds of stanza', slixmppLack(), (server) => {
  let stage: Stage
  let alice: SlixmppClient
  let bob: SlixmppClient
  before(async () => {
    stage = await openStage({ server, rooms: true, rules: RULES })
    alice = await stage.person('alice')
    bob = await stage.person('bob')
    await befriend(alice, bob)
  })
  after(() => stage[Symbol.asyncDispose]())

  test('an error-type message with a body does not carry a refused word past the screen', async () => {
    const error = (id: string, body: string) =>
      `<message xmlns='jabber:client' type='error' to='${bob.jid}' id='${id}'><body>${body}</body><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
    await alice.send(error('e1', 'errorword topsecret'))
    await alice.send(error('e2', 'errorword plain'))
    await bob.wait(/id="e2"/)
    await bob.nothing(/topsecret/)
    // RFC 6120 8.3.1: an error is never answered with an error.
    await alice.nothing(/id="e1"/)
    await stage.recorded('errorword', 'refused', 'released')
  })

  test('an IQ result with text between two people is refused when the rule says so', async () => {
    const result = (id: string, text: string) =>
      `<iq xmlns='jabber:client' type='result' to='${bob.jid}' id='${id}'><note xmlns='example:note'>${text}</note></iq>`
    await alice.send(result('i1', 'resultword topsecret'))
    await alice.send(result('i2', 'resultword plain'))
    await bob.wait(/id="i2"/)
    await bob.nothing(/topsecret/)
    await stage.recorded('resultword', 'refused', 'released')
  })

  test('a PEP item with a refused word is not published; another is', async () => {
    const publish = (id: string, text: string) =>
      `<iq xmlns='jabber:client' type='set' id='${id}'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='http://jabber.org/protocol/tune'><item id='current'><tune xmlns='http://jabber.org/protocol/tune'><title>${text}</title></tune></item></publish></pubsub></iq>`
    await alice.send(publish('pep1', 'tuneword topsecret'))
    assert.match(await alice.wait(/id="pep1"/), /type="error".*policy-violation/s)
    await alice.send(publish('pep2', 'tuneword plain'))
    assert.match(await alice.wait(/id="pep2"/), /type="result"/)
    const item = await pepItem(bob)
    assert.match(item, /tuneword plain/)
    assert.doesNotMatch(item, /topsecret/)
    await bob.nothing(/topsecret/)
    await stage.recorded('tuneword', 'refused', 'released')
  })

  test('a vCard with a refused word is not kept; another is', async () => {
    const set = (id: string, text: string) =>
      `<iq xmlns='jabber:client' type='set' id='${id}'><vCard xmlns='vcard-temp'><FN>Alice</FN><DESC>${text}</DESC></vCard></iq>`
    await alice.send(set('v1', 'cardword topsecret'))
    assert.match(await alice.wait(/id="v1"/), /type="error".*policy-violation/s)
    await alice.send(set('v2', 'cardword plain'))
    assert.match(await alice.wait(/id="v2"/), /type="result"/)
    await bob.send(
      `<iq xmlns='jabber:client' type='get' id='v3' to='alice@corp.example'><vCard xmlns='vcard-temp'/></iq>`,
    )
    const card = await bob.wait(/id="v3"/)
    assert.match(card, /cardword plain/)
    assert.doesNotMatch(card, /topsecret/)
    await stage.recorded('cardword', 'refused', 'released')
  })

  test('a presence status with a refused word is not broadcast; another is', async () => {
    await alice.send(`<presence xmlns='jabber:client'><status>statusword topsecret</status></presence>`)
    await alice.send(`<presence xmlns='jabber:client'><status>statusword plain</status></presence>`)
    await bob.wait(/statusword plain/)
    await bob.nothing(/topsecret/)
    await stage.recorded('statusword', 'refused', 'released')
  })

  test('a room subject and a room name with a refused word are refused to their author, and nobody sees them', async () => {
    const room = `office@${ROOMS}`
    const join = (nick: string) =>
      `<presence xmlns='jabber:client' to='${room}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`
    const configure = (id: string, name: string) =>
      `<iq xmlns='jabber:client' type='set' id='${id}' to='${room}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field><field var='muc#roomconfig_roomname'><value>${name}</value></field></x></query></iq>`
    await alice.send(join('alice'))
    await alice.wait(/muc#user.*code="110"/)
    await alice.send(configure('n1', 'nameword topsecret'))
    assert.match(await alice.wait(/id="n1"/), /policy-violation/)
    await alice.send(configure('n2', 'nameword plain'))
    assert.match(await alice.wait(/id="n2"/), /type="result"/)
    await bob.send(join('bob'))
    await bob.wait(/muc#user.*code="110"/)
    await alice.send(
      `<message xmlns='jabber:client' type='groupchat' to='${room}' id='s1'><subject>subjectword topsecret</subject></message>`,
    )
    await alice.wait(/id="s1".*policy-violation/)
    await alice.send(
      `<message xmlns='jabber:client' type='groupchat' to='${room}' id='s2'><subject>subjectword plain</subject></message>`,
    )
    await bob.wait(/subjectword plain/)
    await bob.send(
      `<iq xmlns='jabber:client' type='get' id='d1' to='${room}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
    )
    const info = await bob.wait(/id="d1"/)
    assert.match(info, /nameword plain/)
    assert.doesNotMatch(info, /topsecret/)
    await bob.nothing(/topsecret/)
    await stage.recorded('subjectword', 'refused', 'released')
    await stage.recorded('nameword', 'refused', 'released')
  })

  test('text hidden inside a chat state is asked about; a true chat state passes', async () => {
    const ivan = await stage.person('ivan')
    const state = (id: string, text: string) =>
      `<message xmlns='jabber:client' type='chat' to='${bob.jid}' id='${id}'><composing xmlns='http://jabber.org/protocol/chatstates'>${text}</composing></message>`
    await ivan.send(state('cs1', 'stateword topsecret'))
    await ivan.wait(/id="cs1".*policy-violation/)
    await ivan.send(state('cs2', ''))
    await bob.wait(/id="cs2"/)
    await bob.nothing(/topsecret/)
    const [record] = await stage.recordedOf(`${ivan.jid.split('/')[0]}`, 'refused')
    assert.equal(record?.verdict, 'refuse')
    assert.match(String(record?.stanza), /stateword topsecret/)
  })

  test('a subscription request with a refused reason is refused', async () => {
    const carol = await stage.person('carol')
    await carol.send(
      `<presence xmlns='jabber:client' type='subscribe' to='bob@corp.example'><status>reasonword topsecret</status></presence>`,
    )
    await carol.wait(/type="error".*policy-violation|type="unsubscribed"/)
    await bob.nothing(/topsecret/)
    await stage.recorded('reasonword topsecret', 'refused')
  })

  async function pepItem(reader: SlixmppClient): Promise<string> {
    await reader.send(
      `<iq xmlns='jabber:client' type='get' id='pepget' to='alice@corp.example'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='http://jabber.org/protocol/tune'/></pubsub></iq>`,
    )
    return await reader.wait(/id="pepget"/)
  }
})

/** Subscribed both ways: only then presence and PEP are seen. slixmpp accepts, and asks back, by itself. */
async function befriend(one: SlixmppClient, other: SlixmppClient): Promise<void> {
  const bare = other.jid.split('/')[0]
  await one.send(`<presence xmlns='jabber:client' type='subscribe' to='${bare}'/>`)
  await one.wait(new RegExp(`<presence [^>]*from="${other.jid}"`))
  await other.wait(new RegExp(`<presence [^>]*from="${one.jid}"`))
}
