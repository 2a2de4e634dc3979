// SPDX-License-Identifier: Apache-2.0
// Rows of PROTOCOL.md section 9 for ejabberd that are about what is not asked, or is asked as an offer: files, rooms' words, what is
// one's own, what was kept and comes again, MQTT, the HTTP API, what modules behind the helper change.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import { freePort } from '../prosody/gated.ts'
import { bodies, type Gated, HOST, noEjabberd, openGated, type Person, soon } from './gated.ts'
import { openMqtt } from './mqtt.ts'

const ALICE = `alice@${HOST}`
const BOB = `bob@${HOST}`
const ROOMS = `rooms.${HOST}`
const UPLOAD = `upload.${HOST}`
const MUC = 'http://jabber.org/protocol/muc'

describe('rows of the table of coverage on ejabberd', { skip: noEjabberd }, () => {
  let http: number
  let gated: Gated
  let screen: AllowScreen
  let alice: Person
  let bob: Person
  before(async () => {
    http = await freePort()
    gated = await openGated({
      modules: {
        mod_adhoc: {},
        mod_admin_extra: {},
        mod_announce: { access: 'local' },
        mod_register: {
          access_from: 'all',
          registration_watchers: [BOB],
          welcome_message: { subject: 'Hello', body: 'the house greets you' },
        },
        mod_http_api: {},
        mod_mam: { default: 'always' },
        mod_mqtt: { access_publish: { '#': 'all' }, access_subscribe: { '#': 'all' } },
        mod_muc: {
          host: ROOMS,
          access_create: 'all',
          default_room_options: { persistent: false, mam: true, allow_subscription: true },
        },
        mod_http_upload: { host: UPLOAD, put_url: `http://127.0.0.1:${http}/upload`, docroot: '@HOME@/upload' },
        mod_gatehouse_rewriter: {},
      },
      settings: {
        ports: { http },
        listeners: {
          http: { request_handlers: { '/upload': 'mod_http_upload', '/mqtt': 'mod_mqtt', '/api': 'mod_http_api' } },
        },
        options: { api_permissions: { all: { who: 'all', what: '*' } } },
        sources: [join(import.meta.dirname, 'plugins')],
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
  const observed = (words: string) =>
    soon(screen.saw(new RegExp(`<observed (?:(?!</observed>).)*${words}`)), `${words}, observed`)
  /** Everything that came before this was asked or will not be: one sender's stanzas are asked in order. */
  const fence = async (person: Person, words: string) => {
    person.say(ALICE, words)
    await question(words)
  }
  const iq = async (person: Person, id: string, attrs: string, child: string) => {
    person.client.send(`<iq id='${id}' ${attrs}>${child}</iq>`)
    return person.got(new RegExp(`<iq[^>]*id='${id}'`))
  }
  const enter = async (person: Person, room: string, nick: string) => {
    person.client.send(`<presence to='${room}@${ROOMS}/${nick}'><x xmlns='${MUC}'/></presence>`)
    await person.got(new RegExp(`<presence[^>]*from='${room}@${ROOMS}/${nick}'.*code='110'`))
  }

  it('uploads: the request for a slot is asked and can be refused; the bytes are not seen', async () => {
    const slot = (name: string) =>
      `<request xmlns='urn:xmpp:http:upload:0' filename='${name}' size='5' content-type='text/plain'/>`
    assert.match(await iq(alice, 'u1', `type='get' to='${UPLOAD}'`, slot('DENY.txt')), /policy-violation/)
    const answer = await iq(alice, 'u2', `type='get' to='${UPLOAD}'`, slot('plans.txt'))
    assert.equal(asked('plans.txt'), 1)
    const put = /<put[^>]*url='([^']+)'/.exec(answer)?.[1] ?? assert.fail(answer)
    const stored = await fetch(put, { method: 'PUT', body: 'bytes', headers: { 'content-type': 'text/plain' } })
    assert.equal(stored.status, 201)
    await fence(alice, 'behind the upload')
    assert.ok(!screen.seen.some((text) => text.includes('bytes')))
  })

  it('Jingle, SI, IBB, bytestreams: the offer is asked and can be refused', async () => {
    const offers = {
      jingle: "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='DENY'/>",
      si: "<si xmlns='http://jabber.org/protocol/si' id='DENY' profile='http://jabber.org/protocol/si/profile/file-transfer'/>",
      ibb: "<open xmlns='http://jabber.org/protocol/ibb' block-size='4096' sid='DENY'/>",
      bytestreams: "<query xmlns='http://jabber.org/protocol/bytestreams' sid='DENY'/>",
      oob: "<query xmlns='jabber:iq:oob'><url>http://DENY/</url></query>",
    }
    for (const [id, offer] of Object.entries(offers)) {
      assert.match(await iq(alice, id, `type='set' to='${BOB}/r'`, offer), /policy-violation/)
      assert.ok(!bob.inbox.some((stanza) => stanza.includes(`id='${id}'`)))
    }
  })

  it('a subject and the reason of a kick are asked and can be refused', async () => {
    await enter(alice, 'talk', 'Al')
    alice.client.send(
      `<message to='talk@${ROOMS}' type='groupchat' id='s1'><subject>DENY this subject</subject></message>`,
    )
    assert.match(await alice.got(/<message[^>]*id='s1'/), /policy-violation/)
    const kick = `<query xmlns='${MUC}#admin'><item nick='Bo' role='none'><reason>DENY</reason></item></query>`
    assert.match(await iq(alice, 'k1', `type='set' to='talk@${ROOMS}'`, kick), /policy-violation/)
  })

  it('a private message in a room: asked once, at its sender, and can be refused', async () => {
    await enter(alice, 'nook', 'Al')
    await enter(bob, 'nook', 'Bo')
    alice.say(`nook@${ROOMS}/Bo`, 'DENY aside')
    assert.match(await alice.got(/id='DENY-aside'/), /policy-violation/)
    alice.say(`nook@${ROOMS}/Bo`, 'just between us')
    assert.match(await bob.got(/just between us/), new RegExp(`from='nook@${ROOMS}/Al'`))
    await fence(bob, 'behind the aside')
    assert.equal(asked('just between us'), 1)
    assert.ok(!bodies(bob).includes('DENY aside'))
  })

  it("one's own: roster names, private XML and commands to the server are not asked, notes by PEP are", async () => {
    const own = {
      roster: ["type='set'", `<query xmlns='jabber:iq:roster'><item jid='${BOB}' name='DENY roster'/></query>`],
      private: [
        "type='set'",
        "<query xmlns='jabber:iq:private'><storage xmlns='storage:rosternotes'><note jid='x@y'>DENY private</note></storage></query>",
      ],
      command: [`type='set' to='${HOST}'`, "<command xmlns='http://jabber.org/protocol/commands' node='DENY'/>"],
    } as const
    for (const [id, [attrs, child]] of Object.entries(own))
      assert.doesNotMatch(await iq(alice, id, attrs, child), /policy-violation/)
    const notes =
      "<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:bookmarks:1'><item id='x@y'><conference xmlns='urn:xmpp:bookmarks:1' name='DENY'/></item></publish></pubsub>"
    assert.match(await iq(alice, 'pep', "type='set'", notes), /policy-violation/)
    for (const words of ['DENY roster', 'DENY private', "node='DENY'"]) assert.equal(asked(words), 0, words)
  })

  it('what was kept and comes again is not asked again, nor told: offline messages, room history, the archive', async () => {
    alice.say(`carol@${HOST}`, 'for later')
    await question('for later')
    // What she says to herself comes after that is stored; Carol is not to come while it is being stored.
    alice.say(ALICE, 'stored by now')
    await alice.got(/stored by now/)
    const carol = await gated.login('carol')
    await carol.got(/for later/)
    await enter(alice, 'past', 'Al')
    alice.client.send(`<message to='past@${ROOMS}' type='groupchat' id='p1'><body>said in the room</body></message>`)
    await alice.got(/<message[^>]*type='groupchat'.*said in the room/)
    await enter(bob, 'past', 'Bo')
    await bob.got(/said in the room/)
    const query = "<query xmlns='urn:xmpp:mam:2' queryid='m'/>"
    await iq(bob, 'mam1', `type='set' to='past@${ROOMS}'`, query)
    await iq(carol, 'mam2', "type='set'", query)
    assert.equal(
      carol.inbox.filter((stanza) => stanza.includes('for later')).length,
      2,
      'offline, and out of the archive',
    )
    await fence(bob, 'behind the archive')
    await fence(carol, 'behind her archive')
    for (const words of ['for later', 'said in the room']) assert.equal(asked(words), 1, words)
    assert.equal(asked('urn:xmpp:mam:2'), 0)
    assert.doesNotMatch(screen.seen.join(''), /<observed (?:(?!<\/observed>).)*(for later|said in the room)/)
  })

  it('MQTT: what an account publishes is told as observed, and never asked; bytes that are no text too', async () => {
    const reader = await openMqtt(http, '/mqtt', BOB, ['house/hours'])
    const writer = await openMqtt(http, '/mqtt', ALICE)
    writer.publish('house/hours', 'DENY it closes at six')
    await reader.got('DENY it closes at six')
    const told = await observed('it closes at six')
    assert.match(told, new RegExp(`<message [^>]*from='${ALICE}/[^>]*>.*<subject>house/hours</subject>`))
    writer.publish('house/hours', Buffer.from([0, 1, 2, 255]))
    await observed(Buffer.from([0, 1, 2, 255]).toString('base64'))
    await fence(alice, 'behind the hours')
    assert.equal(asked('closes at six'), 0)
    reader.close()
    writer.close()
  })

  it('the HTTP API: what it says as a person is told as observed, and never asked', async () => {
    const words = 'DENY what alice never posted'
    const body = JSON.stringify({ type: 'chat', from: `${ALICE}/r`, to: BOB, subject: '', body: words })
    const answer = await fetch(`http://127.0.0.1:${http}/api/send_message`, { method: 'POST', body })
    assert.equal(answer.status, 200)
    await bob.got(/what alice never posted/)
    await observed(words)
    assert.equal(asked(words), 0)
  })

  it('what a host says by itself is told as observed: a welcome, who registered, the message of the day', async () => {
    const account = '<username>newcomer</username><password>secret</password>'
    const answer = await iq(
      alice,
      'reg',
      `type='set' to='${HOST}'`,
      `<query xmlns='jabber:iq:register'>${account}</query>`,
    )
    assert.match(answer, /type='result'/)
    await observed('the house greets you')
    await bob.got(new RegExp(`newcomer@${HOST} was registered`))
    await observed(`newcomer@${HOST} was registered`)
    alice.say(`${HOST}/announce/motd`, 'closed on Monday')
    await bob.got(/closed on Monday/)
    assert.match(await question('closed on Monday'), new RegExp(`to='${HOST}/announce/motd'`))
    const newcomer = await gated.login('newcomer')
    await newcomer.got(/closed on Monday/)
    await observed('closed on Monday')
    alice.say(`${HOST}/announce/motd/delete`, 'no more')
    await fence(alice, 'behind the day')
    for (const words of ['the house greets you', 'was registered']) assert.equal(asked(words), 0, words)
    assert.equal(asked('closed on Monday'), 1)
  })

  it('MUC/Sub: the request is asked and can be refused; what is said comes without a question of its own', async () => {
    await enter(alice, 'notes', 'Al')
    const carol = await gated.login('carol', { resource: 'subscriber' })
    const subscribe = (nick: string) =>
      `<subscribe xmlns='urn:xmpp:mucsub:0' nick='${nick}'><event node='urn:xmpp:mucsub:nodes:messages'/></subscribe>`
    const room = `type='set' to='notes@${ROOMS}'`
    assert.match(await iq(carol, 'sub1', room, subscribe('DENY')), /policy-violation/)
    assert.match(await iq(carol, 'sub2', room, subscribe('Ca')), /type='result'/)
    assert.equal(asked("nick='Ca'"), 1)
    alice.client.send(`<message to='notes@${ROOMS}' type='groupchat' id='n1'><body>for subscribers</body></message>`)
    assert.match(await carol.got(/for subscribers/), /pubsub#event/)
    await fence(carol, 'behind the notes')
    assert.equal(asked('for subscribers'), 1)
    assert.ok(!screen.seen.some((text) => /<occupant [^>]*nick='Ca'/.test(text)), 'not among the occupants')
  })

  it('what a module behind the helper changes is on record as it was asked', async () => {
    alice.say(BOB, 'as written')
    await bob.got(/as changed/)
    assert.equal(asked('as written'), 1)
    assert.equal(asked('as changed'), 0)
  })
})
