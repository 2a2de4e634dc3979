// SPDX-License-Identifier: Apache-2.0
// Every way in past mod_gatehouse on ejabberd: rooms, components, privileged senders, other servers, people of other hosts here.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import { bodies, type Gated, HOST, noEjabberd, openGated, type Person, PRIVILEGE, soon } from './gated.ts'

const ALICE = `alice@${HOST}`
const BOB = `bob@${HOST}`
const ROOMS = `rooms.${HOST}`
const MUC = 'http://jabber.org/protocol/muc'
const NO_PRIVILEGED_IQ = PRIVILEGE.endsWith(':1') && 'ejabberd before 24.10 knows no privileged IQs'

describe('ways past the helper on ejabberd', { skip: noEjabberd }, () => {
  let gated: Gated
  let screen: AllowScreen
  let alice: Person
  let bob: Person
  before(async () => {
    gated = await openGated({
      options: { trusted: ['quiet.corp.example', 'archive.corp.example'] },
      modules: {
        mod_muc: { host: ROOMS, access_create: 'all', default_room_options: { persistent: false } },
        mod_privilege: {
          message: { outgoing: 'teller' },
          ...(NO_PRIVILEGED_IQ ? {} : { iq: { 'urn:x': { both: 'teller' } } }),
        },
      },
      components: ['teller', 'quiet', 'clerk', 'archive', 'post'].map((name) => `${name}.${HOST}`),
      settings: {
        options: {
          acl: { local: { user_regexp: '' }, teller: { server: 'teller.corp.example' } },
          access_rules: { local: { allow: 'local' }, teller: { allow: 'teller' } },
        },
      },
    })
    screen = await gated.asking()
    alice = await gated.login('alice')
    bob = await gated.login('bob')
  })
  after(() => gated[Symbol.asyncDispose]())

  const asked = (words: string) => screen.seen.filter((iq) => iq.includes('<ask') && iq.includes(words)).length
  const question = (words: string) =>
    soon(screen.saw({ test: (iq: string) => iq.includes('<ask') && iq.includes(words) } as RegExp), words)

  it('a room: joined once asked, spoken once asked, copies not', async () => {
    for (const [person, nick] of [[alice, 'Al'] as const, [bob, 'Bo'] as const]) {
      person.client.send(`<presence to='tea@${ROOMS}/${nick}'><x xmlns='${MUC}'/></presence>`)
      await person.got(/code='110'/)
      await question(`to='tea@${ROOMS}/${nick}'`)
    }
    alice.client.send(`<message to='tea@${ROOMS}' type='groupchat' id='g1'><body>tea is ready</body></message>`)
    await bob.got(/tea is ready/)
    await alice.got(/tea is ready/)
    assert.equal(asked('tea is ready'), 1)
    assert.match(await question('tea is ready'), new RegExp(`to='tea@${ROOMS}'`))
  })

  it('a refused join is answered as rooms do, and a refused word in a room by an error', async () => {
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

  it('a refused subscription also gets unsubscribed; a refused status is kept back, being there is not', async () => {
    alice.client.send(`<presence to='${BOB}' type='subscribe' id='sub'><status>DENY</status></presence>`)
    await alice.got(/<presence[^>]*type='error'/)
    await alice.got(/<presence[^>]*type='unsubscribed'/)
    alice.client.send('<presence><show>away</show><status>DENY this status</status></presence>')
    await alice.got(/<presence[^>]*type='error'[^>]*>.*policy-violation/)
    assert.match(await alice.got(/<show>away/), new RegExp(`^<presence[^>]*from='${ALICE}/r'`))
    assert.ok(!alice.inbox.some((stanza) => stanza.includes('DENY this status')))
  })

  it('an IQ between people gets exactly one answer when it is refused, and so does who asked', async () => {
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
    alice.client.send("<iq type='set' id='v1'><vCard xmlns='vcard-temp'><FN>DENY</FN></vCard></iq>")
    assert.match(await alice.got(/<iq[^>]*id='v1'/), /policy-violation/)
    alice.client.send(
      "<iq type='set' id='p1'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:tune'><item><t xmlns='urn:t'>DENY</t></item></publish></pubsub></iq>",
    )
    assert.match(await alice.got(/<iq[^>]*id='p1'/), /policy-violation/)
  })

  it('a component: asked as received, in order per sender, refused by an error to it; a trusted one is not asked', async () => {
    const teller = await gated.screen('teller.corp.example', { markers: false })
    const write = (from: string, body: string) =>
      teller.write(
        `<message from='${from}@teller.corp.example/x' to='${BOB}' id='${body.replaceAll(' ', '-')}'><body>${body}</body></message>`,
      )
    write('eve', 'HOLD from afar')
    write('eve', 'second from afar')
    write('dan', 'of another sender')
    const second = await question('second from afar')
    assert.match(second, /direction='received'/)
    assert.match(second, /via='component'/)
    await bob.got(/of another sender/)
    assert.ok(!bodies(bob).includes('second from afar'))
    await question('HOLD from afar')
    screen.release()
    await bob.got(/second from afar/)
    assert.deepEqual(bodies(bob).slice(-3), ['of another sender', 'HOLD from afar', 'second from afar'])
    assert.equal(asked('second from afar'), 1)
    write('eve', 'DENY from afar')
    write('eve', 'fence from afar')
    await bob.got(/fence from afar/)
    assert.ok(!bodies(bob).includes('DENY from afar'))
    const quiet = await gated.screen('quiet.corp.example')
    quiet.write(`<message from='quiet.corp.example' to='${BOB}'><body>trusted words</body></message>`)
    await bob.got(/trusted words/)
    assert.equal(asked('trusted words'), 0)
    await teller.close()
  })

  const wrapped = (from: string, body: string) =>
    `<message from='${from}' to='${HOST}'><privilege xmlns='${PRIVILEGE}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='${ALICE}' to='${BOB}' type='chat' id='pr'><body>${body}</body></message></forwarded></privilege></message>`

  it('a privileged sender: asked as the person it speaks for, and what is replaced is replaced', async () => {
    const teller = await gated.screen('teller.corp.example')
    await soon(gated.ejabberd.logged(/Granting permissions to external component 'teller/), 'its privilege')
    for (const body of ['on behalf DENY', 'on REPLACE behalf', 'HOLD on behalf', 'on behalf of alice'])
      teller.write(wrapped('teller.corp.example', body))
    await question('HOLD on behalf')
    await question('on behalf of alice')
    screen.release()
    await bob.got(/on behalf of alice/)
    assert.deepEqual(bodies(bob).slice(-3), ['on [masked] behalf', 'HOLD on behalf', 'on behalf of alice'])
    const iq = await question('on behalf of alice')
    assert.match(iq, new RegExp(`<ask [^>]*via='component'[^>]*>.*<message [^>]*from='${ALICE}'`))
    assert.ok(!/<ask [^>]*direction='received'/.test(iq))
    assert.ok(!iq.includes('privilege'))
  })

  it('a privileged IQ: asked as the IQ of the component, wrapped', { skip: NO_PRIVILEGED_IQ }, async () => {
    const teller = await gated.screen('teller.corp.example', { silent: /./ })
    const ask = (id: string, words: string) =>
      teller.write(
        `<iq type='set' id='${id}' from='teller.corp.example' to='${ALICE}'><privileged_iq xmlns='${PRIVILEGE}'><iq xmlns='jabber:client' type='set' id='${id}' from='${ALICE}' to='${BOB}/r'><x xmlns='urn:x'>${words}</x></iq></privileged_iq></iq>`,
      )
    ask('p1', 'DENY by IQ')
    ask('p2', 'said by IQ')
    const got = await bob.got(/said by IQ/)
    assert.match(got, new RegExp(`from='${ALICE}'`))
    assert.ok(!bob.inbox.some((stanza) => stanza.includes('DENY by IQ')))
    assert.match(await question('said by IQ'), /<ask [^>]*via='component'[^>]*>.*<privileged_iq/)
    assert.equal(asked('said by IQ'), 1)
  })

  it('a component without the privilege: turned away by the server, and nobody is asked', async () => {
    const clerk = await gated.screen('clerk.corp.example')
    clerk.write(wrapped('clerk.corp.example', 'without a right'))
    clerk.write(`<message from='x@clerk.corp.example' to='${BOB}'><body>clerk fence</body></message>`)
    await bob.got(/clerk fence/)
    assert.ok(!bodies(bob).includes('without a right'))
    assert.match(await soon(clerk.heard(/type='error'/), 'the refusal'), /forbidden/)
    assert.equal(asked('without a right'), 0)
  })

  it('IQs of people to a screen or a trusted component are not asked about, those to another one are', async () => {
    const archive = await gated.screen('archive.corp.example', { silent: /./ })
    const post = await gated.screen('post.corp.example', { silent: /./ })
    const command = (to: string, id: string) =>
      alice.client.send(
        `<iq type='set' id='${id}' to='${to}'><command xmlns='http://jabber.org/protocol/commands' node='n'><x xmlns='urn:x'>${id}</x></command></iq>`,
      )
    command('archive.corp.example', 'for-the-archive')
    await soon(archive.saw(/for-the-archive/), 'the command')
    command('post.corp.example', 'for-the-post')
    await soon(post.saw(/for-the-post/), 'the command')
    assert.deepEqual([asked('for-the-archive'), asked('for-the-post')], [0, 1])
  })

  it('a kind that is switched off passes unasked', async () => {
    await using lax = await openGated({ options: { ask: ['message'] } })
    const other = await lax.asking()
    const dave = await lax.login('alice')
    dave.client.send('<presence><status>DENY nothing</status></presence>')
    await dave.got(/DENY nothing/)
    assert.ok(!other.seen.some((iq) => iq.includes('DENY nothing')))
  })
})

describe('people of another host of the same server', { skip: noEjabberd }, () => {
  const [AWAY, FREE, OTHER] = ['away.example', 'free.example', 'other.gatehouse.internal']
  let gated: Gated
  let screen: AllowScreen
  let other: AllowScreen
  let dora: Person
  before(async () => {
    const speaks = { message: { outgoing: 'teller' } }
    gated = await openGated({
      options: { try: 15, hold_max: 20, trusted: ['quiet.corp.example'] },
      modules: { mod_privilege: speaks },
      components: [OTHER, 'quiet.corp.example', 'teller.corp.example'],
      settings: {
        hosts: [
          { name: AWAY, modules: { mod_gatehouse: { screen: OTHER, try: 15, hold_max: 20 } } },
          { name: FREE, modules: { mod_privilege: speaks } },
        ],
        accounts: [
          { jid: `dora@${AWAY}`, password: 'secret' },
          { jid: `finn@${FREE}`, password: 'secret' },
        ],
        options: {
          acl: { local: { user_regexp: '' }, teller: { server: 'teller.corp.example' } },
          access_rules: { local: { allow: 'local' }, teller: { allow: 'teller' } },
        },
      },
    })
    screen = await gated.asking()
    other = await gated.screen(OTHER)
    await soon(gated.ejabberd.logged(new RegExp(`${OTHER} answers; questions are asked`)), 'the other screen')
    dora = await gated.login('dora', { host: AWAY })
  })
  after(() => gated[Symbol.asyncDispose]())

  const asks = (one: AllowScreen, words: string) => one.seen.filter((iq) => iq.includes('<ask') && iq.includes(words))

  it('are asked about by the host that they write to, behind their own, each screen in order', async () => {
    const alice = await gated.login('alice')
    const finn = await gated.login('finn', { host: FREE })
    alice.say(`dora@${AWAY}`, 'HOLD over the yard')
    alice.say(`dora@${AWAY}`, 'behind it')
    await soon(screen.saw(/HOLD over the yard/), 'the question of the first')
    assert.ok(!other.seen.some((iq) => iq.includes('over the yard')))
    screen.release()
    const second = await soon(other.saw(/HOLD over the yard/), 'the question of the second')
    assert.match(second, /<ask [^>]*direction='received'/)
    assert.deepEqual(bodies(dora), [])
    other.release()
    await dora.got(/behind it/)
    assert.deepEqual(bodies(dora), ['HOLD over the yard', 'behind it'])
    finn.say(BOB, 'DENY from a host that asks nobody')
    assert.match(await finn.got(/id='DENY-from/), /policy-violation/)
    finn.say(`finn@${FREE}`, 'to itself')
    await finn.got(/to itself/)
    assert.ok(!screen.seen.some((iq) => iq.includes('to itself')))
  })

  it('a component that one host trusts is asked about by another', async () => {
    const bob = await gated.login('bob', { resource: 'trusting' })
    const quiet = await gated.screen('quiet.corp.example')
    const write = (to: string, body: string) =>
      quiet.write(`<message from='quiet.corp.example' to='${to}' id='q'><body>${body}</body></message>`)
    write(`dora@${AWAY}`, 'DENY to a host that does not trust')
    write(`dora@${AWAY}`, 'let in by its screen')
    write(BOB, 'to a host that trusts')
    await dora.got(/let in by its screen/)
    await bob.got(/to a host that trusts/)
    assert.ok(!bodies(dora).includes('DENY to a host that does not trust'))
    assert.match(asks(other, 'let in by its screen')[0] ?? '', /<ask [^>]*direction='received'[^>]* via='component'/)
    assert.deepEqual(asks(screen, 'to a host that trusts'), [])
  })

  it('a privileged sender is asked about by the host of whom it speaks for, and by that of the recipient', async () => {
    const bob = await gated.login('bob', { resource: 'spoken-to' })
    const teller = await gated.screen('teller.corp.example')
    for (const host of [HOST, FREE]) await soon(teller.heard(new RegExp(`from='${host}'.*<perm `)), 'its privilege')
    const speak = (from: string, to: string, body: string) =>
      teller.write(
        `<message from='teller.corp.example' to='${from.replace(/.*@/, '')}'><privilege xmlns='${PRIVILEGE}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='${from}' to='${to}' type='chat' id='pr'><body>${body}</body></message></forwarded></privilege></message>`,
      )
    const finn = `finn@${FREE}`
    speak(finn, BOB, 'DENY for one of a host that asks nobody')
    speak(finn, BOB, 'for one of a host that asks nobody')
    await bob.got(/for one of a host that asks nobody/)
    assert.deepEqual(bodies(bob), ['for one of a host that asks nobody'])
    const asked = asks(screen, 'for one of a host that asks nobody')
    assert.match(asked.at(-1) ?? '', new RegExp(`<ask [^>]*direction='received'[^>]*via='component'.*from='${finn}'`))
    speak(ALICE, `dora@${AWAY}`, 'HOLD for alice abroad')
    speak(ALICE, `dora@${AWAY}`, 'for alice abroad')
    await soon(screen.saw(/HOLD for alice abroad/), 'the question of the first')
    assert.deepEqual(asks(other, 'for alice abroad'), [])
    screen.release()
    await soon(other.saw(/HOLD for alice abroad/), 'the question of the second')
    other.release()
    await dora.got(/>for alice abroad/)
    assert.deepEqual(bodies(dora).slice(-2), ['HOLD for alice abroad', 'for alice abroad'])
    assert.equal(asks(other, '>for alice abroad').length, 1)
  })
})

describe('two servers', { skip: noEjabberd }, () => {
  it('ask for what comes and for what goes, each side for its own people, in order; let nobody write to a screen', async () => {
    const side = (address: string) =>
      openGated({ host: address, s2s: true, options: { try: 15, hold_max: 20 }, settings: { address } })
    await using east = await side('127.0.0.22')
    await using west = await side('127.0.0.23')
    const [eastScreen, westScreen] = [await east.asking(), await west.asking()]
    const alice = await east.login('alice')
    const bob = await west.login('bob')
    alice.say('bob@127.0.0.23', 'over the border')
    await bob.got(/over the border/)
    await soon(eastScreen.saw(/over the border/), 'the sent one')
    const received = await soon(westScreen.saw(/over the border/), 'the received one')
    assert.match(received, /<ask [^>]*direction='received'/)
    assert.match(received, /<ask [^>]*via='s2s'/)
    bob.say('alice@127.0.0.22', 'HOLD back')
    await soon(westScreen.saw(/HOLD back/), 'the question of the west')
    westScreen.release()
    await soon(eastScreen.saw(/HOLD back/), 'the question of the east')
    bob.say('alice@127.0.0.22', 'behind it')
    await soon(eastScreen.saw(/behind it/), 'the question behind')
    assert.deepEqual(bodies(alice), [])
    eastScreen.release()
    await alice.got(/behind it/)
    assert.deepEqual(bodies(alice), ['HOLD back', 'behind it'])
    bob.say('alice@127.0.0.22', 'DENY late')
    assert.match(await bob.got(/id='DENY-late'/), /policy-violation/)
  })
})
