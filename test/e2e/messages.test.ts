// SPDX-License-Identifier: Apache-2.0
// The main job with real clients on a real server: allowed, refused with a text, replaced; and recorded in every case.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { slixmppLack } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { ROOMS } from '../harness/world.ts'
import { REFUSED_TEXT, RULES } from './rules.ts'
import { onServers } from './servers.ts'

onServers('messages', slixmppLack(), (server) => {
  let stage: Stage
  before(async () => {
    stage = await openStage({ server, rooms: true, rules: RULES })
  })
  after(() => stage[Symbol.asyncDispose]())

  const chat = (to: string, id: string, body: string, more = '') =>
    `<message xmlns='jabber:client' type='chat' to='${to}' id='${id}'><body>${body}</body>${more}</message>`

  test('one to one: what is allowed arrives, and is recorded as released', async () => {
    const alice = await stage.person('alice')
    const bob = await stage.person('bob')
    await alice.send(chat('bob@corp.example', 'a1', 'allowedword one'))
    const got = await bob.wait(/id="a1"/)
    assert.match(got, /<body>allowedword one<\/body>/)
    assert.match(got, /from="alice@corp.example\/desk"/)
    const [record] = await stage.recorded('allowedword', 'released')
    assert.equal(record?.from, 'alice@corp.example/desk')
    assert.equal(record?.to, 'bob@corp.example')
    assert.equal(record?.verdict, 'allow')
  })

  test('one to one: what a rule refuses comes back with condition and text, reaches nobody, and is recorded as refused', async () => {
    const alice = await stage.person('carol')
    const bob = await stage.person('dave')
    await alice.send(chat('dave@corp.example', 'r1', 'refusedword topsecret'))
    const error = await alice.wait(/id="r1"/)
    assert.match(error, /type="error"/)
    assert.match(error, /<error type="modify">/)
    assert.match(error, /<policy-violation /)
    assert.ok(error.includes(REFUSED_TEXT), error)
    await alice.send(chat('dave@corp.example', 'r2', 'after the refusal'))
    await bob.wait(/id="r2"/)
    await bob.nothing(/topsecret|refusedword/)
    const [record] = await stage.recorded('refusedword', 'refused')
    assert.equal(record?.rule, 'no-secrets')
  })

  test('one to one: what a rule replaces arrives masked; the record keeps both texts', async () => {
    const alice = await stage.person('erin')
    const bob = await stage.person('frank')
    await alice.send(chat('frank@corp.example', 'p1', 'replacedword nightingale flies'))
    const got = await bob.wait(/id="p1"/)
    assert.match(got, /<body>replacedword \*+ flies<\/body>/)
    assert.doesNotMatch(got, /nightingale/)
    const [record] = await stage.recorded('replacedword', 'released')
    assert.equal(record?.text, 'replacedword nightingale flies')
    assert.match(String(record?.replacement_text), /replacedword \*+ flies/)
  })

  test('an offline recipient gets what was allowed or masked at the next login, and never what was refused', async () => {
    const sender = await stage.person('gina')
    // Offline storage keeps for accounts that are known: log in once.
    const once = await stage.person('henry')
    await once.logout()
    await sender.send(chat('henry@corp.example', 'o1', 'offlineword plain'))
    await sender.send(chat('henry@corp.example', 'o2', 'offlineword topsecret'))
    await sender.send(chat('henry@corp.example', 'o3', 'offlineword nightingale'))
    await sender.wait(/id="o2".*policy-violation/)
    await sender.nothing(/id="o3"/)
    const henry = await stage.person('henry')
    assert.match(await henry.wait(/id="o1"/), /urn:xmpp:delay/)
    assert.match(await henry.wait(/id="o3"/), /offlineword \*+/)
    await henry.nothing(/topsecret|nightingale/)
    await stage.recorded('offlineword', 'released', 'refused', 'released')
  })

  test('carbons carry the replaced text, and nothing of what was refused', async () => {
    const desk = await stage.person('iris')
    const phone = await stage.person('iris', { resource: 'phone' })
    const john = await stage.person('john')
    await phone.send(`<iq xmlns='jabber:client' type='set' id='c0'><enable xmlns='urn:xmpp:carbons:2'/></iq>`)
    await phone.wait(/<iq [^>]*type="result"[^>]*id="c0"|<iq [^>]*id="c0"[^>]*type="result"/)
    await desk.send(chat('john@corp.example', 'c1', 'carbonword nightingale'))
    await desk.send(chat('john@corp.example', 'c2', 'carbonword topsecret'))
    await desk.send(chat('john@corp.example', 'c3', 'carbonword plain'))
    await john.wait(/id="c3"/)
    assert.match(await phone.wait(/carbons:2.*id="c1"/), /carbonword \*+/)
    await phone.wait(/carbons:2.*id="c3"/)
    await phone.nothing(/topsecret|nightingale/)
    await stage.recorded('carbonword', 'released', 'refused', 'released')
  })

  for (const [name, more] of [
    ['correction', "<replace xmlns='urn:xmpp:message-correct:0' id='k0'/>"],
    ['retraction', "<retract xmlns='urn:xmpp:message-retract:1' id='k0'/><fallback xmlns='urn:xmpp:fallback:0'/>"],
    ['no-store hint', "<no-store xmlns='urn:xmpp:hints'/>"],
    [
      'encrypted payload',
      "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'><iv>AAAA</iv></header><payload>AAAA</payload></encrypted>",
    ],
  ] as const) {
    test(`a ${name} passes whole, is recorded, and is refused when its text holds a refused word`, async () => {
      const word = `${name.replaceAll(/[^a-z]/g, '')}word`
      const sender = await stage.person(`${word}-a`)
      const receiver = await stage.person(`${word}-b`)
      await sender.send(chat(`${word}-b@corp.example`, `k-${word}`, word, more))
      const got = await receiver.wait(new RegExp(`id="k-${word}"`))
      assert.ok(got.includes(namespaceOf(more)), got)
      await sender.send(chat(`${word}-b@corp.example`, `t-${word}`, `${word} topsecret`, more))
      await sender.wait(new RegExp(`id="t-${word}".*policy-violation`))
      await receiver.nothing(/topsecret/)
      const [passed, refused] = await stage.recorded(word, 'released', 'refused')
      for (const record of [passed, refused]) assert.ok(String(record?.stanza).includes(namespaceOf(more)))
    })
  }

  test('a reaction without a body is asked about, recorded with what it reacts to, and refused when the rule says so', async () => {
    const sender = await stage.person('rea-a')
    const receiver = await stage.person('rea-b')
    const react = (id: string, reaction: string) =>
      `<message xmlns='jabber:client' type='chat' to='rea-b@corp.example' id='${id}'><reactions xmlns='urn:xmpp:reactions:0' id='target1'><reaction>${reaction}</reaction></reactions></message>`
    await sender.send(react('rea1', 'reactionword'))
    assert.match(await receiver.wait(/id="rea1"/), /<reaction>reactionword<\/reaction>/)
    await sender.send(react('rea2', 'reactionword topsecret'))
    await sender.wait(/id="rea2".*policy-violation/)
    await receiver.nothing(/topsecret/)
    const records = await stage.recorded('reactionword', 'released', 'refused')
    for (const [i, record] of records.entries()) {
      assert.deepEqual([record.from, record.to], ['rea-a@corp.example/desk', 'rea-b@corp.example'])
      assert.deepEqual([record.stanza_id, record.verdict], [`rea${i + 1}`, i === 0 ? 'allow' : 'refuse'])
      const [shown] = await stage.world.ask('archive show', { id: record.id, reason: 'test' })
      assert.deepEqual(shown?.about, [{ kind: 'reaction', target: 'target1' }])
    }
    await stage.recordedOf('rea-a@corp.example', 'released', 'refused')
  })

  test('in a room: allowed to all, refused to the sender only, replaced for all, private messages likewise', async () => {
    const [kim, lea] = [await stage.person('kim'), await stage.person('lea')]
    const room = `hall@${ROOMS}`
    const join = (nick: string) =>
      `<presence xmlns='jabber:client' to='${room}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`
    await kim.send(join('kim'))
    await kim.wait(/muc#user.*code="110"/)
    // A new room is locked until its owner accepts the configuration (XEP-0045 10.1.2).
    await kim.send(
      `<iq xmlns='jabber:client' type='set' id='cfg' to='${room}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
    )
    await kim.wait(/id="cfg"/)
    await lea.send(join('lea'))
    await lea.wait(/muc#user.*code="110"/)
    const say = (id: string, body: string) =>
      `<message xmlns='jabber:client' type='groupchat' to='${room}' id='${id}'><body>${body}</body></message>`
    await kim.send(say('g1', 'roomword plain'))
    await lea.wait(/id="g1".*roomword plain/)
    await kim.send(say('g2', 'roomword topsecret'))
    const error = await kim.wait(/id="g2".*policy-violation/)
    assert.ok(error.includes(REFUSED_TEXT))
    await kim.send(say('g3', 'roomword nightingale'))
    assert.match(await lea.wait(/id="g3"/), /roomword \*+/)
    assert.match(await kim.wait(/id="g3"/), /roomword \*+/)
    await lea.send(
      chat(`${room}/kim`, 'pm1', 'privateword topsecret', "<x xmlns='http://jabber.org/protocol/muc#user'/>"),
    )
    await lea.wait(/id="pm1".*policy-violation/)
    await lea.send(
      chat(`${room}/kim`, 'pm2', 'privateword nightingale', "<x xmlns='http://jabber.org/protocol/muc#user'/>"),
    )
    assert.match(await kim.wait(/id="pm2"/), /privateword \*+/)
    await lea.nothing(/topsecret/)
    await kim.nothing(/id="pm1"|topsecret|nightingale/)
    await stage.recorded('roomword', 'released', 'refused', 'released')
    await stage.recorded('privateword', 'refused', 'released')
  })
})

function namespaceOf(element: string): string {
  return /xmlns='([^']*)'/.exec(element)?.[1] ?? assert.fail(`no namespace in ${element}`)
}
