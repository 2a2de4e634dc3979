// SPDX-License-Identifier: Apache-2.0
// How long and how much mod_gatehouse holds at most, and what it does with what comes while it leaves. PROTOCOL.md sections 4, 7, 10.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodies, HOST, openGated, soon } from './gated.ts'

const ALICE = `alice@${HOST}`
const BOB = `bob@${HOST}`
// A try that would outlast the test: what ends the waiting is the other bound.
const HELD_SHORTLY = ['gatehouse_try = 60', 'gatehouse_hold_max = 2']

describe('the longest time that a stanza is held', () => {
  it('holds for a second try, however late its connection came', async () => {
    await using gated = await openGated({ lines: HELD_SHORTLY })
    const first = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    alice.say(BOB, 'HOLD over')
    await soon(first.saw(/HOLD over/), 'the first try')
    await first.close()
    const second = await gated.screen()
    await soon(second.saw(/<ask n='1' try='2'/), 'the second try')
    assert.match(await alice.got(/id='HOLD-over'/), /resource-constraint/)
    await soon(second.saw(/<settle n='1' try='0' outcome='bounced'/), 'the settlement')
    second.release()
    alice.say(BOB, 'and on')
    await bob.got(/and on/)
    assert.deepEqual(bodies(bob), ['and on'], 'the late answer is ignored')
  })

  it('holds for what is asked once, and for what waits to be asked', async () => {
    await using gated = await openGated({ lines: HELD_SHORTLY })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    const carol = await gated.login('carol')
    for (let i = 0; i < 3; i++) {
      alice.say(BOB, `HOLD ${i}`)
      await soon(screen.saw(new RegExp(`HOLD ${i}`)), 'a question')
    }
    carol.say(BOB, 'HOLD collected')
    for (const i of [0, 1, 2]) assert.match(await alice.got(new RegExp(`id='HOLD-${i}'`)), /resource-constraint/)
    assert.match(await carol.got(/id='HOLD-collected'/), /resource-constraint/)
    screen.release()
    carol.say(BOB, 'and on')
    await soon(screen.saw(/and on/), 'the question behind')
    screen.release()
    await bob.got(/and on/)
    assert.deepEqual(bodies(bob), ['and on'])
  })
})

describe('questions under way', () => {
  it('are bounded by their bytes: above them the stanza is bounced at once, and below them asked again', async () => {
    await using gated = await openGated({
      lines: ['gatehouse_max_bytes = 20000', 'gatehouse_try = 15', 'gatehouse_hold_max = 20'],
    })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    const carol = await gated.login('carol')
    alice.say(BOB, 'HOLD half', `<x xmlns='urn:x'>${'.'.repeat(11_000)}</x>`)
    await soon(screen.saw(/HOLD half/), 'the first question')
    carol.say(BOB, 'HOLD whole', `<x xmlns='urn:x'>${'.'.repeat(11_000)}</x>`)
    await soon(screen.saw(/HOLD whole/), 'the second question')
    carol.say(BOB, 'too many bytes')
    bob.say(ALICE, 'from bob')
    assert.match(await bob.got(/id='from-bob'/), /type='error'.*resource-constraint/)
    assert.ok(!screen.seen.some((iq) => /too many bytes|from bob/.test(iq)), 'nobody was asked')
    screen.release()
    assert.match(await carol.got(/id='too-many-bytes'/), /type='error'.*resource-constraint/)
    await bob.got(/HOLD whole/)
    carol.say(BOB, 'room again')
    await bob.got(/room again/)
  })
})

describe('reports that wait for the screen', () => {
  it('are bounded by their bytes too', async () => {
    await using gated = await openGated({
      lines: ['gatehouse_on_outage = "open"', 'gatehouse_max_bytes = 20000'],
      settings: { modules: ['announce'], global: [`admins = { "${ALICE}" }`] },
    })
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    for (let i = 0; i < 10; i++) {
      const body = `closes at ${i} ${'.'.repeat(5000)}`
      alice.client.send(`<message to='${HOST}/announce/online' id='an${i}'><body>${body}</body></message>`)
      await bob.got(new RegExp(`closes at ${i} `))
    }
    const screen = await gated.asking()
    bob.say(ALICE, 'behind')
    await soon(screen.saw(/<ask [^?]*behind/), 'a question behind it')
    await soon(screen.saw(/<observed /), 'what there was room for')
    const told = screen.seen.join('').match(/<observed /g)?.length ?? 0
    assert.ok(told >= 1 && told <= 3, `${told} of 20`)
  })
})

describe('the largest question', () => {
  it('never is larger than a screen reads, whatever the client limit', async () => {
    await using gated = await openGated({ settings: { global: ['c2s_stanza_size_limit = 1048576'] } })
    const screen = await gated.asking()
    assert.match(
      await soon(gated.prosody.logged(/more than a screen reads/), 'the word in the log'),
      /larger than 3932160 bytes/,
    )
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    // An apostrophe is written with six bytes. In many attributes: from 2.6 on, Expat (Debian 13) leaves one that comes in pieces
    // unread until as much again has come.
    const growing = (bytes: number) =>
      `<x xmlns='urn:x'>${`<y said="${"'".repeat(1_000)}"/>`.repeat(bytes / 6_000)}</x>`
    alice.say(BOB, 'too large', growing(4_000_000))
    assert.match(await alice.got(/id='too-large'/), /policy-violation/)
    alice.say(BOB, 'large', growing(3_900_000))
    await bob.got(/id='large'/)
    assert.ok(Math.max(...screen.seen.map((iq) => iq.length)) <= 4_194_304)
  })
})

describe('what comes while the module leaves', () => {
  it('is bounced and counted up to the closing mark', async () => {
    await using gated = await openGated({ lines: ['gatehouse_try = 15', 'gatehouse_hold_max = 20'] })
    // Settlements are not acknowledged: the module waits a second for that before it says its last word.
    const screen = await gated.asking({ silent: /<settle|<outage/ })
    const alice = await gated.login('alice')
    alice.say(BOB, 'HOLD first')
    await soon(screen.saw(/HOLD first/), 'the question')
    const gone = gated.shell(`module:unload("gatehouse", "${HOST}")`)
    assert.match(await alice.got(/id='HOLD-first'/), /resource-constraint/)
    alice.say(BOB, 'meanwhile')
    assert.match(await alice.got(/id='meanwhile'/), /resource-constraint/)
    await gone
    const last = await soon(screen.saw(/<mark [^>]*end='true'/), 'the closing mark')
    assert.match(last, /<mark last='2'/)
    await screen.close()
    await gated.shell(`module:load("gatehouse", "${HOST}")`)
    const second = await gated.screen()
    await soon(second.saw(/<outage from='2' to='2' count='1' outcome='bounced'/), 'the count')
  })
})
