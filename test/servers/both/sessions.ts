// SPDX-License-Identifier: Apache-2.0
// What happens to a session while mod_gatehouse holds its stanzas (XEP-0198, replacement, closing), and to what waits when the
// module is configured anew, taken out, or stopped with its server. PROTOCOL.md sections 4 to 8.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import type { Gated, Kind } from './gated.ts'
import { bodies, HOST, SCREEN, soon } from './house.ts'
import { ALICE, BOB, MUC, ROOMS } from './scene.ts'

export const PATIENT = { try: 15, hold_max: 20 }

export type Sessions<G extends Gated> = {
  /** With rooms, and archives that keep what people say (XEP-0313). */
  withRooms(): Promise<G>
  /** What has become of Alice's join (nick Al) when the answer came after the end of her session. */
  joined(gated: G, screen: AllowScreen): Promise<void>
}

/** Resolves when the screen is told that what was asked with these words went nowhere. */
export async function gone(screen: AllowScreen, words: string): Promise<void> {
  const [, n] = /<ask n='(\d+)'/.exec(screen.seen.find((iq) => iq.includes(words)) ?? '') ?? []
  await soon(screen.saw(new RegExp(`<settle n='${n}' [^>]*outcome='gone'`)), `the settlement of ${words}`)
}

export function sessions<G extends Gated>({ openGated, skip }: Kind, { withRooms, joined }: Sessions<G>): void {
  describe('XEP-0198 beside mod_gatehouse', { skip }, () => {
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

    it('counts a refused one as handled', async () => {
      await using gated = await openGated({ options: PATIENT })
      const screen = await gated.asking()
      const alice = await gated.login('alice', { management: 'count' })
      alice.say(BOB, 'DENY counted')
      await alice.got(/id='DENY-counted'.*policy-violation/s)
      alice.client.requestAcknowledgement()
      await alice.got(new RegExp(`to='${BOB}' type='chat' id='DENY-counted'`))
      assert.equal(alice.client.managed?.unacknowledged.length, 0)
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

  describe('a session that ends while its stanzas are held', { skip }, () => {
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

    it('hands over what was said and a subscription as the session would have, and nothing that is about the session itself', async () => {
      await using gated = await withRooms()
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      const phone = await gated.login('alice', { resource: 'phone' })
      const bob = await gated.login('bob')
      phone.client.send("<iq type='set' id='carbons'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
      assert.match(await phone.got(/<iq[^>]*id='carbons'/), /type='result'/)
      alice.client.send(`<presence to='${BOB}' type='subscribe'><status>HOLD please</status></presence>`)
      alice.client.send(`<presence to='tea@${ROOMS}/Al'><x xmlns='${MUC}'/></presence>`)
      alice.client.send('<presence><status>my status</status></presence>')
      alice.say(BOB, 'at last')
      await soon(screen.saw(/at last/), 'the questions')
      await alice.client.close()
      screen.release()
      assert.match(await bob.got(/at last/), new RegExp(`^<message[^>]*from='${ALICE}/r'`))
      await phone.got(/<sent xmlns='urn:xmpp:carbons:2'.*at last/)
      for (const person of [phone, bob]) {
        person.client.send("<iq type='set' id='archive'><query xmlns='urn:xmpp:mam:2' queryid='q'/></iq>")
        assert.match(await person.got(/<iq[^>]*id='archive'/), /type='result'/)
        const kept = person.inbox.filter((stanza) => stanza.includes("queryid='q'"))
        assert.equal(kept.length, 1, `the archive of ${person.client.jid}: ${kept}`)
        assert.match(kept[0] ?? '', new RegExp(`<message[^>]*from='${ALICE}/r'[^>]*>.*at last`))
      }
      const asking = await bob.got(/<presence[^>]*type='subscribe'/)
      assert.match(asking, new RegExp(`from='${ALICE}'`))
      assert.ok(!bob.inbox.some((stanza) => stanza.includes('my status')))
      await gone(screen, 'my status')
      await joined(gated, screen)
      const again = await gated.login('alice')
      again.client.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
      assert.match(await again.got(/<iq[^>]*id='roster'/), /<item[^>]*ask='subscribe'/)
    })
  })

  describe('the module while stanzas wait', { skip }, () => {
    it('reads its options again with 100 waiting: all are delivered, in order, and the new options hold', async () => {
      await using gated = await openGated({ options: PATIENT })
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      for (let i = 0; i < 100; i++) alice.say(BOB, `HOLD ${i}`)
      await soon(screen.saw(/HOLD 99</), 'the last question')
      await gated.configure({ ...PATIENT, ask: ['message'] })
      alice.say(BOB, 'after the reload')
      await soon(screen.saw(/after the reload/), 'the question behind')
      screen.release()
      await bob.got(/after the reload/)
      assert.deepEqual(bodies(bob), [...Array(100).keys()].map((i) => `HOLD ${i}`).concat('after the reload'))
      const sources = new Set(screen.seen.map((iq) => / source='([0-9a-f]{32})'/.exec(iq)?.[1]).filter(Boolean))
      assert.equal(sources.size, 1, 'the source lives on')
      alice.client.send('<presence><status>DENY nothing</status></presence>')
      await alice.got(/DENY nothing/)
    })

    it('asks another screen from a reload on: what waits for the first is settled', async () => {
      const OTHER = 'other.gatehouse.internal'
      await using gated = await openGated({ options: PATIENT, components: [OTHER] })
      const screen = await gated.asking()
      const other = await gated.screen(OTHER)
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'HOLD for the first')
      await soon(screen.saw(/HOLD for the first/), 'the question')
      await gated.configure({ ...PATIENT, screen: OTHER })
      assert.match(await alice.got(/id='HOLD-for-the-first'/), /resource-constraint/)
      await soon(screen.saw(/<mark [^>]*end='true'/), 'the closing mark of the first')
      await soon(gated.server.logged(new RegExp(`${OTHER} answers; questions are asked`)), 'the second')
      alice.say(BOB, 'for the second')
      await bob.got(/for the second/)
      await soon(other.saw(/for the second/), 'its question')
      assert.ok(!screen.seen.some((iq) => iq.includes('for the second')))
    })

    it('is unloaded: what waits is settled by the outage rule, and then nothing is asked; loaded again it asks', async () => {
      await using gated = await openGated({ options: PATIENT })
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'HOLD x')
      await soon(screen.saw(/HOLD x/), 'the question')
      await gated.unload(HOST)
      assert.match(await alice.got(/id='HOLD-x'/), /<error type='wait'><resource-constraint/)
      await soon(screen.saw(/<mark [^>]*end='true'/), 'the closing mark')
      alice.say(BOB, 'unwatched')
      await bob.got(/unwatched/)
      assert.ok(!screen.seen.some((iq) => iq.includes('unwatched')))
      await gated.load(HOST)
      await soon(screen.saw(/predecessor=/), 'the next run')
      await soon(gated.server.logged(times(2, new RegExp(`${SCREEN} answers; questions are asked`))), 'it asks again')
      alice.say(BOB, 'watched again')
      await bob.got(/watched again/)
      await soon(screen.saw(/watched again/), 'its question')
    })

    for (const word of ['HOLD', 'LATER'])
      it(`is unloaded where the rule is open: what waits is delivered and told of as unscreened (${word})`, async () => {
        await using gated = await openGated({ options: { ...PATIENT, on_outage: 'open' } })
        const screen = await gated.asking()
        const alice = await gated.login('alice')
        const bob = await gated.login('bob')
        for (const body of [`${word} one`, `${word} two`]) alice.say(BOB, body)
        await soon(screen.saw(new RegExp(`${word} two`)), 'the questions')
        assert.deepEqual(bodies(bob), [])
        const leaving = gated.unload(HOST)
        await bob.got(new RegExp(`${word} two`))
        // The screen holds what it is told of them too.
        await soon(screen.saw(/<ask n='1' [^>]*spooled='true'>/), 'what was kept')
        if (word === 'HOLD') screen.release()
        await leaving
        assert.deepEqual(bodies(bob), [`${word} one`, `${word} two`])
        for (const n of [1, 2]) {
          await soon(
            screen.saw(new RegExp(`<settle n='${n}' try='0' outcome='unscreened' at=`)),
            `the settlement of ${n}`,
          )
          const told = screen.seen.some((iq) => new RegExp(`<ask n='${n}' [^>]*spooled='true'>`).test(iq))
          assert.ok(told, `the question ${n}`)
        }
        assert.ok(!alice.inbox.some((stanza) => stanza.includes("type='error'")))
      })

    it('bounces what waits when the server stops, and ends its source with a mark', async () => {
      await using gated = await openGated({ options: PATIENT })
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      alice.say(BOB, 'HOLD at the end')
      await soon(screen.saw(/HOLD at the end/), 'the question')
      await gated.server.stop()
      assert.match(await alice.got(/id='HOLD-at-the-end'/), /resource-constraint/)
      assert.match(await soon(screen.saw(/end='true'/), 'the closing mark'), /<mark last='1' at='[^']*' end='true'\/>/)
    })
  })
}

/** Fits a line of the log when so many have fitted. */
function times(count: number, pattern: RegExp): RegExp {
  let seen = 0
  return { test: (line: string) => pattern.test(line) && ++seen === count } as RegExp
}
