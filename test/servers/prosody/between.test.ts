// SPDX-License-Identifier: Apache-2.0
// XEP-0198 on a stream between servers: what is held of another server's people is not acknowledged to it, what is released is.
// The other server is played by this test, dialback (XEP-0220) included, so that it can look at the counts.
import assert from 'node:assert/strict'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { it } from 'node:test'
import { bodies, freePort, HOST, openGated, SCREEN, soon } from './gated.ts'

const FAR = '127.0.0.14'
const OPEN = (to: string, id = '') =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams' from='${FAR}' to='${to}'${id} version='1.0'>`

/** What was heard over a socket, and a wait for what is to come. */
function listen(socket: Socket): { got(pattern: RegExp): Promise<RegExpExecArray> } {
  let heard = ''
  const waiting = new Set<() => void>()
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    heard += chunk.toString()
    for (const look of waiting) look()
  })
  return {
    got: (pattern) => {
      const { promise, resolve } = Promise.withResolvers<RegExpExecArray>()
      const look = () => {
        const found = pattern.exec(heard)
        if (!found) return
        waiting.delete(look)
        heard = heard.slice(found.index + found[0].length)
        resolve(found)
      }
      waiting.add(look)
      look()
      return soon(promise, `${pattern} in ${heard.slice(-300)}`)
    },
  }
}

/** The other server's side that says of every key that it is its own. */
function openAuthority(sockets: Socket[]): Promise<Server> {
  const server = createServer((socket) => {
    sockets.push(socket)
    const ear = listen(socket)
    const vouch = async () => {
      await ear.got(/<stream:stream[^>]*>/)
      socket.write(
        `${OPEN(HOST, " id='a1'")}<stream:features><dialback xmlns='urn:xmpp:features:dialback'/></stream:features>`,
      )
      // It asks who we are when it has said who it is, over one and the same stream.
      await ear.got(/<db:result[^>]*>[^<]*<\/db:result>/)
      socket.write(`<db:result from='${FAR}' to='${HOST}' type='valid'/>`)
      const [, id] = await ear.got(/<db:verify[^>]* id=['"]([^'"]*)['"][^>]*>/)
      socket.write(`<db:verify from='${FAR}' to='${HOST}' id='${id}' type='valid'/>`)
    }
    vouch().catch((fault: unknown) => socket.destroy(fault instanceof Error ? fault : undefined))
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(5269, FAR, () => resolve(server))
  })
}

const ARCHIVE = 'archive.gatehouse.internal'

it('acknowledges to another server nothing that is held or waits behind it, and everything after the release; lets it write to no screen and no trusted component', async () => {
  const ports = { c2s: await freePort(), component: await freePort(), s2s: await freePort() }
  await using gated = await openGated({
    lines: ['gatehouse_try = 15', 'gatehouse_hold_max = 20', `gatehouse_trusted = { "${ARCHIVE}" }`],
    settings: { ports, components: [{ name: ARCHIVE, secret: 'gate' }], global: ['modules_disabled = { "tls" }'] },
  })
  Object.assign(gated.ports, ports)
  const sockets: Socket[] = []
  const authority = await openAuthority(sockets)
  try {
    const screen = await gated.asking()
    const bob = await gated.login('bob')
    const stream = connect(ports.s2s, '127.0.0.1')
    sockets.push(stream)
    const ear = listen(stream)
    stream.write(OPEN(HOST))
    await ear.got(/<\/stream:features>/)
    stream.write(`<db:result from='${FAR}' to='${HOST}'>key</db:result>`)
    await ear.got(/<db:result[^>]*type=['"]valid['"]/)
    stream.write("<enable xmlns='urn:xmpp:sm:3'/>")
    await ear.got(/<enabled /)
    const say = (body: string) =>
      stream.write(`<message from='eve@${FAR}/x' to='bob@${HOST}'><body>${body}</body></message>`)
    const handled = async () => {
      stream.write("<r xmlns='urn:xmpp:sm:3'/>")
      return Number((await ear.got(/<a [^>]*h=['"](\d+)['"]/))[1])
    }
    say('free')
    await bob.got(/free/)
    assert.equal(await handled(), 1)
    say('HOLD this')
    say('behind it')
    await soon(screen.saw(/behind it/), 'the question behind')
    assert.equal(await handled(), 1, 'held is not handled')
    screen.release()
    await bob.got(/behind it/)
    assert.equal(await handled(), 3)
    assert.deepEqual(bodies(bob), ['free', 'HOLD this', 'behind it'])

    // What is asked of them is asked by people of this server: the server says who they are.
    const archive = await gated.screen(ARCHIVE)
    for (const to of [SCREEN, ARCHIVE])
      stream.write(
        `<iq type='set' id='door' from='eve@${FAR}/x' to='${to}'><command xmlns='http://jabber.org/protocol/commands' node='door'/></iq>`,
      )
    say('fence')
    await bob.got(/fence/)
    // What the server had routed to them before the fence, they have read before these.
    bob.client.send(`<iq type='get' id='last' to='${SCREEN}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    bob.client.send(`<iq type='get' id='last' to='${ARCHIVE}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await soon(Promise.all([screen.saw(/id='last'/), archive.saw(/id='last'/)]), 'the pings')
    assert.ok(![...screen.seen, ...archive.seen].some((iq) => iq.includes('door')))
  } finally {
    for (const socket of sockets) socket.destroy()
    await new Promise((done) => authority.close(done))
  }
})
