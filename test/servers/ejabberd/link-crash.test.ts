// SPDX-License-Identifier: Apache-2.0
// The process on the way to the screen dies while stanzas wait for it: their senders are told at once, nothing is delivered that
// was not answered for, and the next run asks, and names the one before. The stream of a screen that is not the host's has no say; of two of
// the screen itself the newest has it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodies, HOST, type Person, SCREEN, soon } from '../both/house.ts'
import { type Gated, noEjabberd, openGated } from './gated.ts'
import { LINK } from './processes.ts'

const BOB = `bob@${HOST}`
const PATIENT = { try: 15, hold_max: 20 }

const killLink = (gated: Gated) =>
  gated.ejabberd.evaluate(`
    fun Kill() ->
      case ${LINK} of
        undefined -> timer:sleep(1), Kill();
        Link -> Down = monitor(process, Link), exit(Link, kill), receive {'DOWN', Down, _, _, _} -> killed end
      end
    end().`)

/** Until the screen has answered three times nothing is asked, and what somebody says to himself comes back as an error. */
async function asksAgain(person: Person): Promise<void> {
  const own = person.client.jid.replace(/\/.*/, '')
  for (let word = 0; bodies(person).length === 0; word++) {
    person.say(own, `word ${word}`)
    await person.got(new RegExp(`id='word-${word}'`))
  }
}

describe('the process on the way to the screen', { skip: noEjabberd }, () => {
  it('dies: who waits is told at once, and the next one is another source that asks over the same connection', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
    alice.say(BOB, 'HOLD over the crash')
    alice.say(BOB, 'HOLD this too')
    const asked = await soon(screen.saw(/HOLD this too/), 'the question')
    const source = / source='([0-9a-f]{32})'/.exec(asked)?.[1]
    await killLink(gated)
    for (const id of ['HOLD-over-the-crash', 'HOLD-this-too'])
      assert.match(await alice.got(new RegExp(`id='${id}'`)), /<error type='wait'><resource-constraint/)
    await soon(screen.saw(new RegExp(`predecessor='${source}'`)), 'the next run')
    await asksAgain(alice)
    // What answers the run before is nobody's.
    screen.release()
    alice.say(BOB, 'behind the crash')
    await bob.got(/behind the crash/)
    assert.deepEqual(bodies(bob), ['behind the crash'])
  })

  it('dies again and again: the server and the sessions stay', async () => {
    await using gated = await openGated()
    await gated.asking()
    const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
    for (let time = 0; time < 3; time++) await killLink(gated)
    await asksAgain(alice)
    alice.say(BOB, 'still there')
    await bob.got(/still there/)
  })

  it('and what keeps it running die: all hosts are asked for again', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
    alice.say(BOB, 'before')
    const source = / source='([0-9a-f]{32})'/.exec(await soon(screen.saw(/before/), 'the question'))?.[1]
    await gated.ejabberd.evaluate('exit(whereis(gatehouse_sup), kill).')
    await soon(screen.saw(new RegExp(`predecessor='${source}'`)), 'the next run')
    await asksAgain(alice)
    alice.say(BOB, 'behind it')
    await bob.got(/behind it/)
  })

  it('takes no answer from the stream of another component, whatever its `from` says', async () => {
    await using gated = await openGated({ options: PATIENT, components: ['evil.example'] })
    const screen = await gated.asking()
    const evil = await gated.screen('evil.example')
    const [alice, bob] = [await gated.login('alice'), await gated.login('bob')]
    alice.say(BOB, 'HOLD it')
    const id = / id='(gh-[0-9a-f]{24})'/.exec(await soon(screen.saw(/HOLD it/), 'the question'))?.[1]
    // ejabberd takes each other's `from` from the components of one listener.
    for (const from of ['evil.example', SCREEN])
      evil.write(`<iq type='result' from='${from}' to='${HOST}' id='${id}'/>`)
    evil.write(`<iq type='get' from='evil.example' to='${HOST}' id='fence'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await soon(evil.saw(/id='fence'/), 'the fence')
    assert.deepEqual(bodies(bob), [])
    screen.release()
    await bob.got(/HOLD it/)

    // Of two streams of the screen itself the newest is asked, and the other one again when that ends.
    const newer = await gated.screen()
    await soon(newer.saw(/<mark /), 'the first word to the newer')
    await asksAgain(alice)
    alice.say(BOB, 'to the newer')
    await soon(newer.saw(/to the newer/), 'the question over the newer')
    await bob.got(/to the newer/)
    alice.say(BOB, 'HOLD over its end')
    await soon(newer.saw(/HOLD over its end/), 'the question over the newer')
    await newer.close()
    assert.match(await soon(screen.saw(/HOLD over its end/), 'the second try'), /<ask [^>]*try='2'/)
    screen.release()
    await bob.got(/HOLD over its end/)
    assert.ok(!screen.seen.some((iq) => iq.includes('to the newer')))
  })
})
