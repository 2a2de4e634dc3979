// SPDX-License-Identifier: Apache-2.0
// Who may connect, how many, how fast, and to which channels: refused before anything goes to a network.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NetworkFault, type SessionEvents } from '../../../components/kit/transport/network.ts'
import { unlistedNetwork } from '../../../components/transport-irc/network-settings.ts'
import {
  type Networks,
  type NetworksOptions,
  openNetworks,
} from '../../../components/transport-irc/sessions/networks.ts'
import { startFakeIrcd } from '../../harness/fake-ircd.ts'

const nobody = new Proxy({}, { get: () => () => {} }) as SessionEvents

function networksOf(limits: Partial<NetworksOptions['limits']>, more: Partial<NetworksOptions> = {}): Networks {
  // A port on which nobody listens: no test here needs an answer.
  const deaf = (name: string) => ({
    ...unlistedNetwork(name),
    servers: [{ host: '127.0.0.1', port: 1, tls: 'plain' as const }],
    channels: { allow: ['#corp-*'], deny: ['#corp-secret*'] },
    connections: 2,
  })
  return openNetworks({
    networks: [deaf('one.example'), deaf('two.example'), deaf('three.example')],
    others: false,
    only: null,
    limits: { perPerson: { networks: 2, rooms: 2 }, people: 3, connectsPerMinute: 100, waiting: 10, ...limits },
    refusesPerson: (owner) => (owner.startsWith('eve') ? 'banned' : null),
    known: { read: () => null, write() {} },
    sts: { read: () => null, write() {} },
    software: 'test',
    words: { reacts: () => '', label: (id) => id, refused: (id) => id },
    counted() {},
    now: () => 0,
    ...more,
  })
}

async function refusals(
  networks: Networks,
  wanted: readonly [owner: string, network: string][],
): Promise<(string | null)[]> {
  const sessions = []
  const told: (string | null)[] = []
  for (const [owner, network] of wanted) {
    try {
      sessions.push(networks.open(network, `${owner}@corp.example`, { nick: owner }, nobody))
      told.push(null)
    } catch (error) {
      assert.ok(error instanceof NetworkFault)
      told.push(error.message.replace('transport-irc-', ''))
    }
  }
  for (const session of sessions) await session[Symbol.asyncDispose]()
  return told
}

test('a person has so many networks, a network so many people, the gateway so many of them', async () => {
  assert.deepEqual(
    await refusals(networksOf({}), [
      ['anna', 'one.example'],
      ['anna', 'two.example'],
      ['anna', 'three.example'],
      ['bob', 'one.example'],
      ['carl', 'one.example'],
      ['carl', 'two.example'],
      ['dora', 'three.example'],
    ]),
    [null, null, 'too-many-networks', null, 'too-many-people', null, 'too-many-people'],
  )
})

test('new connections to a network are so many a minute, and who may not use it gets none', async () => {
  assert.deepEqual(
    await refusals(networksOf({ connectsPerMinute: 1, people: 10 }), [
      ['anna', 'one.example'],
      ['bob', 'one.example'],
      ['bob', 'two.example'],
      ['eve', 'three.example'],
    ]),
    [null, 'too-many-connects', null, 'banned'],
  )
})

test('who has ended makes room again', async () => {
  const networks = networksOf({ people: 1 })
  assert.deepEqual(
    await refusals(networks, [
      ['anna', 'one.example'],
      ['bob', 'one.example'],
    ]),
    [null, 'too-many-people'],
  )
  assert.deepEqual(await refusals(networks, [['bob', 'one.example']]), [null])
  assert.deepEqual([...networks.connected()], [])
})

test('channels that are denied, or not allowed, are not entered, in whatever spelling', async () => {
  const networks = networksOf({})
  await using session = networks.open('one.example', 'anna@corp.example', { nick: 'anna' }, nobody)
  for (const room of ['#corp-secret', '#CORP-SECRET-2', '#other'])
    await assert.rejects(session.enter(room, {}), { reason: 'not-allowed' }, room)
  await assert.rejects(session.enter('#Corp-talk', {}), { reason: 'down' })
})

test('networks that are not listed are reached only where that is said, by a name that could be a host', () => {
  const closed = networksOf({})
  assert.equal(closed.refuses('one.example'), null)
  assert.equal(closed.refuses('four.example'), 'transport-irc-no-network')
  const open = networksOf({}, { others: true })
  for (const name of ['localhost', '../etc', 'a b.example', '', '[::1]', 'four.example/x'])
    assert.equal(open.refuses(name), 'transport-irc-no-network', name)
  assert.equal(open.refuses('four.example'), null)
  assert.deepEqual(open.settings('four.example')?.servers, [{ host: 'four.example', port: 6697, tls: 'tls' }])
})

test('while nothing can be kept nothing is read, on any connection; what waits at the server comes afterwards', async () => {
  await using server = await startFakeIrcd({ caps: {} })
  const networks = networksOf(
    {},
    {
      networks: [
        {
          ...unlistedNetwork('one.example'),
          servers: [{ host: server.address, port: server.port, tls: 'plain' as const }],
        },
      ],
    },
  )
  const heard: string[] = []
  const people = []
  await using sessions = new AsyncDisposableStack()
  for (const nick of ['anna', 'bob']) {
    const up = Promise.withResolvers<void>()
    const all = Promise.withResolvers<void>()
    const told = telling(heard, nick, { up: () => up.resolve(), last: () => all.resolve() })
    sessions.use(networks.open('one.example', `${nick}@corp.example`, { nick }, told))
    people.push({ up, all })
  }
  for (const { up } of people) await up.promise
  const release = networks.hold?.()
  server.bytes(Array.from({ length: 100 }, (_, n) => `:otto!o@h PRIVMSG anna :n${n}\r\n`).join(''), 'anna')
  server.bytes(Array.from({ length: 100 }, (_, n) => `:otto!o@h PRIVMSG bob :n${n}\r\n`).join(''), 'bob')
  // The kernel has taken all of it: the loop turns over often enough to read it, if it were read.
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(heard.length, 0)
  release?.()
  for (const { all } of people) await all.promise
  for (const nick of ['anna', 'bob'])
    assert.deepEqual(
      heard.filter((line) => line.startsWith(nick)),
      Array.from({ length: 100 }, (_, n) => `${nick} n${n}`),
    )
})

function telling(heard: string[], nick: string, { up, last }: { up(): void; last(): void }): SessionEvents {
  const own: Partial<SessionEvents> = {
    up,
    message({ body }) {
      heard.push(`${nick} ${body}`)
      if (body === 'n99') last()
    },
  }
  return new Proxy(own as SessionEvents, { get: (known, name: keyof SessionEvents) => known[name] ?? (() => {}) })
}
