// SPDX-License-Identifier: Apache-2.0
// npm run bench -- directory-people: what people feel of mod_gatehouse_directory on a server: how soon the last of 200 colleagues sees who
// joins a group of 1,000, how a login with 2,000 provisioned contacts compares with the server's own way, and how quickly the server
// answers a ping while 1,000 people of 1,000 contacts each log in.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { RawClient } from '../harness/raw-client.ts'
import {
  type DirectoryComponent,
  type DirectoryHouse,
  enter,
  group,
  join,
  openDirectory,
  part,
  person,
  policy,
} from '../servers/both/directory-house.ts'
import { HOST, soon } from '../servers/both/house.ts'
import { openEjabberdDirectory } from '../servers/ejabberd/directory-house.ts'
import { prosodyWithDirectory } from '../servers/prosody/directory-house.ts'

const SHARED = 'shared.example'
const CONTACTS = 2000
const COLLEAGUES = 200

export async function directoryPeople(options: {
  form: 'quick' | 'normal' | 'long'
  server: ServerKind
}): Promise<number> {
  const many = options.form === 'quick' ? 200 : 1000
  const names = Array.from({ length: CONTACTS + 1 }, (_, n) => `p${n}`)
  const accounts = [...names.slice(0, many), 'zed', `p0@${SHARED}`]
  const house =
    options.server === 'prosody'
      ? await prosodyWithDirectory.open({ accounts: accounts.slice(0, -1) })
      : await openShared(accounts, names)
  await using stack = new AsyncDisposableStack()
  stack.use(house)
  const directory = stack.use(await openDirectory(house))
  const figures: Record<string, number | null> = {}
  await give(directory, 1, names.slice(0, many), 'p0')
  figures.join_seen_p99_s = (await joined(house, directory, names.slice(1, Math.min(COLLEAGUES + 1, many)))) / 1000
  figures.ping_p99_ms = await pinged(house, names.slice(1, many))
  await give(directory, 9, names)
  const ours = await logins(house, HOST)
  const native = options.server === 'ejabberd' ? await logins(house, SHARED) : null
  figures.login_2000_ms = ours
  figures[`login_2000_over_native_${options.server}`] = native === null ? null : ours / native
  const rounded = Object.entries(figures).map(([name, value]) => [
    name,
    value === null ? null : Number(value.toFixed(3)),
  ])
  process.stdout.write(
    `${JSON.stringify({ bench: 'directory-people', server: options.server, ...Object.fromEntries(rounded) })}\n`,
  )
  return 0
}

/** A further host, whose people see each other by the server's own mod_shared_roster. */
async function openShared(accounts: readonly string[], names: readonly string[]): Promise<DirectoryHouse> {
  const helper = { mod_gatehouse_directory: { component: `directory.${HOST}` } }
  const hosts = [
    { name: HOST, modules: helper },
    { name: SHARED, modules: { mod_shared_roster: {} } },
  ]
  const house = await openEjabberdDirectory({ accounts }, { hosts })
  const options = `[{label, <<"All">>}, {displayed_groups, [<<"g">>]}]`
  const member = `{<<"p", (integer_to_binary(N))/binary>>, <<"${SHARED}">>}`
  // By its storage: its own way of adding looks at all pairs.
  await house.server.evaluate(
    `mod_shared_roster:create_group(<<"${SHARED}">>, <<"g">>, ${options}), [mod_shared_roster_mnesia:add_user_to_group(<<"${SHARED}">>, ${member}, <<"g">>) || N <- lists:seq(0, ${names.length - 1})], ok.`,
  )
  return house
}

/** All of them in one group, but one. */
async function give(directory: DirectoryComponent, seq: number, names: readonly string[], without = ''): Promise<void> {
  const parts = [policy({ cap: 2500, presence: 20_000 }) + group({ id: 'g', name: 'All' })]
  for (let at = 0; at < names.length; at += 500) {
    const some = names.slice(at, at + 500)
    parts.push(some.map((name) => person(name, { name })).join(''))
    parts.push(
      join(
        'g',
        some.filter((name) => name !== without),
      ),
    )
  }
  const answer = await directory.whole(seq, parts)
  if (!answer.includes("type='result'")) throw new Error(answer)
}

/** From the moment when the change is sent to when the last colleague has contact and presence; the slowest of some rounds. */
async function joined(house: DirectoryHouse, directory: DirectoryComponent, names: readonly string[]): Promise<number> {
  const colleagues = []
  for (const name of names) colleagues.push(await enter(house, name))
  const newcomer = await enter(house, 'p0')
  await directory.settled()
  const times: number[] = []
  for (let round = 0; round < 3; round += 1) {
    const at = performance.now()
    const seen = Promise.all(
      colleagues.map(async (one) => {
        await Promise.all([one.lists('p0', { subscription: 'both' }), one.sees(newcomer.client.jid)])
        times.push(performance.now() - at)
      }),
    )
    await directory.change(2 + 2 * round, join('g', ['p0']))
    await seen
    await directory.change(3 + 2 * round, part('g', ['p0']))
    await Promise.all(colleagues.map((one) => one.lists('p0', null)))
    await directory.settled()
  }
  for (const one of [...colleagues, newcomer]) await one.leave()
  await directory.settled()
  return percentile(times, 0.99)
}

async function pinged(house: DirectoryHouse, people: readonly string[]): Promise<number> {
  let answered = () => {}
  const login = {
    address: '127.0.0.1',
    port: house.ports.c2s,
    domain: HOST,
    user: 'zed',
    password: 'secret',
    resource: 'z',
  }
  const client = await RawClient.login({ ...login, presence: false }, { stanza: () => answered() })
  const worker = new Worker(new URL('./directory-crowd.ts', import.meta.url), {
    workerData: { port: house.ports.c2s, domain: HOST, people },
  })
  let over = false
  const crowd = once(worker, 'message').then(() => {
    over = true
  })
  const times: number[] = []
  // And a while longer: presence is still on its way when the last is in.
  for (let after = 0; after < 200; after += over ? 1 : 0) {
    const { promise, resolve } = Promise.withResolvers<void>()
    answered = resolve
    const at = performance.now()
    client.send(`<iq type='get' id='p' to='${HOST}'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await soon(promise, 'the answer to a ping')
    times.push(performance.now() - at)
    await new Promise((done) => setTimeout(done, 10))
  }
  await crowd
  await worker.terminate()
  await client.close()
  return percentile(times, 0.99)
}

/** Connection, roster and own presence, the median of some. */
async function logins(house: DirectoryHouse, host: string): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 15; round += 1) {
    const at = performance.now()
    const one = await enter(house, 'p0', { host, resource: `r${round}` })
    times.push(performance.now() - at)
    if (one.roster.size !== CONTACTS) throw new Error(`${one.roster.size} contacts on ${host}`)
    await one.leave()
  }
  return percentile(times, 0.5)
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
