// SPDX-License-Identifier: Apache-2.0
// XEP-0198 (1.6) while messages are held: what is not decided is not acknowledged, and nothing is lost or doubled whatever
// happens to the session or the server meanwhile. The screen is one that the test answers for.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type Listener, listen } from '../harness/listener.ts'
import type { Managed } from '../harness/raw-client.ts'
import { HOST, SCREEN, startWorld, type World } from '../harness/world.ts'
import { type AllowScreen, openAllowScreen } from '../servers/prosody/allow-screen.ts'
import { onServers } from './servers.ts'

const R = "<r xmlns='urn:xmpp:sm:3'/>"
const TEN = Array.from({ length: 10 }, (_, i) => `LATER ${i}`)

onServers('holding', null, (server) => {
  let world: World
  let screen: AllowScreen
  const open: Listener[] = []
  before(async () => {
    world = await startWorld({ server, screen: 'own' })
    screen = await answering()
  })
  afterEach(() => {
    for (const one of open.splice(0)) one.client.break()
  })
  after(async () => {
    await screen.close()
    await world[Symbol.asyncDispose]()
  })

  test('m1, <r/> and m2 in one write: only m1 is acknowledged; the server dies, and m2 is sent again and arrives once', async () => {
    const bob = await person('bob1')
    const alice = await person('alice1')
    alice.client.sendTogether([chat('bob1', 'm1', 'plain'), R, chat('bob1', 'm2', 'LATER')])
    await bob.next(/id='m1'/)
    await screen.saw(/id='m2'/)
    alice.client.requestAcknowledgement()
    await alice.acked(/id='m1'/)
    assert.deepEqual(ids(alice.acknowledged), ['m1'])
    assert.deepEqual(ids(alice.client.managed?.unacknowledged ?? []), ['m2'])

    world.server.kill('SIGKILL')
    await Promise.all([world.server.exited, alice.client.ended, bob.client.ended, screen.ended])
    await world.startServer()
    screen = await answering()
    const again = await person('bob1')
    const back = await person('alice1', alice.client.managed)
    assert.equal(back.client.resumed, false)
    await screen.saw(/id='m2'/)
    screen.release()
    await again.next(/id='m2'/)
    await again.fence()
    assert.deepEqual(again.bodies(), ['LATER'])
  })

  test('resumption while ten are held: the server has them all, none is sent again, each arrives once and in order', async () => {
    const bob = await person('bob2')
    const alice = await person('alice2')
    for (const [i, body] of TEN.entries()) alice.client.send(chat('bob2', `t${i}`, body))
    await screen.saw(/id='t9'/)
    alice.client.break()
    await alice.client.ended
    const back = await person('alice2', alice.client.managed)
    assert.equal(back.client.resumed, true)
    assert.deepEqual(ids(back.client.managed?.unacknowledged ?? []), [])
    screen.release()
    await bob.next(/id='t9'/)
    await back.fence()
    await bob.fence()
    assert.deepEqual(bob.bodies(), TEN)
  })

  test('the same resource logs in again while ten are held: each arrives once and in order', async () => {
    const bob = await person('bob3')
    const alice = await person('alice3')
    for (const [i, body] of TEN.entries()) alice.client.send(chat('bob3', `s${i}`, body))
    await screen.saw(/id='s9'/)
    const other = await person('alice3')
    await alice.client.ended
    screen.release()
    await bob.next(/id='s9'/)
    await other.fence()
    await bob.fence()
    assert.deepEqual(bob.bodies(), TEN)
  })

  test('Alice receives while her own message waits, and what she sends behind it waits for its turn', async () => {
    const bob = await person('bob4')
    const alice = await person('alice4')
    alice.client.send(chat('bob4', 'w1', 'LATER'))
    alice.client.send(chat('bob4', 'w2', 'behind'))
    await screen.saw(/id='w2'/)
    bob.client.send(chat('alice4', 'b1', 'meanwhile'))
    await alice.next(/id='b1'/)
    await bob.fence()
    assert.deepEqual(bob.bodies(), [])
    screen.release()
    await bob.next(/id='w2'/)
    assert.deepEqual(bob.bodies(), ['LATER', 'behind'])
  })

  test('one sender waits, another does not: what others send to the same person passes at once', async () => {
    const bob = await person('bob5')
    const alice = await person('alice5')
    const carol = await person('carol5')
    alice.client.send(chat('bob5', 'h1', 'LATER'))
    await screen.saw(/id='h1'/)
    carol.client.send(chat('bob5', 'c1', 'from carol'))
    await bob.next(/id='c1'/)
    assert.deepEqual(bob.bodies(), ['from carol'])
    screen.release()
    await bob.next(/id='h1'/)
  })

  test('what was held is refused in its turn: the sender reads it, what came behind arrives', async () => {
    const bob = await person('bob6')
    const alice = await person('alice6')
    alice.client.send(chat('bob6', 'd1', 'LATER DENY'))
    alice.client.send(chat('bob6', 'd2', 'behind'))
    await screen.saw(/id='d2'/)
    screen.release()
    assert.match(await alice.next(/id='d1'/), /policy-violation/)
    await bob.next(/id='d2'/)
    assert.deepEqual(bob.bodies(), ['behind'])
  })

  const chat = (to: string, id: string, body: string) =>
    `<message type='chat' to='${to}@${HOST}' id='${id}'><body>${body}</body></message>`

  async function person(user: string, previous: Managed | null = null): Promise<Listener> {
    const login = { address: world.address, port: world.ports.c2s, domain: HOST, user, password: 'x', resource: 'desk' }
    const one = await listen({ ...login, management: 'resume' }, previous)
    open.push(one)
    return one
  }

  async function answering(): Promise<AllowScreen> {
    const settings = { port: world.ports.component, domain: SCREEN, secret: world.secret }
    const one = await openAllowScreen({ ...settings, markers: true, keep: true })
    // The helper asks again when the screen has answered its marks.
    await world.server.logged(/answers; questions are asked/)
    return one
  }
})

function ids(stanzas: readonly string[]): string[] {
  return stanzas.flatMap((stanza) => (stanza.startsWith('<message') ? (/ id='([^']*)'/.exec(stanza)?.[1] ?? []) : []))
}
