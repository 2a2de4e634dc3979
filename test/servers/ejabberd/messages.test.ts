// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse on ejabberd: hold, ask, obey, in order. PROTOCOL.md sections 2, 5, 6 and 8.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { AllowScreen } from '../prosody/allow-screen.ts'
import { bodies, type Gated, HOST, noEjabberd, openGated, type Person, soon } from './gated.ts'

describe('what a client sends through mod_gatehouse', { skip: noEjabberd }, () => {
  let gated: Gated
  let screen: AllowScreen
  let alice: Person
  let bob: Person
  const BOB = `bob@${HOST}`
  before(async () => {
    gated = await openGated()
    screen = await gated.asking()
    alice = await gated.login('alice')
    bob = await gated.login('bob')
  })
  after(() => gated[Symbol.asyncDispose]())

  it('passes on an empty result, and the question held the stanza as it was, standing alone', async () => {
    alice.client.send(
      `<message to='${BOB}' type='chat' id='m1' xml:lang='de'><body>it's &lt;b&gt; &amp; &quot;c&quot;</body><x xmlns='urn:x' xmlns:y='urn:y' y:k="a'b&#10;c"><z xmlns=''/></x></message>`,
    )
    assert.match(await bob.got(/id='m1'/), /<body[^>]*>it(&apos;|')s &lt;b&gt; &amp; (&quot;|")c(&quot;|")<\/body>/)
    const question = await soon(screen.saw(/id='m1'/), 'the question')
    assert.match(question, /<ask [^>]*n='\d+'/)
    assert.match(question, /<ask [^>]*at='\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z'/)
    assert.match(question, /<forwarded xmlns='urn:xmpp:forward:0'><message [^>]*xmlns='jabber:client'/)
    assert.match(question, new RegExp(`<message [^>]*from='alice@${HOST}/r'`))
    assert.match(question, /<body[^>]*>it(&apos;|')s &lt;b&gt; &amp; (&quot;|")c(&quot;|")<\/body>/)
    const [, prefix] = /xmlns:(\w+)='urn:y'/.exec(question) ?? []
    assert.match(question, new RegExp(` ${prefix}:k='a&apos;b&#(10|xA|xa);c'`))
    assert.match(question, /<z xmlns=''\/><\/x>/)
  })

  it('refuses with the given condition and text, and delivers nothing', async () => {
    alice.say(BOB, 'DENY me')
    const error = await alice.got(/id='DENY-me'/)
    assert.match(error, /type='error'/)
    assert.match(
      error,
      /<error type='modify'><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'\/><text [^>]*>no such word<\/text><\/error>/,
    )
    assert.match(error, new RegExp(`from='${BOB}'`))
    alice.say(BOB, 'after the refusal')
    await bob.got(/after the refusal/)
    assert.ok(!bodies(bob).includes('DENY me'))
  })

  it('delivers the replacement, and refuses one that changes the addressee', async () => {
    alice.say(BOB, 'REPLACE one')
    await bob.got(/<body>\[masked\] one<\/body>/)
    alice.say(BOB, 'FORGE two')
    assert.match(await alice.got(/id='FORGE-two'/), /policy-violation/)
  })

  it('treats a verdict it does not know as no answer: the outage rule', async () => {
    alice.say(BOB, 'ODD word')
    assert.match(await alice.got(/id='ODD-word'/), /<error type='wait'><resource-constraint/)
    await soon(screen.saw(/<settle [^>]*outcome='bounced'/), 'the settlement')
  })

  it('keeps the order of one sender, and lets others pass', async () => {
    alice.say(BOB, 'HOLD first')
    alice.say(BOB, 'second')
    alice.client.send(
      `<message to='${BOB}' type='chat' id='state'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    )
    alice.say(BOB, 'DENY third')
    alice.say(BOB, 'fourth')
    await soon(screen.saw(/fourth/), 'the later question while the first waits')
    const carol = await gated.login('carol')
    carol.say(`alice@${HOST}`, 'to alice meanwhile')
    await alice.got(/to alice meanwhile/)
    carol.say(BOB, 'from carol')
    await bob.got(/from carol/)
    assert.ok(!bodies(bob).includes('second'), 'what came behind the held one waits for it')
    screen.release()
    await bob.got(/fourth/)
    const order = bob.inbox.filter((stanza) => /HOLD first|second|composing|fourth/.test(stanza))
    assert.deepEqual(
      order.map((stanza) => /HOLD first|second|composing|fourth/.exec(stanza)?.[0]),
      ['HOLD first', 'second', 'composing', 'fourth'],
    )
    assert.match(await alice.got(/id='DENY-third'/), /policy-violation/)
  })

  it('waits for a verdict that comes later, and takes it', async () => {
    alice.say(BOB, 'LATER yes')
    alice.say(BOB, 'LATER DENY no')
    alice.say(BOB, 'behind later')
    await soon(screen.saw(/behind later/), 'the question behind')
    screen.release()
    await bob.got(/behind later/)
    assert.ok(bodies(bob).includes('LATER yes'))
    assert.match(await alice.got(/id='LATER-DENY-no'/), /policy-violation/)
  })

  it('never asks twice about what stays in the house, nor about copies', async () => {
    alice.say(BOB, 'only once')
    await bob.got(/only once/)
    alice.say(BOB, 'fence one')
    await bob.got(/fence one/)
    assert.equal(screen.seen.filter((iq) => iq.includes('only once')).length, 1)
  })

  it('tells by done that all is settled, and by mark how far the numbers are', async () => {
    const numbers = screen.seen.flatMap((iq) => [...iq.matchAll(/<ask [^>]*n='(\d+)'/g)].map(([, n]) => Number(n)))
    const last = Math.max(...numbers)
    const reached = (iq: string) => Number(/ done='(\d+)'/.exec(iq)?.[1] ?? 0) >= last
    const marked = await soon(
      screen.saw({ test: (iq: string) => reached(iq) && /<mark /.test(iq) } as RegExp),
      'a mark with everything done',
    )
    assert.match(marked, new RegExp(`<mark [^>]*last='${last}'`))
  })
})
