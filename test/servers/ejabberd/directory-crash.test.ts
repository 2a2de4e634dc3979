// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse_directory when its process dies, and when its file cannot be read: nobody who is locked out comes in meanwhile.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { enter, group, openDirectory, person } from '../both/directory-house.ts'
import { HOST } from '../both/house.ts'
import { openEjabberdDirectory } from './directory-house.ts'
import { noEjabberd } from './gated.ts'

const NAME = `gen_mod:get_module_proc(<<"${HOST}">>, mod_gatehouse_directory)`
const all = () =>
  person('alice', { name: 'Alice' }) +
  person('bob', { name: 'Bob' }) +
  person('carol', { locked: 'gone' }) +
  group({ id: 'g', name: 'G', members: ['alice', 'bob', 'carol'] })

describe('mod_gatehouse_directory on ejabberd, when something breaks', { skip: noEjabberd }, () => {
  it('begins anew from its file, lets nobody in before, and no session is lost', async () => {
    await using house = await openEjabberdDirectory()
    await using directory = await openDirectory(house)
    assert.match(await directory.whole(1, [all()]), /type='result'/)
    const alice = await enter(house, 'alice')
    await alice.lists('bob', { name: 'Bob' })
    // As it is between its end and its next beginning.
    const { server } = house
    await server.evaluate(
      `ok = supervisor:terminate_child(ejabberd_gen_mod_sup, ${NAME}), ets:insert(gatehouse_directory_hosts, {<<"${HOST}">>, make_ref(), make_ref()}).`,
    )
    for (const name of ['bob', 'carol']) await assert.rejects(enter(house, name), /temporary-auth-failure/)
    await alice.fence()
    await server.evaluate(`{ok, _} = supervisor:restart_child(ejabberd_gen_mod_sup, ${NAME}), ok.`)
    await assert.rejects(enter(house, 'carol'), /account-disabled/)
    assert.equal((await directory.state()).seq, '1')
    // And killed, its supervisor starts it.
    await server.evaluate(`exit(whereis(${NAME}), kill).`)
    const bob = await enter(house, 'bob').catch(() => enter(house, 'bob'))
    await bob.lists('alice', { name: 'Alice' })
    await Promise.all([alice.sees(bob.client.jid), bob.sees(alice.client.jid)])
    assert.match(await directory.change(2, person('bob', { name: 'Robert' })), /type='result'/)
    await alice.lists('bob', { name: 'Robert' })
  })

  it('holds the lock of a damaged file and no more; of one that was being written, what was whole', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-directory-'))
    try {
      {
        await using house = await openEjabberdDirectory({ folder, keepFolder: true })
        await using directory = await openDirectory(house)
        assert.match(await directory.whole(1, [all()]), /type='result'/)
        assert.match(await directory.change(2, person('bob', { name: 'Robert' })), /type='result'/)
      }
      const file = join(folder, 'data/gatehouse_directory', HOST, 'state')
      const kept = await readFile(file)
      assert.match(kept.toString('latin1'), /^gatehouse-directory 1\n/)
      // Cut off in the last change: it never was.
      await writeFile(file, kept.subarray(0, kept.length - 3))
      {
        await using house = await openEjabberdDirectory({ folder, keepFolder: true })
        await using directory = await openDirectory(house)
        const { seq, damaged } = await directory.state()
        assert.deepEqual([seq, damaged], ['1', ''])
      }
      const broken = Buffer.from(kept)
      const at = broken.indexOf('Robert')
      broken.write('Rodent', at)
      await writeFile(file, Buffer.concat([broken, kept.subarray(kept.indexOf('\n') + 1)]))
      await using house = await openEjabberdDirectory({ folder, keepFolder: true })
      await using directory = await openDirectory(house)
      const { id, damaged } = await directory.state()
      assert.deepEqual([id, damaged], ['', 'true'])
      assert.ok(house.server.linesWith(/cannot be read from .*state/).length > 0)
      await assert.rejects(enter(house, 'carol'), /account-disabled/)
      const alice = await enter(house, 'alice')
      assert.equal(alice.roster.size, 0)
      assert.match(await directory.change(3, person('dave')), /<conflict/)
      assert.match(await directory.whole(3, [all()]), /type='result'/)
      await alice.lists('bob', { name: 'Bob' })
      assert.equal((await directory.state()).damaged, '')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
