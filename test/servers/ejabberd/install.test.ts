// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse as an operator installs it on ejabberd: by `ejabberdctl module_install`, from the sources alone. (All other tests
// load it in the second way of the README, as compiled files on the code path.)
import assert from 'node:assert/strict'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { HOST, noEjabberd, openGated, soon } from './gated.ts'

const SOURCES = resolve(import.meta.dirname, '../../../deploy/servers/ejabberd/mod_gatehouse')
const BOB = `bob@${HOST}`

describe('mod_gatehouse installed by ejabberdctl', { skip: noEjabberd }, () => {
  it('is compiled from its sources, asks, is there after a restart, and goes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-ejabberd-'))
    const modules = join(folder, 'modules')
    try {
      await cp(SOURCES, join(modules, 'sources/mod_gatehouse'), { recursive: true })
      const settings = { withoutHelpers: true, environment: { CONTRIB_MODULES_PATH: modules } }
      {
        await using gated = await openGated({ folder, keepFolder: true, withModule: false, settings })
        assert.match(await gated.ejabberd.shell('modules_available'), /mod_gatehouse\s+Hold what people send/)
        await gated.ejabberd.shell('module_install', 'mod_gatehouse')
        assert.match(await gated.ejabberd.shell('modules_installed'), /mod_gatehouse/)
        assert.deepEqual(gated.ejabberd.linesWith(/\.erl:\d+|\[error\]/), [], 'compiled without a word')
        await gated.reload({})
        const screen = await gated.asking()
        const alice = await gated.login('alice')
        const bob = await gated.login('bob')
        alice.say(BOB, 'DENY this')
        assert.match(await alice.got(/id='DENY-this'/), /policy-violation/)
        alice.say(BOB, 'but this')
        await bob.got(/but this/)
        await soon(screen.saw(/but this/), 'the question')
      }
      await using gated = await openGated({ folder, keepFolder: true, settings })
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      alice.say(BOB, 'HOLD on')
      await soon(screen.saw(/HOLD on/), 'the question')
      await gated.reload(null)
      assert.match(await alice.got(/id='HOLD-on'/), /resource-constraint/)
      await gated.ejabberd.shell('module_uninstall', 'mod_gatehouse')
      const bob = await gated.login('bob')
      alice.say(BOB, 'unwatched')
      await bob.got(/unwatched/)
      assert.deepEqual(gated.ejabberd.linesWith(/crashed when running|Unexpected info/), [])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
