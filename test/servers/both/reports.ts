// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse tells beside its questions: sessions, occupants and their nicks, ids of archives; and what is not told since it
// was asked about. PROTOCOL.md sections 5 and 9.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Gated, Kind } from './gated.ts'
import { HOST, soon } from './house.ts'
import { ALICE, BOB, MUC, ROOMS, type Scene, scene } from './scene.ts'

export const TELLER = `teller.${HOST}`

export type Reports<G extends Gated> = {
  /** With rooms and archives that keep what is said, and the teller, who has the privilege of messages (XEP-0356). */
  open(): Promise<G>
  privilege: { namespace: string; granted(gated: G): Promise<unknown> }
  /** What only this server tells. */
  more?(on: Scene<G>, fence: Fence): void
}

/** Every report that came before this is there. */
export type Fence = (words: string) => Promise<void>

export function reports<G extends Gated>({ skip }: Kind, { open, privilege, more }: Reports<G>): void {
  describe('reports', { skip }, () => {
    const on = scene(open)
    const said = () => on.screen.seen.join('')
    const fence = async (words: string) => {
      on.alice.say(ALICE, words)
      await soon(on.screen.saw(new RegExp(`<stanza-id n='\\d+' by='${ALICE}'[^>]*>(?:(?!<stanza-id).)*$`)), words)
    }
    const occupants = (room: string) =>
      [
        ...said().matchAll(
          new RegExp(`<occupant room='${room}@[^>]*nick='([^']*)'[^>]*jid='([^']*)'[^>]*event='([^']*)'`, 'g'),
        ),
      ].map(([, nick, jid, event]) => `${jid?.split('@')[0]} ${nick} ${event}`)
    const occupant = (room: string, nick: string, event: string) =>
      soon(
        on.screen.saw(
          new RegExp(`<occupant room='${room}@${ROOMS}' nick='${nick}' jid='[^']*' event='${event}' at='[^']+Z'`),
        ),
        `${nick} ${event}`,
      )

    it('sessions: started and ended, each once, by the name that the server gave', async () => {
      const { gated, screen } = on
      const one = await gated.login('carol', { resource: 'first' })
      await soon(
        screen.saw(
          new RegExp(`<session jid='carol@${HOST}/first' via='c2s' event='started' account='[0-9a-f]{32}' at=`),
        ),
        'started',
      )
      one.client.break()
      await soon(screen.saw(new RegExp(`<session jid='carol@${HOST}/first' via='c2s' event='ended'`)), 'ended')
      assert.equal(said().match(new RegExp(`<session jid='carol@${HOST}/first'`, 'g'))?.length, 2)
      const other = await gated.login('carol', { resource: 'other' })
      await other.client.close()
      await soon(screen.saw(new RegExp(`<session jid='carol@${HOST}/other' via='c2s' event='ended'`)), 'in good order')
    })

    it('a resumed stream and one that takes its own place are one session that goes on', async () => {
      const { gated, alice } = on
      const one = await gated.login('carol', { resource: 'lasting', management: 'resume' })
      const managed = one.client.managed ?? assert.fail('no resumption')
      one.client.break()
      const again = await gated.login('carol', { resource: 'lasting', management: 'resume', previous: managed })
      again.client.send(`<message to='${ALICE}' type='chat' id='res'><body>here again</body></message>`)
      await alice.got(/here again/)
      await fence('behind the resumption')
      assert.ok(!new RegExp(`<session jid='carol@${HOST}/lasting'[^>]*event='ended'`).test(said()))
      again.client.break()
    })

    it('occupants: who came and left by which nick; a second client with the same nick is none', async () => {
      const { gated, alice, bob } = on
      const second = await gated.login('bob', { resource: 'second' })
      await on.found(alice, 'tea', 'Al')
      await occupant('tea', 'Al', 'joined')
      await on.enter(bob, 'tea', 'Bo')
      await on.enter(second, 'tea', 'Bo')
      second.client.send(`<presence to='tea@${ROOMS}/Bo' type='unavailable'/>`)
      await second.got(/<presence(?=[^>]*from='tea@)[^>]*type='unavailable'/)
      alice.client.send(
        `<iq type='set' id='kick' to='tea@${ROOMS}'><query xmlns='${MUC}#admin'><item nick='Bo' role='none'/></query></iq>`,
      )
      await occupant('tea', 'Bo', 'left')
      alice.client.send(`<presence to='tea@${ROOMS}/Al' type='unavailable'/>`)
      await occupant('tea', 'Al', 'left')
      assert.deepEqual(occupants('tea'), ['alice Al joined', 'bob Bo joined', 'bob Bo left', 'alice Al left'])
      second.client.break()
    })

    it('a change of nick: the old one is told as left, the new one as joined, once; a refused one is not told', async () => {
      const { alice, bob } = on
      await on.found(alice, 'nicks', 'Al')
      await on.enter(bob, 'nicks', 'Bo')
      await occupant('nicks', 'Bo', 'joined')
      alice.client.send(`<presence to='nicks@${ROOMS}/Bo'/>`)
      await alice.got(/<presence[^>]*type='error'.*<conflict/)
      bob.client.send(`<presence to='nicks@${ROOMS}/Bo'><show>dnd</show></presence>`)
      await alice.got(/nicks@[^>]*\/Bo'.*<show>dnd/)
      alice.client.send(`<presence to='nicks@${ROOMS}/Ada'/>`)
      await occupant('nicks', 'Ada', 'joined')
      alice.client.send(`<presence to='nicks@${ROOMS}/Ada'><show>xa</show></presence>`)
      alice.client.send(`<presence to='nicks@${ROOMS}/Ada' type='unavailable'/>`)
      await occupant('nicks', 'Ada', 'left')
      assert.deepEqual(occupants('nicks'), [
        'alice Al joined',
        'bob Bo joined',
        'alice Al left',
        'alice Ada joined',
        'alice Ada left',
      ])
    })

    it('one whose connection breaks is told as left', async () => {
      const { gated } = on
      const carol = await gated.login('carol', { resource: 'falls' })
      await on.enter(carol, 'fall', 'Ca')
      carol.client.break()
      await occupant('fall', 'Ca', 'left')
    })

    it('ids that the archives of sender, recipient and one who is away gave; what a sender writes is none', async () => {
      const { screen, alice, bob } = on
      const forged = `<stanza-id xmlns='urn:xmpp:sid:0' by='${BOB}' id='made-up'/><stanza-id xmlns='urn:xmpp:sid:0' by='${ALICE}' id='mine'/>`
      alice.say(BOB, 'archived words', forged)
      const copy = await bob.got(/archived words/)
      const n = /<ask n='(\d+)'(?:(?!<\/ask>).)*archived words/.exec(said())?.[1]
      // Prosody leaves what the sender wrote beside its own.
      const given = [...copy.matchAll(/<stanza-id [^>]*>/g)]
        .filter(([one]) => one.includes(`by='${BOB}'`))
        .map(([one]) => / id='([^']+)'/.exec(one)?.[1])
        .filter((id) => id !== 'made-up')
      assert.equal(given.length, 1, copy)
      await soon(screen.saw(new RegExp(`<stanza-id n='${n}' by='${BOB}' id='${given[0]}'`)), "the recipient's")
      await soon(screen.saw(new RegExp(`<stanza-id n='${n}' by='${ALICE}' id='[^']+'`)), "the sender's")
      alice.say(`carol@${HOST}`, 'for later', forged)
      const away = soon(
        screen.saw(new RegExp(`<stanza-id n='\\d+' by='carol@${HOST}' id='[^']+'`)),
        'of one who is away',
      )
      await away
      await fence('behind the ids')
      assert.doesNotMatch(said(), /<stanza-id n=[^>]*id='(made-up|mine)'/)
    })

    it("the id that the room's archive gave; what a sender writes is none", async () => {
      const { screen, alice } = on
      await on.enter(alice, 'past', 'Al')
      const forged = `<stanza-id xmlns='urn:xmpp:sid:0' by='past@${ROOMS}' id='made-up'/>`
      alice.client.send(
        `<message to='past@${ROOMS}' type='groupchat' id='p1'><body>said in the room</body>${forged}</message>`,
      )
      const copy = await alice.got(/<message[^>]*type='groupchat'.*said in the room/)
      const id = /<stanza-id[^>]*id='([^']+)'/.exec(copy)?.[1]
      await soon(screen.saw(new RegExp(`<stanza-id n='\\d+' by='past@${ROOMS}' id='${id}'`)), "the room's")
      await fence('behind the room')
      assert.equal(said().match(new RegExp(`<stanza-id n='\\d+' by='past@${ROOMS}'`, 'g'))?.length, 1)
    })

    it('what people say and publish is not told as observed beside its question', async () => {
      const { alice, bob } = on
      alice.say(BOB, 'asked once')
      await bob.got(/asked once/)
      alice.client.send(
        "<iq type='set' id='pep'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:x:note'><item id='i'><note xmlns='urn:x:note'>asked note</note></item></publish></pubsub></iq>",
      )
      await alice.got(/<iq[^>]*id='pep'/)
      await fence('behind what was asked')
      assert.match(said(), /<ask (?:(?!<\/ask>).)*asked note/)
      assert.doesNotMatch(said(), /<observed (?:(?!<\/observed>).)*(asked once|asked note)/)
    })

    it('what a component says for a person was asked about: it is not told as observed', async () => {
      const { gated, bob } = on
      const teller = await gated.screen(TELLER)
      await soon(privilege.granted(gated), 'its privilege')
      teller.write(
        `<message from='${TELLER}' to='${HOST}' id='w'><privilege xmlns='${privilege.namespace}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='${ALICE}' to='${BOB}' type='chat' id='in'><body>told for alice</body></message></forwarded></privilege></message>`,
      )
      await bob.got(/told for alice/)
      await fence('behind what was told')
      assert.match(said(), /<ask (?:(?!<\/ask>).)*told for alice/)
      assert.doesNotMatch(said(), /<observed (?:(?!<\/observed>).)*told for alice/)
    })

    more?.(on, fence)
  })
}
