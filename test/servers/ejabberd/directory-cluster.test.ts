// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse_directory on two nodes of one ejabberd: the component is connected to one, and people are on both.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openCluster } from '../../../deploy/demo/ejabberd.ts'
import { enter, group, jid, openDirectory, person } from '../both/directory-house.ts'
import { HOST } from '../both/house.ts'
import { openEjabberdDirectory } from './directory-house.ts'
import { noEjabberd } from './gated.ts'

const LONG = process.env.GATEHOUSE_LONG === '1' ? false : 'two nodes: part of the long form (GATEHOUSE_LONG=1)'

describe('mod_gatehouse_directory on two nodes of one ejabberd', { skip: noEjabberd || LONG }, () => {
  it('holds the same on both, tells the people of both, and locks out on both; a node that comes back asks', async () => {
    await using stack = new AsyncDisposableStack()
    const cluster = stack.use(await openCluster())
    const folders = [
      await mkdtemp(join(tmpdir(), 'gatehouse-cluster-')),
      await mkdtemp(join(tmpdir(), 'gatehouse-cluster-')),
    ]
    for (const folder of folders) stack.defer(() => rm(folder, { recursive: true, force: true }))
    const node = async (n: 0 | 1, joins?: string) => {
      const settings = { cluster: { ...cluster, ...(joins === undefined ? {} : { joins }) } }
      return stack.use(await openEjabberdDirectory({ folder: folders[n] ?? '', keepFolder: true }, settings))
    }
    const one = await node(0)
    const two = await node(1, one.server.node)
    const directory = stack.use(await openDirectory(one))
    const people = ['alice', 'bob', 'carol']
    const all = people.map((name) => person(name, { name })).join('')
    const [alice, bob] = [await enter(one, 'alice'), await enter(two, 'bob')]
    // The second node takes it when Alice has long asked there who is there.
    const helper = `gen_mod:get_module_proc(<<"${HOST}">>, mod_gatehouse_directory)`
    assert.equal(await two.server.evaluate(`sys:suspend(${helper}).`), 'ok')
    assert.match(
      await directory.whole(1, [all + group({ id: 'g', name: 'G', members: ['alice', 'bob'] })]),
      /type='result'/,
    )
    await alice.lists('bob', { subscription: 'both', groups: ['G'] })
    await Promise.all([alice.fence(), bob.fence()])
    assert.equal(await two.server.evaluate(`sys:resume(${helper}).`), 'ok')
    await Promise.all([
      alice.lists('bob', { subscription: 'both', groups: ['G'] }),
      bob.lists('alice', { subscription: 'both', groups: ['G'] }),
      alice.sees(bob.client.jid),
      bob.sees(alice.client.jid),
    ])
    assert.match(await directory.change(2, `<join group='g'>${jid('carol')}</join>`), /type='result'/)
    await Promise.all([alice.lists('carol', { name: 'carol' }), bob.lists('carol', { name: 'carol' })])
    const carol = await enter(two, 'carol')
    await Promise.all([alice.sees(carol.client.jid), bob.sees(carol.client.jid), carol.sees(alice.client.jid)])
    // A name that Bob gives on his node is his on the other too.
    await bob.ask('set', `<query xmlns='jabber:iq:roster'><item jid='${jid('alice')}' name='Al'/></query>`)
    const elsewhere = await enter(one, 'bob', { resource: 'elsewhere' })
    await elsewhere.lists('alice', { name: 'Al' })
    // While the second is away the first goes on; what it took the second has when it is back, before it lets anybody in.
    await two.server.stop()
    assert.match(await directory.change(3, person('carol', { name: 'carol', locked: 'gone' })), /type='result'/)
    await alice.lists('carol', null)
    // Who was on the node that stopped is not seen to leave: so it is in ejabberd without the module too (ARCHITECTURE.md).
    await alice.fence()
    assert.ok(alice.there.has(bob.client.jid))
    const back = await node(1)
    const held = `{_, _, _} = gatehouse_directory_view:state(gatehouse_directory_view:now(<<"${HOST}">>)).`
    const until = Date.now() + 20_000
    while (!(await back.server.evaluate(held)).includes(',3,')) assert.ok(Date.now() < until, 'the other node has it')
    await assert.rejects(enter(back, 'carol'), /account-disabled/)
    await assert.rejects(enter(one, 'carol'), /account-disabled/)
  })
})
