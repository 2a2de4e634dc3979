// SPDX-License-Identifier: Apache-2.0
// How long an answer is waited for: one timer looks after all questions of a connection.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Asks } from '../../../components/transport-irc/network/asks.ts'
import { IrcFault } from '../../../components/transport-irc/network/irc.ts'
import { Outbox } from '../../../components/transport-irc/network/outbox.ts'
import { handClock } from './clock.ts'

function opened(hasLabels = true) {
  let timers = 0
  const clock = handClock(() => {
    timers += 1
  })
  const written: string[] = []
  const outbox = new Outbox({
    flood: { burst: 100, perSecond: 100 },
    most: 100,
    clock,
    write: (text) => written.push(text) > 0,
    sizeOf: (text) => text.length,
    onPause: () => asks.fence(),
  })
  const asks: Asks = new Asks({
    clock,
    answerMs: 30_000,
    most: 100,
    key: (name) => name.toLowerCase(),
    hasLabels: () => hasLabels,
    outbox: () => outbox,
  })
  const ended: string[] = []
  const ask = (command: string, deadlineMs?: number) =>
    void asks.ask({ command, params: ['x'], about: [], ...(deadlineMs === undefined ? {} : { deadlineMs }) }).then(
      () => ended.push(`${command} answered`),
      (fault: Error & { code?: string }) => ended.push(`${command} ${fault.code}`),
    )
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
  return { clock, asks, ask, ended, settled, written, timers: () => timers }
}

test('behind a question that may take long a short one is given up in its own time', async () => {
  const { clock, asks, ask, ended, settled } = opened()
  ask('LIST', 600_000)
  ask('NAMES')
  clock.passes(31_000)
  await settled()
  assert.deepEqual(ended, ['NAMES timeout'])
  asks.labelEnds('1')
  ask('WHO')
  clock.passes(31_000)
  await settled()
  assert.deepEqual(ended, ['NAMES timeout', 'LIST answered', 'WHO timeout'])
})

test('what is answered one after the other takes one timer, and what is lost none', async () => {
  const { clock, asks, ask, ended, settled, timers } = opened()
  for (let label = 1; label <= 5; label += 1) {
    ask('WHOIS')
    clock.passes(1_000)
    asks.labelEnds(String(label))
  }
  await settled()
  assert.deepEqual([ended.length, timers()], [5, 1])
  ask('WHOIS')
  asks.lost(new IrcFault('down', 'gone'))
  await settled()
  assert.equal(ended.at(-1), 'WHOIS down')
  const before = timers()
  clock.passes(600_000)
  assert.equal(timers(), before)
})

test('what is late is known until the fence behind it was answered, also where that goes only afterwards', async () => {
  const { clock, asks, settled, written } = opened(false)
  const say = (to: string) =>
    void asks.ask({ command: 'PRIVMSG', params: [to, 'hello'], about: [to], staysKnown: true }).catch(() => {})
  say('otto')
  say('emil')
  clock.passes(31_000)
  await settled()
  assert.deepEqual([asks.awaits('otto'), asks.awaits('emil')], [true, true])
  asks.pong('fence-1')
  assert.deepEqual([asks.awaits('otto'), asks.awaits('emil')], [false, true])
  assert.equal(written.at(-1), 'PING :fence-2')
  asks.pong('fence-2')
  assert.equal(asks.awaits('emil'), false)
})
