// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse must not forget, and not do twice: test/servers/both/kept.ts. And a server that is killed while it reserves numbers.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { kept } from '../both/kept.ts'
import { prosody } from '../both/prosody.ts'
import { HOST, openGated, soon } from './gated.ts'

const BOB = `bob@${HOST}`
const PLUGINS = join(import.meta.dirname, 'plugins')

kept(prosody)

describe('numbers', () => {
  for (const [at, reserved] of [
    ['before_reserve', 1000],
    ['in_reserve', 1000],
    ['after_reserve', 2000],
  ] as const)
    it(`gives no number that is not reserved on disk: killed ${at.replace('_', ' ')}`, async () => {
      const points = { modules: ['gatehouse_points'], pluginPaths: [PLUGINS] }
      const first = await openGated({
        lines: [`gatehouse_crash_at = "${at}"`, 'gatehouse_max_questions = 5000'],
        settings: points,
        keepFolder: true,
      })
      const screen = await first.asking()
      const alice = await first.login('alice')
      for (let i = 0; i <= 1000; i++) alice.say(BOB, `number ${i}`)
      await soon(first.prosody.exited, 'the end of the server')
      await screen.ended
      await first[Symbol.asyncDispose]()
      const numbers = screen.seen.flatMap((iq) => [...iq.matchAll(/<ask n='(\d+)'/g)].map(([, n]) => Number(n)))
      assert.ok(Math.max(...numbers) <= 1000)
      assert.equal(new Set(numbers).size, numbers.length)
      await using second = await openGated({ folder: first.folder })
      const next = await second.asking()
      const source = / source='([0-9a-f]{32})'/.exec(screen.seen[0] ?? '')?.[1]
      const told = await soon(next.saw(/predecessor=/), 'the announcement')
      assert.match(
        told,
        new RegExp(`predecessor='${source}' predecessor-mark='\\d+' predecessor-reserved='${reserved}'`),
      )
      assert.notEqual(/ source='([0-9a-f]{32})'/.exec(told)?.[1], source)
    })
})
