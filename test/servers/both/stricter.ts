// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse on an open host whose screen has told that rules are stricter: what it closes while the screen is away, what it
// keeps of it on disk, and what it says of it. PROTOCOL.md section 13.
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import type { Gated, Kind } from './gated.ts'
import { bodies, HOST, SCREEN, soon } from './house.ts'

const BOB = `bob@${HOST}`
const CAROL = `carol@${HOST}`
const OPEN = { on_outage: 'open' }
const BOUNCED = /<error type='wait'><resource-constraint [^>]*\/><text [^>]*>[^<]+<\/text><\/error>/
const place = (gated: Gated) => join(gated.folder, 'data', 'gatehouse', SCREEN)
const file = (gated: Gated) => join(place(gated), 'outage')

const closing = (to: string, id: string, rule = 'no-carol') =>
  `<outage-rules xmlns='urn:gatehouse:screen:1' id='${id}' rooms=''><closed rule='${rule}'><to>${to}</to></closed></outage-rules>`

let told = 0
/** Tells a table and gives what the helper answers. */
async function tell(screen: AllowScreen, table: string, to = HOST): Promise<string> {
  told += 1
  const id = `told-${told}`
  screen.write(`<iq type='set' from='${SCREEN}' to='${to}' id='${id}'>${table}</iq>`)
  return soon(screen.saw(new RegExp(`^<iq [^>]*id='${id}'`)), 'the answer of the helper')
}

async function away(gated: Gated, screen: AllowScreen): Promise<void> {
  await screen.close()
  await soon(gated.server.logged(/not connected; the outage rule applies/), 'the outage')
}

export function stricter({ openGated, skip }: Kind): void {
  describe('a rule that is stricter than an open host', { skip }, () => {
    it('refuses what it means, delivers and spools all else, and is told of by name', async () => {
      await using gated = await openGated({ options: { ...OPEN, try: 0.5, hold_max: 1 } })
      const screen = await gated.asking()
      const [alice, bob, carol] = [await gated.login('alice'), await gated.login('bob'), await gated.login('carol')]
      assert.match(await tell(screen, closing(CAROL, 'a1')), /type='result'/)
      alice.say(CAROL, 'asked and allowed')
      await carol.got(/asked and allowed/)

      alice.say(CAROL, 'MUTE for carol')
      alice.say(BOB, 'MUTE for bob')
      assert.match(await alice.got(/id='MUTE-for-carol'/), BOUNCED)
      await bob.got(/MUTE for bob/)
      await soon(screen.saw(/<settle n='2' try='0' outcome='bounced' rule='no-carol' at=/), 'its settlement')
      await soon(screen.saw(/<ask n='3' [^>]*spooled='true'/), 'the question of the other')
      await soon(screen.saw(/<settle n='3' try='0' outcome='unscreened'/), 'its settlement')
      screen.release()

      await away(gated, screen)
      for (let i = 0; i < 3; i++) {
        alice.say(CAROL, `closed ${i}`)
        alice.say(BOB, `open ${i}`)
      }
      assert.match(await alice.got(/id='closed-2'/), BOUNCED)
      await bob.got(/open 2/)
      const again = await gated.screen()
      await soon(again.saw(/<outage [^>]*count='3' outcome='bounced' rule='no-carol' at=/), 'the outage by rule')
      await soon(again.saw(/open 2/), 'the replay')
      assert.ok(!again.seen.some((iq) => iq.includes('closed 0')), 'what was never asked is not told of')
      assert.deepEqual(bodies(carol), ['asked and allowed'])
      assert.deepEqual(bodies(bob), ['MUTE for bob', 'open 0', 'open 1', 'open 2'])
    })

    it('outlives a kill of the server while the screen is away, is announced, and goes when the screen says so', async () => {
      const first = await openGated({ options: OPEN, keepFolder: true })
      const screen = await first.asking()
      assert.doesNotMatch(screen.seen.join(''), /outage-rules=/)
      assert.match(await tell(screen, closing(CAROL, 'b1')), /type='result'/)
      assert.match(await readFile(file(first), 'utf8'), /^gatehouse-outage 1\n[0-9a-f]{64}\n<outage-rules [^\n]*\n$/)
      first.server.kill('SIGKILL')
      await first.server.exited
      await first[Symbol.asyncDispose]()

      await using second = await openGated({ options: OPEN, folder: first.folder })
      const [alice, bob, carol] = [await second.login('alice'), await second.login('bob'), await second.login('carol')]
      alice.say(CAROL, 'still closed')
      alice.say(BOB, 'still open')
      assert.match(await alice.got(/id='still-closed'/), BOUNCED)
      await bob.got(/still open/)
      const back = await second.asking()
      await soon(back.saw(/<source [^>]* outage-rules='b1'/), 'what it holds')
      assert.match(await tell(back, "<outage-rules xmlns='urn:gatehouse:screen:1' id='none'/>"), /type='result'/)
      await away(second, back)
      alice.say(CAROL, 'open now')
      await carol.got(/open now/)
      assert.deepEqual(bodies(carol), ['open now'])
      const names = await readdir(place(second))
      assert.ok(!names.some((name) => name.endsWith('.new')), String(names))
    })

    it('is changed by a later word, and by none that cannot be taken or comes from elsewhere', async () => {
      await using gated = await openGated({
        options: OPEN,
        components: ['evil.example'],
      })
      const screen = await gated.asking()
      const [alice, bob, carol] = [await gated.login('alice'), await gated.login('bob'), await gated.login('carol')]
      await tell(screen, closing(CAROL, 'c1'))
      const before = await readFile(file(gated), 'utf8')
      for (const [table, condition] of [
        ["<outage-rules xmlns='urn:gatehouse:screen:1'/>", 'bad-request'],
        ["<outage-rules xmlns='urn:gatehouse:screen:1' id='x'><closed rule='r'/></outage-rules>", 'bad-request'],
        ["<outage-rules xmlns='urn:gatehouse:screen:1' id='x' version='2'/>", 'feature-not-implemented'],
      ] as const)
        assert.match(await tell(screen, table), new RegExp(`type='error'.*<${condition} `))
      const evil = await gated.screen('evil.example')
      evil.write(`<iq type='set' from='evil.example' to='${HOST}' id='evil'>${closing(BOB, 'evil')}</iq>`)
      assert.match(await soon(evil.saw(/id='evil'/), 'the answer'), /<forbidden /)
      assert.equal(await readFile(file(gated), 'utf8'), before)
      await tell(screen, closing(BOB, 'c2', 'no-bob'))
      await away(gated, screen)
      alice.say(BOB, 'closed to bob')
      alice.say(CAROL, 'open to carol')
      assert.match(await alice.got(/id='closed-to-bob'/), BOUNCED)
      await carol.got(/open to carol/)
      assert.deepEqual(bodies(bob), [])
    })

    it('does not make a closed host less strict, and survives a reload of the module', async () => {
      await using gated = await openGated()
      const screen = await gated.asking()
      const alice = await gated.login('alice')
      await tell(screen, "<outage-rules xmlns='urn:gatehouse:screen:1' id='d1'><allow><always/></allow></outage-rules>")
      await gated.reload(HOST)
      await away(gated, screen)
      alice.say(CAROL, 'closed by the host')
      assert.match(await alice.got(/id='closed-by-the-host'/), BOUNCED)
      const again = await gated.screen()
      const report = await soon(again.saw(/<outage /), 'the outage')
      assert.match(report, /count='1' outcome='bounced' at=/, 'no rule is named')
      assert.match(again.seen.join(''), /<source [^>]* outage-rules='d1'/)
    })

    it('closes open hosts where its file is damaged or of a later version, says which, and mends when told anew', async () => {
      const first = await openGated({ options: OPEN, keepFolder: true })
      await tell(await first.asking(), closing(CAROL, 'e1'))
      await first.server.stop()
      await first[Symbol.asyncDispose]()
      const good = await readFile(file(first), 'utf8')
      for (const [bad, says] of [
        [good.slice(0, -20), /none of ours, or damaged/],
        [good.replace(CAROL, 'nobody@corp.example'), /none of ours, or damaged/],
        [good.replace(/ 1\n/, ' 7\n'), /version 7, written by a later helper/],
        ['', /none of ours, or damaged/],
      ] as const) {
        await writeFile(file(first), bad)
        await using gated = await openGated({ options: OPEN, folder: first.folder, keepFolder: true })
        const line = await soon(gated.server.logged(/outage cannot be read/), 'the log')
        assert.match(line, says)
        assert.match(line, /nothing passes on its hosts, also not on open ones, until it has told its rules anew/)
        const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
        alice.say(BOB, 'not known')
        assert.match(await alice.got(/id='not-known'/), BOUNCED)
        const screen = await gated.asking()
        await soon(screen.saw(/<source [^>]* outage-rules='damaged'/), 'the announcement')
        await tell(screen, closing(CAROL, 'e2'))
        await away(gated, screen)
        alice.say(BOB, 'mended')
        await bob.got(/mended/)
        assert.deepEqual(bodies(bob), ['mended'])
      }
      await using gone = await openGated({ options: OPEN, folder: first.folder })
      await gone.login('alice')
    })

    it('holds where the disk does not take it, and says that it would not outlive a restart', async () => {
      await using gated = await openGated({ options: OPEN })
      const screen = await gated.asking()
      const [alice, carol] = [await gated.login('alice'), await gated.login('carol')]
      await mkdir(`${file(gated)}.new`)
      assert.match(await tell(screen, closing(CAROL, 'f1')), /type='error'.*<error type='wait'><resource-constraint /)
      await gated.server.logged(/cannot be kept in .*outage/)
      await away(gated, screen)
      alice.say(CAROL, 'closed in memory')
      assert.match(await alice.got(/id='closed-in-memory'/), BOUNCED)
      assert.deepEqual(bodies(carol), [])
    })
  })
}
