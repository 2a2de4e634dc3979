// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse_directory as an operator installs it: by `ejabberdctl module_install`, from the sources alone, on a server that runs; and taken
// out again.
import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { ejabberdConfig } from '../../../deploy/demo/ejabberd.ts'
import { DIRECTORY, enter, group, openDirectory, person } from '../both/directory-house.ts'
import { HOST } from '../both/house.ts'
import { openEjabberdDirectory } from './directory-house.ts'
import { noEjabberd } from './gated.ts'

const SOURCES = resolve(import.meta.dirname, '../../../deploy/servers/ejabberd/mod_gatehouse_directory')

describe('mod_gatehouse_directory installed by ejabberdctl', { skip: noEjabberd }, () => {
  it('is compiled from its sources, serves who is logged in already, and goes', async () => {
    const modules = await mkdtemp(join(tmpdir(), 'gatehouse-modules-'))
    try {
      await cp(SOURCES, join(modules, 'sources/mod_gatehouse_directory'), { recursive: true })
      const hosts = [{ name: HOST }]
      await using house = await openEjabberdDirectory(
        {},
        { withoutHelpers: true, environment: { CONTRIB_MODULES_PATH: modules }, hosts },
      )
      const { server } = house
      const configure = async (loaded: boolean) => {
        const helper = loaded ? { modules: { mod_gatehouse_directory: { component: DIRECTORY } } } : {}
        const config = ejabberdConfig({ ...server.settings, hosts: [{ name: HOST, ...helper }] })
        await writeFile(server.configFile, config, { mode: 0o600 })
        await server.shell('reload_config')
      }
      const alice = await enter(house, 'alice')
      assert.match(await server.shell('modules_available'), /mod_gatehouse_directory\s+Rosters by groups/)
      await server.shell('module_install', 'mod_gatehouse_directory')
      assert.match(await server.shell('modules_installed'), /mod_gatehouse_directory/)
      await configure(true)
      await using directory = await openDirectory(house)
      const people = person('alice') + person('bob', { name: 'Bob' })
      assert.match(
        await directory.whole(1, [people + group({ id: 'g', name: 'G', members: ['alice', 'bob'] })]),
        /type='result'/,
      )
      await alice.lists('bob', { name: 'Bob', groups: ['G'], subscription: 'both' })
      const bob = await enter(house, 'bob')
      await alice.sees(bob.client.jid)
      const counts = await server.shell('gatehouse_directory_counts', HOST)
      for (const line of ['transfers\t1', 'people\t2', 'groups\t1', 'memberships\t2', 'locked\t0'])
        assert.ok(counts.split('\n').includes(line), counts)
      await configure(false)
      await server.shell('module_uninstall', 'mod_gatehouse_directory')
      const late = await enter(house, 'alice', { resource: 'late' })
      assert.equal(late.roster.size, 0)
      await server.stop()
      assert.deepEqual(server.linesWith(/\.erl:\d+|\[error\]|crashed when running|Unexpected info/), [])
      assert.equal(await readFile(join(house.folder, 'log/error.log'), 'utf8'), '')
    } finally {
      await rm(modules, { recursive: true, force: true })
    }
  })
})
