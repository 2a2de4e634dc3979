// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse as an operator installs it on ejabberd: by `ejabberdctl module_install`, from the sources alone. And in the second way of
// the README, as compiled files on the code path, which is how all other tests load it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { HOST, soon } from '../both/house.ts'
import { noEjabberd, openGated } from './gated.ts'

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
        await gated.configure({})
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
      await gated.configure(null)
      assert.match(await alice.got(/id='HOLD-on'/), /resource-constraint/)
      await gated.ejabberd.shell('module_uninstall', 'mod_gatehouse')
      const bob = await gated.login('bob')
      alice.say(BOB, 'unwatched')
      await bob.got(/unwatched/)
      await gated.ejabberd.stop()
      assert.deepEqual(gated.ejabberd.linesWith(/crashed when running|Unexpected info/), [])
      // What a command does is in the files alone.
      assert.equal(await readFile(join(folder, 'log/error.log'), 'utf8'), '')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('a newer mod_gatehouse', { skip: noEjabberd }, () => {
  it('takes the place of the one before by module_upgrade and a restart, and goes on where that ended', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-ejabberd-'))
    const sources = join(folder, 'modules/sources/mod_gatehouse')
    const words = join(sources, 'src/gatehouse_words.erl')
    try {
      await cp(SOURCES, sources, { recursive: true })
      const settings = { withoutHelpers: true, environment: { CONTRIB_MODULES_PATH: join(folder, 'modules') } }
      let before: string
      {
        await using gated = await openGated({ folder, keepFolder: true, withModule: false, settings })
        await gated.ejabberd.shell('module_install', 'mod_gatehouse')
        await gated.configure({})
        const screen = await gated.asking()
        before = await soon(screen.saw(/<source /), 'the announcement')
        assert.doesNotMatch(before, / helper='77\.0\.0'/)
        const text = await readFile(words, 'utf8')
        const newer = text.replace(/^version\(\) -> <<"[^"]+">>\.$/m, 'version() -> <<"77.0.0">>.')
        assert.notEqual(newer, text)
        await writeFile(words, newer)
        await gated.ejabberd.shell('module_upgrade', 'mod_gatehouse')
      }
      await using gated = await openGated({ folder, keepFolder: true, settings })
      const screen = await gated.asking()
      const [, source] = / source='([0-9a-f]{32})'/.exec(before) ?? []
      const after = await soon(screen.saw(/<source [^>]* helper='77\.0\.0'/), 'the announcement of the newer one')
      assert.doesNotMatch(after, new RegExp(` source='${source}'`))
      const alice = await gated.login('alice')
      alice.say(BOB, 'DENY this')
      assert.match(await alice.got(/id='DENY-this'/), /policy-violation/)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('mod_gatehouse compiled by hand', { skip: noEjabberd }, () => {
  it('by the line of the README: without a warning, and it asks', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-ejabberd-'))
    try {
      const readme = await readFile(join(SOURCES, 'README.md'), 'utf8')
      const [ejabberd = assert.fail('no ejabberd')] = globSync('/usr/lib/*/ejabberd-*')
      const [xmpp = assert.fail('no xmpp')] = globSync('/usr/lib/erlang/lib/p1_xmpp-*')
      const line = /^ {4}(erlc -o FOLDER .*)$/m.exec(readme)?.[1] ?? assert.fail('the line')
      const command = line.replaceAll('FOLDER', folder).replaceAll('EJABBERD', ejabberd).replaceAll('XMPP', xmpp)
      const { stdout, stderr } = await promisify(execFile)('sh', ['-ec', command], { cwd: SOURCES })
      assert.equal(stdout + stderr, '')
      const names = (files: readonly string[], end: string) => files.map((file) => basename(file, end)).sort()
      assert.deepEqual(names(await readdir(folder), '.beam'), names(await readdir(join(SOURCES, 'src')), '.erl'))
      await using gated = await openGated({
        settings: { withoutHelpers: true, environment: { ERL_FLAGS: `-pa ${folder}` } },
      })
      await gated.asking()
      const alice = await gated.login('alice')
      alice.say(BOB, 'DENY this')
      assert.match(await alice.got(/id='DENY-this'/), /policy-violation/)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
