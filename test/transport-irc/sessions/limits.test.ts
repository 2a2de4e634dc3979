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

test('where one server has TLS, one in clear beside it is told nothing, whatever is allowed', async () => {
  await using server = await startFakeIrcd({ tls: true })
  const at = (port: number, tls: 'tls' | 'plain') => ({ host: server.address, port, tls })
  const networks = networksOf(
    {},
    {
      networks: [
        {
          ...unlistedNetwork('one.example'),
          servers: [at(server.port, 'plain'), at(server.tlsPort, 'tls')],
          tls: { pins: [], caFile: server.caFile },
        },
      ],
    },
  )
  const up = Promise.withResolvers<void>()
  const told = telling([], 'anna', { up: () => up.resolve(), last() {} })
  await using _session = networks.open('one.example', 'anna@corp.example', { nick: 'anna' }, told)
  await up.promise
  const said = [...server.clients].map(({ secure, lines }) => `${secure ? 'TLS' : 'clear'} ${lines.join(' ')}`)
  assert.equal(server.client('anna')?.secure, true)
  assert.ok(
    said.filter((one) => one.startsWith('clear')).every((one) => /^clear (CAP LS 302)?$/.test(one)),
    said.join(),
  )
})

test('who comes, and who comes back, while nothing can be kept is not read either', async () => {
  await using server = await startFakeIrcd({ caps: {} })
  const servers = [{ host: server.address, port: server.port, tls: 'plain' as const }]
  const networks = networksOf({}, { networks: [{ ...unlistedNetwork('one.example'), servers }] })
  const heard: string[] = []
  await using sessions = new AsyncDisposableStack()
  const open = (nick: string) => {
    const ups = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const all = Promise.withResolvers<void>()
    const down = Promise.withResolvers<void>()
    let times = 0
    const told = telling(heard, nick, {
      up: () => ups[times++]?.resolve(),
      down: () => down.resolve(),
      last: () => all.resolve(),
    })
    sessions.use(networks.open('one.example', `${nick}@corp.example`, { nick }, told))
    return { up: ups[0]?.promise, again: ups[1]?.promise, down: down.promise, all: all.promise }
  }
  const anna = open('anna')
  await anna.up
  await server.close()
  await anna.down
  const release = networks.hold?.()
  await server.open()
  const bob = open('bob')
  await bob.up
  await anna.again
  for (const nick of ['anna', 'bob'])
    server.bytes(Array.from({ length: 100 }, (_, n) => `:otto!o@h PRIVMSG ${nick} :n${n}\r\n`).join(''), nick)
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(heard.length, 0)
  release?.()
  await Promise.all([anna.all, bob.all])
  assert.equal(heard.length, 200)
})

test('each network is spoken to as fast as its own setting says: one that is full slows down no other', async () => {
  await using opened = new AsyncDisposableStack()
  // Nothing comes anew while the test runs: what a network reads is what it takes at once.
  const floods = { 'one.example': 3, 'two.example': 7, 'three.example': 1_000 }
  const ircds = new Map(
    await Promise.all(Object.keys(floods).map(async (name) => [name, opened.use(await startFakeIrcd())] as const)),
  )
  const networks = networksOf(
    { perPerson: { networks: 3, rooms: 2 } },
    {
      networks: [...ircds].map(([name, { address, port }]) => ({
        ...unlistedNetwork(name),
        servers: [{ host: address, port, tls: 'plain' as const }],
        flood: { lines: floods[name as keyof typeof floods], everyMs: 3_600_000 },
      })),
    },
  )
  const said = new Map<string, Promise<unknown>[]>()
  for (const name of ircds.keys()) {
    const up = Promise.withResolvers<void>()
    const told = telling([], 'anna', { up: () => up.resolve(), last() {} })
    const session = opened.use(networks.open(name, 'anna@corp.example', { nick: 'anna' }, told))
    await up.promise
    const texts = Array.from({ length: 50 }, (_, n) => `n${n}`)
    said.set(
      name,
      texts.map((body) => session.say({ person: 'otto' }, { body })),
    )
    // What waits when the connection ends is refused.
    for (const one of said.get(name) ?? []) one.catch(() => {})
  }
  await Promise.all(said.get('three.example') ?? [])
  await Promise.all([said.get('one.example')?.[2], said.get('two.example')?.[6]])
  const heard = [...ircds.values()].map(
    (ircd) => ircd.client('anna')?.lines.filter((line) => / PRIVMSG otto :?n/.test(line)).length,
  )
  assert.deepEqual(heard, [3, 7, 50])
})

function telling(
  heard: string[],
  nick: string,
  { up, last, down = () => {} }: { up(): void; last(): void; down?(): void },
): SessionEvents {
  const own: Partial<SessionEvents> = {
    up,
    down,
    message({ body }) {
      heard.push(`${nick} ${body}`)
      if (body === 'n99') last()
    },
  }
  return new Proxy(own as SessionEvents, { get: (known, name: keyof SessionEvents) => known[name] ?? (() => {}) })
}
