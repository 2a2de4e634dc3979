// SPDX-License-Identifier: Apache-2.0
// A server killed at the named points of mod_gatehouse: what was acknowledged is delivered or told, what was not is sent again; no
// number is given that is not reserved on disk; no run is lost. PROTOCOL.md sections 3 and 7.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Gated, Kind, Option } from './gated.ts'
import { bodies, HOST, soon } from './house.ts'
import { announcedBefore, sourceOf } from './runs.ts'

const BOB = `bob@${HOST}`
const CLOSED = {}
const OPEN = { on_outage: 'open' }
type Options = Readonly<Record<string, Option>>

/** Starts the server on a folder, which stays, with the crash point `at`. */
export type OpenAt = (at: string, folder: string, options: Options) => Promise<Gated>

export function crash({ skip }: Kind, openAt: OpenAt): void {
  /** Plays on one folder; every server that the body starts is gone at the end. */
  const on = async (body: (open: (at: string, options: Options) => Promise<Gated>) => Promise<void>) => {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-crash-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rm(folder, { recursive: true, force: true }))
    await body(async (at, options) => stack.use(await openAt(at, folder, options)))
  }

  /** Alice says CRASH at a server that dies of it; gives what her client would send again. */
  const killed = async (first: Gated) => {
    const alice = await first.login('alice', { management: 'resume' })
    const bob = await first.login('bob')
    alice.say(BOB, 'CRASH here')
    alice.client.requestAcknowledgement()
    await soon(first.server.exited, 'the end of the server')
    await alice.client.ended
    assert.deepEqual(bodies(bob), [])
    return alice.client.managed?.unacknowledged.filter((stanza) => stanza.includes('CRASH here')) ?? []
  }

  describe('killed at a crash point', { skip }, () => {
    it('after the answer, before the release: the client still has it; the successor tells how far numbers may have gone', () =>
      on(async (open) => {
        const first = await open('answered', CLOSED)
        const asked = await first.asking()
        const again = await killed(first)
        assert.equal(again.length, 1, 'not acknowledged')
        const second = await open('never', CLOSED)
        const screen = await second.asking()
        assert.match(
          await soon(screen.saw(/predecessor=/), 'the announcement'),
          // The mark is on disk every few seconds: before the number or behind it.
          new RegExp(`predecessor='${sourceOf(asked)}' predecessor-mark='[01]' predecessor-reserved='1000'`),
        )
        const [alice, bob] = [await second.login('alice'), await second.login('bob')]
        for (const stanza of again) alice.client.send(stanza)
        await bob.got(/CRASH here/)
        assert.deepEqual(bodies(bob), ['CRASH here'])
      }))

    it('before the write to the spool: nothing is on disk, nothing was delivered, the client still has it', () =>
      on(async (open) => {
        assert.equal((await killed(await open('before_spool', OPEN))).length, 1)
        const second = await open('never', OPEN)
        const screen = await second.asking()
        const alice = await second.login('alice')
        alice.say(BOB, 'fence')
        await soon(screen.saw(/fence/), 'the fence')
        assert.ok(!screen.seen.some((iq) => iq.includes('CRASH here')))
      }))

    it('after the write to the spool: the question is told without a settlement, so it is never taken for delivered', () =>
      on(async (open) => {
        assert.equal((await killed(await open('after_spool', OPEN))).length, 1)
        const second = await open('never', OPEN)
        const screen = await second.asking()
        const told = await soon(screen.saw(/CRASH here/), 'the replay')
        assert.match(told, /<ask n='1' at='[^']+' spooled='true'>/)
        assert.doesNotMatch(told, /<settle/)
      }))

    for (const [at, reserved] of [
      ['before_reserve', 1000],
      ['in_reserve', 1000],
      ['after_reserve', 2000],
    ] as const)
      it(`gives no number that is not reserved on disk: ${at.replace('_', ' ')}`, () =>
        on(async (open) => {
          const first = await open(at, { max_questions: 5000 })
          const asked = await first.asking()
          const alice = await first.login('alice')
          for (let i = 0; i <= 1000; i++) alice.say(BOB, `number ${i}`)
          await soon(first.server.exited, 'the end of the server')
          await asked.ended
          const numbers = asked.seen.flatMap((iq) => [...iq.matchAll(/<ask n='(\d+)'/g)].map(([, n]) => Number(n)))
          assert.ok(Math.max(...numbers) <= 1000)
          assert.equal(new Set(numbers).size, numbers.length)
          const next = await (await open('never', CLOSED)).asking()
          const told = await soon(next.saw(/predecessor=/), 'the announcement')
          const before = `predecessor='${sourceOf(asked)}' predecessor-mark='\\d+' predecessor-reserved='${reserved}'`
          assert.match(told, new RegExp(before))
          assert.notEqual(/ source='([0-9a-f]{32})'/.exec(told)?.[1], sourceOf(asked))
        }))

    for (const at of ['first_before_reserve', 'first_in_reserve', 'first_after_reserve'])
      it(`loses no run when two in a row are killed as they write their numbers for the first time (${at})`, () =>
        on(async (open) => {
          const first = await open('never', OPEN)
          const asked = await first.asking()
          const alice = await first.login('alice')
          for (const i of [1, 2, 3]) alice.say(BOB, `said ${i}`)
          await soon(asked.saw(/said 3/), 'the third question')
          first.server.kill('SIGKILL')
          await first.server.exited
          for (let time = 0; time < 2; time++) {
            const killed = await open(at, OPEN)
            ;(await killed.login('alice')).say(BOB, 'of which it dies')
            await soon(killed.server.exited, 'the end of the server')
          }
          const screen = await (await open('never', OPEN)).asking()
          let one = sourceOf(screen)
          // Those that died before their numbers were on disk gave none, and were announced to nobody: they never were.
          for (let between = at === 'first_after_reserve' ? 3 : 1; between > 0; between--) {
            const earlier = await announcedBefore(screen, one)
            assert.equal(earlier.reserved, 1000)
            one = earlier.source
          }
          assert.equal(one, sourceOf(asked))
        }))
  })
}
