// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse says of its numbers when nothing new comes: PROTOCOL.md section 4.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Kind } from './gated.ts'
import { HOST, soon } from './house.ts'

const BOB = `bob@${HOST}`

const done = (iq: string) => Number(/ done='(\d+)'/.exec(iq)?.[1] ?? 0)

export function mark({ openGated, skip }: Kind): void {
  describe('mark', { skip }, () => {
    it('follows when the last number is settled and nobody says anything more', async () => {
      await using gated = await openGated({ options: { try: 15, hold_max: 20 } })
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'HOLD the last one')
      // A mark says that number 1 was given out while its answer is still awaited: numbers move no more after it.
      await soon(screen.saw(/<mark last='1'/), 'the mark of the held number')
      assert.ok(screen.seen.every((iq) => done(iq) === 0))
      screen.release()
      await bob.got(/the last one/)
      const told = await soon(screen.saw({ test: (iq: string) => done(iq) === 1 } as RegExp), 'done')
      assert.doesNotMatch(told, /<ask /)
    })

    it('is told again when the screen that carried it got no answer', async () => {
      await using gated = await openGated({ options: { try: 0.5 } })
      const screen = await gated.asking({ silent: /<mark last='1'/ })
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'one')
      await bob.got(/one/)
      const first = await soon(screen.saw(/<mark last='1'/), 'the mark')
      await soon(
        screen.saw({ test: (iq: string) => iq !== first && iq.includes("<mark last='1'") } as RegExp),
        'the mark again',
      )
    })
  })
}
