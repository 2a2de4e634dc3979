// SPDX-License-Identifier: Apache-2.0
// Of the directory bench: what people feel on a real server that the process directory drives from a real slapd. How soon the last
// colleague sees who joins a group; how a login with 2,000 contacts compares with the server's own way; how quickly the server answers
// a ping meanwhile, and while many who all have each other as contacts come online.
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { openPlace, type Place } from '../directory/place.ts'
import { RawClient } from '../harness/raw-client.ts'
import { attribute } from '../harness/stanza-splitter.ts'
import { type Colleague, DIRECTORY, type DirectoryHouse, enter } from '../servers/both/directory-house.ts'
import { HOST, SECRET } from '../servers/both/house.ts'
import { type Company, companyLdif, contact, dnOf, GROUPS, JOINER, MATES, mate } from './directory-company.ts'
import type { Crowd } from './directory-crowd.ts'
import { type BenchHouse, HOUSES, NATIVE } from './directory-houses.ts'
import type { Ping } from './directory-pinger.ts'
import { slapdOf, startDirectory } from './directory-reading.ts'
import { median } from './open-loop.ts'

export type PeopleShape = Company & {
  /** Members of MATES that are online while somebody joins, and how often that is. */
  colleagues: number
  joins: number
  /** Of the contacts, online while somebody logs in; and logins, each way. */
  online: number
  logins: number
  /** Members of MATES that come online together. */
  crowd: number
}

export type PeopleFigures = {
  server: string
  native: string
  /** From the beginning of the poll that finds the change to the last colleague's contact and presence: the slowest 1 % of the times. */
  joinSeenP99S: number
  loginMs: number
  nativeMs: number
  /** Of each pair of logins ours / the server's own; the median. */
  loginOverNative: number
  /** While people join and log in. */
  pingP99Ms: number
  /** While the crowd comes online, until everybody has seen everybody. */
  crowdPingP99Ms: number
  crowdPingMaxMs: number
  /** Until the last is logged in, and until everybody has seen everybody. */
  crowdInS: number
  crowdSeenS: number
}

/** Presence that the helper sends within a second: what a server can do, so that the crowd shows what that costs others. */
const PRESENCE_PER_SECOND = 20_000
const CROWD_WITHIN_MS = 300_000

/** A slapd with the company, to be read by the process directory for one server after the other. */
export function openPeoplePlace(company: Company): Promise<Place> {
  return openPlace(
    {
      domain: DIRECTORY,
      secret_file: 'directory.secret',
      brake: { touch: 10_000_000 },
      rosters: { cap: company.contacts, presence_per_second: PRESENCE_PER_SECOND },
      // Nobody of them has an account but those who log in.
      cards: { publish: 'no' },
      photos: { publish: 'no' },
    },
    slapdOf(companyLdif(company)),
  )
}

/** Null where the server is not installed. */
export async function peopleFigures(
  kind: ServerKind,
  place: Place,
  shape: PeopleShape,
  told: (line: string) => void,
): Promise<PeopleFigures | null> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-directory-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const online = Array.from({ length: shape.online + 1 }, (_, at) => contact(at))
  const mates = Array.from({ length: shape.mates }, (_, at) => mate(at))
  const house = await HOUSES[kind]({
    folder,
    slapd: place.slapd,
    accounts: { ours: [...online, ...mates, JOINER, 'zed'], native: online },
    contacts: shape.contacts,
  })
  if (house === null) return null
  stack.defer(async () => void (await house.server.end()))
  await writeFile(join(place.folder, 'directory.secret'), `${SECRET}\n`, { mode: 0o600 })
  place.shared({ server: { host: '127.0.0.1', port: house.ports.component } })
  const directory = stack.use(await startDirectory(place))
  await directory.logged(({ event }) => event === 'helper has it')
  const title = `${kind} ${house.version}`
  told(`${title}: the helper has ${shape.people} people in ${shape.groups + 2} groups`)

  const people: DirectoryHouse = { ...house, folder, [Symbol.asyncDispose]: async () => {} }
  const pinger = await startPinger(house)
  const joinSeenP99S = (await joins(people, place, mates.slice(0, shape.colleagues), shape.joins, pinger)) / 1_000
  const { ours, native } = await logins(house, online, shape, pinger)
  const pings = await pinger.end()
  const crowd = await crowded(house, mates.slice(0, shape.crowd))
  return {
    server: title,
    native: house.native,
    joinSeenP99S,
    loginMs: median(ours),
    nativeMs: median(native),
    loginOverNative: median(ours.map((ms, at) => ms / (native[at] ?? Number.NaN))),
    pingP99Ms: percentile(pings, 0.99),
    ...crowd,
  }
}

/** Times until each colleague has contact and presence of who joined, in ms. */
async function joins(
  house: DirectoryHouse,
  place: Place,
  names: readonly string[],
  rounds: number,
  pinger: Pinger,
): Promise<number> {
  await using stack = new AsyncDisposableStack()
  const come = async (name: string) => {
    const colleague = await enter(house, name)
    stack.defer(colleague.leave)
    return colleague
  }
  const colleagues: Colleague[] = []
  for (const name of names) colleagues.push(await come(name))
  const newcomer = await come(JOINER)
  const times: number[] = []
  using _counted = pinger.count()
  // The first does not count: its poll reads again what was written just before the first reading, here everybody.
  for (let round = 0; round <= rounds; round += 1) {
    await place.slapd.modify(membership('add'))
    const at = performance.now()
    const seen = Promise.all(
      colleagues.map(async (one) => {
        await Promise.all([one.lists(JOINER, { subscription: 'both' }), one.sees(newcomer.client.jid)])
        if (round > 0) times.push(performance.now() - at)
      }),
    )
    await Promise.all([place.ask('sync', { now: true }), seen])
    await place.slapd.modify(membership('delete'))
    const parted = Promise.all(colleagues.map((one) => one.lists(JOINER, null)))
    await Promise.all([place.ask('sync', { now: true }), parted])
  }
  return percentile(times, 0.99)
}

function membership(what: 'add' | 'delete'): string {
  return `dn: cn=${MATES},${GROUPS}\nchangetype: modify\n${what}: member\nmember: ${dnOf(JOINER)}\n`
}

/** Of one person by turns on both hosts, whose contacts are the same; the first of each is not counted: it fills caches. */
async function logins(
  house: BenchHouse,
  online: readonly string[],
  { contacts, logins: rounds }: PeopleShape,
  pinger: Pinger,
): Promise<{ ours: number[]; native: number[] }> {
  const [self = '', ...others] = online
  const clients: RawClient[] = []
  for (const host of [HOST, NATIVE])
    for (const user of others) clients.push(await RawClient.login(loginOf(house, user, host)))
  const ours: number[] = []
  const native: number[] = []
  for (let round = 0; round <= rounds; round += 1) {
    // Who goes second finds the machine as the first left it: by turns as well.
    for (const host of round % 2 === 0 ? [HOST, NATIVE] : [NATIVE, HOST]) {
      using _counted = host === HOST ? pinger.count() : null
      const ms = await login(house, host, self, `r${round}`, { contacts: contacts - 1, online: others.length })
      if (round > 0) (host === HOST ? ours : native).push(ms)
    }
  }
  for (const client of clients) await client.close()
  return { ours, native }
}

/** Connection, roster, own presence, that of everybody who is there, and a ping behind it all. */
async function login(
  house: BenchHouse,
  host: string,
  user: string,
  resource: string,
  wanted: { contacts: number; online: number },
): Promise<number> {
  const whole = Promise.withResolvers<void>()
  const seen = new Set<string>()
  let items = -1
  let fenced = false
  const take = (stanza: string) => {
    // Some servers also say who is not there.
    if (stanza.startsWith('<presence')) {
      if (attribute(stanza, 'type') === null) seen.add(attribute(stanza, 'from') ?? '')
    } else if (attribute(stanza, 'id') === 'roster') items = stanza.split('<item ').length - 1
    else if (attribute(stanza, 'id') === 'fence') fenced = true
    if (fenced && items >= 0 && seen.size === wanted.online + 1) whole.resolve()
  }
  const at = performance.now()
  const client = await RawClient.login({ ...loginOf(house, user, host), resource, presence: false }, { stanza: take })
  client.send(`<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>`)
  client.send('<presence/>')
  client.send(`<iq type='get' id='fence' to='${host}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  const lacks = () => `${items} contacts on ${host}, ${seen.size} presences, ${fenced ? 'a' : 'no'} answer to a ping`
  await within(whole.promise, 30_000, lacks)
  const ms = performance.now() - at
  if (items !== wanted.contacts) throw new Error(lacks())
  await client.close()
  return ms
}

function loginOf({ ports }: BenchHouse, user: string, domain = HOST) {
  return { address: '127.0.0.1', port: ports.c2s, domain, user, password: 'secret', resource: 'r' }
}

type CrowdFigures = Pick<PeopleFigures, 'crowdPingP99Ms' | 'crowdPingMaxMs' | 'crowdInS' | 'crowdSeenS'>

async function crowded(house: BenchHouse, people: readonly string[]): Promise<CrowdFigures> {
  const pinger = await startPinger(house)
  using _counted = pinger.count()
  const at = performance.now()
  const crowd: Crowd = { port: house.ports.c2s, domain: HOST, people }
  const worker = new Worker(new URL('./directory-crowd.ts', import.meta.url), { workerData: crowd })
  const failed = once(worker, 'error').then(([error]) => Promise.reject(error))
  failed.catch(() => {})
  const said = async (what: string) => {
    for (;;) if ((await once(worker, 'message'))[0] === what) return (performance.now() - at) / 1_000
  }
  const [crowdInS, crowdSeenS] = await within(
    Promise.race([Promise.all([said('in'), said('seen')]), failed]),
    CROWD_WITHIN_MS,
    () => `${people.length} people to see each other`,
  )
  const times = await pinger.end()
  worker.postMessage('leave')
  await worker.terminate()
  return {
    crowdPingP99Ms: percentile(times, 0.99),
    crowdPingMaxMs: Math.max(...times),
    crowdInS,
    crowdSeenS,
  }
}

type Pinger = {
  /** What is answered from now on counts, until what it gives is disposed of. */
  count(): Disposable
  /** Times of answers that count, in ms. */
  end(): Promise<number[]>
}

async function startPinger(house: BenchHouse): Promise<Pinger> {
  const worker = new Worker(new URL('./directory-pinger.ts', import.meta.url), { workerData: loginOf(house, 'zed') })
  const failed = once(worker, 'error').then(([error]) => Promise.reject(error))
  failed.catch(() => {})
  await Promise.race([once(worker, 'message'), failed])
  const counted: { from: number; to: number }[] = []
  const now = () => performance.timeOrigin + performance.now()
  return {
    count() {
      const span = { from: now(), to: Number.POSITIVE_INFINITY }
      counted.push(span)
      return {
        [Symbol.dispose]() {
          span.to = now()
        },
      }
    },
    async end() {
      worker.postMessage('end')
      const [pings] = (await Promise.race([once(worker, 'message'), failed])) as [readonly Ping[]]
      await worker.terminate()
      const counts = ({ at, ms }: Ping) => counted.some(({ from, to }) => at + ms >= from && at <= to)
      return pings.filter(counts).map(({ ms }) => ms)
    },
  }
}

async function within<T>(promise: Promise<T>, ms: number, lacks: () => string): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`waited ${ms / 1_000} s in vain: ${lacks()}`)), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
