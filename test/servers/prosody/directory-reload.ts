// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse_directory comes and goes while people are logged in, as an operator does it in Prosody's console.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { enter, group, jid, openDirectory, part, person } from '../both/directory-house.ts'
import { HOST } from '../both/house.ts'
import { prosodyWithDirectory } from './directory-house.ts'

describe('the module in a server that runs', () => {
  it('is reloaded, taken away and loaded again with people logged in', async () => {
    await using house = await prosodyWithDirectory.open()
    await using directory = await openDirectory(house)
    const module = async (what: string) => {
      const said = await house.server.shell(`module:${what}("gatehouse_directory", "${HOST}")`)
      assert.match(said, /OK/)
    }
    const people = ['alice', 'bob'].map((name) => person(name, { name: name.toUpperCase() })).join('')
    await directory.whole(1, [people + group({ id: 'g', name: 'G', members: ['alice', 'bob'] })])
    const alice = await enter(house, 'alice')
    const bob = await enter(house, 'bob')
    await alice.sees(bob.client.jid)
    const own = `<query xmlns='jabber:iq:roster'><item jid='far@far.example' name='Far'/></query>`
    assert.match(await alice.ask('set', own), /type='result'/)
    await module('reload')
    assert.equal((await directory.state()).seq, '1')
    await directory.change(2, person('bob', { name: 'Robert' }))
    await alice.lists('bob', { name: 'Robert', subscription: 'both' })
    await directory.change(3, part('g', ['bob']))
    await Promise.all([alice.lists('bob', null), alice.misses(bob.client.jid)])
    await alice.lists('far@far.example', { name: 'Far' })

    await module('unload')
    const without = await enter(house, 'alice', { resource: 'two' })
    assert.deepEqual([...without.roster.keys()], ['far@far.example'], 'what is left is the own')
    await module('load')
    await directory.change(4, `<join group='g'>${jid('bob')}</join>`)
    const again = await enter(house, 'alice', { resource: 'three' })
    await again.lists('bob', { name: 'Robert' })
    await again.lists('far@far.example', { name: 'Far' })
    await again.sees(bob.client.jid)
    await directory.change(5, person('alice', { locked: 'disabled' }))
    await Promise.all([alice, without, again].map((one) => one.client.ended))
    await assert.rejects(enter(house, 'alice'), /account-disabled/)
    await bob.leave()
  })
})
