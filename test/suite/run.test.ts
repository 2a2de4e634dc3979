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

  test('a file that is not there', () => {
    const { status, stderr } = spawnSync(process.execPath, [RUN, 'no-such-file'], { encoding: 'utf8' })
    assert.deepEqual([status, stderr], [2, 'no test file has "no-such-file" in its name\n'])
  })
})
