// SPDX-License-Identifier: Apache-2.0
// npm test itself: what is asked for and does not exist is refused, so that nobody takes skipped tests for tests that hold.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { suite, test } from 'node:test'

const RUN = resolve(import.meta.dirname, '../run.ts')
const TESTS = resolve(import.meta.dirname, '..')

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

  test('only one server: whoever starts the other one asks first whether it is wanted', () => {
    const starts = /\b(start(Prosody|Ejabberd)|open(Prosody|Ejabberd)\w*|(prosody|ejabberd)WithDirectory)\b/
    const asks = /\b(serverLack|onServers)\(/
    const mindless = globSync('**/*.test.ts', { cwd: TESTS, exclude: ['servers/**'] }).filter((file) => {
      const text = readFileSync(join(TESTS, file), 'utf8')
      return starts.test(text) && !asks.test(text)
    })
    assert.deepEqual(mindless, [])
  })

  test('end to end, and with faults: each file plays on both servers, or has its twin for the other one', () => {
    const text = (file: string) => readFileSync(join(TESTS, file), 'utf8')
    const alone = globSync('e2e/*.test.ts', { cwd: TESTS }).filter((file) => !text(file).includes('onServers('))
    assert.deepEqual(alone.sort(), ['e2e/installed-ejabberd.test.ts', 'e2e/installed.test.ts'])
    for (const server of ['prosody', 'ejabberd'])
      assert.match(text(`faults/${server}.test.ts`), new RegExp(`^killing\\('${server}'\\)$`, 'm'))
  })

  test('a file that is not there', () => {
    const { status, stderr } = spawnSync(process.execPath, [RUN, 'no-such-file'], { encoding: 'utf8' })
    assert.deepEqual([status, stderr], [2, 'no test file has "no-such-file" in its name\n'])
  })
})
