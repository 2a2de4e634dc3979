// SPDX-License-Identifier: Apache-2.0
// A transport: what people send to it is asked about, also by IQ, because it carries that to another network; what it sends is not, because it
// asks by itself. PROTOCOL.md sections 5 and 14.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import type { Gated, Kind } from './gated.ts'
import { bodies, HOST, type Person, soon } from './house.ts'
import { ALICE, BOB, MUC, scene } from './scene.ts'
import { PATIENT } from './sessions.ts'
import { inSpool } from './spools.ts'

export const IRC = `irc.${HOST}`
const EVIL = `evil.${HOST}`
const ROOM = `#garden%irc.example@${IRC}`
const BOTH = { transports: [IRC], trusted: [IRC] }

const kick = (reason: string) =>
  `<query xmlns='${MUC}#admin'><item nick='eve' role='none'><reason>${reason}</reason></item></query>`
const form = (value: string) =>
  `<query xmlns='${MUC}#owner'><x xmlns='jabber:x:data' type='submit'><field var='topic'><value>${value}</value></field></x></query>`
const moderation = (reason: string) =>
  `<moderate xmlns='urn:xmpp:message-moderate:1' id='m'><retract xmlns='urn:xmpp:message-retract:1'/><reason>${reason}</reason></moderate>`
const command = (value: string) =>
  `<command xmlns='http://jabber.org/protocol/commands' node='n'><x xmlns='jabber:x:data' type='submit'><field var='text'><value>${value}</value></field></x></command>`
const registration = (nick: string) => `<query xmlns='jabber:iq:register'><nick>${nick}</nick></query>`
const prompt = (text: string) => `<query xmlns='jabber:iq:gateway'><prompt>${text}</prompt></query>`

/** Whatever of a person's words stands in an IQ. */
const WITH_WORDS: readonly [string, string, (words: string) => string][] = [
  ['kick', ROOM, kick],
  ['form', ROOM, form],
  ['moderation', ROOM, moderation],
  ['command', IRC, command],
  ['registration', IRC, registration],
  ['prompt', IRC, prompt],
]

const RSM = "<set xmlns='http://jabber.org/protocol/rsm'><max>20</max><after>#a</after></set>"
const WITHOUT: readonly [string, string, string, string][] = [
  ['ping', 'get', `${ROOM}/al`, "<ping xmlns='urn:xmpp:ping'/>"],
  ['info', 'get', IRC, "<query xmlns='http://jabber.org/protocol/disco#info'/>"],
  ['page', 'get', `irc.example@${IRC}`, `<query xmlns='http://jabber.org/protocol/disco#items'>${RSM}</query>`],
  ['list', 'get', ROOM, `<query xmlns='${MUC}#admin'><item affiliation='outcast'/></query>`],
  ['owner', 'get', ROOM, `<query xmlns='${MUC}#owner'/>`],
  ['fields', 'get', IRC, "<query xmlns='jabber:iq:register'/>"],
  ['archive', 'set', ROOM, `<query xmlns='urn:xmpp:mam:2'>${RSM}</query>`],
]

const answers = (person: Person, id: string) =>
  person.inbox.filter((stanza) => new RegExp(`^<iq[^>]*id='${id}'`).test(stanza))

export function transports({ openGated, skip }: Kind): void {
  describe('a transport', { skip }, () => {
    // A name that stands in both lists is a transport.
    const on = scene<Gated>(() => openGated({ options: BOTH, components: [IRC, EVIL] }))
    let irc: AllowScreen
    before(async () => {
      irc = await on.gated.screen(IRC, { silent: /./ })
    })

    it('what people ask of it with words is asked about: refused it gets one error and goes no further, allowed it arrives whole', async () => {
      const { screen, alice } = on
      for (const [what, to, write] of WITH_WORDS) {
        const refused = await on.iq(alice, `no-${what}`, `type='set' to='${to}'`, write(`DENY ${what}`))
        assert.match(refused, /type='error'/)
        assert.match(refused, /policy-violation.*no such word/s)
        alice.client.send(`<iq type='set' id='yes-${what}' to='${to}'>${write(`words of a ${what}`)}</iq>`)
        const arrived = await soon(irc.saw(new RegExp(`words of a ${what}`)), what)
        assert.match(arrived, new RegExp(`id='yes-${what}'`))
        assert.equal(on.asked(`words of a ${what}`), 1)
        // Its answer was asked for.
        irc.write(
          `<iq type='error' id='yes-${what}' from='${to}' to='${ALICE}/r'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>told of ${what}</text></error></iq>`,
        )
        await alice.got(new RegExp(`told of ${what}`))
        assert.equal(on.asked(`told of ${what}`), 0)
      }
      assert.ok(!irc.seen.some((iq) => iq.includes('DENY')))
      await on.fence(alice, 'behind all of these')
      for (const [what] of WITH_WORDS) assert.equal(answers(alice, `no-${what}`).length, 1)
      assert.match(
        screen.seen.find((iq) => iq.includes('words of a kick')) ?? '',
        /<ask n='\d+' at='[^']+'><forwarded[^>]*><iq /,
      )
    })

    it('the host tells which components are transports to it', async () => {
      await soon(on.screen.saw(new RegExp(`<host [^>]*transports='${IRC}'`)), 'its word')
    })

    it('what only reads is not asked about', async () => {
      const { alice } = on
      for (const [what, type, to, payload] of WITHOUT)
        alice.client.send(`<iq type='${type}' id='read-${what}' to='${to}'>${payload}</iq>`)
      for (const [what] of WITHOUT) await soon(irc.saw(new RegExp(`id='read-${what}'`)), what)
      await on.fence(alice, 'behind what only reads')
      assert.equal(on.asked('read-'), 0)
      alice.client.send(`<iq type='get' id='hidden' to='${ROOM}'>${kick('in what reads')}</iq>`)
      await on.question('in what reads')
    })

    it('messages, statuses, joins and changes of nick are asked about as ever, and nothing that it brings', async () => {
      const { alice, bob } = on
      alice.client.send(`<presence to='${ROOM}/al'><x xmlns='${MUC}'/></presence>`)
      alice.client.send(`<presence to='${ROOM}/DENY-as-nick'/>`)
      assert.match(await alice.got(new RegExp(`<presence[^>]*from='${ROOM}/DENY-as-nick'`)), /not-allowed/)
      alice.client.send(`<message to='${ROOM}' type='groupchat' id='g1'><body>DENY roses</body></message>`)
      assert.match(await alice.got(/<message[^>]*id='g1'/), /policy-violation/)
      alice.client.send(`<message to='${ROOM}' type='groupchat' id='g2'><body>violets</body></message>`)
      await soon(irc.heard(/violets/), 'the message')
      assert.equal(on.asked(`to='${ROOM}/al'`), 1)
      assert.ok(!on.screen.seen.some((iq) => iq.includes('from-there')))
      irc.write(`<message from='${ROOM}/eve' to='${BOB}/r' type='groupchat'><body>DENY from-there</body></message>`)
      await bob.got(/from-there/)
      assert.equal(on.asked('from-there'), 0)
    })

    it('keeps the order: what stands behind a held IQ waits, what another person sends does not', async () => {
      const { screen, alice, bob } = on
      alice.client.send(`<iq type='set' id='o1' to='${ROOM}'>${kick('HOLD first')}</iq>`)
      await on.question('HOLD first')
      alice.client.send(`<iq type='get' id='o2' to='${ROOM}/al'><ping xmlns='urn:xmpp:ping'/></iq>`)
      bob.client.send(`<iq type='get' id='o3' to='${ROOM}/bob'><ping xmlns='urn:xmpp:ping'/></iq>`)
      await soon(irc.saw(/id='o3'/), 'what the other sent')
      assert.ok(!irc.seen.some((iq) => /id='o[12]'/.test(iq)))
      screen.release()
      await soon(irc.saw(/id='o2'/), 'what waited')
      const order = irc.seen.flatMap((iq) => /id='(o\d)'/.exec(iq)?.[1] ?? [])
      assert.deepEqual(order, ['o3', 'o1', 'o2'])
    })

    it('nobody else is taken for it: who writes in its name is cut off or asked about', async () => {
      const { gated, alice, bob } = on
      const evil = await gated.screen(EVIL, { silent: /./ })
      evil.write(`<message from='${ROOM}/eve' to='${BOB}'><body>DENY in another name</body></message>`)
      evil.write(`<message from='x@${EVIL}' to='${BOB}'><body>behind another name</body></message>`)
      await soon(Promise.race([evil.ended, on.question('behind another name')]), 'what becomes of it')
      await evil.close()
      alice.say(BOB, 'fence after evil')
      await bob.got(/fence after evil/)
      assert.ok(!bodies(bob).some((body) => body.includes('in another name')))
      await using other = await gated.screen(EVIL, { silent: /./ })
      other.write(`<message from='x@${EVIL}' to='${BOB}' id='own'><body>DENY in its own name</body></message>`)
      other.write(`<message from='x@${EVIL}' to='${BOB}'><body>harmless in its own name</body></message>`)
      await bob.got(/harmless in its own name/)
      assert.ok(!bodies(bob).some((body) => body.includes('DENY in its own name')))
    })

    it('held through a reload, and through other options, it waits for its verdict', async () => {
      await using gated = await openGated({ options: { ...PATIENT, ...BOTH }, components: [IRC] })
      const screen = await gated.asking()
      await using irc = await gated.screen(IRC, { silent: /./ })
      const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
      alice.client.send(`<iq type='set' id='held' to='${ROOM}'>${kick('HOLD over a reload')}</iq>`)
      await soon(screen.saw(/HOLD over a reload/), 'the question')
      await gated.reload(HOST)
      // Trusted alone, it is not asked about commands any more; what is held already stays held.
      await gated.configure({ ...PATIENT, trusted: [IRC] })
      alice.client.send(`<iq type='set' id='then' to='${IRC}'>${command('DENY after')}</iq>`)
      alice.say(BOB, 'behind both')
      await soon(screen.saw(/behind both/), 'the question behind')
      bob.client.send(`<iq type='get' id='fence' to='${IRC}'><ping xmlns='urn:xmpp:ping'/></iq>`)
      await soon(irc.saw(/id='fence'/), 'the fence')
      assert.deepEqual(
        irc.seen.filter((iq) => /id='(held|then)'/.test(iq)),
        [],
      )
      screen.release()
      await soon(irc.saw(/id='then'/), 'what waited behind')
      assert.match(await soon(irc.saw(/id='held'/), 'what was held'), /HOLD over a reload/)
      assert.equal(screen.seen.filter((iq) => iq.includes('<ask') && iq.includes('DENY after')).length, 0)
    })

    it('while the screen is away an IQ goes by the rule for outages: closed it gets one error, open it goes on and is told later', async () => {
      await using gated = await openGated({ options: { ...BOTH, try: 0.5, hold_max: 1 }, components: [IRC] })
      await using irc = await gated.screen(IRC, { silent: /./ })
      const first = await gated.asking()
      const alice = await gated.login('alice')
      const send = (id: string, words: string) =>
        alice.client.send(`<iq type='set' id='${id}' to='${ROOM}'>${kick(words)}</iq>`)
      // It does not answer, and then it is gone.
      send('mute', 'MUTE away')
      assert.match(await alice.got(/^<iq[^>]*id='mute'/), /type='error'.*resource-constraint/s)
      await first.close()
      send('closed', 'words while away')
      assert.match(await alice.got(/^<iq[^>]*id='closed'/), /type='error'.*resource-constraint/s)
      await gated.configure({ ...BOTH, try: 0.5, hold_max: 1, on_outage: 'open' })
      send('open', 'words in the open')
      await soon(irc.saw(/words in the open/), 'what an open host lets go')
      await inSpool(gated, 'words in the open')
      assert.ok(!irc.seen.some((iq) => /id='(mute|closed)'/.test(iq)))
      for (const id of ['mute', 'closed']) assert.equal(answers(alice, id).length, 1)
      const again = await gated.asking()
      const told = await soon(again.saw(/words in the open/), 'what was let go')
      assert.match(told, /<ask n='\d+' at='[^']+' spooled='true'>/)
      await soon(again.saw(/outcome='unscreened'/), 'how it ended')
    })

    it('killed with an IQ held the server has let nothing go, and the next run says that it may have been asked', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gatehouse-transport-'))
      try {
        const open = () => openGated({ options: { ...PATIENT, ...BOTH }, components: [IRC], folder, keepFolder: true })
        await using gated = await open()
        const screen = await gated.asking()
        await using irc = await gated.screen(IRC, { silent: /./ })
        const alice = await gated.login('alice')
        alice.client.send(`<iq type='set' id='held' to='${ROOM}'>${kick('HOLD to the end')}</iq>`)
        const question = await soon(screen.saw(/HOLD to the end/), 'the question')
        gated.server.kill('SIGKILL')
        await gated.server.exited
        assert.ok(!irc.seen.some((iq) => iq.includes('HOLD to the end')))
        await using next = await open()
        const asked = await next.asking()
        const source = / source='([0-9a-f]{32})'/.exec(question)?.[1]
        await soon(asked.saw(new RegExp(`predecessor='${source}'`)), 'the announcement')
        await using there = await next.screen(IRC, { silent: /./ })
        const again = await next.login('alice')
        again.client.send(`<iq type='get' id='fence' to='${IRC}'><ping xmlns='urn:xmpp:ping'/></iq>`)
        await soon(there.saw(/id='fence'/), 'the fence')
        assert.ok(!there.seen.some((iq) => iq.includes('HOLD to the end')))
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    })
  })
}
