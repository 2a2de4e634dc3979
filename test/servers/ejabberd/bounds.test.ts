// SPDX-License-Identifier: Apache-2.0
// How long and how much mod_gatehouse holds at most on ejabberd: test/servers/both/bounds.ts. And how much of what cannot be put as a
// question, which Prosody refuses by another text.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bounds } from '../both/bounds.ts'
import { ejabberd, openEjabberd } from '../both/ejabberd.ts'
import { HOST, SCREEN, soon } from '../both/house.ts'
import { BOB } from '../both/scene.ts'
import { PATIENT } from '../both/sessions.ts'
import { announcement } from './announcement.ts'
import { noEjabberd, openGated } from './gated.ts'
import { until } from './processes.ts'

const NOTHING_HELD = `maps:get(in_flight, gatehouse_link:counts(<<"${SCREEN}">>, <<"${HOST}">>)) =:= 0`

bounds(ejabberd, {
  withAnnouncements: (options) =>
    openEjabberd({ options }, { modules: { mod_adhoc: {}, mod_announce: { access: 'local' } } }),
  announcement: (id, words) => announcement(id, 'hours', words),
  withLargeStanzas: () => openEjabberd({}, { listeners: { c2s: { max_stanza_size: 1_048_576 } } }),
})

describe('what is held on ejabberd', { skip: noEjabberd }, () => {
  it('is bounded for what cannot be put as a question, by what it takes up here', async () => {
    await using gated = await openGated({ options: { ...PATIENT, max_bytes: 20_000 } })
    const screen = await gated.asking()
    const alice = await gated.login('alice', { management: 'count' })
    const bob = await gated.login('bob')
    alice.say(BOB, 'hello')
    await bob.got(/hello/)
    alice.say(BOB, 'HOLD this')
    await soon(screen.saw(/HOLD this/), 'the question')
    const deep = `${"<x xmlns='urn:x'>".repeat(101)}${'.'.repeat(25_000)}${'</x>'.repeat(101)}`
    for (let i = 0; i < 10; i++) alice.say(BOB, `deep ${i}.`, deep)
    // The acknowledgement says that the server has read all before it.
    alice.client.requestAcknowledgement()
    await alice.got(/<message[^>]*id='hello'/)
    screen.release()
    await alice.got(/(?=.*<error).*id='deep-9\.'/s)
    const back = alice.inbox.filter((stanza) => /id='deep-/.test(stanza))
    assert.equal(back.length, 10)
    assert.equal(back.filter((stanza) => /<policy-violation/.test(stanza)).length, 1, 'there was room for one')
    assert.equal(back.filter((stanza) => /<resource-constraint/.test(stanza)).length, 9)
    await until(gated, NOTHING_HELD)
    alice.say(BOB, 'room again')
    await bob.got(/room again/)
  })
})
