// SPDX-License-Identifier: Apache-2.0
// Eight defects of @xmpp/component 0.13.1, each played to the kit (it must not be there) and to the bare library (it must be there:
// a test that the library passes too would prove nothing). D2 is in flood.test.ts.
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type ComponentServer, type Peer, startComponentServer } from '../../harness/component-server.ts'
import { heldClock } from './clock.ts'
import { bareSubject, DOMAIN, kitSubject, type Line, SECRET } from './subject.ts'
import { startSubject } from './subject-process.ts'

const serve = (port = 0) => startComponentServer({ domain: DOMAIN, secret: SECRET, port })
const AT = `from='u@x.example/r' to='${DOMAIN}'`

type Subject = { lines: Line[]; told(event: string): Promise<void>; release(): void } & AsyncDisposable

function inProcess(kind: 'kit' | 'bare', port: number): Subject {
  const lines: Line[] = []
  const waiting: { event: string; resolve(): void }[] = []
  const tell = (line: Line) => {
    lines.push(line)
    for (const each of waiting) if (each.event === line.event) each.resolve()
  }
  const told = (event: string) => new Promise<void>((resolve) => waiting.push({ event, resolve }))
  if (kind === 'kit') {
    const { stream, release } = kitSubject(port, tell)
    return { lines, told, release, [Symbol.asyncDispose]: () => stream.drain(AbortSignal.abort()) }
  }
  const { entity, release } = bareSubject(port, tell)
  return {
    lines,
    told,
    release,
    async [Symbol.asyncDispose]() {
      entity.reconnect.stop()
      await entity.stop().catch(() => {})
    },
  }
}

/** Two segments: the second is written when the loop has turned, so the reader has had the first by itself. */
async function sendSplit(peer: Peer, bytes: Buffer, at: number): Promise<void> {
  peer.send(bytes.subarray(0, at))
  await turn()
  await turn()
  peer.send(bytes.subarray(at))
}

async function echoSplitEverywhere(peer: Peer): Promise<string[]> {
  const bytes = Buffer.from(`<iq type='set' id='s' ${AT}><echo xmlns='urn:test'>aé漢😀z</echo></iq>`)
  const answers: string[] = []
  for (let at = 1; at < bytes.length; at++) {
    await sendSplit(peer, bytes, at)
    answers.push((await peer.next()).element.getChildText('echo') ?? '')
  }
  return answers
}

test('D1: UTF-8 split at every byte comes out whole', async () => {
  await using server = await serve()
  await using _subject = inProcess('kit', server.port)
  assert.deepEqual([...new Set(await echoSplitEverywhere(await server.accepted()))], ['aé漢😀z'])
})

test('D1 on the bare library: characters at a border are destroyed', async () => {
  await using server = await serve()
  await using _subject = inProcess('bare', server.port)
  const answers = await echoSplitEverywhere(await server.accepted())
  assert.ok(answers.some((answer) => answer.includes('\ufffd')))
})

const MISMATCHED = `<iq type='set' id='m' ${AT}><echo xmlns='urn:test'></hold></iq>`

test('D3: a mismatched tag is told once, the stream comes back, the next stanza is intact', async () => {
  await using server = await serve()
  await using subject = startSubject('kit', server.port)
  const first = await server.accepted()
  first.send(MISMATCHED)
  await first.closed
  const second = await server.accepted()
  assert.equal((await second.ask('set', `<echo xmlns='urn:test'>next</echo>`)).getChildText('echo'), 'next')
  assert.equal(subject.lines.filter(({ event }) => event === 'what the server sent was refused').length, 1)
  assert.match(first.wrote, /<stream:error><not-well-formed /)
})

test('D3 on the bare library: a mismatched tag ends the process', async () => {
  await using server = await serve()
  await using subject = startSubject('bare', server.port)
  ;(await server.accepted()).send(MISMATCHED)
  const { code, stderr } = await subject.ended
  assert.notEqual(code, 0)
  assert.match(stderr, /XMLError/)
})

/** 100 handlers are at work, the server stops, they finish, the server is back: how many answers does it get? */
async function restartInFlight(kind: 'kit' | 'bare'): Promise<{ answers: Set<string>; lines: Line[] }> {
  let server: ComponentServer = await serve()
  await using subject = inProcess(kind, server.port)
  const before = await server.accepted()
  for (let i = 0; i < 100; i++) before.send(`<iq type='set' id='h${i}' ${AT}><hold xmlns='urn:test'/></iq>`)
  await before.fence()
  const down = subject.told('stream down')
  await server.stop()
  await down
  subject.release()
  await turn()
  server = await serve(server.port)
  await using _closing = server
  const after = await server.accepted()
  await after.fence()
  const ids = after.unread.map(({ element }) => element.attrs.id ?? '')
  // Repeated without proof that it was read before: the answer to the fence.
  return { answers: new Set(ids.filter((id) => id.startsWith('h'))), lines: subject.lines }
}

test('D4: a server restart with 100 requests in flight: each is answered after the reconnect, none throws', async () => {
  const { answers, lines } = await restartInFlight('kit')
  assert.deepEqual(answers, new Set(Array.from({ length: 100 }, (_, i) => `h${i}`)))
  assert.deepEqual(
    lines.filter(({ event }) => event === 'error'),
    [],
  )
})

test('D4 on the bare library: no answer is delivered, each is an error', async () => {
  const { answers, lines } = await restartInFlight('bare')
  assert.equal(answers.size, 0)
  assert.ok(
    lines.filter(({ event, fields }) => event === 'error' && String(fields?.error).includes('TypeError')).length >= 100,
  )
})

test('D5: no server at the start is no failure; pauses grow, are scattered, and have a bound', async () => {
  const server = await serve()
  const { port } = server
  await server.stop()
  const clock = heldClock()
  const pauses: number[] = []
  let down = Promise.withResolvers<void>()
  const randoms = [0, 0.5, 0.999, 0.25]
  const { stream } = kitSubject(
    port,
    ({ event, fields }) => {
      if (event !== 'stream down') return
      pauses.push(Number(fields?.againInMs))
      down.resolve()
    },
    { clock, random: () => randoms[pauses.length % 4] ?? 0, backoff: { firstMs: 500, mostMs: 30_000 } },
  )
  await down.promise
  while (pauses.length < 12) {
    down = Promise.withResolvers<void>()
    clock.pass(pauses.at(-1) ?? 0)
    await down.promise
  }
  // Halves of 500, 1000, 2000 ... 30,000, plus the scattered other half.
  assert.deepEqual(
    pauses,
    [250, 750, 1_999, 2_500, 4_000, 12_000, 29_985, 18_750, 15_000, 22_500, 29_985, 18_750].map(Math.round),
  )
  await using restarted = await serve(port)
  clock.pass(pauses.at(-1) ?? 0)
  await restarted.accepted()
  await stream.ready()
  await stream.drain(AbortSignal.abort())
})

test('D5 on the bare library: the start is rejected, and every pause is the same second', async (t) => {
  const server = await serve()
  const { port } = server
  await server.stop()
  const pauses: number[] = []
  const real = globalThis.setTimeout
  // Its timers are run at once, so that six attempts take no time; the pause that it asked for is noted.
  t.mock.method(globalThis, 'setTimeout', (act: () => void, ms: number) => {
    if (ms === 1000) pauses.push(ms)
    return real(act, ms === 1000 ? 0 : ms)
  })
  const downs = Promise.withResolvers<void>()
  const rejected = Promise.withResolvers<string>()
  const { entity } = bareSubject(port, ({ event, fields }) => {
    if (event === 'start rejected') rejected.resolve(String(fields?.error))
    if (event === 'stream down' && pauses.length >= 6) {
      entity.reconnect.stop()
      downs.resolve()
    }
  })
  assert.match(await rejected.promise, /ECONNREFUSED/)
  await downs.promise
  assert.deepEqual(new Set(pauses), new Set([1000]))
})

test('D6: a half-open connection is noticed within 60 s: TCP keep-alive is on, a ping is sent, its silence ends the connection', async (t) => {
  const keepAlive = t.mock.method(Socket.prototype, 'setKeepAlive')
  await using server = await serve()
  const clock = heldClock()
  const lines: Line[] = []
  const { stream } = kitSubject(server.port, (line) => lines.push(line), { clock })
  const peer = await server.accepted()
  peer.returnsPings = false
  await stream.ready()
  assert.deepEqual(keepAlive.mock.calls[0]?.arguments, [true, 20_000])
  clock.pass(30_000)
  assert.equal(stream.state, 'up')
  await turn()
  clock.pass(30_000)
  await peer.closed
  assert.match(
    peer.wrote,
    /<iq type='get' id='gh-ping-[^']+' from='p.example' to='p.example\/ping'><ping xmlns='urn:xmpp:ping'\/><\/iq>/,
  )
  const down = lines.find(({ event }) => event === 'stream down')
  assert.match(String(down?.fields?.reason), /silent/)
  clock.pass(1000)
  await server.accepted()
  await stream.drain(AbortSignal.abort())
})

test('D6 on the bare library: nothing is ever asked, the dead connection stays up', async (t) => {
  const keepAlive = t.mock.method(Socket.prototype, 'setKeepAlive')
  await using server = await serve()
  await using subject = inProcess('bare', server.port)
  const up = subject.told('stream up')
  const peer = await server.accepted()
  await up
  const wrote = peer.wrote
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  t.mock.timers.tick(3_600_000)
  t.mock.timers.reset()
  await turn()
  assert.equal(peer.wrote, wrote)
  assert.equal(keepAlive.mock.callCount(), 0)
  assert.ok(!subject.lines.some(({ event }) => event === 'stream down'))
})

test('D7: a request that is answered later gets exactly one answer', async () => {
  await using server = await serve()
  await using subject = inProcess('kit', server.port)
  const peer = await server.accepted()
  peer.send(`<iq type='set' id='later' ${AT}><hold xmlns='urn:test'/></iq>`)
  await peer.fence()
  assert.deepEqual(peer.unread, [])
  subject.release()
  await turn()
  await peer.fence()
  assert.deepEqual(
    peer.unread.map(({ raw }) => raw),
    [`<iq type='result' id='later' from='p.example' to='u@x.example/r'><hold xmlns='urn:test'/></iq>`],
  )
})

test('D7 on the bare library: it answers service-unavailable before the later answer', async () => {
  await using server = await serve()
  await using _subject = inProcess('bare', server.port)
  const peer = await server.accepted()
  // Answered outside its middleware, as an asynchronous verdict would be.
  peer.send(`<iq type='set' id='later' ${AT}><verdict xmlns='urn:test'/></iq>`)
  await peer.fence()
  assert.deepEqual(
    peer.unread.map(({ element }) => [element.attrs.id, element.attrs.type]),
    [['later', 'error']],
  )
})

test('D8: a bad address harms nobody: counted, told, and the next stanza is answered', async () => {
  await using server = await serve()
  await using subject = startSubject('kit', server.port)
  const peer = await server.accepted()
  for (const from of ['@', '', '/', 'a@', '@b', '\u0020'])
    peer.send(
      `<message from='${from}' to='${DOMAIN}'/><iq type='set' id='b' from='${from}' to='${DOMAIN}'><echo xmlns='urn:test'/></iq>`,
    )
  assert.equal((await peer.ask('set', `<echo xmlns='urn:test'>x</echo>`)).getChildText('echo'), 'x')
  assert.deepEqual(peer.unread, [])
  assert.equal(server.connections, 1)
  assert.equal(subject.lines.filter(({ event }) => event === 'a stanza was dropped').length, 12)
})

test('D8 on the bare library: a bad address ends the process', async () => {
  await using server = await serve()
  await using subject = startSubject('bare', server.port)
  ;(await server.accepted()).send(`<message from='@' to='${DOMAIN}'/>`)
  const { code, stderr } = await subject.ended
  assert.notEqual(code, 0)
  assert.match(stderr, /Invalid domain/)
})

test('the harness plays a server: a wrong secret is refused by name and told with what to do', async () => {
  await using server = await startComponentServer({ domain: DOMAIN, secret: 'other' })
  const lines: Line[] = []
  const told = Promise.withResolvers<Line>()
  const { stream } = kitSubject(server.port, (line) => {
    lines.push(line)
    if (line.event === 'stream error from the server') told.resolve(line)
  })
  const { fields } = await told.promise
  assert.equal(fields?.condition, 'not-authorized')
  assert.match(String(fields?.advice), /secret/)
  await stream.drain(AbortSignal.abort())
})
