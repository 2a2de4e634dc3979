// SPDX-License-Identifier: Apache-2.0
// XEP-0114 resends nothing: what becomes of answers when the connection goes away under them.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type ComponentServer, type Peer, startComponentServer } from '../../harness/component-server.ts'
import { heldClock } from './clock.ts'
import { DOMAIN, kitSubject, SECRET } from './subject.ts'

async function serve(t: TestContext, port = 0): Promise<ComponentServer> {
  const server = await startComponentServer({ domain: DOMAIN, secret: SECRET, port })
  t.after(() => server.stop())
  return server
}

async function hold(peer: Peer, count: number): Promise<void> {
  for (let i = 0; i < count; i++)
    peer.send(`<iq type='set' id='h${i}' from='u@x.example/r' to='${DOMAIN}'><hold xmlns='urn:test'/></iq>`)
  await peer.fence()
}

const answered = (peer: Peer) =>
  new Set(peer.unread.map(({ element }) => element.attrs.id ?? '').filter((id) => id.startsWith('h')))

function subjectAt(t: TestContext, port: number, outbox?: { answers: number; units: number; keepMs: number }) {
  let down = Promise.withResolvers<void>()
  const clock = heldClock()
  const subject = kitSubject(
    port,
    ({ event }) => {
      if (event === 'stream down') down.resolve()
    },
    { clock, ...(outbox && { outbox }) },
  )
  t.after(() => subject.stream.drain(AbortSignal.abort()))
  return {
    ...subject,
    clock,
    async wentDown() {
      await down.promise
      down = Promise.withResolvers()
    },
  }
}

test('answers over the bound of the outbox are counted as lost: answered and lost are all', async (t) => {
  let server = await serve(t)
  const { stream, release, clock, wentDown } = subjectAt(t, server.port, { answers: 40, units: 1e6, keepMs: 60_000 })
  await hold(await server.accepted(), 100)
  await server.stop()
  await wentDown()
  release()
  await turn()
  server = await serve(t, server.port)
  clock.pass(50)
  const peer = await server.accepted()
  await peer.fence()
  assert.deepEqual(answered(peer), new Set(Array.from({ length: 40 }, (_, i) => `h${i + 60}`)))
  // And one that was written before the stop, to the fence: nothing proved that it was read.
  assert.equal(stream.counts.lostReplies, 61)
})

test('answers too old for their askers are counted as lost', async (t) => {
  const server = await serve(t)
  const { stream, release, clock, wentDown } = subjectAt(t, server.port, { answers: 1000, units: 1e6, keepMs: 5000 })
  await hold(await server.accepted(), 10)
  await server.stop()
  await wentDown()
  release()
  await turn()
  while (stream.counts.lostReplies === 0) {
    clock.pass(2000)
    await turn()
  }
  assert.equal(stream.counts.lostReplies, 11)
})

test('answers that were written but never read by the server come again on the next connection', async (t) => {
  let server = await serve(t)
  const { stream, release, clock, wentDown } = subjectAt(t, server.port)
  const first = await server.accepted()
  await hold(first, 100)
  // The server reads no more, the answers go into the air, and it vanishes.
  first.socket.pause()
  release()
  await turn()
  await turn()
  assert.ok(stream.counts.sent >= 100)
  await server.stop()
  await wentDown()
  server = await serve(t, server.port)
  clock.pass(50)
  const second = await server.accepted()
  await second.fence()
  assert.equal(answered(second).size, 100)
  assert.equal(stream.counts.lostReplies, 0)
})

test('answers that a ping has proven read are not repeated', async (t) => {
  let server = await serve(t)
  const { release, clock, wentDown } = subjectAt(t, server.port)
  const first = await server.accepted()
  await hold(first, 100)
  release()
  await turn()
  await first.fence()
  assert.equal(answered(first).size, 100)
  clock.pass(1000)
  await turn()
  // The stream's ping went out and came back before the answer to this.
  await first.fence()
  await server.stop()
  await wentDown()
  server = await serve(t, server.port)
  clock.pass(50)
  const second = await server.accepted()
  await second.fence()
  assert.equal(answered(second).size, 0)
})

test('drain: nothing new is taken, what is in work is answered, then the stream is closed in order', async (t) => {
  const server = await serve(t)
  const { stream, release } = subjectAt(t, server.port)
  const peer = await server.accepted()
  await hold(peer, 10)
  const drained = stream.drain(AbortSignal.timeout(10_000))
  peer.send(`<iq type='set' id='h-new' from='u@x.example/r' to='${DOMAIN}'><echo xmlns='urn:test'/></iq>`)
  release()
  await drained
  await peer.closed
  assert.equal(stream.state, 'closed')
  assert.deepEqual(answered(peer), new Set(Array.from({ length: 10 }, (_, i) => `h${i}`)))
  assert.ok(peer.wrote.endsWith('</stream:stream>'))
  assert.equal(stream.counts.lostReplies, 0)
  assert.equal(stream.send('<message/>'), false)
})

test('drain is bounded: a handler that never ends does not hold it', async (t) => {
  const server = await serve(t)
  const { stream } = subjectAt(t, server.port)
  await hold(await server.accepted(), 1)
  const stop = new AbortController()
  const drained = stream.drain(stop.signal)
  stop.abort()
  await drained
  assert.equal(stream.state, 'closed')
})

test('while the stream is down, send says no and counts it', async (t) => {
  const server = await serve(t)
  const { stream, wentDown } = subjectAt(t, server.port)
  await server.accepted()
  await stream.ready()
  await server.stop()
  await wentDown()
  assert.equal(stream.send('<message/>'), false)
  assert.equal(stream.counts.refusedSends, 1)
})

test('all answers of one turn go out in one write', async (t) => {
  const server = await serve(t)
  const { stream } = subjectAt(t, server.port)
  const peer = await server.accepted()
  await stream.ready()
  const { Socket } = await import('node:net')
  const write = t.mock.method(Socket.prototype, 'write')
  for (let i = 0; i < 100; i++) stream.reply(`<message id='${i}'/>`)
  assert.equal(write.mock.callCount(), 0)
  const first = await peer.next()
  assert.equal(first.element.attrs.id, '0')
  assert.equal(write.mock.calls.filter(({ arguments: [text] }) => String(text).includes('<message')).length, 1)
})

test('pauses grow while a connection does not last, and start small again after one that lasted three seconds', async (t) => {
  const server = await serve(t)
  const clock = heldClock()
  let down = Promise.withResolvers<number>()
  const { stream } = kitSubject(
    server.port,
    ({ event, fields }) => {
      if (event === 'stream down') down.resolve(Number(fields?.againInMs))
    },
    { clock, random: () => 0, backoff: { firstMs: 500, mostMs: 30_000 } },
  )
  t.after(() => stream.drain(AbortSignal.abort()))
  const pauses: number[] = []
  for (const lasted of [0, 0, 2999, 3000, 0]) {
    const peer = await server.accepted()
    await peer.fence()
    assert.equal(stream.state, 'up')
    // In steps, so that the server answers the pings on the way.
    for (let left = lasted; left > 0; left -= 1000) {
      clock.pass(Math.min(left, 1000))
      await turn()
      await peer.fence()
    }
    peer.socket.destroy()
    const pause = await down.promise
    pauses.push(pause)
    down = Promise.withResolvers()
    clock.pass(pause)
  }
  assert.deepEqual(pauses, [250, 500, 1000, 250, 500])
})
