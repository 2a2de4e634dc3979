// SPDX-License-Identifier: Apache-2.0
// The largest message that the server takes from a client passes the screen whole, also in the shape that grows most on the
// way; one byte more is the server's own business, and nobody else's stream suffers.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Listener, listen } from '../harness/listener.ts'
import { readUp } from '../harness/read-up.ts'
import { recorded } from '../harness/recorded.ts'
import { textOf } from '../harness/stanza-splitter.ts'
import { HOST, startWorld, type World } from '../harness/world.ts'
import { onServers } from './servers.ts'

const LIMIT = 256 * 1024
/**
 * Prosody looks after each read at what it holds of a stanza that has not ended. When the last byte comes by itself, the
 * largest that it takes is exactly the limit without that byte. ejabberd counts what comes, and ends where it reaches the limit.
 */
const LARGEST_ON = { prosody: LIMIT + 1, ejabberd: LIMIT - 1 }
const POISON = [
  ['126 levels of elements', `<body>x</body>${'<a>'.repeat(126)}${'</a>'.repeat(126)}`],
  ["an element of XML's own namespace", '<body>x</body><xml:foo/>'],
  ['a long namespace used 1,200 times', `<x xmlns:p='urn:${'u'.repeat(4000)}'>${'<p:a/>'.repeat(1200)}</x>`],
] as const

onServers('sizes', null, (server) => {
  const LARGEST = LARGEST_ON[server]
  let world: World
  let lost: Promise<string>
  before(async () => {
    world = await startWorld({
      server,
      rules: `otherwise: allow
rules:
  - id: mask-project
    when: { words: [nightingale] }
    then: { replace: { mask: '*' } }`,
    })
    lost = world.server.logged(/not connected; the outage rule applies/).then(() => 'down')
  })
  after(() => world[Symbol.asyncDispose]())

  // Prosody writes each quote as six bytes; é and the emoji have two and four bytes.
  for (const [name, unit] of [
    ['plain letters', 'a'],
    ['apostrophes, which the server writes six times as long', "'"],
    ['characters of four bytes', '😀'],
  ] as const) {
    test(`the largest message, of ${name}, arrives whole`, async () => {
      const { alice, bob } = await pair(`a${unit.length}${unit.charCodeAt(0)}`)
      const { stanza, body } = messageOf(LARGEST, bob.jid, unit)
      await sendWithLastByteAlone(alice, stanza)
      assert.equal(textOf(await bob.next(/id=.big./), 'body'), body)
      const [record] = await recorded(world, { peer: bob.jid }, ['released'], stillServes)
      assert.equal(textOf(String(record?.stanza), 'body'), body)
    })
  }

  test('a message is replaced as long as the replacement is no larger than policy allows (256 KiB with the addresses)', async () => {
    const { alice, bob } = await pair('replaced')
    const { stanza, body } = messageOf(LIMIT - 512, bob.jid, 'a', 'nightingale replacedword ')
    await sendWithLastByteAlone(alice, stanza)
    const masked = body.replace('nightingale', '*'.repeat('nightingale'.length))
    assert.equal(textOf(await bob.next(/id=.big./), 'body'), masked)
    await recorded(world, { words: 'replacedword' }, ['released'], stillServes)
  })

  test('and refused where it would grow past that', async () => {
    const { alice, bob } = await pair('grown')
    const { stanza } = messageOf(LARGEST, bob.jid, "'", 'nightingale grownword ')
    await sendWithLastByteAlone(alice, stanza)
    assert.match(await alice.next(/id=.big./), /type='error'.*policy-violation/)
    await bob.fence()
    assert.deepEqual(bob.bodies(), [])
    await recorded(world, { words: 'grownword' }, ['refused'], stillServes)
    await stillServes()
  })

  test("one byte above that ends the sender's stream only", async () => {
    const { alice, bob } = await pair('above')
    const { stanza } = messageOf(LARGEST + 1, bob.jid, 'a')
    // On Prosody its last byte is not even needed.
    await alice.client.writeNow(server === 'prosody' ? stanza.slice(0, -1) : stanza)
    const { why } = await alice.client.ended
    assert.match(why, /policy-violation/)
    await bob.fence()
    assert.deepEqual(bob.bodies(), [])
    await stillServes()
  })

  for (const [name, poison] of POISON) {
    test(`a message that would end the screen's stream is refused to its sender alone: ${name}`, async () => {
      const { alice, bob } = await pair(`poison${POISON.findIndex(([other]) => other === name)}`)
      alice.client.send(`<message type='chat' id='poison' to='${bob.jid}'>${poison}</message>`)
      assert.match(await alice.next(/id=.poison./), /type='error'.*policy-violation.*cannot be checked/s)
      alice.client.send(`<message type='chat' id='word' to='${bob.jid}'><body>nightingale</body></message>`)
      assert.equal(textOf(await bob.next(/<message/), 'body'), '*'.repeat('nightingale'.length))
      assert.equal(await Promise.race([lost, Promise.resolve('up')]), 'up')
    })
  }

  async function stillServes(): Promise<void> {
    const { alice, bob } = await pair(`fine${Math.random().toString(36).slice(2)}`)
    alice.client.send(`<message type='chat' id='small' to='${bob.jid}'><body>fine</body></message>`)
    assert.equal(textOf(await bob.next(/id=.small./), 'body'), 'fine')
  }

  async function sendWithLastByteAlone({ client }: Listener, stanza: string): Promise<void> {
    await client.writeNow(stanza.slice(0, -1))
    await readUp(client.localPort, world.ports.c2s)
    await client.writeNow(stanza.slice(-1))
  }

  async function pair(name: string) {
    return { alice: await listener(`${name}-a`), bob: await listener(`${name}-b`) }
  }

  const listener = (user: string) =>
    listen({ address: world.address, port: world.ports.c2s, domain: HOST, user, password: 'x', resource: 'r' })
})

/** A message of exactly so many bytes of UTF-8; what the unit leaves open is filled with letters. */
function messageOf(bytes: number, to: string, unit: string, start = ''): { stanza: string; body: string } {
  const [head, tail] = [`<message type='chat' id='big' to='${to}'><body>`, '</body></message>']
  const room = bytes - head.length - start.length - tail.length
  const size = Buffer.byteLength(unit)
  const body = start + unit.repeat(Math.floor(room / size)) + 'a'.repeat(room % size)
  const stanza = head + body + tail
  assert.equal(Buffer.byteLength(stanza), bytes)
  return { stanza, body }
}
