// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse: hold, ask, obey, in order. PROTOCOL.md sections 2, 5, 6 and 8.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Gated, Kind } from './gated.ts'
import { bodies, HOST, SCREEN, soon } from './house.ts'
import { ALICE, BOB, scene } from './scene.ts'

const LIAR = `evil.${HOST}`

export type Messages = {
  /** How the body `it's <b> & "c"` comes to the recipient, and stands in the question. */
  quoted: readonly [RegExp, RegExp]
  /** How `<x xmlns='urn:x' xmlns:y='urn:y' y:k="a'b&#10;c"><z xmlns=''/></x>` stands in the question. */
  alone: RegExp
  /** A server that lets this component write in the name of others. */
  withLiar(component: string): Promise<Gated>
}

export function messages({ openGated, skip }: Kind, { quoted, alone, withLiar }: Messages): void {
  describe('what a client sends through mod_gatehouse', { skip }, () => {
    const on = scene(() => openGated())

    it('passes on an empty result, and the question held the stanza as it was, standing alone', async () => {
      const { screen, alice, bob } = on
      alice.client.send(
        `<message to='${BOB}' type='chat' id='m1' xml:lang='de'><body>it's &lt;b&gt; &amp; &quot;c&quot;</body><x xmlns='urn:x' xmlns:y='urn:y' y:k="a'b&#10;c"><z xmlns=''/></x></message>`,
      )
      assert.match(await bob.got(/id='m1'/), quoted[0])
      const question = await soon(screen.saw(/id='m1'/), 'the question')
      assert.match(
        question,
        /<ask n='\d+' at='\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z'><forwarded xmlns='urn:xmpp:forward:0'><message [^>]*xmlns='jabber:client'/,
      )
      assert.match(question, new RegExp(`<message [^>]*from='${ALICE}/r'`))
      assert.match(question, quoted[1])
      assert.match(question, alone)
    })

    it('refuses with the given condition and text, and delivers nothing', async () => {
      const { alice, bob } = on
      alice.say(BOB, 'DENY me')
      const error = await alice.got(/id='DENY-me'/)
      assert.match(error, /type='error'/)
      assert.match(
        error,
        /<error type='modify'><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'\/><text [^>]*>no such word<\/text><\/error>/,
      )
      assert.match(error, new RegExp(`from='${BOB}'`))
      alice.say(BOB, 'after the refusal')
      await bob.got(/after the refusal/)
      assert.ok(!bodies(bob).includes('DENY me'))
    })

    it('delivers the replacement, and refuses one that changes the addressee', async () => {
      const { alice, bob } = on
      alice.say(BOB, 'REPLACE one')
      await bob.got(/<body>\[masked\] one<\/body>/)
      alice.say(BOB, 'FORGE two')
      assert.match(await alice.got(/id='FORGE-two'/), /policy-violation/)
    })

    it('treats a verdict it does not know as no answer: the outage rule', async () => {
      const { screen, alice } = on
      alice.say(BOB, 'ODD word')
      assert.match(await alice.got(/id='ODD-word'/), /<error type='wait'><resource-constraint/)
      await soon(screen.saw(/<settle n='\d+' try='0' outcome='bounced'/), 'the settlement')
    })

    it('keeps the order of one sender, and lets others pass', async () => {
      const { gated, screen, alice, bob } = on
      alice.say(BOB, 'HOLD first')
      alice.say(BOB, 'second')
      alice.client.send(
        `<message to='${BOB}' type='chat' id='state'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
      )
      alice.say(BOB, 'DENY third')
      alice.say(BOB, 'fourth')
      await soon(screen.saw(/fourth/), 'the later question while the first waits')
      const carol = await gated.login('carol')
      carol.say(`alice@${HOST}`, 'to alice meanwhile')
      await alice.got(/to alice meanwhile/)
      carol.say(BOB, 'from carol')
      await bob.got(/from carol/)
      assert.ok(!bodies(bob).includes('second'), 'what came behind the held one waits for it')
      screen.release()
      await bob.got(/fourth/)
      const order = bob.inbox.filter((stanza) => /HOLD first|second|composing|fourth/.test(stanza))
      assert.deepEqual(
        order.map((stanza) => /HOLD first|second|composing|fourth/.exec(stanza)?.[0]),
        ['HOLD first', 'second', 'composing', 'fourth'],
      )
      assert.match(await alice.got(/id='DENY-third'/), /policy-violation/)
    })

    it('waits for a verdict that comes later, and takes it', async () => {
      const { screen, alice, bob } = on
      alice.say(BOB, 'LATER yes')
      alice.say(BOB, 'LATER DENY no')
      alice.say(BOB, 'behind later')
      await soon(screen.saw(/behind later/), 'the question behind')
      screen.release()
      await bob.got(/behind later/)
      assert.ok(bodies(bob).includes('LATER yes'))
      assert.match(await alice.got(/id='LATER-DENY-no'/), /policy-violation/)
    })

    it('never asks twice about what stays in the house, nor about copies', async () => {
      const { screen, alice, bob } = on
      alice.say(BOB, 'only once')
      await bob.got(/only once/)
      alice.say(BOB, 'fence one')
      await bob.got(/fence one/)
      assert.equal(screen.seen.filter((iq) => iq.includes('only once')).length, 1)
    })

    it('tells by done that all is settled, and by mark how far the numbers are', async () => {
      const { screen } = on
      const last = Math.max(
        ...screen.seen.flatMap((iq) => [...iq.matchAll(/<ask n='(\d+)'/g)].map(([, n]) => Number(n))),
      )
      const reached = (iq: string) => Number(/ done='(\d+)'/.exec(iq)?.[1] ?? 0) >= last
      const marked = await soon(
        screen.saw({ test: (iq: string) => reached(iq) && /<mark last=/.test(iq) } as RegExp),
        'a mark with everything done',
      )
      assert.match(marked, new RegExp(`<mark last='${last}'`))
    })
  })

  describe('who is believed', { skip }, () => {
    it('takes no verdict from another component, whatever id and name it uses, and puts no question to it', async () => {
      await using gated = await withLiar(LIAR)
      const screen = await gated.asking()
      const evil = await gated.screen(LIAR)
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'HOLD secret')
      const question = await soon(screen.saw(/HOLD secret/), 'the question')
      const id = /id='(gh-[0-9a-f]+)'/.exec(question)?.[1] ?? ''
      const source = / source='([0-9a-f]+)'/.exec(question)?.[1] ?? ''
      evil.write(`<iq type='result' from='${SCREEN}' to='${HOST}' id='${id}'/>`)
      const carol = await gated.login('carol')
      carol.say(BOB, 'LATER secret')
      const n = /<ask n='(\d+)'/.exec(await soon(screen.saw(/LATER secret/), 'the second question'))?.[1]
      evil.write(
        `<iq type='set' from='${SCREEN}' to='${HOST}' id='forged'><verdicts xmlns='urn:gatehouse:screen:1' source='${source}'><verdict n='${n}' action='allow'/></verdicts></iq>`,
      )
      assert.match(await soon(evil.saw(/<iq[^>]*id='forged'/), 'its answer'), /forbidden/)
      // The server answers a ping of the same stream only after what stood before it.
      evil.write(
        `<iq type='get' from='${LIAR}' to='${HOST}' id='fence'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`,
      )
      // Which stream of the listener gets what is for one of its names is not always certain.
      await soon(Promise.race([evil, screen].map((one) => one.saw(/<iq[^>]*id='fence'/))), 'the fence')
      assert.deepEqual(bodies(bob), [])
      assert.ok(!evil.seen.some((iq) => iq.includes('<screen')), 'only the stream that has proved the name is asked')
      screen.write(`<iq type='result' from='${SCREEN}' to='${HOST}' id='${id}'/>`)
      await bob.got(/HOLD secret/)
      assert.deepEqual(bodies(bob), ['HOLD secret'])
      screen.release()
      await bob.got(/LATER secret/)
    })
  })

  describe('the ids of what is asked and told', { skip }, () => {
    it('cannot be guessed: 96 random bits each, what comes from the disk included', async () => {
      await using gated = await openGated()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'nobody there')
      await alice.got(/id='nobody-there'/)
      const screen = await gated.asking()
      await soon(screen.saw(/<outage /), 'what was on disk')
      for (let i = 0; i < 100; i++) {
        alice.say(BOB, `number ${i}.`)
        await bob.got(new RegExp(`number ${i}\\.`))
      }
      const ids = screen.seen
        .filter((iq) => /^<iq [^>]*type='set'/.test(iq))
        .map((iq) => /^<iq [^>]*id='([^']*)'/.exec(iq)?.[1] ?? '')
      assert.ok(ids.length >= 100)
      for (const id of ids) assert.match(id, /^gh-[0-9a-f]{24}$/)
      assert.equal(new Set(ids).size, ids.length)
      // A digit that is fixed, or counts slowly, would be nearly the same in all; of a random one all sixteen come.
      for (let at = 3; at < 27; at++) assert.ok(new Set(ids.map((id) => id[at])).size > 8, `digit ${at} of ${ids}`)
    })
  })
}
