// SPDX-License-Identifier: Apache-2.0
// What must never reach a handler: ill-formed, forbidden or oversized XML. Each is told once and clearly, the stream comes back, and
// the next stanza is intact.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { openStream } from '../../../components/kit/stream/open-stream.ts'
import type { Received } from '../../../components/kit/stream/stream.ts'
import { type Peer, startComponentServer } from '../../harness/component-server.ts'
import { DOMAIN, SECRET } from './subject.ts'

const AT = `from='u@x.example/r' to='${DOMAIN}'`
const NEXT = `<message id='next' ${AT}><body>漢字</body></message>`

/** Sends the poison, then what a server sends after a reconnect; gives all that was handed out and all that was logged as error. */
async function poisoned(
  send: (peer: Peer) => void | Promise<void>,
): Promise<{ taken: string[]; errors: string[]; wrote: string }> {
  await using server = await startComponentServer({ domain: DOMAIN, secret: SECRET })
  const taken: string[] = []
  const errors: string[] = []
  const arrived = Promise.withResolvers<void>()
  await using _stream = openStream(
    {
      host: '127.0.0.1',
      port: server.port,
      domain: DOMAIN,
      secret: SECRET,
      backoff: { firstMs: 1, mostMs: 1 },
      log: { info() {}, warn() {}, error: (event, fields) => errors.push(`${event}: ${JSON.stringify(fields)}`) },
    },
    {
      take({ raw, element }: Received) {
        taken.push(raw)
        if (element.attrs.id === 'next') arrived.resolve()
        return undefined
      },
    },
  )
  const first = await server.accepted()
  await send(first)
  await first.closed
  ;(await server.accepted()).send(NEXT)
  await arrived.promise
  return { taken, errors, wrote: first.wrote }
}

for (const [what, xml, condition, told] of [
  ['ill-formed XML', `<iq ${AT}><a></b></iq>`, 'not-well-formed', /close tag/],
  ['a raw &', `<message ${AT}><body>a & b</body></message>`, 'not-well-formed', /&|entity/],
  [
    'a DOCTYPE',
    `<!DOCTYPE x [<!ENTITY y 'z'>]><message ${AT}><body>&y;</body></message>`,
    'restricted-xml',
    /doctype/i,
  ],
  ['an undefined entity', `<message ${AT}><body>&nbsp;</body></message>`, 'not-well-formed', /entity/],
  ['an unquoted attribute', `<message id=1 ${AT}/>`, 'not-well-formed', /unquoted/],
  ['a comment', `<message ${AT}><!-- x --></message>`, 'restricted-xml', /comment/],
  [
    '20,000 levels',
    `<message ${AT}>${'<a>'.repeat(20_000)}${'</a>'.repeat(20_000)}</message>`,
    'policy-violation',
    /deeper than 128/,
  ],
  [
    'bytes that are not UTF-8',
    Buffer.concat([Buffer.from(`<message ${AT}>`), Buffer.from([0xff]), Buffer.from('</message>')]),
    'unsupported-encoding',
    /UTF-8/,
  ],
] as const)
  test(`${what}: nothing broken is handed out, one clear line, and the next stanza is intact`, async () => {
    const after = `<message id='after' ${AT}/>`
    const { taken, errors, wrote } = await poisoned((peer) => {
      peer.send(Buffer.concat([Buffer.from(`<message id='before' ${AT}/>`), Buffer.from(xml), Buffer.from(after)]))
    })
    assert.deepEqual(taken, [`<message id='before' ${AT}/>`, NEXT])
    assert.equal(errors.length, 1)
    assert.match(errors[0] ?? '', told)
    assert.ok(errors[0]?.includes(condition))
    assert.ok(
      wrote.endsWith(
        `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`,
      ),
    )
  })

test('a stanza of 100 MB is refused at the limit, long before its end', async () => {
  let sent = 0
  const { taken, errors } = await poisoned(async (peer) => {
    peer.send(`<message ${AT}><body>`)
    const chunk = Buffer.alloc(1_000_000, 'x')
    let closed = false
    void peer.closed.then(() => {
      closed = true
    })
    while (sent < 100_000_000 && !closed) {
      sent += chunk.length
      if (!peer.socket.write(chunk))
        await Promise.race([once(peer.socket, 'drain').catch(() => peer.closed), peer.closed])
    }
  })
  assert.deepEqual(taken, [NEXT])
  assert.equal(errors.length, 1)
  assert.match(errors[0] ?? '', /larger than 4194304 bytes/)
  assert.ok(sent < 100_000_000)
})

for (const condition of ['conflict', 'invalid-from', 'host-unknown', 'system-shutdown', 'made-up'])
  test(`the stream error ${condition} is told by name, with what to do, and the stream comes back`, async () => {
    const { taken, errors } = await poisoned((peer) => {
      peer.send(
        `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>why</text></stream:error><message ${AT}/>`,
      )
    })
    assert.deepEqual(taken, [NEXT])
    assert.equal(errors.length, 1)
    const {
      condition: told,
      text,
      advice,
    } = JSON.parse(errors[0]?.replace(/^[^{]*/, '') ?? '') as Record<string, string>
    assert.deepEqual([told, text], [condition, 'why'])
    assert.ok((advice ?? '').length > 10)
  })

test('a handler that throws or rejects is logged, and ends nothing', async () => {
  await using server = await startComponentServer({ domain: DOMAIN, secret: SECRET })
  const errors: string[] = []
  const logged = Promise.withResolvers<void>()
  await using stream = openStream(
    {
      host: '127.0.0.1',
      port: server.port,
      domain: DOMAIN,
      secret: SECRET,
      log: {
        info() {},
        warn() {},
        error(event) {
          errors.push(event)
          if (errors.length === 2) logged.resolve()
        },
      },
    },
    {
      take({ element }) {
        if (element.attrs.id === 'throws') throw new Error('thrown')
        return Promise.reject(new Error('rejected'))
      },
    },
  )
  const peer = await server.accepted()
  peer.send(`<message id='throws' ${AT}/><message id='rejects' ${AT}/>`)
  await logged.promise
  assert.equal(stream.state, 'up')
  assert.equal(stream.counts.received, 2)
})
