// SPDX-License-Identifier: Apache-2.0
// What leaves ejabberd for other servers, and what comes from them, past mod_gatehouse: nothing for a screen or a trusted component,
// though a DNS says that their names are somewhere. The DNS and the other server are played by this test, dialback (XEP-0220) included.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { freePorts } from '../../../deploy/demo/ports.ts'
import { bodies, HOST, noEjabberd, openGated, soon } from './gated.ts'

const FAR = '127.0.0.31'
const SCREEN = 'policy.gatehouse.internal'
const ARCHIVE = 'archive.gatehouse.internal'
const open = (to: string) =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams' from='${FAR}' to='${to}' id='a1' version='1.0'>`

type Ear = { heard(): string; got(pattern: RegExp): Promise<RegExpExecArray> }

function listen(socket: Socket): Ear {
  let all = ''
  const waiting = new Set<() => void>()
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    all += chunk.toString()
    for (const look of waiting) look()
  })
  return {
    heard: () => all,
    got: (pattern) => {
      const { promise, resolve } = Promise.withResolvers<RegExpExecArray>()
      const look = () => {
        const found = pattern.exec(all)
        if (!found) return
        waiting.delete(look)
        all = all.slice(found.index + found[0].length)
        resolve(found)
      }
      waiting.add(look)
      look()
      return soon(promise, `${pattern} in ${all.slice(-300)}`)
    },
  }
}

type Other = AsyncDisposable & { to: string[]; called(name: string): Promise<void> }

/** A server at FAR that takes every stream, notes whom it is for, and vouches for every key. */
async function openOther(): Promise<Other> {
  const sockets = new Set<Socket>()
  const to: string[] = []
  const waiting = new Set<() => void>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const ear = listen(socket)
    const vouch = async () => {
      const [, name = ''] = await ear.got(/<stream:stream [^>]*\bto=['"]([^'"]*)['"][^>]*>/)
      to.push(name)
      for (const look of waiting) look()
      socket.write(`${open(HOST)}<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>`)
      for (;;) {
        const [, what, id] = await ear.got(/<db:(result|verify)\b(?:[^>]* id=['"]([^'"]*)['"])?[^>]*>[^<]*<\/db:\1>/)
        socket.write(`<db:${what} from='${FAR}' to='${HOST}'${id === undefined ? '' : ` id='${id}'`} type='valid'/>`)
      }
    }
    vouch().catch(() => socket.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(5269, FAR, () => resolve())
  })
  return {
    to,
    called: (name) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = () => {
        if (to.includes(name)) resolve()
      }
      waiting.add(look)
      look()
      return soon(promise, `a stream to ${name}`)
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

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

describe('between servers', { skip: noEjabberd }, () => {
  it('what a component sends out is asked about; no question leaves, and nothing for a screen or a trusted component, though their names resolve and they are away', async () => {
    await using other = await openOther()
    await using dns = await openWildcard()
    const [s2s = 0, c2s = 0, component = 0] = await freePorts(3)
    await using gated = await openGated({
      options: { trusted: [ARCHIVE], try: 1, hold_max: 2 },
      components: [ARCHIVE, 'teller.corp.example'],
      settings: { ports: { c2s, component, s2s }, nameServer: { address: '127.0.0.1', port: dns.port } },
    })
    Object.assign(gated.ports, { c2s, component })
    const alice = await gated.login('alice')
    const bob = await gated.login('bob')
    const BOB = `bob@${HOST}`
    alice.say(BOB, 'before there was a screen')
    assert.match(await alice.got(/id='before-there-was-a-screen'/), /resource-constraint/)
    const screen = await gated.asking()
    alice.say(BOB, 'HOLD while it goes')
    await soon(screen.saw(/HOLD while it goes/), 'the question')
    bob.client.send(`<message to='eve@somewhere.example' id='away'><body>to another server</body></message>`)
    await other.called('somewhere.example')
    const teller = await gated.screen('teller.corp.example', { silent: /./ })
    for (const body of ['DENY outside', 'out of the house'])
      teller.write(
        `<message from='t@teller.corp.example' to='eve@elsewhere.example' id='out'><body>${body}</body></message>`,
      )
    await other.called('elsewhere.example')
    const outbound = await soon(screen.saw(/<ask [^?]*out of the house/), 'the question of what a component sends out')
    assert.match(outbound, /<ask [^>]*via='component'/)
    assert.ok(!/direction='received'/.test(outbound))
    // Names that a DNS reads as theirs, while the screen lets everything pass.
    for (const [at, to] of [
      `${ARCHIVE}.`,
      `${SCREEN}.`,
      ARCHIVE.replaceAll('.', '\u3002'),
      `${SCREEN}\u3002`,
    ].entries()) {
      bob.client.send(`<message to='eve@${to}' id='dot${at}'><body>dot ${at}</body></message>`)
      assert.match(await bob.got(new RegExp(`<message[^>]*id='dot${at}'`)), /type='error'/)
    }
    await screen.close()
    assert.match(await alice.got(/id='HOLD-while-it-goes'/), /resource-constraint/)
    for (const to of [SCREEN, ARCHIVE]) {
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
      dns.asked.filter((name) => name.endsWith('gatehouse.internal')),
      [],
    )
  })

  it('another server writes to people, asked about, and to no screen and no trusted component; nor in their names', async () => {
    await using _other = await openOther()
    const [s2s = 0, c2s = 0, component = 0] = await freePorts(3)
    await using gated = await openGated({
      options: { trusted: [ARCHIVE], try: 15, hold_max: 20 },
      components: [ARCHIVE],
      settings: { ports: { c2s, component, s2s } },
    })
    Object.assign(gated.ports, { c2s, component })
    const screen = await gated.asking()
    const archive = await gated.screen(ARCHIVE)
    const bob = await gated.login('bob')
    const stream = connect(s2s, '127.0.0.1')
    try {
      const ear = listen(stream)
      stream.write(open(HOST).replace(" id='a1'", ''))
      await ear.got(/<\/stream:features>/)
      stream.write(`<db:result from='${FAR}' to='${HOST}'>key</db:result>`)
      await ear.got(/<db:result[^>]*type=['"]valid['"]/)
      const say = (body: string) =>
        stream.write(
          `<message from='eve@${FAR}/x' to='bob@${HOST}' id='${body.replaceAll(' ', '-')}'><body>${body}</body></message>`,
        )
      say('HOLD this')
      say('behind it')
      const question = await soon(screen.saw(/behind it/), 'the question behind')
      assert.match(question, /<ask [^>]*direction='received'/)
      assert.match(question, /<ask [^>]*via='s2s'/)
      assert.deepEqual(bodies(bob), [])
      screen.release()
      await bob.got(/behind it/)
      assert.deepEqual(bodies(bob), ['HOLD this', 'behind it'])
      for (const to of [SCREEN, ARCHIVE])
        stream.write(
          `<iq type='set' id='door' from='eve@${FAR}/x' to='${to}'><command xmlns='http://jabber.org/protocol/commands' node='door'/></iq>`,
        )
      say('fence')
      await bob.got(/fence/)
      bob.client.send(`<iq type='get' id='last' to='${SCREEN}'><ping xmlns='urn:xmpp:ping'/></iq>`)
      bob.client.send(`<iq type='get' id='last' to='${ARCHIVE}'><ping xmlns='urn:xmpp:ping'/></iq>`)
      await soon(Promise.all([screen.saw(/id='last'/), archive.saw(/id='last'/)]), 'the pings')
      assert.ok(![...screen.seen, ...archive.seen].some((iq) => iq.includes('door')))
    } finally {
      stream.destroy()
    }
  })
})
