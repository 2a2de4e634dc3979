// SPDX-License-Identifier: Apache-2.0
// Every way in and out of ejabberd past mod_gatehouse: test/servers/both/ways.ts, and people of other hosts of the same server.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { ejabberd, openEjabberd } from '../both/ejabberd.ts'
import { bodies, HOST, type Person, soon } from '../both/house.ts'
import { ALICE, BOB, ROOMS } from '../both/scene.ts'
import { PATIENT } from '../both/sessions.ts'
import { ARCHIVE, CLERK, POST, QUIET, TELLER, TRUSTED, ways } from '../both/ways.ts'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import { type Gated, gate, noEjabberd, openGated } from './gated.ts'
import { NO_PRIVILEGED_IQ, PRIVILEGE, privilegeOf } from './privilege.ts'

const { modules, options } = privilegeOf(TELLER)

ways(ejabberd, {
  open: () =>
    openEjabberd(
      { options: { trusted: TRUSTED }, components: [TELLER, QUIET, CLERK, ARCHIVE, POST] },
      {
        modules: {
          mod_mam: { default: 'always' },
          mod_muc: { host: ROOMS, access_create: 'all', default_room_options: { persistent: false, mam: true } },
          ...modules,
        },
        options,
      },
    ),
  privilege: {
    namespace: PRIVILEGE,
    granted: ({ server }) => server.logged(/Granting permissions to external component 'teller/),
    noIqs: NO_PRIVILEGED_IQ,
  },
  addresses: ['127.0.0.22', '127.0.0.23'],
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
      options: { ...PATIENT, trusted: [QUIET] },
      modules: { mod_privilege: speaks },
      components: [OTHER, QUIET, TELLER],
      settings: {
        hosts: [
          { name: AWAY, modules: gate(PATIENT, OTHER) },
          { name: FREE, modules: { mod_privilege: speaks } },
        ],
        accounts: [
          { jid: `dora@${AWAY}`, password: 'secret' },
          { jid: `finn@${FREE}`, password: 'secret' },
        ],
        options,
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
    finn.client.send(`<presence to='${BOB}' type='subscribe'><status>DENY to see him</status></presence>`)
    assert.match(await finn.got(/<presence[^>]*type='error'/), /policy-violation/)
    await finn.got(/<presence[^>]*type='unsubscribed'/)
    const bob = await gated.login('bob', { resource: 'seen' })
    finn.client.send(`<presence to='${BOB}/seen'><show>away</show><status>DENY this status</status></presence>`)
    assert.doesNotMatch(await bob.got(new RegExp(`<presence[^>]*from='finn@${FREE}/r'`)), /DENY|subscribe/)
    finn.say(`finn@${FREE}`, 'to itself')
    await finn.got(/to itself/)
    assert.ok(!screen.seen.some((iq) => iq.includes('to itself')))
  })

  it('a component that one host trusts is asked about by another', async () => {
    const bob = await gated.login('bob', { resource: 'trusting' })
    const quiet = await gated.screen(QUIET)
    const write = (to: string, body: string) =>
      quiet.write(`<message from='${QUIET}' to='${to}' id='q'><body>${body}</body></message>`)
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
    const teller = await gated.screen(TELLER)
    for (const host of [HOST, FREE]) await soon(teller.heard(new RegExp(`from='${host}'.*<perm `)), 'its privilege')
    const speak = (from: string, to: string, body: string) =>
      teller.write(
        `<message from='${TELLER}' to='${from.replace(/.*@/, '')}'><privilege xmlns='${PRIVILEGE}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='${from}' to='${to}' type='chat' id='pr'><body>${body}</body></message></forwarded></privilege></message>`,
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
