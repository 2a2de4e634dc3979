// SPDX-License-Identifier: Apache-2.0
// Every way in and out of a server past mod_gatehouse, a row of PROTOCOL.md section 9 each: clients, rooms, components, privileged
// senders, other servers (at port 5269). What is told beside the questions: test/servers/both/reports.ts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Gated, Kind } from './gated.ts'
import { bodies, HOST, type Person, soon } from './house.ts'
import { ALICE, BOB, MUC, ROOMS, type Scene, scene } from './scene.ts'
import { PATIENT } from './sessions.ts'

const named = (name: string) => `${name}.${HOST}`
export const [TELLER, QUIET, CLERK, ARCHIVE, POST] = ['teller', 'quiet', 'clerk', 'archive', 'post'].map(named) as [
  string,
  string,
  string,
  string,
  string,
]
export const TRUSTED = [QUIET, ARCHIVE]

export type Ways<G extends Gated> = {
  /** With rooms and archives that keep what is said, and the five components; the teller has privileges (XEP-0356) for messages, and IQs of urn:x. */
  open(): Promise<G>
  /** XEP-0356 as this server speaks it; `granted` resolves when the teller has its privileges, `noIqs`: why there are none for IQs. */
  privilege: { namespace: string; granted(gated: G): Promise<unknown>; noIqs: string | false }
  /** Addresses of two servers. */
  addresses: readonly [string, string]
  /** Ways that only this server has. */
  more?(on: Scene<G>): void
}

export function ways<G extends Gated>(kind: Kind, { open, privilege, addresses, more }: Ways<G>): void {
  const { openGated, skip } = kind
  describe('ways past the helper', { skip }, () => {
    const on = scene(open)

    it('a room: joined once asked, spoken once asked, copies not; occupants and archive id told', async () => {
      const { screen, alice, bob } = on
      await on.found(alice, 'tea', 'Al')
      await on.question("id='found-tea'")
      await on.enter(bob, 'tea', 'Bo')
      for (const nick of ['Al', 'Bo']) {
        await on.question(`to='tea@${ROOMS}/${nick}'`)
        assert.equal(on.asked(`to='tea@${ROOMS}/${nick}'`), 1)
      }
      alice.client.send(`<message to='tea@${ROOMS}' type='groupchat' id='g1'><body>tea is ready</body></message>`)
      const copy = await bob.got(/tea is ready/)
      await alice.got(/tea is ready/)
      assert.equal(on.asked('tea is ready'), 1)
      assert.match(await on.question('tea is ready'), new RegExp(`to='tea@${ROOMS}'`))
      for (const [nick, jid] of [
        ['Al', ALICE],
        ['Bo', BOB],
      ])
        await soon(
          screen.saw(new RegExp(`<occupant room='tea@${ROOMS}' nick='${nick}' jid='${jid}' event='joined'`)),
          'occupant',
        )
      const id = /<stanza-id[^>]*id='([^']+)'/.exec(copy)?.[1]
      assert.ok(id, 'the room gave it an id')
      await soon(
        screen.saw(new RegExp(`<stanza-id n='\\d+' by='tea@${ROOMS}' id='${id}'`)),
        'the archive id of the room',
      )
      bob.client.send(`<presence to='tea@${ROOMS}/Bo' type='unavailable'/>`)
      await soon(screen.saw(/<occupant [^>]*nick='Bo'[^>]*event='left'/), 'who left')
      await on.enter(bob, 'tea', 'Bob')
    })

    it('a refused join is answered as rooms do, and a refused word in a room by an error', async () => {
      const { gated, alice, bob } = on
      const carol = await gated.login('carol')
      carol.client.send(`<presence to='tea@${ROOMS}/DENY'><x xmlns='${MUC}'/></presence>`)
      const error = await carol.got(/<presence[^>]*type='error'/)
      assert.match(error, /<x xmlns='http:\/\/jabber.org\/protocol\/muc'\/>/)
      assert.match(error, /<error type='cancel'><not-allowed/)
      alice.client.send(`<message to='tea@${ROOMS}' type='groupchat' id='g2'><body>DENY tea</body></message>`)
      assert.match(await alice.got(/<message[^>]*id='g2'/), /policy-violation/)
      alice.client.send(`<message to='tea@${ROOMS}' type='groupchat' id='g3'><body>more tea</body></message>`)
      await bob.got(/more tea/)
      assert.ok(!bob.inbox.some((stanza) => stanza.includes('DENY tea')))
    })

    it('what is replaced is replaced in all archives: of the sender, the recipient and the room', async () => {
      const { alice, bob } = on
      alice.client.send(`<message to='${BOB}' type='chat' id='re1'><body>a REPLACE between us</body></message>`)
      await bob.got(/a \[masked\] between us/)
      await on.found(alice, 'masks', 'Al')
      alice.client.send(
        `<message to='masks@${ROOMS}' type='groupchat' id='re2'><body>a REPLACE in a room</body></message>`,
      )
      await alice.got(/<message[^>]*from='masks@[^>]*>.*a \[masked\] in a room/)
      const archive = async (person: Person, id: string, attrs: string) => {
        const last = "<set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set>"
        const query = `<query xmlns='urn:xmpp:mam:2' queryid='${id}'>${last}</query>`
        assert.match(await on.iq(person, id, `type='set'${attrs}`, query), /type='result'/)
        return person.inbox.filter((stanza) => stanza.includes(`queryid='${id}'`)).join('\n')
      }
      const archives = {
        sender: [await archive(alice, 'mam-a', ''), 'a [masked] between us'],
        recipient: [await archive(bob, 'mam-b', ''), 'a [masked] between us'],
        room: [await archive(alice, 'mam-r', ` to='masks@${ROOMS}'`), 'a [masked] in a room'],
      } as const
      for (const [whose, [kept, words]] of Object.entries(archives)) {
        assert.ok(kept.includes(`<body>${words}</body>`), `the archive of the ${whose}: ${kept}`)
        assert.ok(!kept.includes('REPLACE'), `the archive of the ${whose}`)
      }
    })

    it('a refused subscription also gets unsubscribed; a refused status is kept back, being there is not', async () => {
      const { alice } = on
      alice.client.send(`<presence to='${BOB}' type='subscribe' id='sub'><status>DENY</status></presence>`)
      await alice.got(/<presence[^>]*type='error'/)
      await alice.got(/<presence[^>]*type='unsubscribed'/)
      alice.client.send('<presence><show>away</show><status>DENY this status</status></presence>')
      await alice.got(/<presence[^>]*type='error'[^>]*>.*policy-violation/)
      assert.match(await alice.got(/<show>away/), new RegExp(`^<presence[^>]*from='${ALICE}/r'`))
      assert.ok(!alice.inbox.some((stanza) => stanza.includes('DENY this status')))
    })

    it('an IQ between people gets exactly one answer when it is refused, and so does who asked', async () => {
      const { alice, bob } = on
      alice.client.send(`<iq type='set' id='q1' to='${BOB}/r'><x xmlns='urn:x'>DENY</x></iq>`)
      assert.match(await alice.got(/<iq[^>]*id='q1'/), /type='error'.*policy-violation/)
      alice.client.send(`<iq type='get' id='q2' to='${BOB}/r'><x xmlns='urn:x'/></iq>`)
      await bob.got(/<iq[^>]*id='q2'/)
      bob.client.send(`<iq type='result' id='q2' to='${ALICE}/r'><x xmlns='urn:x'>DENY text</x></iq>`)
      const answer = await alice.got(/<iq[^>]*id='q2'/)
      assert.match(answer, /type='error'/)
      assert.ok(!answer.includes('DENY'))
      assert.equal(alice.inbox.filter((stanza) => /id='q[12]'/.test(stanza)).length, 2)
    })

    it('PEP and vCard', async () => {
      const vcard = "<vCard xmlns='vcard-temp'><FN>DENY</FN></vCard>"
      assert.match(await on.iq(on.alice, 'v1', "type='set'", vcard), /policy-violation/)
      const tune =
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:tune'><item><t xmlns='urn:t'>DENY</t></item></publish></pubsub>"
      assert.match(await on.iq(on.alice, 'p1', "type='set'", tune), /policy-violation/)
    })

    it('a component: asked as received, in order per sender, refused by an error to it; a trusted one is not asked', async () => {
      const { gated, screen, bob } = on
      const teller = await gated.screen(TELLER, { markers: false })
      const write = (from: string, body: string) =>
        teller.write(
          `<message from='${from}@${TELLER}/x' to='${BOB}' id='${body.replaceAll(' ', '-')}'><body>${body}</body></message>`,
        )
      write('eve', 'HOLD from afar')
      write('eve', 'second from afar')
      write('dan', 'of another sender')
      assert.match(await on.question('second from afar'), /direction='received' via='component'/)
      await bob.got(/of another sender/)
      assert.ok(!bodies(bob).includes('second from afar'))
      await on.question('HOLD from afar')
      screen.release()
      await bob.got(/second from afar/)
      assert.deepEqual(bodies(bob).slice(-3), ['of another sender', 'HOLD from afar', 'second from afar'])
      assert.equal(on.asked('second from afar'), 1)
      write('eve', 'DENY from afar')
      write('eve', 'fence from afar')
      await bob.got(/fence from afar/)
      assert.ok(!bodies(bob).includes('DENY from afar'))
      const quiet = await gated.screen(QUIET)
      quiet.write(`<message from='${QUIET}' to='${BOB}'><body>trusted words</body></message>`)
      await bob.got(/trusted words/)
      assert.equal(on.asked('trusted words'), 0)
      await teller.close()
    })

    const wrapped = (from: string, body: string) =>
      `<message from='${from}' to='${HOST}'><privilege xmlns='${privilege.namespace}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='${ALICE}' to='${BOB}' type='chat' id='pr'><body>${body}</body></message></forwarded></privilege></message>`

    it('a privileged sender: asked as the person it speaks for, and what is replaced is replaced', async () => {
      const { gated, screen, bob } = on
      const teller = await gated.screen(TELLER)
      await soon(privilege.granted(gated), 'its privilege')
      for (const body of ['on behalf DENY', 'on REPLACE behalf', 'HOLD on behalf', 'on behalf of alice'])
        teller.write(wrapped(TELLER, body))
      await on.question('HOLD on behalf')
      await on.question('on behalf of alice')
      screen.release()
      await bob.got(/on behalf of alice/)
      assert.deepEqual(bodies(bob).slice(-3), ['on [masked] behalf', 'HOLD on behalf', 'on behalf of alice'])
      const iq = await on.question('on behalf of alice')
      const said = `<ask n='\\d+' via='component' at='[^']+'><forwarded[^>]*><message xmlns='jabber:client'[^>]*from='${ALICE}'`
      assert.match(iq, new RegExp(said))
      assert.ok(!iq.includes('privilege'))
      await teller.close()
    })

    it('a privileged IQ: asked as the IQ of the component, wrapped, and refused as one', {
      skip: privilege.noIqs,
    }, async () => {
      const { gated, bob } = on
      const teller = await gated.screen(TELLER, { silent: /./ })
      const ask = (id: string, words: string) =>
        teller.write(
          `<iq type='set' id='${id}' from='${TELLER}' to='${ALICE}'><privileged_iq xmlns='${privilege.namespace}'><iq xmlns='jabber:client' type='set' id='in-${id}' from='${ALICE}' to='${BOB}/r'><x xmlns='urn:x'>${words}</x></iq></privileged_iq></iq>`,
        )
      ask('no', 'DENY by IQ')
      assert.match(await soon(teller.saw(/id='no'/), 'the refusal'), /type='error'.*policy-violation/)
      ask('yes', 'said by IQ')
      assert.match(await bob.got(/said by IQ/), new RegExp(`from='${ALICE}'`))
      assert.ok(!bob.inbox.some((stanza) => stanza.includes('DENY by IQ')))
      const as = `<ask n='\\d+' direction='received' via='component' at='[^']+'><forwarded[^>]*><iq [^>]*from='${TELLER}'.*<privileged_iq`
      assert.match(await on.question('said by IQ'), new RegExp(as))
      assert.equal(on.asked('said by IQ'), 1)
      await teller.close()
    })

    it('a component without the privilege: turned away by the server, and nobody is asked', async () => {
      const { gated, bob } = on
      const clerk = await gated.screen(CLERK)
      clerk.write(wrapped(CLERK, 'without a right'))
      clerk.write(`<message from='x@${CLERK}' to='${BOB}'><body>clerk fence</body></message>`)
      await bob.got(/clerk fence/)
      assert.ok(!bodies(bob).includes('without a right'))
      assert.match(await soon(clerk.heard(/type='error'/), 'the refusal'), /forbidden/)
      assert.equal(on.asked('without a right'), 0)
    })

    it('IQs of people to a screen or a trusted component are not asked about, those to another one are', async () => {
      const { gated, alice } = on
      const archive = await gated.screen(ARCHIVE, { silent: /./ })
      const post = await gated.screen(POST, { silent: /./ })
      const command = (to: string, id: string) =>
        alice.client.send(
          `<iq type='set' id='${id}' to='${to}'><command xmlns='http://jabber.org/protocol/commands' node='n'><x xmlns='urn:x'>${id}</x></command></iq>`,
        )
      command(ARCHIVE, 'for-the-archive')
      await soon(archive.saw(/for-the-archive/), 'the command')
      command(POST, 'for-the-post')
      await soon(post.saw(/for-the-post/), 'the command')
      // Only its own address: below it are rooms or people.
      command(`somebody@${ARCHIVE}`, 'below-the-archive')
      await soon(archive.saw(/below-the-archive/), 'the command')
      const asked = ['for-the-archive', 'for-the-post', 'below-the-archive'].map((words) => on.asked(words))
      assert.deepEqual(asked, [0, 1, 1])
    })

    more?.(on)

    it('a kind that is switched off passes unasked', async () => {
      await using lax = await openGated({ options: { ask: ['message'] } })
      const other = await lax.asking()
      const dave = await lax.login('alice')
      dave.client.send('<presence><status>DENY nothing</status></presence>')
      await dave.got(/DENY nothing/)
      assert.ok(!other.seen.some((iq) => iq.includes('DENY nothing')))
    })
  })

  describe('two servers', { skip }, () => {
    it('ask for what comes and for what goes, each side for its own people, in order', async () => {
      const [eastern, western] = addresses
      const side = (address: string) => openGated({ host: address, address, s2s: true, options: PATIENT })
      await using east = await side(eastern)
      await using west = await side(western)
      const [eastScreen, westScreen] = [await east.asking(), await west.asking()]
      const alice = await east.login('alice')
      const bob = await west.login('bob')
      alice.say(`bob@${western}`, 'over the border')
      await bob.got(/over the border/)
      assert.match(await soon(eastScreen.saw(/over the border/), 'the sent one'), /<ask n='\d+' at=/)
      const received = await soon(westScreen.saw(/over the border/), 'the received one')
      assert.match(received, /<ask n='\d+' direction='received' via='s2s' at=/)
      bob.say(`alice@${eastern}`, 'HOLD back')
      await soon(westScreen.saw(/HOLD back/), 'the question of the west')
      westScreen.release()
      await soon(eastScreen.saw(/HOLD back/), 'the question of the east')
      bob.say(`alice@${eastern}`, 'behind it')
      await soon(eastScreen.saw(/behind it/), 'the question behind')
      assert.deepEqual(bodies(alice), [])
      eastScreen.release()
      await alice.got(/behind it/)
      assert.deepEqual(bodies(alice), ['HOLD back', 'behind it'])
      bob.say(`alice@${eastern}`, 'DENY late')
      assert.match(await bob.got(/id='DENY-late'/), /policy-violation/)
    })
  })
}
