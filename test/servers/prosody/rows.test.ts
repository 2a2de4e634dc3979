// SPDX-License-Identifier: Apache-2.0
// Rows of PROTOCOL.md section 9 that are about what is not asked, or is asked as an offer, on a real server: files, rooms' words,
// what is one's own, what was kept and comes again, what modules behind the helper change.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { AllowScreen } from './allow-screen.ts'
import { bodies, freePort, type Gated, gate, HOST, openGated, type Person, soon } from './gated.ts'

const ALICE = `alice@${HOST}`
const BOB = `bob@${HOST}`
const ROOMS = `rooms.${HOST}`
const UPLOAD = `upload.${HOST}`

describe('rows of the table of coverage', () => {
  let gated: Gated
  let screen: AllowScreen
  let alice: Person
  let bob: Person
  before(async () => {
    const http = await freePort()
    gated = await openGated({
      settings: {
        modules: ['mam', 'adhoc', 'http', 'motd', 'gatehouse_rewriter', 'gatehouse_speaker'],
        pluginPaths: [join(import.meta.dirname, 'plugins')],
        global: [
          'motd_text = "the word of the day"',
          'default_archive_policy = true',
          'storage = { archive = "memory" }',
          `http_ports = { ${http} }`,
        ],
        components: [
          {
            name: ROOMS,
            module: 'muc',
            lines: [...gate(), 'modules_enabled = { "gatehouse", "muc_mam" }', 'muc_log_by_default = true'],
          },
          {
            name: UPLOAD,
            module: 'http_file_share',
            lines: [`http_external_url = "http://127.0.0.1:${http}/"`, 'http_host = "127.0.0.1"'],
          },
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
  /** Everything that came before this was asked or will not be: one sender's stanzas are asked in order. */
  const fence = async (person: Person, words: string) => {
    person.say(ALICE, words)
    await question(words)
  }
  const iq = async (person: Person, id: string, attrs: string, child: string) => {
    person.client.send(`<iq id='${id}' ${attrs}>${child}</iq>`)
    return person.got(new RegExp(`<iq[^>]*id='${id}'`))
  }

  it('uploads: the request for a slot is asked and can be refused; the bytes are not seen', async () => {
    const slot = (name: string) =>
      `<request xmlns='urn:xmpp:http:upload:0' filename='${name}' size='5' content-type='text/plain'/>`
    assert.match(await iq(alice, 'u1', `type='get' to='${UPLOAD}'`, slot('DENY.txt')), /policy-violation/)
    const answer = await iq(alice, 'u2', `type='get' to='${UPLOAD}'`, slot('plans.txt'))
    assert.equal(asked('plans.txt'), 1)
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
    alice.client.send(`<presence to='talk@${ROOMS}/Al'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
    await alice.got(/<presence[^>]*from='talk@[^>]*>.*code='110'/)
    alice.client.send(
      `<message to='talk@${ROOMS}' type='groupchat' id='s1'><subject>DENY this subject</subject></message>`,
    )
    assert.match(await alice.got(/<message[^>]*id='s1'/), /policy-violation/)
    const kick =
      "<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Bo' role='none'><reason>DENY</reason></item></query>"
    assert.match(await iq(alice, 'k1', `type='set' to='talk@${ROOMS}'`, kick), /policy-violation/)
  })

  it('a private message in a room: asked once, at its sender, and can be refused', async () => {
    for (const [person, nick] of [
      [alice, 'Al'],
      [bob, 'Bo'],
    ] as const) {
      person.client.send(`<presence to='nook@${ROOMS}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
      await person.got(/<presence[^>]*from='nook@[^>]*>.*code='110'/)
      const form =
        "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>"
      if (person === alice) await iq(alice, 'nook', `type='set' to='nook@${ROOMS}'`, form)
    }
    alice.say(`nook@${ROOMS}/Bo`, 'DENY aside')
    assert.match(await alice.got(/id='DENY-aside'/), /policy-violation/)
    alice.say(`nook@${ROOMS}/Bo`, 'just between us')
    assert.match(await bob.got(/just between us/), new RegExp(`from='nook@${ROOMS}/Al'`))
    await fence(bob, 'behind the aside')
    assert.equal(asked('just between us'), 1)
    assert.ok(!bodies(bob).includes('DENY aside'))
  })

  it('the message of the day is told as observed', async () => {
    await alice.got(/the word of the day/)
    const said = /<observed at='[^']+'><forwarded[^>]*><message [^>]*from='corp\.example'.*the word of the day/
    await soon(screen.saw(said), 'observed')
    assert.ok(!screen.seen.some((iq) => /<ask [^>]*>(?:(?!<\/ask>).)*the word of the day/s.test(iq)), 'not asked')
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

  it('what was kept and comes again is not asked again: offline messages, room history, the archive', async () => {
    alice.say(`carol@${HOST}`, 'for later')
    await question('for later')
    const carol = await gated.login('carol')
    await carol.got(/for later/)
    alice.client.send(`<presence to='past@${ROOMS}/Al'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
    await alice.got(/<presence[^>]*from='past@[^>]*>.*code='110'/)
    const form = "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query>"
    await iq(alice, 'open', `type='set' to='past@${ROOMS}'`, form)
    alice.client.send(`<message to='past@${ROOMS}' type='groupchat' id='p1'><body>said in the room</body></message>`)
    await alice.got(/said in the room/)
    bob.client.send(`<presence to='past@${ROOMS}/Bo'><x xmlns='http://jabber.org/protocol/muc'/></presence>`)
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
  })

  it('what a module says in the name of a user is not covered: it passes, and nobody is asked', async () => {
    const words = 'DENY what alice never said'
    await gated.shell(`> prosody.hosts["${HOST}"].modules.gatehouse_speaker.speak("${ALICE}/r", "${BOB}", "${words}")`)
    assert.match(await bob.got(/what alice never said/), new RegExp(`from='${ALICE}/r'`))
    await fence(alice, 'behind what she never said')
    assert.equal(asked(words), 0)
  })

  it('what a module behind the helper changes is on record as it was asked', async () => {
    alice.say(BOB, 'as written')
    await bob.got(/as changed/)
    assert.ok(bodies(bob).includes('as changed'))
    assert.equal(asked('as written'), 1)
    assert.equal(asked('as changed'), 0)
  })
})
