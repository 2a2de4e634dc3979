// SPDX-License-Identifier: Apache-2.0
// mod_gatehouse on ejabberd while stanzas wait: options read again, the module taken out, its host taken away, the server stopped.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodies, HOST, noEjabberd, openGated, soon } from './gated.ts'

const BOB = `bob@${HOST}`
const PATIENT = { try: 15, hold_max: 20 }

/** Fits a line of the log when so many have fitted. */
function times(count: number, pattern: RegExp): RegExp {
  let seen = 0
  return { test: (line: string) => pattern.test(line) && ++seen === count } as RegExp
}

describe('the module on ejabberd while stanzas wait', { skip: noEjabberd }, () => {
  it('reads its options again with 100 waiting: all are delivered, in order, and the new options hold', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    for (let i = 0; i < 100; i++) alice.say(BOB, `HOLD ${i}`)
    await soon(screen.saw(/HOLD 99</), 'the last question')
    await gated.reload({ ...PATIENT, ask: ['message'] })
    alice.say(BOB, 'after the reload')
    await soon(screen.saw(/after the reload/), 'the question behind')
    screen.release()
    await bob.got(/after the reload/)
    assert.deepEqual(bodies(bob), [...Array(100).keys()].map((i) => `HOLD ${i}`).concat('after the reload'))
    const sources = new Set(screen.seen.map((iq) => / source='([0-9a-f]{32})'/.exec(iq)?.[1]).filter(Boolean))
    assert.equal(sources.size, 1, 'the source lives on')
    alice.client.send('<presence><status>DENY nothing</status></presence>')
    await alice.got(/DENY nothing/)
  })

  it('does not take options that are wrong: what held before holds on', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    for (const wrong of [{ on_outage: 'ajar' }, { try: 'soon' }, { ask: ['messages'] }, { max_bytes: 0 }])
      await assert.rejects(gated.reload(wrong), Object.keys(wrong)[0])
    alice.say(BOB, 'still asked')
    await soon(screen.saw(/still asked/), 'the question')
  })

  it('is taken out: what waits is settled by the outage rule, and then nothing is asked', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    alice.say(BOB, 'HOLD x')
    await soon(screen.saw(/HOLD x/), 'the question')
    await gated.reload(null)
    assert.match(await alice.got(/id='HOLD-x'/), /<error type='wait'><resource-constraint/)
    await soon(screen.saw(/<mark [^>]*end='true'/), 'the closing mark')
    alice.say(BOB, 'unwatched')
    await bob.got(/unwatched/)
    assert.ok(!screen.seen.some((iq) => iq.includes('unwatched')))
    await gated.reload(PATIENT)
    await soon(screen.saw(/predecessor=/), 'the next run')
    await soon(gated.ejabberd.logged(times(2, /questions are asked/)), 'the helper asking again')
    alice.say(BOB, 'watched again')
    await bob.got(/watched again/)
    await soon(screen.saw(/watched again/), 'its question')
  })

  it('is taken out where the rule is open: what waits is delivered and told of as unscreened', async () => {
    await using gated = await openGated({ options: { ...PATIENT, on_outage: 'open' } })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    for (const body of ['LATER one', 'LATER two']) alice.say(BOB, body)
    await soon(screen.saw(/LATER two/), 'the questions')
    assert.deepEqual(bodies(bob), [])
    await gated.reload(null)
    await bob.got(/LATER two/)
    assert.deepEqual(bodies(bob), ['LATER one', 'LATER two'])
    for (const n of [1, 2]) {
      const settled = (iq: string) =>
        [...iq.matchAll(/<settle [^>]*>/g)].some(
          ([one]) => one.includes(` n='${n}'`) && one.includes("outcome='unscreened'") && one.includes("try='0'"),
        )
      await soon(screen.saw({ test: settled } as RegExp), `the settlement of ${n}`)
    }
    assert.ok(!alice.inbox.some((stanza) => stanza.includes("type='error'")))
  })

  it('asks another screen from a reload on: what waits for the first is settled', async () => {
    const OTHER = 'other.gatehouse.internal'
    await using gated = await openGated({ options: PATIENT, components: [OTHER] })
    const screen = await gated.asking()
    const other = await gated.screen(OTHER)
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    alice.say(BOB, 'HOLD for the first')
    await soon(screen.saw(/HOLD for the first/), 'the question')
    await gated.reload({ ...PATIENT, screen: OTHER })
    assert.match(await alice.got(/id='HOLD-for-the-first'/), /resource-constraint/)
    await soon(screen.saw(/<mark [^>]*end='true'/), 'the closing mark of the first')
    await soon(gated.ejabberd.logged(new RegExp(`${OTHER} answers; questions are asked`)), 'the second')
    alice.say(BOB, 'for the second')
    await bob.got(/for the second/)
    await soon(other.saw(/for the second/), 'its question')
    assert.ok(!screen.seen.some((iq) => iq.includes('for the second')))
  })

  it('leaves with its host, and the source goes on for the others', async () => {
    const AWAY = 'away.example'
    await using gated = await openGated({
      options: PATIENT,
      settings: {
        hosts: [{ name: AWAY, modules: { mod_gatehouse: { screen: 'policy.gatehouse.internal', ...PATIENT } } }],
        accounts: [{ jid: `dora@${AWAY}`, password: 'secret' }],
      },
    })
    const screen = await gated.asking()
    const dora = await gated.login('dora', { host: AWAY })
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    dora.say(BOB, 'HOLD from away')
    await soon(screen.saw(/HOLD from away/), 'the question')
    await gated.reload(PATIENT, { hosts: [] })
    await soon(
      screen.saw({ test: (iq: string) => /<source [^>]*hosts='corp.example'/.test(iq) } as RegExp),
      'who stays',
    )
    assert.deepEqual(bodies(bob), [])
    alice.say(BOB, 'from the one that stays')
    await bob.got(/from the one that stays/)
    await soon(screen.saw(/from the one that stays/), 'its question')
    const sources = new Set(screen.seen.map((iq) => / source='([0-9a-f]{32})'/.exec(iq)?.[1]).filter(Boolean))
    assert.equal(sources.size, 1)
  })

  it('bounces what waits when the server stops, and ends its source with a mark', async () => {
    await using gated = await openGated({ options: PATIENT })
    const screen = await gated.asking()
    const alice = await gated.login('alice')
    alice.say(BOB, 'HOLD at the end')
    await soon(screen.saw(/HOLD at the end/), 'the question')
    await gated.ejabberd.stop()
    assert.match(await alice.got(/id='HOLD-at-the-end'/), /resource-constraint/)
    assert.match(await soon(screen.saw(/end='true'/), 'the closing mark'), /<mark [^>]*last='1'/)
  })
})
