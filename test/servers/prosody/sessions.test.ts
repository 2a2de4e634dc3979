// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse and what happens to a session while its stanzas are held: XEP-0198, replacement, closing, reload, unload.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodies, HOST, openGated, soon } from './gated.ts'

const BOB = `bob@${HOST}`
const PATIENT = ['gatehouse_try = 15', 'gatehouse_hold_max = 20']

describe('XEP-0198 beside mod_gatehouse', () => {
  it('acknowledges nothing that is held or waits behind it, and everything after the release', async () => {
    await using gated = await openGated({ lines: PATIENT })
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
    screen.release()
    await bob.got(/m2 behind/)
    alice.client.requestAcknowledgement()
    await alice.got(/id='m2-behind'/)
    assert.equal(alice.client.managed?.unacknowledged.length, 0)
  })

  it('counts ten held as handled when the session is resumed: nothing twice, nothing lost', async () => {
    await using gated = await openGated({ lines: PATIENT })
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

describe('a session that ends while its stanzas are held', () => {
  it('delivers in order when the same resource logs in again', async () => {
    await using gated = await openGated({ lines: PATIENT })
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
    await using gated = await openGated({ lines: PATIENT })
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
})

describe('the module while stanzas wait', () => {
  it('is reloaded with 100 waiting: all are delivered, in order', async () => {
    await using gated = await openGated({ lines: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    for (let i = 0; i < 100; i++) alice.say(BOB, `HOLD ${i}`)
    await soon(screen.saw(/HOLD 99</), 'the last question')
    assert.match(await gated.shell(`module:reload("gatehouse", "${HOST}")`), /OK/)
    alice.say(BOB, 'after the reload')
    screen.release()
    await bob.got(/after the reload/)
    assert.deepEqual(bodies(bob), [...Array(100).keys()].map((i) => `HOLD ${i}`).concat('after the reload'))
    const sources = new Set(screen.seen.map((iq) => / source='([0-9a-f]{32})'/.exec(iq)?.[1]).filter(Boolean))
    assert.equal(sources.size, 1, 'the source lives on')
  })

  it('is unloaded: what waits is settled by the outage rule, and then nothing is asked', async () => {
    await using gated = await openGated({ lines: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    alice.say(BOB, 'HOLD x')
    await soon(screen.saw(/HOLD x/), 'the question')
    assert.match(await gated.shell(`module:unload("gatehouse", "${HOST}")`), /OK/)
    assert.match(await alice.got(/id='HOLD-x'/), /<error type='wait'><resource-constraint/)
    alice.say(BOB, 'unwatched')
    await bob.got(/unwatched/)
    assert.ok(!screen.seen.some((iq) => iq.includes('unwatched')))
  })

  it('is unloaded where the rule is open: what waits is delivered and told of as unscreened', async () => {
    await using gated = await openGated({ lines: [...PATIENT, 'gatehouse_on_outage = "open"'] })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    for (const body of ['HOLD one', 'HOLD two']) alice.say(BOB, body)
    await soon(screen.saw(/HOLD two/), 'the questions')
    assert.deepEqual(bodies(bob), [])
    assert.match(await gated.shell(`module:unload("gatehouse", "${HOST}")`), /OK/)
    await bob.got(/HOLD two/)
    assert.deepEqual(bodies(bob), ['HOLD one', 'HOLD two'])
    for (const n of [1, 2]) {
      await soon(screen.saw(new RegExp(`<settle n='${n}' try='0' outcome='unscreened' at=`)), `the settlement of ${n}`)
      assert.ok(
        screen.seen.some((iq) => new RegExp(`<ask n='${n}' [^>]*spooled='true'>`).test(iq)),
        `the question ${n}`,
      )
    }
    assert.ok(!alice.inbox.some((stanza) => stanza.includes("type='error'")))
  })

  it('bounces what waits when the server stops, and ends its source with a mark', async () => {
    await using gated = await openGated({ lines: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    alice.say(BOB, 'HOLD at the end')
    await soon(screen.saw(/HOLD at the end/), 'the question')
    await gated.prosody.stop()
    assert.match(await alice.got(/id='HOLD-at-the-end'/), /resource-constraint/)
    assert.match(await soon(screen.saw(/end='true'/), 'the closing mark'), /<mark last='1' at='[^']*' end='true'\/>/)
  })
})
