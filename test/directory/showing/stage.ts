// SPDX-License-Identifier: Apache-2.0
// What people see, on a real server with its helper: the store and showing/ as they are, without LDAP and the engine. What is
// provisioned the test says.
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as rest } from 'node:timers/promises'
import { DEFAULT_CARD } from '../../../components/directory/domain/card.ts'
import type { ProvisionedGroup, ProvisionedPerson } from '../../../components/directory/domain/provisioned.ts'
import { plannedList } from '../../../components/directory/domain/state.ts'
import type { ProvisionedWall } from '../../../components/directory/domain/walls.ts'
import { openShowing, type Showing, type ShowingSettings } from '../../../components/directory/showing/showing.ts'
import { type DirectoryStore, openDirectoryStore } from '../../../components/directory/storage/directory-store.ts'
import { createPrivilegedRouter } from '../../../components/kit/privilege/privileged-router.ts'
import type { Privileges } from '../../../components/kit/privilege/privileges.ts'
import type { Router } from '../../../components/kit/router/router.ts'
import { openStream } from '../../../components/kit/stream/open-stream.ts'
import type { Stream } from '../../../components/kit/stream/stream.ts'
import { createCatalogue } from '../../../components/kit/text/catalogue.ts'
import { freePorts } from '../../../deploy/demo/ports.ts'
import type { Server, ServerKind } from '../../../deploy/demo/server.ts'
import { startServer } from '../../../deploy/demo/site.ts'

export const HOST = 'corp.example'
export const DIRECTORY = `directory.${HOST}`
export const ROOMS = `rooms.${HOST}`
export const SECRET = 'gate'
const TEXTS = ['kit', 'directory'].map((name) => new URL(`../../../components/${name}/text/`, import.meta.url))

export type House = AsyncDisposable & { server: Server; ports: { c2s: number; component: number } }

/** A server whose helper trusts the directory, with a room service in which the directory may make rooms. `delegated`: it answers for vcard-temp. */
export async function openHouse(kind: ServerKind, accounts: readonly string[], delegated = false): Promise<House> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-showing-'))
  const [c2s = 0, component = 0] = await freePorts(2)
  const server = await startServer(kind, {
    folder,
    ports: { c2s, component },
    hosts: [{ name: HOST }],
    rooms: { name: ROOMS, admins: [DIRECTORY] },
    components: [{ name: DIRECTORY, secret: SECRET }],
    accounts: accounts.map((name) => ({ jid: `${name}@${HOST}`, password: 'secret' })),
    tls: false,
    prosody: {
      modules: ['gatehouse_directory', ...(delegated ? ['delegation'] : [])],
      global: [
        `gatehouse_directory = "${DIRECTORY}"`,
        ...(delegated ? [`delegations = { ["vcard-temp"] = { jid = "${DIRECTORY}" } }`] : []),
      ],
      componentLines: delegated ? ['modules_enabled = { "delegation" }'] : [],
    },
    ejabberd: {
      modules: {
        mod_gatehouse_directory: { component: DIRECTORY },
        mod_vcard_xupdate: {},
        ...(delegated ? { mod_delegation: { namespaces: { 'vcard-temp': { access: 'all' } } } } : {}),
      },
    },
  })
  return {
    server,
    ports: { c2s, component },
    async [Symbol.asyncDispose]() {
      await server.end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export const SETTINGS: ShowingSettings = {
  language: 'en',
  search: { outsiders: 'nothing', unknown: 'outsiders', walledOff: 'nothing', hidden: [], most: 100 },
  cards: { table: DEFAULT_CARD, readableBy: 'contacts' },
  photos: { ownWins: true, mostBytes: 5 * 2 ** 20, mostPixels: 20_000_000 },
  rooms: { service: ROOMS, groups: ['Team *'], name: '{name}', subject: '{description}', bookmarks: 'autojoin' },
  perSecond: 500,
}

export type Stage = AsyncDisposable & {
  store: DirectoryStore
  showing: Showing
  /** Photos of the directory, by id of the person. */
  photos: Map<string, Uint8Array>
  /** Makes this what is provisioned; people and groups that are not named go. */
  provision(
    people: readonly ProvisionedPerson[],
    groups?: readonly ProvisionedGroup[],
    walls?: readonly ProvisionedWall[],
  ): Promise<void>
  /** Resolves when nothing is due any more. */
  settled(): Promise<void>
  /** Resolves when it holds. */
  until(what: string, holds: () => Promise<boolean> | boolean): Promise<void>
  privileges: Privileges
  /** Ends without a word to the store, as a process that is killed; the folder stays. */
  kill(): Promise<void>
  logged: { event: string; fields: Readonly<Record<string, unknown>> }[]
}

export type StageOptions = { settings?: Partial<ShowingSettings>; folder?: string; before?: () => Promise<void> }

export async function openStage(house: House, options: StageOptions = {}): Promise<Stage> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'gatehouse-store-')))
  const store = await openDirectoryStore(join(folder, 'directory.db'))
  const logged: Stage['logged'] = []
  const log = (event: string, fields: Readonly<Record<string, unknown>> = {}) => void logged.push({ event, fields })
  const logs = { info: log, warn: log, error: log }
  const stop = new AbortController()
  const photos = new Map<string, Uint8Array>()
  let link: { router: Router<Stream>; privileges: Privileges } | null = null
  const linked = () => {
    if (link === null) throw new Error('not linked yet')
    return link
  }
  const showing = await openShowing({
    store,
    settings: { ...SETTINGS, ...options.settings },
    domain: DIRECTORY,
    hosts: new Set([HOST]),
    router: () => linked().router,
    isDelegated: (host, namespace) => linked().privileges.delegated(host).has(namespace),
    photo: async (person) => photos.get(person) ?? null,
    text: createCatalogue(TEXTS),
    now: Date.now,
    signal: stop.signal,
    log: logs,
    events: { done() {}, failed() {} },
  })
  link = createPrivilegedRouter(
    {
      domain: DIRECTORY,
      routes: showing.routes,
      features: showing.features,
      identity: { category: 'directory', type: 'user' },
      software: { name: 'test', version: '0' },
      log: logs,
    },
    { hosts: [HOST], delegates: showing.delegates, log: logs },
    (told) =>
      openStream(
        { host: '127.0.0.1', port: house.ports.component, domain: DIRECTORY, secret: SECRET, log: logs },
        { ...told, take: (received) => (showing.take(received.element) ? undefined : told.take(received)) },
      ),
  )
  await linked().router.stream.ready(AbortSignal.timeout(10_000))
  const running = showing.run()
  running.catch(() => {})
  let seq = await store.read('resume', null).then((resume) => resume.seq)
  if (seq > 0) await showing.notice(seq)
  const until: Stage['until'] = async (what, holds) => {
    const end = Date.now() + 20_000
    while (!(await holds())) {
      if (Date.now() > end) throw new Error(`${what}: never; ${JSON.stringify(logged.slice(-10))}`)
      await rest(20)
    }
  }
  const end = async () => {
    stop.abort()
    await linked().router.stream[Symbol.asyncDispose]()
    await running.catch((error) => {
      if (!stop.signal.aborted) throw error
    })
    await showing[Symbol.asyncDispose]()
    await store.close()
  }
  return {
    store,
    showing,
    photos,
    logged,
    privileges: linked().privileges,
    async provision(people, groups = [], walls = []) {
      const there = new Map<string, string>()
      for await (const bodies of store.stream('bodies', null, { batch: 1_000 }))
        for (const body of bodies) there.set((JSON.parse(body) as ProvisionedPerson).id, body)
      const teams = new Map<string, string>()
      for (const body of await store.read('teams', null)) teams.set((JSON.parse(body) as ProvisionedGroup).id, body)
      const stand = new Map<string, string>()
      for (const body of await store.read('walls', null)) stand.set((JSON.parse(body) as ProvisionedWall).id, body)
      const rows = [
        ...rowsOf('person', there, people),
        ...rowsOf('group', teams, groups),
        ...rowsOf('wall', stand, walls),
      ]
      await store.write('planBegin', null)
      await store.write('planAdd', rows.map(plannedList))
      const counts = {} as never
      await store.write('planEnd', { hash: 'h', at: Date.now(), counts, held: [] })
      const applied = await store.write('apply', { hash: 'h', at: Date.now(), by: '{}' })
      seq = applied?.seq ?? -1
      await showing.notice(seq)
    },
    settled: () => until('nothing due', async () => (await store.read('nextDue', [])) === null),
    until,
    kill: end,
    async [Symbol.asyncDispose]() {
      await end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function rowsOf(
  kind: 'person' | 'group' | 'wall',
  there: ReadonlyMap<string, string>,
  wanted: readonly (ProvisionedPerson | ProvisionedGroup | ProvisionedWall)[],
) {
  const ids = new Set(wanted.map(({ id }) => id))
  const row = (
    id: string,
    change: string,
    one: ProvisionedPerson | ProvisionedGroup | ProvisionedWall,
    body: string,
  ) => ({
    kind,
    change,
    id,
    jid: one.kind === 'person' ? one.jid : '',
    name: one.kind === 'wall' ? one.id : one.name,
    memberships: one.kind === 'person' ? one.groups.length : 0,
    shown: true,
    detail: '{}',
    body,
  })
  return [
    ...wanted.flatMap((one) => {
      const [body, had] = [JSON.stringify(one), there.get(one.id)]
      return had === body ? [] : [row(one.id, had === undefined ? 'add' : 'change', one, body)]
    }),
    ...[...there].flatMap(([id, body]) => (ids.has(id) ? [] : [row(id, 'remove', JSON.parse(body), '')])),
  ]
}

export function person(local: string, name: string, more: Partial<ProvisionedPerson> = {}): ProvisionedPerson {
  return {
    kind: 'person',
    id: `ad:${local}`,
    jid: `${local}@${HOST}`,
    oldJids: [],
    name,
    mail: [`${local}@mail.example`],
    phone: ['+49 30 1234'],
    groups: [],
    disabled: false,
    identities: {},
    ...more,
  }
}

export const group = (id: string, name: string, description = ''): ProvisionedGroup => ({
  kind: 'group',
  id,
  name,
  ...(description !== '' && { description }),
})

export function photoMark(bytes: Uint8Array) {
  return { hash: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.byteLength }
}
