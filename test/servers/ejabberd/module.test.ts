// SPDX-License-Identifier: Apache-2.0
// What only ejabberd does to a module that runs: its options are checked before they are taken, its host may be taken away, and who holds stanzas may be busy while it goes. The rest:
// test/servers/both/sessions.ts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodies, HOST, SCREEN, soon } from '../both/house.ts'
import { PATIENT } from '../both/sessions.ts'
import { noEjabberd, openGated } from './gated.ts'
import { suspended } from './processes.ts'

const BOB = `bob@${HOST}`

/** Fits the second line of the log that the pattern fits. */
function twice(pattern: RegExp): RegExp {
  let seen = 0
  return { test: (line: string) => pattern.test(line) && ++seen === 2 } as RegExp
}

describe('the module on ejabberd while stanzas wait', { skip: noEjabberd }, () => {
  it('does not take options that are wrong: what held before holds on', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    for (const wrong of [{ on_outage: 'ajar' }, { try: 'soon' }, { ask: ['messages'] }, { max_bytes: 0 }])
      await assert.rejects(gated.configure(wrong), Object.keys(wrong)[0])
    alice.say(BOB, 'still asked')
    await soon(screen.saw(/still asked/), 'the question')
  })

  it('is taken out while who holds something is busy: they bounce it when they go on, and hold nothing back later', async () => {
    const CLERK = `clerk.${HOST}`
    await using gated = await openGated({ options: PATIENT, components: [CLERK] })
    const screen = await gated.asking()
    const clerk = await gated.screen(CLERK, { silent: /./ })
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    alice.say(BOB, 'HOLD x')
    clerk.write(`<iq type='set' id='y' from='x@${CLERK}' to='${BOB}/r'><x xmlns='urn:x'>HOLD y</x></iq>`)
    await soon(screen.saw(/HOLD x/), 'the question')
    await soon(screen.saw(/HOLD y/), 'the question')
    const goOn = await suspended(
      gated,
      `ejabberd_sm:get_session_pid(<<"alice">>, <<"${HOST}">>, <<"r">>)`,
      'element(2, hd(supervisor:which_children(gatehouse_worker_sup)))',
    )
    await gated.configure(null)
    await goOn()
    const bounced = (id: string) =>
      ({ test: (one: string) => one.includes(`id='${id}'`) && one.includes('<resource-constraint') }) as RegExp
    await alice.got(bounced('HOLD-x'))
    await soon(clerk.saw(bounced('y')), 'what the component is told')
    await gated.configure(PATIENT)
    await soon(screen.saw(/predecessor=/), 'the next run')
    await soon(gated.ejabberd.logged(twice(/questions are asked/)), 'the helper asking again')
    alice.say(BOB, 'not stuck')
    await bob.got(/not stuck/)
    assert.deepEqual(bodies(bob), ['not stuck'])
  })

  it('leaves with its host, and the source goes on for the others', async () => {
    const AWAY = 'away.example'
    await using gated = await openGated({
      options: PATIENT,
      settings: {
        hosts: [{ name: AWAY, modules: { mod_gatehouse: { screen: SCREEN, ...PATIENT } } }],
        accounts: [{ jid: `dora@${AWAY}`, password: 'secret' }],
      },
    })
    const screen = await gated.asking()
    const dora = await gated.login('dora', { host: AWAY })
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    dora.say(BOB, 'HOLD from away')
    await soon(screen.saw(/HOLD from away/), 'the question')
    await gated.configure(PATIENT, { hosts: [] })
    await soon(
      screen.saw({ test: (iq: string) => /<source [^>]*hosts='corp.example'/.test(iq) } as RegExp),
      'who stays',
    )
    assert.deepEqual(bodies(bob), [])
    alice.say(BOB, 'from the one that stays')
    await bob.got(/from the one that stays/)
    await soon(screen.saw(/from the one that stays/), 'its question')
    const sources = new Set(screen.seen.map((iq) => / source='([0-9a-f]{32})'/.exec(iq)?.[1]).filter(Boolean))
    assert.equal(sources.size, 1)
  })
})
