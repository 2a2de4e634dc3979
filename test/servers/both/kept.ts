// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse must not forget, and what it must not do twice: settlements, spool, numbers, answers. PROTOCOL.md sections 3, 4, 7, 11.
import assert from 'node:assert/strict'
import { mkdir, readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import type { Gated, Kind } from './gated.ts'
import { bodies, HOST, SCREEN, soon } from './house.ts'
import { inSpool } from './spools.ts'

const BOB = `bob@${HOST}`
const QUICK = { try: 0.5, hold_max: 1 }
const PATIENT = { try: 15, hold_max: 20 }

const fits = (test: (iq: string) => boolean) => ({ test }) as RegExp
const done = (iq: string) => Number(/ done='(\d+)'/.exec(iq)?.[1] ?? 0)
const onDisk = async (gated: Gated) => (await readdir(join(gated.folder, 'data', 'gatehouse', SCREEN))).sort()
const idOf = (iq: string) => /id='(gh-[0-9a-f]+)'/.exec(iq)?.[1] ?? assert.fail(iq)
const result = (id: string) => `<iq type='result' from='${SCREEN}' to='${HOST}' id='${id}'/>`

/** Resolves when the server has read everything that the screen wrote before. */
async function fence(screen: AllowScreen, id: string, ...others: AllowScreen[]): Promise<void> {
  screen.write(`<iq type='get' from='${SCREEN}' to='${HOST}' id='${id}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  // Where two streams of one domain are open, the answer comes over either.
  await soon(Promise.race([screen, ...others].map((one) => one.saw(new RegExp(`<iq[^>]* id='${id}'`)))), 'the fence')
}

export function kept({ openGated, skip }: Kind): void {
  describe('what must not be forgotten', { skip }, () => {
    it('tells a settlement again to each new screen until one has acknowledged it, then removes its file', async () => {
      await using gated = await openGated({ options: QUICK })
      const first = await gated.asking({ dies: /<settle / })
      const alice = await gated.login('alice')
      alice.say(BOB, 'MUTE me')
      await alice.got(/id='MUTE-me'/)
      const told = await soon(first.saw(/<settle /), 'the settlement')
      await first.ended
      const settle = /<settle n='1'[^>]*>/.exec(told)?.[0] ?? assert.fail(told)
      assert.equal((await onDisk(gated)).filter((name) => name.startsWith('spool-')).length, 1)
      const second = await gated.screen(SCREEN, { dies: /<settle / })
      assert.ok((await soon(second.saw(/<settle /), 'the settlement again')).includes(settle))
      await second.ended
      const third = await gated.screen()
      assert.ok((await soon(third.saw(/<settle /), 'the settlement once more')).includes(settle))
      await soon(third.saw(fits((iq) => done(iq) === 1)), 'done after the acknowledgement')
      for (const screen of [first, second]) assert.ok(screen.seen.every((iq) => done(iq) === 0))
      assert.deepEqual(await onDisk(gated), ['source'])
    })

    it('replays the same numbers of the same source when it was killed before the acknowledgement, and then no more', async () => {
      const open = { on_outage: 'open' }
      await using stack = new AsyncDisposableStack()
      const first = stack.use(await openGated({ options: open, keepFolder: true }))
      const bob = await first.login('bob')
      const alice = await first.login('alice')
      for (let i = 0; i < 3; i++) alice.say(BOB, `unscreened ${i}`)
      await bob.got(/unscreened 2/)
      await inSpool(first, "<settle n='3'")
      const deaf = await first.asking({ silent: /spooled='true'/ })
      const once = await soon(deaf.saw(/spooled='true'/), 'the first replay')
      first.server.kill('SIGKILL')
      await first.server.exited
      await first[Symbol.asyncDispose]()

      const facts = (iq: string) =>
        [/ source='([0-9a-f]{32})'/.exec(iq)?.[1], ...iq.matchAll(/<(ask|settle) .*?(\/>|<\/ask>)/gs)].map(String)
      const second = stack.use(await openGated({ options: open, folder: first.folder, keepFolder: true }))
      const screen = await second.asking()
      assert.deepEqual(facts(await soon(screen.saw(/spooled='true'/), 'the second replay')), facts(once))
      assert.equal(facts(once).length, 7, 'three questions, three settlements')
      const again = await second.login('alice')
      again.say(BOB, 'behind the replay')
      await soon(screen.saw(/behind the replay/), 'a question behind it')
      await fence(screen, 'f')
      assert.deepEqual(await onDisk(second), ['source'])
      await second[Symbol.asyncDispose]()

      await using third = await openGated({ options: open, folder: first.folder })
      const last = await third.asking()
      const anew = await third.login('alice')
      anew.say(BOB, 'the next run')
      await soon(last.saw(/the next run/), 'a question of the next run')
      assert.ok(!last.seen.some((iq) => iq.includes("spooled='true'")))
    })

    it('tells what is left to the screen when the module was unloaded in between', async () => {
      await using gated = await openGated({ options: QUICK })
      const first = await gated.asking({ dies: /<settle / })
      const alice = await gated.login('alice')
      alice.say(BOB, 'MUTE me')
      await alice.got(/id='MUTE-me'/)
      await soon(first.saw(/<settle /), 'the settlement')
      await first.ended
      await gated.unload(HOST)
      await gated.load(HOST)
      const second = await gated.screen()
      await soon(second.saw(/<settle n='1'/), 'the settlement of the time before')
      await soon(second.saw(fits((iq) => done(iq) === 1)), 'done')
      assert.deepEqual(await onDisk(gated), ['source'])
    })

    it('asks nothing when the disk takes no reservation: what has no number does not pass, and is counted afterwards', async () => {
      await using gated = await openGated()
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      const inTheWay = join(gated.folder, 'data/gatehouse', SCREEN, 'source.new')
      await mkdir(inTheWay)
      for (const i of [0, 1, 2]) alice.say(BOB, `unreserved ${i}`)
      assert.match(await alice.got(/id='unreserved-2'/), /<error type='wait'><resource-constraint/)
      await rmdir(inTheWay)
      await soon(screen.saw(/<outage from='1' to='3' count='3' outcome='bounced'/), 'the count')
      alice.say(BOB, 'reserved')
      await bob.got(/reserved/)
      assert.deepEqual(bodies(bob), ['reserved'])
      assert.ok(!screen.seen.some((iq) => iq.includes('unreserved')))
    })
  })

  describe('what must not happen twice', { skip }, () => {
    for (const mode of ['closed', 'open'] as const)
      it(`releases nothing on an answer that comes after the time-out (${mode})`, async () => {
        await using gated = await openGated({ options: { ...QUICK, on_outage: mode } })
        const screen = await gated.asking()
        const alice = await gated.login('alice')
        const bob = await gated.login('bob')
        alice.say(BOB, 'MUTE late')
        alice.say(BOB, 'LATER late')
        const settled = mode === 'closed' ? 'bounced' : 'unscreened'
        for (const n of [1, 2])
          await soon(screen.saw(new RegExp(`<settle n='${n}' try='0' outcome='${settled}'`)), 'both')
        screen.release()
        await fence(screen, 'f')
        alice.say(BOB, 'and on')
        await bob.got(/and on/)
        assert.deepEqual(bodies(bob), mode === 'closed' ? ['and on'] : ['MUTE late', 'LATER late', 'and on'])
      })

    it('takes the same answer twice for one', async () => {
      await using gated = await openGated({ options: PATIENT })
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'HOLD a')
      alice.say(BOB, 'HOLD b')
      const id = idOf(await soon(screen.saw(/HOLD a/), 'the question'))
      for (let i = 0; i < 5; i++) screen.write(result(id))
      await bob.got(/HOLD a/)
      await fence(screen, 'f')
      assert.deepEqual(bodies(bob), ['HOLD a'])
      screen.release()
      await bob.got(/HOLD b/)
      for (let i = 0; i < 10; i++) alice.say(BOB, `more ${i}`)
      await bob.got(/more 9/)
      assert.equal(bodies(bob).length, 12)
    })

    it('believes no answer of a connection that was replaced, nor one for it on the new connection', async () => {
      await using gated = await openGated({ options: PATIENT })
      const first = await gated.asking()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'HOLD it')
      const id = idOf(await soon(first.saw(/HOLD it/), 'the first try'))
      const second = await gated.screen()
      await soon(second.saw(/<mark /), 'the first word to the second')
      first.write(result(id))
      second.write(result(id))
      await soon(second.saw(/<ask n='1' try='2'/), 'the second try')
      await fence(second, 'f', first)
      assert.deepEqual(bodies(bob), [])
      second.release()
      await bob.got(/HOLD it/)
      await soon(second.saw(/<settle n='1' try='2' outcome='released'/), 'the settlement')
      assert.equal(bodies(bob).length, 1)
    })
  })
}
