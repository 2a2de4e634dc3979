// SPDX-License-Identifier: Apache-2.0
// Rows of PROTOCOL.md section 9 that are about what is not asked, or is asked as an offer, on a real server: files, rooms' words,
// what is one's own, what was kept and comes again, what modules behind the helper change.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Gated, Kind } from './gated.ts'
import { bodies, HOST, type Person, soon } from './house.ts'
import { ALICE, BOB, MUC, ROOMS, type Scene, scene } from './scene.ts'

export const UPLOAD = `upload.${HOST}`

export type Rows<G extends Gated> = {
  /** With rooms and archives that keep what is said, uploads, commands, and a module behind the helper that makes `changed` of `written`. */
  open(): Promise<G>
  /** Somebody to whom the server says `the word of the day`. */
  greeted(on: Scene<G>): Promise<Person>
  /** Rows that only this server has. */
  more(on: Scene<G>): void
}

export function rows<G extends Gated>({ skip }: Kind, { open, greeted, more }: Rows<G>): void {
  describe('rows of the table of coverage', { skip }, () => {
    const on = scene(open)

    it('uploads: the request for a slot is asked and can be refused; the bytes are not seen', async () => {
      const { screen, alice } = on
      const slot = (name: string) =>
        `<request xmlns='urn:xmpp:http:upload:0' filename='${name}' size='5' content-type='text/plain'/>`
      assert.match(await on.iq(alice, 'u1', `type='get' to='${UPLOAD}'`, slot('DENY.txt')), /policy-violation/)
      const answer = await on.iq(alice, 'u2', `type='get' to='${UPLOAD}'`, slot('plans.txt'))
      assert.equal(on.asked('plans.txt'), 1)
      const put = /<put[^>]*url='([^']+)'/.exec(answer)?.[1] ?? assert.fail(answer)
      const headers = [...answer.matchAll(/<header name='([^']+)'>([^<]*)</g)].map(([, name = '', value = '']) => [
        name,
        value,
      ])
      const stored = await fetch(put, {
        method: 'PUT',
        body: 'bytes',
        headers: { 'content-type': 'text/plain', ...Object.fromEntries(headers) },
      })
      assert.equal(stored.status, 201)
      await on.fence(alice, 'behind the upload')
      assert.ok(!screen.seen.some((text) => text.includes('bytes')))
    })

    it('Jingle, SI, IBB, bytestreams: the offer is asked and can be refused', async () => {
      const { alice, bob } = on
      const offers = {
        jingle: "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='DENY'/>",
        si: "<si xmlns='http://jabber.org/protocol/si' id='DENY' profile='http://jabber.org/protocol/si/profile/file-transfer'/>",
        ibb: "<open xmlns='http://jabber.org/protocol/ibb' block-size='4096' sid='DENY'/>",
        bytestreams: "<query xmlns='http://jabber.org/protocol/bytestreams' sid='DENY'/>",
        oob: "<query xmlns='jabber:iq:oob'><url>http://DENY/</url></query>",
      }
      for (const [id, offer] of Object.entries(offers)) {
        assert.match(await on.iq(alice, id, `type='set' to='${BOB}/r'`, offer), /policy-violation/)
        assert.ok(!bob.inbox.some((stanza) => stanza.includes(`id='${id}'`)))
      }
    })

    it('a subject and the reason of a kick are asked and can be refused', async () => {
      const { alice } = on
      await on.enter(alice, 'talk', 'Al')
      alice.client.send(
        `<message to='talk@${ROOMS}' type='groupchat' id='s1'><subject>DENY this subject</subject></message>`,
      )
      assert.match(await alice.got(/<message[^>]*id='s1'/), /policy-violation/)
      const kick = `<query xmlns='${MUC}#admin'><item nick='Bo' role='none'><reason>DENY</reason></item></query>`
      assert.match(await on.iq(alice, 'k1', `type='set' to='talk@${ROOMS}'`, kick), /policy-violation/)
    })

    it('a private message in a room: asked once, at its sender, and can be refused', async () => {
      const { alice, bob } = on
      await on.found(alice, 'nook', 'Al')
      await on.enter(bob, 'nook', 'Bo')
      alice.say(`nook@${ROOMS}/Bo`, 'DENY aside')
      assert.match(await alice.got(/id='DENY-aside'/), /policy-violation/)
      alice.say(`nook@${ROOMS}/Bo`, 'just between us')
      assert.match(await bob.got(/just between us/), new RegExp(`from='nook@${ROOMS}/Al'`))
      await on.fence(bob, 'behind the aside')
      assert.equal(on.asked('just between us'), 1)
      assert.ok(!bodies(bob).includes('DENY aside'))
    })

    it('the message of the day is told as observed', async () => {
      const { screen } = on
      await (await greeted(on)).got(/the word of the day/)
      const said =
        /<observed at='[^']+'><forwarded[^>]*><message [^>]*from='corp\.example'(?:(?!<\/observed>).)*the word of the day/
      await soon(screen.saw(said), 'observed')
      assert.ok(!screen.seen.some((iq) => /<ask [^>]*>(?:(?!<\/ask>).)*the word of the day/s.test(iq)), 'not asked')
    })

    it("one's own: roster names, private XML and commands to the server are not asked, notes by PEP are", async () => {
      const { alice } = on
      const own = {
        roster: ["type='set'", `<query xmlns='jabber:iq:roster'><item jid='${BOB}' name='DENY roster'/></query>`],
        private: [
          "type='set'",
          "<query xmlns='jabber:iq:private'><storage xmlns='storage:rosternotes'><note jid='x@y'>DENY private</note></storage></query>",
        ],
        command: [`type='set' to='${HOST}'`, "<command xmlns='http://jabber.org/protocol/commands' node='DENY'/>"],
      } as const
      for (const [id, [attrs, child]] of Object.entries(own))
        assert.doesNotMatch(await on.iq(alice, id, attrs, child), /policy-violation/)
      const notes =
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:bookmarks:1'><item id='x@y'><conference xmlns='urn:xmpp:bookmarks:1' name='DENY'/></item></publish></pubsub>"
      assert.match(await on.iq(alice, 'pep', "type='set'", notes), /policy-violation/)
      for (const words of ['DENY roster', 'DENY private', "node='DENY'"]) assert.equal(on.asked(words), 0, words)
    })

    it('what was kept and comes again is not asked again, nor told: offline messages, room history, the archive', async () => {
      const { gated, screen, alice, bob } = on
      alice.say(`carol@${HOST}`, 'for later')
      await on.question('for later')
      // What she says to herself comes after that is stored; Carol is not to come while it is being stored.
      alice.say(ALICE, 'stored by now')
      await alice.got(/stored by now/)
      const carol = await gated.login('carol')
      await carol.got(/for later/)
      await on.found(alice, 'past', 'Al')
      alice.client.send(`<message to='past@${ROOMS}' type='groupchat' id='p1'><body>said in the room</body></message>`)
      await alice.got(/<message[^>]*type='groupchat'.*said in the room/)
      await on.enter(bob, 'past', 'Bo')
      await bob.got(/said in the room/)
      const query = "<query xmlns='urn:xmpp:mam:2' queryid='m'/>"
      await on.iq(bob, 'mam1', `type='set' to='past@${ROOMS}'`, query)
      await on.iq(carol, 'mam2', "type='set'", query)
      assert.equal(
        carol.inbox.filter((stanza) => stanza.includes('for later')).length,
        2,
        'offline, and out of the archive',
      )
      await on.fence(bob, 'behind the archive')
      await on.fence(carol, 'behind her archive')
      for (const words of ['for later', 'said in the room']) assert.equal(on.asked(words), 1, words)
      assert.equal(on.asked('urn:xmpp:mam:2'), 0)
      assert.doesNotMatch(screen.seen.join(''), /<observed (?:(?!<\/observed>).)*(for later|said in the room)/)
    })

    more(on)

    it('what a module behind the helper changes is on record as it was asked', async () => {
      const { alice, bob } = on
      alice.say(BOB, 'as written')
      await bob.got(/as changed/)
      assert.ok(bodies(bob).includes('as changed'))
      assert.equal(on.asked('as written'), 1)
      assert.equal(on.asked('as changed'), 0)
    })
  })
}
