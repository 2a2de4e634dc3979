// SPDX-License-Identifier: Apache-2.0
// How much mod_gatehouse holds at most on ejabberd, and what it does not even ask about. PROTOCOL.md section 10.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodies, HOST, noEjabberd, openGated, soon } from './gated.ts'

const ALICE = `alice@${HOST}`
const BOB = `bob@${HOST}`
const PATIENT = { try: 15, hold_max: 20 }

describe('what is held on ejabberd', { skip: noEjabberd }, () => {
  it('is bounded by the bytes of questions: above them the stanza is bounced at once, and below them asked again', async () => {
    await using gated = await openGated({ options: { ...PATIENT, max_bytes: 20_000 } })
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
    assert.match(await bob.got(/id='from-bob'/), /resource-constraint/)
    assert.ok(!screen.seen.some((iq) => /too many bytes|from bob/.test(iq)), 'nobody was asked')
    screen.release()
    assert.match(await carol.got(/id='too-many-bytes'/), /resource-constraint/)
    await bob.got(/HOLD whole/)
    carol.say(BOB, 'room again')
    await bob.got(/room again/)
  })

  it('is bounded for what is not asked about too: what has no room behind a held one is bounced', async () => {
    await using gated = await openGated({ options: { ...PATIENT, max_questions: 20 } })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    alice.say(BOB, 'HOLD this')
    await soon(screen.saw(/HOLD this/), 'the question')
    for (let i = 0; i < 30; i++)
      alice.client.send(
        `<message to='${BOB}' type='chat' id='state${i}.'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
      )
    const carol = await gated.login('carol')
    carol.say(BOB, 'HOLD of carol')
    await soon(screen.saw(/HOLD of carol/), 'what others send')
    carol.client.send(
      `<message to='${BOB}' type='chat' id='of-carol'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    )
    screen.release()
    assert.match(await alice.got(/id='state29\.'/), /resource-constraint/)
    await bob.got(/id='state19\.'/)
    const [through, back] = [bob.inbox, alice.inbox].map((inbox) => inbox.filter((one) => /id='state\d+\.'/.test(one)))
    assert.deepEqual([through?.length, back?.length], [20, 10])
    // The memory is given back: there is room for as many again.
    alice.say(BOB, 'HOLD again')
    await soon(screen.saw(/HOLD again/), 'the question')
    for (let i = 0; i < 20; i++)
      alice.client.send(
        `<message to='${BOB}' type='chat' id='more${i}.'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
      )
    alice.client.send("<iq type='get' id='fence'><query xmlns='jabber:iq:roster'/></iq>")
    screen.release()
    await bob.got(/id='more18\.'/)
  })

  it('never is a question larger than a screen reads, whatever the client limit, nor nested more deeply', async () => {
    await using gated = await openGated({
      settings: { listeners: { c2s: { max_stanza_size: 1_048_576 } } },
    })
    const screen = await gated.asking()
    assert.match(
      await soon(gated.ejabberd.logged(/than a screen reads/), 'the word in the log'),
      /larger than 3932160 bytes/,
    )
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    const growing = (bytes: number) =>
      `<x xmlns='urn:x'>${`<y said="${"'".repeat(1_000)}"/>`.repeat(bytes / 6_000)}</x>`
    alice.say(BOB, 'too large', growing(4_000_000))
    assert.match(await alice.got(/id='too-large'/), /policy-violation/)
    alice.say(BOB, 'too deep', `${"<x xmlns='urn:x'>".repeat(101)}${'</x>'.repeat(101)}`)
    assert.match(await alice.got(/id='too-deep'/), /policy-violation/)
    alice.say(BOB, 'large', growing(3_900_000))
    await bob.got(/id='large'/)
    assert.ok(Math.max(...screen.seen.map((iq) => iq.length)) <= 4_194_304)
    assert.deepEqual(bodies(bob), ['large'])
    await soon(screen.saw(/<settle [^>]*outcome='refused'/), 'the settlement')
  })
})
