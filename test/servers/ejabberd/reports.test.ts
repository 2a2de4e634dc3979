// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse on ejabberd tells beside its questions: test/servers/both/reports.ts, and what commands, the API and modules say.
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ejabberd, openEjabberd } from '../both/ejabberd.ts'
import { HOST, soon } from '../both/house.ts'
import { type Fence, reports, TELLER } from '../both/reports.ts'
import { ALICE, BOB, ROOMS, type Scene } from '../both/scene.ts'
import { announcement } from './announcement.ts'
import { PRIVILEGE, privilegeOf } from './privilege.ts'

type On = Scene<Awaited<ReturnType<typeof open>>>

const { modules, options } = privilegeOf(TELLER)

reports(ejabberd, {
  open,
  privilege: {
    namespace: PRIVILEGE,
    granted: ({ server }) => server.logged(/Granting permissions to external component 'teller/),
  },
  more,
})

function open() {
  return openEjabberd(
    { components: [TELLER] },
    {
      modules: {
        mod_muc: { host: ROOMS, access_create: 'all', default_room_options: { persistent: false, mam: true } },
        mod_mam: { default: 'always' },
        mod_adhoc: {},
        mod_announce: { access: 'local' },
        mod_admin_extra: {},
        ...modules,
      },
      options,
    },
  )
}

function more(on: On, fence: Fence): void {
  it('announcements: by command they are told as observed, by message they are asked about as their sender says them', async () => {
    const { screen, alice, bob } = on
    alice.client.send(announcement('an', 'hours', 'the house closes at six'))
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
    assert.match(screen.seen.join(''), /<ask (?:(?!<\/ask>).)*the sale begins/)
    assert.doesNotMatch(screen.seen.join(''), /<observed (?:(?!<\/observed>).)*the sale/)
    assert.ok(!bob.inbox.some((stanza) => stanza.includes('DENY')))
  })

  it('what a command or the API says in the name of a person is told as observed, and never asked', async () => {
    const { gated, screen, bob } = on
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
    assert.doesNotMatch(screen.seen.join(''), /<ask [^>]*>(?:(?!<\/ask>).)*(never said|nor this)/)
  })

  it('what a module publishes is told as observed', async () => {
    const { gated, screen } = on
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
}
