// SPDX-License-Identifier: Apache-2.0
// Between ejabberd and other servers: test/servers/both/between.ts. And nothing leaves it for a screen, a trusted component or a transport, though
// a DNS says that their names are somewhere. The DNS is played by this test.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { it } from 'node:test'
import { freePorts } from '../../../deploy/demo/ports.ts'
import { ARCHIVE, between, IRC } from '../both/between.ts'
import { ejabberd, openEjabberd } from '../both/ejabberd.ts'
import { openFar } from '../both/far.ts'
import { HOST, SCREEN, soon } from '../both/house.ts'
import { BOB } from '../both/scene.ts'
import { PATIENT } from '../both/sessions.ts'

const FAR = '127.0.0.31'
const TELLER = `teller.${HOST}`

async function ports() {
  const [s2s = 0, c2s = 0, component = 0] = await freePorts(3)
  return { s2s, c2s, component }
}

between(ejabberd, {
  far: FAR,
  open: async () =>
    openEjabberd(
      { options: { ...PATIENT, trusted: [ARCHIVE], transports: [IRC] }, components: [ARCHIVE, IRC] },
      { ports: await ports() },
    ),
})

it('what a component sends out is asked about; no question leaves, and nothing for a screen, a trusted component or a transport, though their names resolve and they are away', {
  skip: ejabberd.skip,
}, async () => {
  await using other = await openFar(FAR)
  await using dns = await openWildcard()
  await using gated = await openEjabberd(
    { options: { trusted: [ARCHIVE], transports: [IRC], try: 1, hold_max: 2 }, components: [ARCHIVE, IRC, TELLER] },
    { ports: await ports(), nameServer: { address: '127.0.0.1', port: dns.port } },
  )
  const alice = await gated.login('alice')
  const bob = await gated.login('bob')
  alice.say(BOB, 'before there was a screen')
  assert.match(await alice.got(/id='before-there-was-a-screen'/), /resource-constraint/)
  const screen = await gated.asking()
  alice.say(BOB, 'HOLD while it goes')
  await soon(screen.saw(/HOLD while it goes/), 'the question')
  bob.client.send(`<message to='eve@somewhere.example' id='away'><body>to another server</body></message>`)
  await other.called('somewhere.example')
  const teller = await gated.screen(TELLER, { silent: /./ })
  for (const body of ['DENY outside', 'out of the house'])
    teller.write(`<message from='t@${TELLER}' to='eve@elsewhere.example' id='out'><body>${body}</body></message>`)
  await other.called('elsewhere.example')
  const outbound = await soon(screen.saw(/<ask [^?]*out of the house/), 'the question of what a component sends out')
  assert.match(outbound, /<ask [^>]*via='component'/)
  assert.ok(!/direction='received'/.test(outbound))
  // Names that a DNS reads as theirs, while the screen lets everything pass.
  for (const [at, to] of [
    `${ARCHIVE}.`,
    `${SCREEN}.`,
    `${IRC}.`,
    ARCHIVE.replaceAll('.', '\u3002'),
    `${SCREEN}\u3002`,
  ].entries()) {
    bob.client.send(`<message to='eve@${to}' id='dot${at}'><body>dot ${at}</body></message>`)
    assert.match(await bob.got(new RegExp(`<message[^>]*id='dot${at}'`)), /type='error'/)
  }
  await screen.close()
  assert.match(await alice.got(/id='HOLD-while-it-goes'/), /resource-constraint/)
  for (const to of [SCREEN, ARCHIVE, IRC]) {
    alice.client.send(
      `<iq type='set' id='to-${to}' to='${to}'><command xmlns='http://jabber.org/protocol/commands' node='n'/></iq>`,
    )
    assert.match(await alice.got(new RegExp(`<iq[^>]*id='to-${to}'`)), /type='error'/)
  }
  // What would leave for them would have been asked for before this one.
  bob.client.send(`<iq type='get' id='next' to='next.example'><query xmlns='jabber:iq:version'/></iq>`)
  await other.called('next.example')
  assert.deepEqual([...new Set(other.to)].sort(), ['elsewhere.example', 'next.example', 'somewhere.example'])
  assert.deepEqual(
    dns.asked.filter((name) => name.endsWith('gatehouse.internal') || name === IRC),
    [],
  )
})

/** FAR as the name of a machine: ejabberd asks the system for the addresses of other names, and that one asks nobody of ours. */
const TARGET = [...FAR.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]), 0]
/** What follows the name in an answer, by the type that was asked for: an address (1), a service (33) at port 5269 there. */
const ANSWERS: Readonly<Record<number, readonly number[]>> = {
  1: [0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...FAR.split('.').map(Number)],
  33: [0, 33, 0, 1, 0, 0, 0, 60, 0, 6 + TARGET.length, 0, 0, 0, 0, 5269 >> 8, 5269 & 255, ...TARGET],
}

/** A DNS that says of every name that it is at FAR. */
async function openWildcard(): Promise<AsyncDisposable & { port: number; asked: string[] }> {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (query, from) => {
    const labels: string[] = []
    let at = 12
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    asked.push(labels.join('.'))
    const answer = ANSWERS[query.readUInt16BE(at + 1)]
    const head = Buffer.from(query.subarray(0, 12))
    head.writeUInt16BE(0x8580, 2)
    head.writeUInt16BE(answer === undefined ? 0 : 1, 6)
    head.writeUInt32BE(0, 8)
    const found = answer === undefined ? [] : [Buffer.from([0xc0, 12, ...answer])]
    socket.send(Buffer.concat([head, query.subarray(12, at + 5), ...found]), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', () => resolve()))
  return {
    port: socket.address().port,
    asked,
    [Symbol.asyncDispose]: () => new Promise((done) => socket.close(() => done())),
  }
}
