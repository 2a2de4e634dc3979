// SPDX-License-Identifier: Apache-2.0
// Two companies on two servers, each with its own Gatehouse: what leaves is asked about at home, what comes in as well.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { type SlixmppClient, slixmppLack } from '../harness/slixmpp.ts'
import { openStage, type Stage } from '../harness/stage.ts'
import { onServers, serverLack } from './servers.ts'

const [NEAR, FAR] = ['127.0.0.2', '127.0.0.3']

const RULES = `otherwise: allow
rules:
  - id: stays-inside
    when: { direction: sent, words: [topsecret] }
    then: { refuse: { text: { en: 'Not outside.' } } }
  - id: stays-outside
    when: { direction: received, words: [offensive] }
    then: { refuse: { text: { en: 'Not in here.' } } }
  - id: mask-in
    when: { direction: received, words: [nightingale] }
    then: { replace: { mask: '*' } }`

onServers('between two servers, both', slixmppLack(), (server) => between(server, server))

const mixed = serverLack('prosody') ?? serverLack('ejabberd') ?? slixmppLack()
describe('between Prosody and ejabberd', { skip: mixed ?? false }, () => between('prosody', 'ejabberd'))

function between(nearServer: ServerKind, farServer: ServerKind): void {
  let near: Stage
  let far: Stage
  let alice: SlixmppClient
  let bob: SlixmppClient
  before(async () => {
    const company = (server: ServerKind, host: string) =>
      openStage({
        server,
        hosts: [host],
        rules: RULES,
        address: host,
        s2s: true,
        tls: false,
      })
    near = await company(nearServer, NEAR)
    far = await company(farServer, FAR)
    alice = await near.person('alice', { host: NEAR })
    bob = await far.person('bob', { host: FAR })
  })
  after(async () => {
    await near[Symbol.asyncDispose]()
    await far[Symbol.asyncDispose]()
  })

  const chat = (to: string, id: string, body: string) =>
    `<message xmlns='jabber:client' type='chat' to='${to}' id='${id}'><body>${body}</body></message>`

  test('what is allowed on both sides arrives, and both archives have it: one as sent, one as received', async () => {
    await alice.send(chat(`bob@${FAR}`, 'x1', 'crossword one'))
    await bob.wait(/id="x1"/)
    await bob.send(chat(`alice@${NEAR}`, 'x2', 'crossword two'))
    await alice.wait(/id="x2"/)
    const [sent] = await near.recorded('crossword one', 'released')
    assert.deepEqual([sent?.direction, sent?.via], ['sent', 'c2s'])
    const [received] = await far.recorded('crossword one', 'released')
    assert.deepEqual([received?.direction, received?.via], ['received', 's2s'])
    assert.equal((await far.recorded('crossword two', 'released'))[0]?.direction, 'sent')
    assert.equal((await near.recorded('crossword two', 'released'))[0]?.direction, 'received')
  })

  test('what the own side refuses never leaves', async () => {
    await alice.send(chat(`bob@${FAR}`, 'x3', 'leavingword topsecret'))
    assert.match(await alice.wait(/id="x3"/), /policy-violation.*Not outside/s)
    await alice.send(chat(`bob@${FAR}`, 'x4', 'leavingword plain'))
    await bob.wait(/id="x4"/)
    await bob.nothing(/topsecret/)
    await far.recorded('leavingword', 'released')
    await near.recorded('leavingword', 'refused', 'released')
  })

  test("what the recipient's side refuses comes back to the far sender, and the recipient never sees it", async () => {
    await alice.send(chat(`bob@${FAR}`, 'x5', 'arrivingword offensive'))
    assert.match(await alice.wait(/id="x5"/), /policy-violation.*Not in here/s)
    await alice.send(chat(`bob@${FAR}`, 'x6', 'arrivingword nightingale'))
    assert.match(await bob.wait(/id="x6"/), /arrivingword \*+/)
    await bob.nothing(/offensive|nightingale/)
    await near.recorded('arrivingword', 'released', 'released')
    await far.recorded('arrivingword', 'refused', 'released')
  })

  test('order holds over s2s while a message of another sender is refused', async () => {
    const carol = await near.person('carol', { host: NEAR })
    for (let i = 0; i < 20; i++) {
      await alice.send(chat(`bob@${FAR}`, `o${i}`, `orderword ${i}`))
      await carol.send(chat(`bob@${FAR}`, `c${i}`, i % 2 === 0 ? 'offensive' : 'fine'))
    }
    const seen: string[] = []
    for (let i = 0; i < 20; i++) seen.push(/id="(o\d+)"/.exec(await bob.wait(/id="o\d+"/))?.[1] ?? '')
    assert.deepEqual(
      seen,
      Array.from({ length: 20 }, (_, i) => `o${i}`),
    )
  })
}
