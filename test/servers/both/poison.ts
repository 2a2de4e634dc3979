// SPDX-License-Identifier: Apache-2.0
// What one person, one host or one record does wrong stays with it: no stream of the screen ends, no other host is closed.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Kind } from './gated.ts'
import { HOST, SCREEN, soon } from './house.ts'

const BOB = `bob@${HOST}`
const OPEN = { on_outage: 'open' }
const POISON = [
  `<a>${'<a>'.repeat(125)}${'</a>'.repeat(125)}</a>`,
  '<xml:foo/>',
  `<x xmlns:p='urn:${'u'.repeat(4000)}'>${'<p:a/>'.repeat(1200)}</x>`,
]
const fits = (test: (iq: string) => boolean) => ({ test }) as RegExp

export function poison({ openGated, skip }: Kind): void {
  describe('what cannot be asked about', { skip }, () => {
    it('is refused while the screen is away too (open), never stands in the spool, and is on record by its number', async () => {
      await using gated = await openGated({ options: OPEN })
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      for (const [at, poison] of POISON.entries()) alice.say(BOB, `poison ${at}`, poison)
      for (const at of POISON.keys()) assert.match(await alice.got(new RegExp(`id='poison-${at}'`)), /policy-violation/)
      alice.say(BOB, 'plain')
      await bob.got(/plain/)
      assert.equal(bob.inbox.filter((stanza) => /poison/.test(stanza)).length, 0)
      const screen = await gated.asking()
      for (const n of [1, 2, 3])
        await soon(screen.saw(new RegExp(`<settle n='${n}' try='0' outcome='refused'`)), `number ${n}`)
      await soon(screen.saw(/<settle n='4' try='0' outcome='unscreened'/), 'the plain one')
      assert.ok(!screen.seen.some((iq) => /poison/.test(iq)))
    })

    for (const mode of ['closed', 'open'])
      it(`is refused with a number where the screen is there (${mode})`, async () => {
        await using gated = await openGated({ options: { on_outage: mode } })
        const screen = await gated.asking()
        const alice = await gated.login('alice')
        const bob = await gated.login('bob')
        for (const [at, poison] of POISON.entries()) alice.say(BOB, `poison ${at}`, poison)
        for (const at of POISON.keys())
          assert.match(await alice.got(new RegExp(`id='poison-${at}'`)), /policy-violation/)
        await soon(screen.saw(/<settle n='3' try='0' outcome='refused'/), 'the settlement')
        alice.say(BOB, 'DENY this')
        assert.match(await alice.got(/id='DENY-this'/), /no such word/)
        alice.say(BOB, 'plain')
        await bob.got(/plain/)
        await soon(screen.saw(fits((iq) => Number(/ done='(\d+)'/.exec(iq)?.[1]) >= 4)), 'done')
      })
  })

  describe('a record with which the connection ends', { skip }, () => {
    it('is put aside after the second time; what stands behind it is told', async () => {
      await using gated = await openGated({ options: OPEN })
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      for (const body of ['before', 'KILLER', 'behind']) alice.say(BOB, body)
      await bob.got(/behind/)
      for (let time = 0; time < 3; time++) await (await gated.screen(SCREEN, { dies: /KILLER/ })).ended
      const screen = await gated.screen(SCREEN, { dies: /KILLER/ })
      await soon(screen.saw(/<body>behind/), 'the record behind')
      const folder = join(gated.folder, 'data', 'gatehouse', SCREEN)
      const aside = (await readdir(folder)).filter((name) => name.startsWith('refused-'))
      assert.equal(aside.length, 1)
      assert.match(await readFile(join(folder, aside[0] ?? ''), 'utf8'), /KILLER/)
      assert.match(await gated.server.logged(/ended twice at one record/), /put aside/)
    })
  })

  describe('a host that the screen does not know', { skip }, () => {
    it('has its own outage, said loudly; the other host goes on, and done too', async () => {
      const other = 'other.example'
      await using gated = await openGated({
        hosts: [other],
        accounts: ['alice', 'bob'].map((user) => `${user}@${other}`),
      })
      const screen = await gated.asking({ stranger: other })
      const eve = await gated.login('alice', { host: other })
      for (let i = 0; i < 5; i++) {
        eve.say(`bob@${other}`, `strange ${i}`)
        assert.match(await eve.got(new RegExp(`id='strange-${i}'`)), /resource-constraint/)
      }
      assert.match(
        await gated.server.logged(/does not know host other\.example/),
        /add other\.example to `hosts:` in policy\.yaml/,
      )
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'known')
      await bob.got(/known/)
      alice.say(BOB, 'and known')
      await bob.got(/and known/)
      const n = Number(
        /<ask n='(\d+)'(?=[^?]*and known)/.exec(await soon(screen.saw(/and known/), 'the question'))?.[1],
      )
      assert.ok(n >= 2)
      const said = fits((iq) => iq.includes(`from='${HOST}'`) && Number(/ done='(\d+)'/.exec(iq)?.[1]) >= n)
      await soon(screen.saw(said), 'done')
    })
  })

  describe('the module leaves its last host', { skip }, () => {
    it('tells what is owed, then the closing mark with all of it done; loaded again it is another source', async () => {
      await using gated = await openGated({ options: { try: 0.5 } })
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'MUTE this')
      await alice.got(/id='MUTE-this'/)
      alice.say(BOB, 'plain')
      await bob.got(/plain/)
      await gated.unload(HOST)
      const last = await soon(screen.saw(/<mark [^>]*end='true'/), 'the closing mark')
      assert.match(last, / done='2'.*<mark last='2'/)
      await gated.load(HOST)
      const source = / source='([0-9a-f]{32})'/.exec(last)?.[1]
      await soon(screen.saw(new RegExp(`predecessor='${source}' predecessor-mark='2'`)), 'the successor')
    })
  })
}
