// SPDX-License-Identifier: Apache-2.0
// The pure parts of the stream: outbox, pulse, back-off.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pauseMs } from '../../../components/kit/stream/backoff.ts'
import { isLoopback } from '../../../components/kit/stream/options.ts'
import { Outbox } from '../../../components/kit/stream/outbox.ts'
import { Outgoing } from '../../../components/kit/stream/outgoing.ts'
import { Pulse } from '../../../components/kit/stream/pulse.ts'

test('the outbox is bounded by number, by size and by age, and says what had to go', () => {
  const box = new Outbox({ answers: 3, units: 10, keepMs: 100 })
  assert.deepEqual([box.hold('a', 0), box.hold('b', 10), box.hold('c', 20), box.hold('d', 30)], [0, 0, 0, 1])
  assert.equal(box.hold('123456789', 40), 2)
  assert.deepEqual(
    box.take().map(({ xml }) => xml),
    ['d', '123456789'],
  )
  assert.equal(box.size, 0)
  box.hold('old', 100)
  box.hold('new', 150)
  assert.equal(box.expire(200), 0)
  assert.equal(box.expire(201), 1)
  assert.equal(box.size, 1)
  assert.equal(box.hold('longer than ten', 210), 2)
})

test('the outbox forgets up to a place, also after thousands', () => {
  const box = new Outbox({ answers: 1_000_000, units: 1e9, keepMs: 1 })
  for (let i = 0; i < 5000; i++) box.hold(String(i), 0, 2)
  const place = box.place
  box.hold('last', 0)
  box.dropTo(place)
  assert.deepEqual(
    box.take().map(({ xml }) => xml),
    ['last'],
  )
  assert.equal(box.size, 0)
})

test('silence: a ping after 20 s, dead 20 s later; anything heard is life', () => {
  const pulse = new Pulse(0)
  assert.equal(pulse.check(19_999, 'yes', false), null)
  assert.equal(pulse.check(20_000, 'yes', false), 'ping')
  pulse.pinged(20_000)
  assert.equal(pulse.check(40_000, 'yes', false), null)
  assert.equal(pulse.check(40_001, 'yes', false), 'dead')
  pulse.heard(40_001)
  assert.equal(pulse.check(41_000, 'yes', false), null)
  assert.equal(pulse.check(60_001, 'yes', false), 'ping')
})

test('silence proves nothing while we do not read because of our own work', () => {
  const pulse = new Pulse(0)
  pulse.pinged(1)
  assert.equal(pulse.check(500_000, 'work', false), null)
  assert.equal(pulse.check(520_000, 'yes', false), null)
  assert.equal(pulse.check(520_001, 'yes', false), 'dead')
})

test('a peer that does not read for 40 s is dead', () => {
  const pulse = new Pulse(0)
  assert.equal(pulse.check(1000, 'drain', false), null)
  assert.equal(pulse.check(41_000, 'drain', false), null)
  assert.equal(pulse.check(41_001, 'drain', false), 'dead')
})

test('unproven answers are fenced by a ping a second', () => {
  const pulse = new Pulse(0)
  pulse.heard(2000)
  assert.equal(pulse.check(2000, 'yes', false), null)
  assert.equal(pulse.check(2000, 'yes', true), 'ping')
  pulse.pinged(2000)
  pulse.answered()
  assert.equal(pulse.check(2500, 'yes', true), null)
  assert.equal(pulse.check(3000, 'yes', true), 'ping')
})

test('back-off: from half to the whole of a pause that doubles, never over the bound', () => {
  const options = { firstMs: 100, mostMs: 1000 }
  for (let attempt = 1; attempt < 2000; attempt++) {
    const whole = Math.min(1000, 100 * 2 ** (attempt - 1))
    assert.equal(
      pauseMs(attempt, () => 0, options),
      whole / 2,
    )
    assert.ok(pauseMs(attempt, () => 0.999999, options) <= whole)
  }
})

test('what counts as this machine', () => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '::1']) assert.ok(isLoopback(host), host)
  for (const host of [
    '',
    '128.0.0.1',
    '127.0.0.1.example',
    'localhost.example',
    '10.0.0.1',
    '::',
    '::ffff:127.0.0.1.x',
  ])
    assert.ok(!isLoopback(host), host)
})

test('stanzas of one row go together and in order; what has no row stays behind all before it', () => {
  const counts = { received: 0, sent: 0, lostReplies: 0, repeatedReplies: 0, refusedSends: 0, reconnects: 0, faults: 0 }
  const outgoing = new Outgoing({ ...counts, pauses: 0 }, () => {})
  const [ann, ben] = [{}, {}]
  outgoing.pushInRow('a1 ', ann)
  outgoing.pushInRow('b1 ', ben)
  outgoing.pushInRow('a2 ', ann)
  outgoing.reply('an answer ')
  outgoing.pushInRow('b2 ', ben)
  outgoing.pushInRow('a3 ', ann)
  outgoing.push('last ')
  assert.equal(outgoing.units, 'a1 a2 b1 an answer b2 a3 last '.length)
  assert.equal(outgoing.take(0), 'a1 a2 b1 an answer b2 a3 last ')
  assert.ok(outgoing.isEmpty && outgoing.units === 0)
  outgoing.pushInRow('of a lost connection', ann)
  assert.ok(!outgoing.isEmpty)
  outgoing.drop()
  assert.ok(outgoing.isEmpty)
  assert.equal(outgoing.take(0), '')
})

test('one write for all of a tick, or for all of a turn', async () => {
  const counts = { received: 0, sent: 0, lostReplies: 0, repeatedReplies: 0, refusedSends: 0, reconnects: 0, faults: 0 }
  for (const [gathers, wanted] of [
    ['tick', ['one', 'two']],
    ['turn', ['onetwo']],
  ] as const) {
    const written: string[] = []
    const outgoing: Outgoing = new Outgoing(
      { ...counts, pauses: 0 },
      () => written.push(outgoing.take(0)),
      undefined,
      gathers,
    )
    // Two events of one turn of the loop.
    await new Promise<void>((resolve) => {
      setImmediate(() => {
        outgoing.push('one')
      })
      setImmediate(() => {
        outgoing.push('two')
        setImmediate(() => setImmediate(resolve))
      })
    })
    assert.deepEqual(written, wanted)
  }
})
