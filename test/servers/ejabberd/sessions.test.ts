// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse on ejabberd and what happens to a session while its stanzas are held: XEP-0198, replacement, closing.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodies, HOST, noEjabberd, openGated, soon } from './gated.ts'

const BOB = `bob@${HOST}`
const PATIENT = { try: 15, hold_max: 20 }

describe('XEP-0198 beside mod_gatehouse', { skip: noEjabberd }, () => {
  it('acknowledges nothing that is held or waits behind it, and everything after the release', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice', { management: 'count' })
    const bob = await gated.login('bob')
    alice.say(BOB, 'm0 free')
    await bob.got(/m0 free/)
    alice.say(BOB, 'm1 HOLD')
    alice.say(BOB, 'm2 behind')
    alice.client.requestAcknowledgement()
    await alice.got(/id='m0-free'/)
    assert.ok(!alice.acknowledged.some((stanza) => /m1 HOLD|m2 behind/.test(stanza)), 'held is not handled')
    await soon(screen.saw(/m1 HOLD/), 'the question')
    screen.release()
    await bob.got(/m2 behind/)
    assert.deepEqual(bodies(bob), ['m0 free', 'm1 HOLD', 'm2 behind'])
    alice.client.requestAcknowledgement()
    await alice.got(/id='m2-behind'/)
    assert.equal(alice.client.managed?.unacknowledged.length, 0)
  })

  it('counts a refused one as handled, and one that was there before counting began not at all', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice', { management: 'count' })
    alice.say(BOB, 'DENY counted')
    await alice.got(/id='DENY-counted'.*policy-violation/s)
    alice.client.requestAcknowledgement()
    await soon(
      (async () => {
        while (alice.client.managed?.unacknowledged.length !== 0) await new Promise(setImmediate)
      })(),
      'the acknowledgement',
    )
    assert.ok(screen.seen.some((iq) => iq.includes('DENY counted')))
  })

  it('counts ten held as handled when the session is resumed: nothing twice, nothing lost', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice', { management: 'resume' })
    const bob = await gated.login('bob')
    for (let i = 0; i < 10; i++) alice.say(BOB, `HOLD number ${i}`)
    await soon(screen.saw(/HOLD number 9/), 'the tenth question')
    alice.client.break()
    await alice.client.ended
    const managed = alice.client.managed
    assert.ok(managed)
    const again = await gated.login('alice', { management: 'resume', previous: managed })
    assert.ok(again.client.resumed)
    assert.equal(again.client.managed?.unacknowledged.length, 0, 'nothing is left to send again')
    again.say(BOB, 'after the resumption')
    screen.release()
    await bob.got(/after the resumption/)
    assert.deepEqual(bodies(bob), [...Array(10).keys()].map((i) => `HOLD number ${i}`).concat('after the resumption'))
    again.client.requestAcknowledgement()
    await again.got(/id='after-the-resumption'/)
  })
})

describe('a session that ends while its stanzas are held', { skip: noEjabberd }, () => {
  it('delivers in order when the same resource logs in again', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    for (const body of ['HOLD a', 'b', 'DENY c', 'd']) alice.say(BOB, body)
    await soon(screen.saw(/<body>d</), 'the last question')
    const second = await gated.login('alice')
    await alice.client.ended
    second.say(BOB, 'new session')
    await bob.got(/new session/)
    assert.deepEqual(bodies(bob), ['new session'])
    screen.release()
    await bob.got(/<body>d</)
    assert.deepEqual(bodies(bob), ['new session', 'HOLD a', 'b', 'd'])
  })

  it('delivers in order when the client has logged out in good order', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    alice.say(BOB, 'HOLD last words')
    alice.say(BOB, 'and more')
    await soon(screen.saw(/and more/), 'the question')
    await alice.client.close()
    screen.release()
    await bob.got(/and more/)
    assert.deepEqual(bodies(bob), ['HOLD last words', 'and more'])
  })

  it('hands over a subscription as the session would have, and nothing that is about the session itself', async () => {
    const ROOMS = `rooms.${HOST}`
    await using gated = await openGated({ options: PATIENT, modules: { mod_muc: { host: ROOMS } } })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    alice.client.send(`<presence to='${BOB}' type='subscribe'><status>HOLD please</status></presence>`)
    alice.client.send(`<presence to='tea@${ROOMS}/Al'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
    alice.client.send('<presence><status>my status</status></presence>')
    alice.say(BOB, 'at last')
    await soon(screen.saw(/at last/), 'the questions')
    await alice.client.close()
    screen.release()
    await bob.got(/at last/)
    const asking = await bob.got(/<presence[^>]*type='subscribe'/)
    assert.match(asking, new RegExp(`from='alice@${HOST}'`))
    assert.ok(!bob.inbox.some((stanza) => stanza.includes('my status')))
    for (const words of ['/Al', 'my status']) {
      const question = screen.seen.find((iq) => iq.includes(words)) ?? ''
      const [, n] = /<ask [^>]*n='(\d+)'/.exec(question) ?? []
      await soon(screen.saw(new RegExp(`<settle n='${n}' [^>]*outcome='gone'`)), `the settlement of ${words}`)
    }
    assert.equal(
      await gated.ejabberd.evaluate(`mod_muc:count_online_rooms(<<"${HOST}">>).`),
      '0',
      'nobody is in the room',
    )
    const again = await gated.login('alice')
    again.client.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
    assert.match(await again.got(/<iq[^>]*id='roster'/), new RegExp(`<item[^>]*ask='subscribe'[^>]*>|jid='${BOB}'`))
  })
})
