// SPDX-License-Identifier: Apache-2.0
// The helper's own tests in Lua, and luacheck over the module.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { it } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const MODULES = resolve(import.meta.dirname, '../../../deploy/servers/prosody')
const PROSODY = '/usr/lib/prosody'

const OWN: readonly { title: string; tests: string; module: string }[] = [
  {
    title: 'knows what is asked about, writes what stands alone, and keeps what must not be lost',
    tests: 'own.lua',
    module: 'mod_gatehouse',
  },
  {
    title: 'knows who sees whom, keeps the directory whatever byte its file ends at, and guards every login',
    tests: 'own-directory.lua',
    module: 'mod_gatehouse_directory',
  },
]

for (const { title, tests, module } of OWN) {
  it(title, async () => {
    const scratch = await mkdtemp(join(tmpdir(), 'gatehouse-own-'))
    try {
      const { stdout } = await run('lua5.4', [
        join(import.meta.dirname, tests),
        join(MODULES, module),
        PROSODY,
        scratch,
      ]).catch((fault: { stdout: string; stderr: string }) => assert.fail(`${fault.stdout}${fault.stderr}`))
      assert.match(stdout, /^\d+ passed, 0 failed$/m)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  })
}

for (const name of ['mod_gatehouse', 'mod_gatehouse_directory']) {
  it(`${name} is clean under luacheck`, async () => {
    const { stdout } = await run('luacheck', ['--no-color', '.'], { cwd: join(MODULES, name) }).catch(
      (fault: { stdout: string }) => assert.fail(fault.stdout),
    )
    assert.match(stdout, /0 warnings \/ 0 errors in \d\d files/)
  })
}
