// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse on ejabberd tells beside its questions: sessions, occupants and their nicks, ids of archives, and what the server
// itself says.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import { type Gated, HOST, noEjabberd, openGated, type Person, PRIVILEGE, soon } from './gated.ts'

const ALICE = `alice@${HOST}`
const BOB = `bob@${HOST}`
const ROOMS = `rooms.${HOST}`
const TELLER = `teller.${HOST}`
const MUC = 'http://jabber.org/protocol/muc'

describe('reports from ejabberd', { skip: noEjabberd }, () => {
  let gated: Gated
  let screen: AllowScreen
  let alice: Person
  let bob: Person
  before(async () => {
    gated = await openGated({
      modules: {
        mod_muc: { host: ROOMS, access_create: 'all', default_room_options: { persistent: false, mam: true } },
        mod_mam: { default: 'always' },
        mod_adhoc: {},
        mod_announce: { access: 'local' },
        mod_admin_extra: {},
        mod_privilege: { message: { outgoing: 'teller' } },
      },
      components: [TELLER],
      settings: {
        options: {
          acl: { local: { user_regexp: '' }, teller: { server: TELLER } },
          access_rules: { local: { allow: 'local' }, teller: { allow: 'teller' } },
        },
      },
    })
    screen = await gated.asking()
    alice = await gated.login('alice')
    bob = await gated.login('bob')
  })
  after(() => gated[Symbol.asyncDispose]())

  const said = () => screen.seen.join('')
  /** Every report of the connection that came before this is there. */
  const fence = async (words: string) => {
    alice.say(ALICE, words)
    await soon(screen.saw(new RegExp(`<stanza-id n='\\d+' by='${ALICE}'[^>]*>(?:(?!<stanza-id).)*$`)), words)
  }
  const join = async (person: Person, room: string, nick: string) => {
    person.client.send(`<presence to='${room}@${ROOMS}/${nick}'><x xmlns='${MUC}'/></presence>`)
    await person.got(new RegExp(`<presence[^>]*from='${room}@${ROOMS}/${nick}'.*code='110'`))
  }
  const occupants = (room: string) =>
    [
      ...said().matchAll(
        new RegExp(`<occupant room='${room}@[^>]*nick='([^']*)'[^>]*jid='([^']*)'[^>]*event='([^']*)'`, 'g'),
      ),
    ].map(([, nick, jid, event]) => `${jid?.split('@')[0]} ${nick} ${event}`)
  const occupant = (room: string, nick: string, event: string) =>
    soon(
      screen.saw(
        new RegExp(`<occupant room='${room}@${ROOMS}' nick='${nick}' jid='[^']*' event='${event}' at='[^']+Z'`),
      ),
      `${nick} ${event}`,
    )

  it('sessions: started and ended, each once, by the name that the server gave', async () => {
    const one = await gated.login('carol', { resource: 'first' })
    await soon(
      screen.saw(new RegExp(`<session jid='carol@${HOST}/first' via='c2s' event='started' account='[0-9a-f]{32}' at=`)),
      'started',
    )
    one.client.break()
    await soon(screen.saw(new RegExp(`<session jid='carol@${HOST}/first' via='c2s' event='ended'`)), 'ended')
    assert.equal(said().match(new RegExp(`<session jid='carol@${HOST}/first'`, 'g'))?.length, 2)
  })

  it('a resumed stream and one that takes its own place are one session that goes on', async () => {
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
    const second = await gated.login('bob', { resource: 'second' })
    await join(alice, 'tea', 'Al')
    await occupant('tea', 'Al', 'joined')
    await join(bob, 'tea', 'Bo')
    await join(second, 'tea', 'Bo')
    second.client.send(`<presence to='tea@${ROOMS}/Bo' type='unavailable'/>`)
    await second.got(/<presence[^>]*from='tea@[^>]*type='unavailable'/)
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
    await join(alice, 'nicks', 'Al')
    await join(bob, 'nicks', 'Bo')
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
    const carol = await gated.login('carol', { resource: 'falls' })
    await join(carol, 'fall', 'Ca')
    carol.client.break()
    await occupant('fall', 'Ca', 'left')
  })

  it('ids that the archives of sender, recipient and one who is away gave; what a sender writes is none', async () => {
    const forged = `<stanza-id xmlns='urn:xmpp:sid:0' by='${BOB}' id='made-up'/><stanza-id xmlns='urn:xmpp:sid:0' by='${ALICE}' id='mine'/>`
    alice.say(BOB, 'archived words', forged)
    const copy = await bob.got(/archived words/)
    const n = /<ask n='(\d+)'(?:(?!<\/ask>).)*archived words/.exec(said())?.[1]
    const given = new RegExp(
      `<stanza-id[^>]*by='${BOB}'[^>]*id='(\\d+)'|<stanza-id[^>]*id='(\\d+)'[^>]*by='${BOB}'`,
    ).exec(copy)
    await soon(
      screen.saw(new RegExp(`<stanza-id n='${n}' by='${BOB}' id='${given?.[1] ?? given?.[2]}'`)),
      "the recipient's",
    )
    await soon(screen.saw(new RegExp(`<stanza-id n='${n}' by='${ALICE}' id='\\d+'`)), "the sender's")
    alice.say(`carol@${HOST}`, 'for later', forged)
    const away = soon(screen.saw(new RegExp(`<stanza-id n='\\d+' by='carol@${HOST}' id='\\d+'`)), 'of one who is away')
    await away
    await fence('behind the ids')
    assert.doesNotMatch(said(), /<stanza-id n=[^>]*id='(made-up|mine)'/)
  })

  it("the id that the room's archive gave; what a sender writes is none", async () => {
    await join(alice, 'past', 'Al')
    const forged = `<stanza-id xmlns='urn:xmpp:sid:0' by='past@${ROOMS}' id='made-up'/>`
    alice.client.send(
      `<message to='past@${ROOMS}' type='groupchat' id='p1'><body>said in the room</body>${forged}</message>`,
    )
    const copy = await alice.got(/<message[^>]*type='groupchat'.*said in the room/)
    const id = /<stanza-id[^>]*id='(\d+)'/.exec(copy)?.[1]
    await soon(screen.saw(new RegExp(`<stanza-id n='\\d+' by='past@${ROOMS}' id='${id}'`)), "the room's")
    await fence('behind the room')
    assert.equal(said().match(new RegExp(`<stanza-id n='\\d+' by='past@${ROOMS}'`, 'g'))?.length, 1)
  })

  it('announcements: by command they are told as observed, by message they are asked about as their sender says them', async () => {
    const field = (name: string, text: string) => `<field var='${name}'><value>${text}</value></field>`
    alice.client.send(
      `<iq type='set' to='${HOST}' id='an'><command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#announce' action='complete'><x xmlns='jabber:x:data' type='submit'>${field('subject', 'hours')}${field('body', 'the house closes at six')}</x></command></iq>`,
    )
    await bob.got(/the house closes at six/)
    await soon(
      screen.saw(
        /<observed at='[^']+Z'><forwarded[^>]*><message [^>]*from='corp\.example'(?:(?!<\/observed>).)*the house closes at six/,
      ),
      'observed',
    )
    alice.client.send(`<message to='${HOST}/announce/online' id='no'><body>DENY the sale</body></message>`)
    assert.match(await alice.got(/<message[^>]*id='no'/), /policy-violation/)
    alice.client.send(`<message to='${HOST}/announce/online' id='yes'><body>the sale begins</body></message>`)
    await bob.got(/the sale begins/)
    await fence('behind the sale')
    assert.match(said(), /<ask (?:(?!<\/ask>).)*the sale begins/)
    assert.doesNotMatch(said(), /<observed (?:(?!<\/observed>).)*the sale/)
    assert.ok(!bob.inbox.some((stanza) => stanza.includes('DENY')))
  })

  it('what a command or the API says in the name of a person is told as observed, and never asked', async () => {
    const words = 'what alice never said'
    await gated.ejabberd.shell('send_message', 'chat', `${ALICE}/r`, BOB, '', words)
    assert.match(await bob.got(/what alice never said/), new RegExp(`from='${ALICE}/r'`))
    await soon(
      screen.saw(
        new RegExp(
          `<observed at='[^']+Z'><forwarded[^>]*><message [^>]*from='${ALICE}/r'(?:(?!</observed>).)*${words}`,
        ),
      ),
      'observed',
    )
    await gated.ejabberd.shell(
      'send_stanza',
      `${ALICE}/r`,
      BOB,
      `<message id='s'><body>nor this stanza</body></message>`,
    )
    await bob.got(/nor this stanza/)
    await soon(screen.saw(/<observed (?:(?!<\/observed>).)*nor this stanza/), 'observed')
    assert.doesNotMatch(said(), /<ask [^>]*>(?:(?!<\/ask>).)*(never said|nor this)/)
  })

  it('what a component says for a person was asked about: it is not told as observed', async () => {
    const teller = await gated.screen(TELLER)
    await soon(gated.ejabberd.logged(/Granting permissions to external component 'teller/), 'its privilege')
    teller.write(
      `<message from='${TELLER}' to='${HOST}' id='w'><privilege xmlns='${PRIVILEGE}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='${ALICE}' to='${BOB}' type='chat' id='in'><body>told for alice</body></message></forwarded></privilege></message>`,
    )
    await bob.got(/told for alice/)
    await fence('behind what was told')
    assert.match(said(), /<ask (?:(?!<\/ask>).)*told for alice/)
    assert.doesNotMatch(said(), /<observed (?:(?!<\/observed>).)*told for alice/)
  })

  it('what people say and publish is not told as observed beside its question', async () => {
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

  it('what a module publishes is told as observed', async () => {
    await gated.ejabberd.evaluate(
      `mod_pubsub:publish_item(jid:tolower(jid:make(<<"bob">>, <<"${HOST}">>)), <<"${HOST}">>, <<"urn:x:auto">>, jid:make(<<"bob">>, <<"${HOST}">>), <<"j">>, [{xmlel, <<"note">>, [{<<"xmlns">>, <<"urn:x:auto">>}], [{xmlcdata, <<"made inside">>}]}]).`,
    )
    await soon(
      screen.saw(
        /<observed (?:(?!<\/observed>).)*<message [^>]*from='bob@corp\.example'(?:(?!<\/observed>).)*made inside/,
      ),
      'observed',
    )
  })
})
