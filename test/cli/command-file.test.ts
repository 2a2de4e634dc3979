// SPDX-License-Identifier: Apache-2.0
// deploy/bin/gatehouse: the command of a checkout, by a link, from any folder.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, it } from 'node:test'
import { softwareVersion } from '../../components/kit/process/version.ts'

const COMMAND = resolve(import.meta.dirname, '../../deploy/bin/gatehouse')

function openFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-command-'))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

describe('deploy/bin/gatehouse', () => {
  it('finds its checkout through links, and counts paths from where the caller stands', () => {
    using place = openFolder()
    const { folder } = place
    symlinkSync(COMMAND, join(folder, 'one'))
    symlinkSync('one', join(folder, 'gatehouse'))
    const run = (...args: string[]) =>
      spawnSync('../gatehouse', args, {
        cwd: join(folder, 'here'),
        encoding: 'utf8',
        env: { PATH: process.env.PATH, LC_ALL: 'C', INIT_CWD: '/nonexistent' },
      })
    mkdirSync(join(folder, 'here', 'mine'), { recursive: true })
    writeFileSync(join(folder, 'here', 'mine', 'gatehouse.yaml'), 'folders: { runn: x }\n')
    const version = run('--version')
    assert.deepEqual([version.status, version.stdout], [0, `gatehouse ${softwareVersion()}\n`])
    const bad = run('--config', 'mine', 'status')
    assert.equal(bad.status, 2)
    assert.match(bad.stderr, new RegExp(`^${folder}/here/mine/gatehouse\\.yaml:1: `))
  })

  it('works where the folder the caller stands in is closed to him, or is no more', () => {
    using place = openFolder()
    const here = join(place.folder, 'here')
    mkdirSync(here)
    const words = ['-c', 'rmdir "$0"; exec "$1" --config /nonexistent status', here, COMMAND]
    const { status, stderr } = spawnSync('sh', words, { cwd: here, encoding: 'utf8', env: { PATH: process.env.PATH } })
    assert.equal(status, 2)
    assert.match(stderr, /There is no folder \/nonexistent with settings/)
    assert.doesNotMatch(stderr, /uv_cwd/)
  })

  it('says what to do where npm ci has not run', () => {
    using place = openFolder()
    mkdirSync(join(place.folder, 'deploy', 'bin'), { recursive: true })
    const copy = join(place.folder, 'deploy', 'bin', 'gatehouse')
    spawnSync('cp', [COMMAND, copy])
    const { status, stderr } = spawnSync(copy, ['status'], { encoding: 'utf8' })
    assert.equal(status, 2)
    assert.ok(stderr.endsWith(`run npm ci in ${place.folder} first\n`), stderr)
  })
})
