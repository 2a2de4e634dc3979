// SPDX-License-Identifier: Apache-2.0
// A newer mod_gatehouse for Prosody: put in the place of the one before, and loaded by a restart of the server.
import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { it } from 'node:test'
import { HOST, soon } from '../both/house.ts'
import { openGated } from './gated.ts'

const SOURCES = resolve(import.meta.dirname, '../../../deploy/servers/prosody/mod_gatehouse')

it('a newer mod_gatehouse is there after a restart of the server, and goes on where the one before ended', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-prosody-'))
  const plugins = join(folder, 'plugins')
  const main = join(plugins, 'mod_gatehouse/mod_gatehouse.lua')
  const open = () =>
    openGated({ folder, keepFolder: true, settings: { global: [`plugin_paths = { ${JSON.stringify(plugins)} }`] } })
  const announced = async (gated: Awaited<ReturnType<typeof open>>) => {
    const screen = await gated.asking()
    return soon(screen.saw(/<source /), 'the announcement')
  }
  try {
    await cp(SOURCES, join(plugins, 'mod_gatehouse'), { recursive: true })
    let before: string
    {
      await using gated = await open()
      before = await announced(gated)
      assert.doesNotMatch(before, / helper='77\.0\.0'/)
      const text = await readFile(main, 'utf8')
      await writeFile(main, text.replace(/^local VERSION = "[^"]+";$/m, 'local VERSION = "77.0.0";'))
    }
    await using gated = await open()
    assert.match(await announced(gated), / helper='77\.0\.0'/)
    const alice = await gated.login('alice')
    alice.say(`bob@${HOST}`, 'DENY this')
    assert.match(await alice.got(/id='DENY-this'/), /policy-violation/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
