// SPDX-License-Identifier: Apache-2.0
// Every way in and out of Prosody past mod_gatehouse, a row of PROTOCOL.md section 9 each: clients, rooms, components,
// privileged senders, other servers, what the server says itself.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { AllowScreen } from './allow-screen.ts'
import { bodies, type Gated, gate, HOST, openGated, type Person, soon } from './gated.ts'

const ALICE = `alice@${HOST}`
const BOB = `bob@${HOST}`
const ROOMS = `rooms.${HOST}`

describe('ways past the helper', () => {
  let gated: Gated
  let screen: AllowScreen
  let alice: Person
  let bob: Person
  before(async () => {
    gated = await openGated({
      lines: [
        'gatehouse_trusted = { "quiet.corp.example" }',
        'privileged_entities = { ["teller.corp.example"] = { message = "outgoing" } }',
      ],
      settings: {
        modules: ['mam', 'privilege', 'announce'],
        global: ['default_archive_policy = true', 'storage = { archive = "memory" }', `admins = { "${ALICE}" }`],
        components: [
          {
            name: ROOMS,
            module: 'muc',
            lines: [
              ...gate(['muc_log_by_default = true', 'muc_room_default_public = true']),
              'modules_enabled = { "gatehouse", "muc_mam" }',
            ],
          },
          { name: 'teller.corp.example', secret: 'gate', lines: ['modules_enabled = { "privilege" }'] },
          { name: 'quiet.corp.example', secret: 'gate' },
        ],
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

  it('a room: joined once asked, spoken once asked, copies not; occupants and archive id told', async () => {
    for (const person of [alice, bob]) {
      const nick = person === alice ? 'Al' : 'Bo'
      person.client.send(`<presence to='tea@${ROOMS}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
      await person.got(/code='110'/)
      if (person === alice) {
        alice.client.send(
          `<iq type='set' id='cfg' to='tea@${ROOMS}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
        )
        await alice.got(/<iq[^>]*id='cfg'/)
        await question("id='cfg'")
      }
    }
    alice.client.send(`<message to='tea@${ROOMS}' type='groupchat' id='g1'><body>tea is ready</body></message>`)
    const copy = await bob.got(/tea is ready/)
    await alice.got(/tea is ready/)
    assert.equal(asked('tea is ready'), 1)
    assert.match(await question('tea is ready'), new RegExp(`to='tea@${ROOMS}'`))
    await soon(
      screen.saw(new RegExp(`<occupant room='tea@${ROOMS}' nick='Al' jid='${ALICE}' event='joined'`)),
      'occupant',
    )
    await soon(
      screen.saw(new RegExp(`<occupant room='tea@${ROOMS}' nick='Bo' jid='${BOB}' event='joined'`)),
      'occupant',
    )
    const id = /<stanza-id[^>]*id='([^']+)'/.exec(copy)?.[1]
    assert.ok(id, 'the room gave it an id')
    await soon(screen.saw(new RegExp(`<stanza-id n='\\d+' by='tea@${ROOMS}' id='${id}'`)), 'the archive id of the room')
    bob.client.send(`<presence to='tea@${ROOMS}/Bo' type='unavailable'/>`)
    await soon(screen.saw(/<occupant [^>]*nick='Bo'[^>]*event='left'/), 'who left')
  })

  it('a refused join is answered as rooms do, and a refused word in a room by an error', async () => {
    const carol = await gated.login('carol')
    carol.client.send(`<presence to='tea@${ROOMS}/DENY'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
    const error = await carol.got(/<presence[^>]*type='error'/)
    assert.match(error, /<x xmlns='http:\/\/jabber.org\/protocol\/muc'\/>/)
    assert.match(error, /<error type='cancel'><not-allowed/)
    alice.client.send(`<message to='tea@${ROOMS}' type='groupchat' id='g2'><body>DENY tea</body></message>`)
    assert.match(await alice.got(/<message[^>]*id='g2'/), /policy-violation/)
  })

  it('a change of nick: the old one is told as left, the new one as joined, once', async () => {
    const joined = (person: Person) => person.got(/<presence[^>]*from='nicks@[^>]*>.*code='110'/)
    for (const [person, nick] of [[alice, 'Al'] as const, [bob, 'Bo'] as const]) {
      person.client.send(`<presence to='nicks@${ROOMS}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
      await joined(person)
      if (person === bob) continue
      alice.client.send(
        `<iq type='set' id='open' to='nicks@${ROOMS}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
      )
      await alice.got(/<iq[^>]*id='open'/)
    }
    const told = () =>
      [...screen.seen.join('').matchAll(/<occupant room='nicks@[^>]*nick='([^']*)'[^>]*event='([^']*)'/g)].map(
        ([, nick, event]) => `${nick} ${event}`,
      )
    const saw = (nick: string, event: string) =>
      soon(screen.saw(new RegExp(`<occupant room='nicks@${ROOMS}' nick='${nick}' jid='[^']*' event='${event}'`)), nick)
    await saw('Bo', 'joined')
    alice.client.send(`<presence to='nicks@${ROOMS}/Bo'/>`)
    await alice.got(/<presence[^>]*type='error'.*<conflict/)
    alice.client.send(`<presence to='nicks@${ROOMS}/Ada'/>`)
    await saw('Ada', 'joined')
    alice.client.send(`<presence to='nicks@${ROOMS}/Ada'><show>xa</show></presence>`)
    alice.client.send(`<presence to='nicks@${ROOMS}/Ada' type='unavailable'/>`)
    await saw('Ada', 'left')
    assert.deepEqual(told(), ['Al joined', 'Bo joined', 'Al left', 'Ada joined', 'Ada left'])
  })

  it('a private archive id is told for sender and recipient', async () => {
    alice.say(BOB, 'archived words')
    await bob.got(/archived words/)
    await soon(screen.saw(new RegExp(`<stanza-id n='\\d+' by='${ALICE}'`)), "the sender's archive")
    await soon(screen.saw(new RegExp(`<stanza-id n='\\d+' by='${BOB}'`)), "the recipient's archive")
  })

  it('what is replaced is replaced in all archives: of the sender, the recipient and the room', async () => {
    alice.client.send(`<message to='${BOB}' type='chat' id='re1'><body>a REPLACE between us</body></message>`)
    await bob.got(/a \[masked\] between us/)
    const [form, muc] = ['http://jabber.org/protocol/muc#owner', 'http://jabber.org/protocol/muc']
    alice.client.send(`<presence to='masks@${ROOMS}/Al'><x xmlns='${muc}'/></presence>`)
    await alice.got(/<presence[^>]*from='masks@[^>]*>.*code='110'/)
    alice.client.send(
      `<iq type='set' id='masks' to='masks@${ROOMS}'><query xmlns='${form}'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
    )
    await alice.got(/<iq[^>]*id='masks'/)
    alice.client.send(
      `<message to='masks@${ROOMS}' type='groupchat' id='re2'><body>a REPLACE in a room</body></message>`,
    )
    await alice.got(/<message[^>]*from='masks@[^>]*>.*a \[masked\] in a room/)
    const archive = async (person: Person, id: string, attrs: string) => {
      const last = "<set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set>"
      person.client.send(
        `<iq type='set' id='${id}'${attrs}><query xmlns='urn:xmpp:mam:2' queryid='${id}'>${last}</query></iq>`,
      )
      assert.match(await person.got(new RegExp(`<iq[^>]*id='${id}'`)), /type='result'/)
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
    const teller = await gated.screen('teller.corp.example')
    for (const body of ['HOLD from afar', 'second from afar'])
      teller.write(`<message from='eve@teller.corp.example/x' to='${BOB}' id='c1'><body>${body}</body></message>`)
    assert.match(await question('second from afar'), /direction='received' via='component'/)
    assert.ok(!bodies(bob).includes('second from afar'))
    screen.release()
    await bob.got(/second from afar/)
    assert.deepEqual(bodies(bob).slice(-2), ['HOLD from afar', 'second from afar'])
    assert.equal(asked('second from afar'), 1)
    const quiet = await gated.screen('quiet.corp.example')
    quiet.write(`<message from='quiet.corp.example' to='${BOB}'><body>trusted words</body></message>`)
    await bob.got(/trusted words/)
    assert.equal(asked('trusted words'), 0)
  })

  it('a privileged sender: asked as the person it speaks for', async () => {
    const teller = await gated.screen('teller.corp.example')
    const speak = (body: string) =>
      teller.write(
        `<message from='teller.corp.example' to='${HOST}'><privilege xmlns='urn:xmpp:privilege:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='${ALICE}' to='${BOB}' type='chat' id='pr'><body>${body}</body></message></forwarded></privilege></message>`,
      )
    speak('on behalf DENY')
    speak('on behalf of alice')
    await bob.got(/on behalf of alice/)
    assert.ok(!bodies(bob).some((body) => body.includes('DENY')))
    const iq = await question('on behalf of alice')
    assert.match(
      iq,
      new RegExp(
        `<ask n='\\d+' via='component' at='[^']+'><forwarded[^>]*><message xmlns='jabber:client'[^>]*from='${ALICE}'`,
      ),
    )
  })

  it('what the server says itself is told as observed', async () => {
    alice.client.send(`<message to='${HOST}/announce/online' id='an'><body>the house closes at six</body></message>`)
    await bob.got(/the house closes at six/)
    await soon(
      screen.saw(
        /<observed at='[^']+'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'.*the house closes at six/,
      ),
      'observed',
    )
  })

  it('sessions starting and ending', async () => {
    const carol = await gated.login('carol', { resource: 'second' })
    await carol.client.close()
    await soon(screen.saw(new RegExp(`<session jid='carol@${HOST}/second' via='c2s' event='started'`)), 'started')
    await soon(screen.saw(new RegExp(`<session jid='carol@${HOST}/second' via='c2s' event='ended'`)), 'ended')
  })

  it('a kind that is switched off passes unasked', async () => {
    await using lax = await openGated({ lines: ['gatehouse_ask = { "message" }'] })
    const other = await lax.asking()
    const dave = await lax.login('alice')
    dave.client.send('<presence><status>DENY nothing</status></presence>')
    await dave.got(/DENY nothing/)
    assert.ok(!other.seen.some((iq) => iq.includes('DENY nothing')))
  })
})

describe('two servers', () => {
  it('asks for what comes and for what goes, each side for its own people, in order', async () => {
    const side = (address: string) =>
      openGated({
        host: address,
        s2s: true,
        lines: ['gatehouse_try = 15', 'gatehouse_hold_max = 20'],
        settings: { address, global: ['modules_disabled = { "tls" }'] },
      })
    await using east = await side('127.0.0.12')
    await using west = await side('127.0.0.13')
    const [eastScreen, westScreen] = [await east.asking(), await west.asking()]
    const alice = await east.login('alice')
    const bob = await west.login('bob')
    alice.say('bob@127.0.0.13', 'over the border')
    await bob.got(/over the border/)
    assert.match(await soon(eastScreen.saw(/over the border/), 'the sent one'), /<ask n='\d+' at=/)
    assert.match(
      await soon(westScreen.saw(/over the border/), 'the received one'),
      /<ask n='\d+' direction='received' via='s2s' at=/,
    )
    bob.say('alice@127.0.0.12', 'HOLD back')
    await soon(westScreen.saw(/HOLD back/), 'the question of the west')
    westScreen.release()
    await soon(eastScreen.saw(/HOLD back/), 'the question of the east')
    bob.say('alice@127.0.0.12', 'behind it')
    await soon(eastScreen.saw(/behind it/), 'the question behind')
    assert.deepEqual(bodies(alice), [])
    eastScreen.release()
    await alice.got(/behind it/)
    assert.deepEqual(bodies(alice), ['HOLD back', 'behind it'])
  })
})
