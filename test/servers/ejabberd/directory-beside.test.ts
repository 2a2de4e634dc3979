// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse_directory beside mod_gatehouse: what one holds and hands on later is presence, a roster or a resumption for the other.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DIRECTORY, enter, group, jid, openDirectory, person } from '../both/directory-house.ts'
import { HOST, SCREEN, SECRET, soon } from '../both/house.ts'
import { openAllowScreen } from '../prosody/allow-screen.ts'
import { openEjabberdDirectory } from './directory-house.ts'
import { gate, noEjabberd } from './gated.ts'

describe('mod_gatehouse_directory beside mod_gatehouse on ejabberd', { skip: noEjabberd }, () => {
  it('shows colleagues, brings presence that was asked about, and goes on after a resumption', async () => {
    const helpers = { ...gate(), mod_gatehouse_directory: { component: DIRECTORY } }
    await using house = await openEjabberdDirectory(
      {},
      {
        hosts: [{ name: HOST, modules: helpers }],
        components: [DIRECTORY, SCREEN].map((name) => ({ name, secret: SECRET })),
      },
    )
    const place = { port: house.ports.component, address: '127.0.0.1', domain: SCREEN, secret: SECRET }
    const screen = await openAllowScreen({ ...place, markers: true, keep: true })
    try {
      await soon(house.server.logged(/questions are asked/), 'the helper asking')
      await using directory = await openDirectory(house)
      const people = ['alice', 'bob', 'carol'].map((name) => person(name, { name })).join('')
      assert.match(
        await directory.whole(1, [people + group({ id: 'g', name: 'G', members: ['alice', 'bob'] })]),
        /result/,
      )
      const bob = await enter(house, 'bob')
      const alice = await enter(house, 'alice', { presence: '<presence><status>at work</status></presence>' })
      await soon(screen.saw(/at work/), 'the question about her status')
      await bob.until('the status', () => [...bob.there.values()].some((one) => one.includes('at work')))
      const second = await enter(house, 'alice', { management: 'resume', resource: 'two' })
      await Promise.all([second.sees(bob.client.jid), bob.sees(second.client.jid)])
      second.client.send(`<presence type='subscribe' to='${jid('bob')}'/>`)
      second.client.send(`<message to='${jid('bob')}' type='chat' id='m'><body>after it</body></message>`)
      await bob.until('the message', () => bob.inbox.some((stanza) => stanza.includes('after it')))
      assert.deepEqual(
        bob.inbox.filter((stanza) => /^<presence [^>]*type='subscribe'/.test(stanza)),
        [],
      )
      const { managed } = second.client
      assert.ok(managed)
      second.client.break()
      await second.client.ended
      const again = await enter(house, 'alice', { management: 'resume', resource: 'two', previous: managed })
      assert.ok(again.client.resumed)
      assert.match(await directory.change(2, `<join group='g'>${jid('carol')}</join>`), /result/)
      await again.lists('carol', { name: 'carol', groups: ['G'] })
      const carol = await enter(house, 'carol')
      await again.sees(carol.client.jid)
      assert.match(await directory.change(3, person('alice', { locked: 'gone' })), /result/)
      await Promise.all([again.client.ended, alice.client.ended])
      await bob.misses(again.client.jid)
      assert.deepEqual(house.server.linesWith(/\[error\]|crashed when running|Unexpected info/), [])
    } finally {
      await screen.close()
    }
  })
})
