// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse when the screen is silent, gone, or comes back: the outage rule, breaker, second try, spool. PROTOCOL.md section 7.
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Kind } from './gated.ts'
import { bodies, HOST, SCREEN, soon } from './house.ts'
import { inSpool, spools } from './spools.ts'

const BOB = `bob@${HOST}`
const BOUNCED =
  /<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'\/><text [^>]*>[^<]+<\/text><\/error>/

export function outage({ openGated, skip }: Kind): void {
  describe('closed: without an answer nothing passes', { skip }, () => {
    it('bounces at once when no screen is connected, counts it in one outage report, and asks again after it has come', async () => {
      await using gated = await openGated()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      for (let i = 0; i < 5; i++) alice.say(BOB, `nobody ${i}`)
      assert.match(await alice.got(/id='nobody-4'/), BOUNCED)
      const screen = await gated.asking()
      const report = await soon(screen.saw(/<outage /), 'the outage report')
      assert.match(report, /<outage from='1' to='5' count='5' outcome='bounced' at='[^']+'\/>/)
      alice.say(BOB, 'now')
      await bob.got(/now/)
      assert.deepEqual(bodies(bob), ['now'])
      alice.say(BOB, 'and then')
      await soon(
        screen.saw({ test: (iq: string) => Number(/ done='(\d+)'/.exec(iq)?.[1]) >= 6 } as RegExp),
        'done after the report',
      )
      assert.deepEqual(await spools(gated), [], 'what is acknowledged leaves the disk')
    })

    it('bounces after the try, settles each such number, holds done below it until that is acknowledged', async () => {
      await using gated = await openGated({ options: { try: 0.5, hold_max: 1 } })
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      alice.say(BOB, 'MUTE this')
      assert.match(await alice.got(/id='MUTE-this'/), BOUNCED)
      assert.match(
        await soon(screen.saw(/<settle /), 'the settlement'),
        /<settle n='1' try='0' outcome='bounced' at='[^']+'\/>/,
      )
      assert.ok(
        screen.seen
          .filter((iq) => !iq.includes('<settle'))
          .every((iq) => Number(/ done='(\d+)'/.exec(iq)?.[1] ?? 0) < 1),
      )
    })

    it('opens the breaker after three time-outs, probes, and comes back', async () => {
      await using gated = await openGated({ options: { try: 0.5, hold_max: 1 } })
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      for (const user of ['1', '2', '3']) alice.say(BOB, `MUTE ${user}`)
      await alice.got(/id='MUTE-3'/)
      await soon(gated.server.logged(/three time-outs in a row/), 'the breaker')
      alice.say(BOB, 'while open')
      assert.match(await alice.got(/id='while-open'/), BOUNCED)
      assert.ok(!screen.seen.some((iq) => iq.includes('while open')), 'nobody was asked')
      const back = soon(
        screen.saw(/<outage from='4' to='4' count='1' outcome='bounced'/),
        'the report of the bounced one',
      )
      await back
      alice.say(BOB, 'welcome back')
      await bob.got(/welcome back/)
    })

    it('goes on asking after two time-outs in a row, however often', async () => {
      await using gated = await openGated({ options: { try: 0.5, hold_max: 1 } })
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      const marks = () => screen.seen.filter((iq) => iq.includes('<mark ')).length
      const before = marks()
      for (const round of ['once', 'again']) {
        const muted = [`MUTE one ${round}`, `MUTE two ${round}`]
        for (const body of muted) alice.say(BOB, body)
        for (const body of muted)
          assert.match(await alice.got(new RegExp(`id='${body.replaceAll(' ', '-')}'`)), BOUNCED)
        alice.say(BOB, `asked ${round}`)
        await bob.got(new RegExp(`asked ${round}`))
      }
      // A breaker that had opened would have taken three answered probes to close.
      assert.ok(marks() - before < 3, 'no breaker opened')
    })

    it('probes a silent screen once a second, however long a try lasts, and asks after three good answers, not two', async () => {
      await using gated = await openGated({ options: { try: 20, hold_max: 25 } })
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      let answers = 0
      const silent = { test: (iq: string) => iq.includes('<mark ') && --answers < 0 } as RegExp
      const screen = await gated.screen(SCREEN, { silent })
      const marks = () =>
        [...screen.seen.join('').matchAll(/<mark [^>]*at='([^']+)'/g)].map(([, at = '']) => Date.parse(at))
      const marked = (count: number) =>
        soon(screen.saw({ test: () => marks().length >= count } as unknown as RegExp), `${count} marks`)
      await marked(4)
      const gaps = marks().flatMap((at, i, all) => (i === 0 ? [] : [at - (all[i - 1] ?? 0)]))
      assert.ok(Math.min(...gaps) >= 990 && Math.max(...gaps) < 3_000, `one a second: ${gaps}`)

      answers = 2
      await marked(7)
      alice.say(BOB, 'after two')
      assert.match(await alice.got(/id='after-two'/), BOUNCED)
      assert.ok(!screen.seen.some((iq) => iq.includes('after two')), 'two are not enough')
      answers = 1
      await soon(gated.server.logged(/questions are asked/), 'the third')
      answers = Number.POSITIVE_INFINITY
      alice.say(BOB, 'after three')
      await bob.got(/after three/)
    })

    it('asks a second time over a new connection what the old one left unanswered', async () => {
      // Longer than the test waits: it is the end of the connection that ends the first try.
      await using gated = await openGated({ options: { try: 60, hold_max: 65 } })
      const first = await gated.asking()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'HOLD over')
      await soon(first.saw(/HOLD over/), 'the first try')
      await first.close()
      const second = await gated.screen()
      assert.match(await soon(second.saw(/HOLD over/), 'the second try'), /<ask n='1' try='2' at=/)
      second.release()
      await bob.got(/HOLD over/)
      assert.match(
        await soon(second.saw(/<settle /), 'the settlement of a second try'),
        /<settle n='1' try='2' outcome='released'/,
      )
      assert.equal(bodies(bob).length, 1)
    })

    it('bounces what is above the bounds, at once', async () => {
      await using gated = await openGated({
        options: { max_questions: 2, try: 15, hold_max: 20 },
      })
      const screen = await gated.asking()
      const bob = await gated.login('bob')
      const alice = await gated.login('alice')
      const carol = await gated.login('carol')
      alice.say(BOB, 'HOLD 1')
      alice.say(BOB, 'HOLD 2')
      await soon(screen.saw(/HOLD 2/), 'the second question')
      carol.say(BOB, 'one too many')
      assert.match(await carol.got(/id='one-too-many'/), BOUNCED)
      screen.release()
      await bob.got(/HOLD 2/)
      carol.say(BOB, 'room again')
      await bob.got(/room again/)
    })
  })

  describe('open: delivered unscreened, kept, told later', { skip }, () => {
    const OPEN = { on_outage: 'open' }

    it('delivers, keeps the question on disk, and replays it beside live traffic', async () => {
      await using gated = await openGated({ options: OPEN })
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      for (let i = 0; i < 10; i++) alice.say(BOB, `unscreened ${i}`)
      await bob.got(/unscreened 9/)
      assert.deepEqual(
        bodies(bob),
        [...Array(10).keys()].map((i) => `unscreened ${i}`),
      )
      const [kept] = await spools(gated)
      assert.match(kept ?? '', /unscreened 9/)
      const screen = await gated.asking()
      const replayed = await soon(screen.saw(/unscreened 9/), 'the replay')
      for (let n = 1; n <= 10; n++) {
        assert.match(replayed, new RegExp(`<ask n='${n}' at='[^']+' spooled='true'>`))
        await soon(screen.saw(new RegExp(`<settle n='${n}' try='0' outcome='unscreened'`)), `the settlement of ${n}`)
      }
      alice.say(BOB, 'asked again')
      await bob.got(/asked again/)
      alice.say(BOB, 'and again')
      await soon(
        screen.saw({ test: (iq: string) => Number(/ done='(\d+)'/.exec(iq)?.[1]) >= 11 } as RegExp),
        'everything done',
      )
      assert.deepEqual(await spools(gated), [])
    })

    it('keeps what it let through over kill -9, and the next run tells it with the old source and announces its predecessor', async () => {
      const first = await openGated({ options: OPEN, keepFolder: true })
      const alice = await first.login('alice')
      const bob = await first.login('bob')
      alice.say(BOB, 'before the kill')
      await bob.got(/before the kill/)
      await inSpool(first, "<settle n='1'")
      first.server.kill('SIGKILL')
      await first.server.exited
      await first[Symbol.asyncDispose]()
      await using second = await openGated({ options: OPEN, folder: first.folder })
      const screen = await second.asking()
      const replayed = await soon(screen.saw(/before the kill/), 'the replay')
      const old = / source='([0-9a-f]{32})'/.exec(replayed)?.[1]
      assert.match(replayed, /<source at=/, 'the old source is announced with it')
      const own = screen.seen.find((iq) => /predecessor=/.test(iq)) ?? ''
      assert.match(own, new RegExp(`predecessor='${old}' predecessor-mark='0' predecessor-reserved='1000'`))
      assert.notEqual(/ source='([0-9a-f]{32})'/.exec(own)?.[1], old)
      assert.match(replayed, /<settle n='1' try='0' outcome='unscreened'/)
    })

    it('closes the host when the spool is full, and opens it after the replay', async () => {
      await using gated = await openGated({ options: { ...OPEN, spool_max_bytes: 3000 } })
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      for (let i = 0; i < 20; i++) alice.say(BOB, `filling ${i}`)
      assert.match(await alice.got(/id='filling-19'/), BOUNCED)
      const screen = await gated.asking()
      const count = (pattern: RegExp) => screen.seen.join('').match(pattern)?.length ?? 0
      const told = () => {
        const through = count(/spooled='true'/g)
        const bounced = Number(/<outage [^>]*count='(\d+)'/.exec(screen.seen.join(''))?.[1] ?? 0)
        return { through, bounced, all: through + bounced + count(/<settle [^>]*outcome='bounced'/g) }
      }
      // What had a number when it did not fit has a settlement of its own, which may come a screen later than the others.
      await soon(screen.saw({ test: () => told().all >= 20 } as unknown as RegExp), 'each of the twenty')
      const { through } = told()
      assert.ok(through > 0 && through < 20)
      alice.say(BOB, 'open again')
      await bob.got(/open again/)
      assert.deepEqual(bodies(bob), [...Array(through).keys()].map((i) => `filling ${i}`).concat('open again'))
      assert.equal(told().all, 20, 'each is told once')
    })

    it('puts aside the one record that the screen cannot read, and tells all others', async () => {
      await using gated = await openGated({ options: OPEN })
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      for (const body of ['well before', 'POISON', 'well after']) alice.say(BOB, body)
      await bob.got(/well after/)
      const screen = await gated.asking()
      await soon(
        screen.saw({ test: (iq: string) => iq.includes('well after') && !iq.includes('POISON') } as RegExp),
        'the record behind',
      )
      assert.ok(screen.seen.some((iq) => iq.includes('well before') && !iq.includes('POISON')))
      const folder = join(gated.folder, 'data', 'gatehouse', SCREEN)
      const [aside] = (await readdir(folder)).filter((name) => name.startsWith('refused-'))
      assert.match(await readFile(join(folder, aside ?? ''), 'utf8'), /POISON/)
    })

    it('lets through what was asked and not answered, as unscreened', async () => {
      await using gated = await openGated({ options: { ...OPEN, try: 0.5, hold_max: 1 } })
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      const bob = await gated.login('bob')
      alice.say(BOB, 'MUTE but open')
      await bob.got(/MUTE but open/)
      const told = await soon(screen.saw(/spooled='true'/), 'the spooled question')
      assert.match(told, /<ask n='1' try='2' at='[^']+' spooled='true'>/)
      await soon(screen.saw(/<settle n='1' try='0' outcome='unscreened'/), 'the settlement')
    })
  })
}
