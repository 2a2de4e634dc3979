// SPDX-License-Identifier: Apache-2.0
// XEP-0114 §3 with the literal bytes of its examples. Harness and stream share the reader, so an error in both would cancel
// itself out: here a plain socket plays the server, and nothing of the kit reads or writes on its side.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { openStream } from '../../../components/kit/stream/open-stream.ts'
import { startComponentServer } from '../../harness/component-server.ts'
import { heldClock } from './clock.ts'

type LogFields = Readonly<Record<string, unknown>>

const log = { info() {}, warn() {}, error() {} }

/** Examples 2 and 4. */
const SERVER_HEADER = `<stream:stream\n    xmlns:stream='http://etherx.jabber.org/streams'\n    xmlns='jabber:component:accept'\n    from='plays.shakespeare.lit'\n    id='3BF96D32'>\n`
const SERVER_ACCEPTS = `<handshake/>`

async function readUntil(socket: Socket, end: string): Promise<string> {
  let text = ''
  while (!text.endsWith(end)) text += ((await once(socket, 'data')) as [Buffer])[0].toString('utf8')
  return text
}

async function connect(secret: string, domain = 'plays.shakespeare.lit') {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const { port } = server.address() as AddressInfo
  const stream = openStream({ host: '127.0.0.1', port, domain, secret, log }, { take: () => undefined })
  const [socket] = await accepted
  return {
    stream,
    socket,
    async [Symbol.asyncDispose]() {
      socket.destroy()
      server.close()
      await stream.drain(AbortSignal.abort())
    },
  }
}

test('the header, the handshake of the example, and the framing of what follows', async () => {
  await using opened = await connect('test')
  const { socket, stream } = opened
  const header = await readUntil(socket, '>')
  assert.match(header, /^<\?xml version='1.0'\?><stream:stream /)
  for (const attribute of [
    'xmlns="jabber:component:accept"',
    'xmlns:stream="http://etherx.jabber.org/streams"',
    'to="plays.shakespeare.lit"',
  ])
    assert.ok(header.includes(attribute), attribute)
  socket.write(SERVER_HEADER)
  // Example 3: SHA-1 of 3BF96D32 and the secret.
  assert.equal(
    await readUntil(socket, '</handshake>'),
    '<handshake>aaee83c26aeeafcbabeabfcbcd50df997e0a2a1e</handshake>',
  )
  assert.equal(stream.state, 'connecting')
  socket.write(SERVER_ACCEPTS)
  await stream.ready()
  assert.equal(stream.state, 'up')
  const sent = `<message from='plays.shakespeare.lit' to='juliet@capulet.lit'><body>é</body></message>`
  assert.ok(stream.send(sent))
  assert.equal(await readUntil(socket, '</message>'), sent)
  const drained = stream.drain(AbortSignal.timeout(5000))
  assert.equal(await readUntil(socket, '>'), '</stream:stream>')
  socket.end('</stream:stream>')
  await drained
  assert.equal(stream.state, 'closed')
})

test('a secret beyond ASCII is hashed as UTF-8, the encoding of the stream', async () => {
  await using opened = await connect('pässwörd漢')
  await readUntil(opened.socket, '>')
  opened.socket.write(SERVER_HEADER)
  // printf '3BF96D32pässwörd漢' | sha1sum
  assert.equal(
    await readUntil(opened.socket, '</handshake>'),
    '<handshake>a017d9b1bc1fcff175dfd83f0d36e9afbc7dad2b</handshake>',
  )
})

test('a host beyond this machine is refused without TLS, unless a setting names it', () => {
  const options = { port: 5347, domain: 'p.example', secret: 's', log }
  for (const host of ['192.0.2.1', 'xmpp.example', '127.0.0.1.example', '::2', '0.0.0.0'])
    assert.throws(() => openStream({ ...options, host }, { take: () => undefined }), /no TLS/)
})

test('such a host is tried where the setting allows it', async () => {
  const reasons: string[] = []
  const down = Promise.withResolvers<void>()
  const tell = (_event: string, fields?: Readonly<Record<string, unknown>>) => {
    reasons.push(String(fields?.reason))
    down.resolve()
  }
  // 0.0.0.0 stands for this machine but is not named as such: nothing listens there, so the refusal is the network's.
  const stream = openStream(
    {
      host: '0.0.0.0',
      port: 1,
      domain: 'p.example',
      secret: 's',
      log: { info: tell, warn: tell, error: tell },
      allowClear: true,
    },
    { take: () => undefined },
  )
  await down.promise
  assert.match(reasons[0] ?? '', /ECONNREFUSED/)
  assert.match(stream.trouble ?? '', /^connect ECONNREFUSED 0\.0\.0\.0:1: nobody takes components there\. .*restarted/)
  await stream.drain(AbortSignal.abort())
})

test('the wrong secret: the stream says why it is not up until it is', async () => {
  await using server = await startComponentServer({ domain: 'p.example', secret: 'right' })
  const tried = Promise.withResolvers<void>()
  const warned: LogFields[] = []
  const noted = {
    ...log,
    warn: (_event: string, fields: LogFields = {}) => {
      warned.push(fields)
      tried.resolve()
    },
  }
  const common = { host: '127.0.0.1', port: server.port, domain: 'p.example', log: noted }
  await using wrong = openStream({ ...common, secret: 'wrong' }, { take: () => undefined })
  assert.equal(wrong.trouble, null)
  await tried.promise
  assert.equal(
    wrong.trouble,
    'stream error not-authorized: the secret differs from the one the server has for this component',
  )
  assert.equal(warned[0]?.reason, wrong.trouble)
  await using right = openStream({ ...common, secret: 'right' }, { take: () => undefined })
  await right.ready()
  assert.equal(right.trouble, null)
})

test('a server on this machine is tried at least every two seconds, another less often', async () => {
  const pauses = async (host: string): Promise<number[]> => {
    const clock = heldClock()
    const found: number[] = []
    let down = Promise.withResolvers<void>()
    const warn = (_event: string, fields: LogFields = {}) => {
      found.push(Number(fields.againInMs))
      down.resolve()
    }
    const options = { host, port: 1, domain: 'p.example', secret: 's', allowClear: true, clock, random: () => 0.999999 }
    const stream = openStream({ ...options, log: { ...log, warn } }, { take: () => undefined })
    await down.promise
    while (found.length < 9) {
      down = Promise.withResolvers<void>()
      clock.pass(found.at(-1) ?? 0)
      await down.promise
    }
    await stream.drain(AbortSignal.abort())
    return found
  }
  assert.equal(Math.max(...(await pauses('127.0.0.1'))), 2_000)
  assert.equal(Math.max(...(await pauses('0.0.0.0'))), 30_000)
})
