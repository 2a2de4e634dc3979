// SPDX-License-Identifier: Apache-2.0
// npm test itself: what is asked for and does not exist is refused, so that nobody takes skipped tests for tests that hold.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { suite, test } from 'node:test'

const RUN = resolve(import.meta.dirname, '../run.ts')

suite('npm test', () => {
  test('a server that nobody knows', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [RUN, '--servers', 'prosody,ejabbered'], {
      encoding: 'utf8',
    })
    assert.deepEqual([status, stdout, stderr], [2, '', '"ejabbered" is not one of prosody, ejabberd\n'])
  })

  test('only one server: no file of the other one alone', () => {
    for (const [wanted, other] of [
      ['prosody', 'ejabberd'],
      ['ejabberd', 'prosody'],
    ] as const) {
      const { stdout } = spawnSync(process.execPath, [RUN, '--servers', wanted, '--list'], { encoding: 'utf8' })
      assert.match(stdout, new RegExp(`^test/servers/${wanted}/`, 'm'))
      assert.match(stdout, /^test\/e2e\//m)
      assert.doesNotMatch(stdout, new RegExp(`^test/servers/${other}/`, 'm'))
    }
  })

  test('a file that is not there', () => {
    const { status, stderr } = spawnSync(process.execPath, [RUN, 'no-such-file'], { encoding: 'utf8' })
    assert.deepEqual([status, stderr], [2, 'no test file has "no-such-file" in its name\n'])
  })
})
