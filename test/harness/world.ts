// SPDX-License-Identifier: Apache-2.0
// A whole company on loopback for a test: an XMPP server with mod_gatehouse, policy and archive, each part to be killed and
// started again on the same data.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePorts } from '../../deploy/demo/ports.ts'
import type { Prosody } from '../../deploy/demo/prosody.ts'
import type { Server, ServerKind } from '../../deploy/demo/server.ts'
import { askingHosts, type GatehouseOptions, type Site, startServer } from '../../deploy/demo/site.ts'
import { askCommand, type Row } from './ask-command.ts'
import { type Component, type ComponentSettings, startComponent } from './component.ts'

export const HOST = 'corp.example'
export const ROOMS = 'rooms.corp.example'
export const SCREEN = 'policy.gatehouse.internal'
export const ARCHIVE = 'archive.gatehouse.internal'
const SECRET = 'not a secret: loopback only'

/** Any password is right: accounts are not what is tested. */
export const ANYBODY = [
  'authentication = "insecure"',
  'insecure_open_authentication = "Yes please, I know what I\'m doing!"',
]

/** The same for whichever server. */
export function anybody() {
  return {
    prosody: { global: ANYBODY },
    ejabberd: {
      sources: [resolve(import.meta.dirname, '../servers/ejabberd/plugins')],
      options: { auth_method: ['anybody'] },
    },
  }
}

/** Plugins for Prosody that only tests use. */
export const TEST_PLUGINS = resolve(import.meta.dirname, '../servers/prosody')

type Part = Pick<ComponentSettings, 'environment' | 'flags' | 'main' | 'scheduling' | 'wrapper'>

export type WorldOptions = {
  /** Default prosody. */
  server?: ServerKind
  /** Virtual hosts with the helper; default corp.example. */
  hosts?: readonly string[]
  /** Also a room service that is asked about; `archived` with XEP-0313. */
  rooms?: boolean | 'archived'
  /** Domain of a further component, such as a gateway to another network, which connects to the component port with the same secret. */
  gateway?: string
  /** The kind of network behind the gateway, such as irc: to the hosts it is a transport, and policy takes its questions. */
  network?: string
  /** The rule file below `version: 1`; default: everything passes. */
  rules?: string
  /** Files beside it that it names. */
  ruleFiles?: Readonly<Record<string, string>>
  onOutage?: 'closed' | 'open'
  /** Options of the helper beside, by their names without `gatehouse_`. */
  helper?: GatehouseOptions
  /** The server alone: no helper, nothing that answers. */
  bare?: boolean
  /** What answers: the real policy, or something the test connects to the component port itself. Default policy. */
  screen?: 'policy' | 'own'
  /** Follow the journal; default true where policy writes one. */
  archive?: boolean
  /** Default: any name and password is right. `own`: as the server keeps accounts, none at first. */
  accounts?: 'anybody' | 'own'
  address?: string
  s2s?: boolean
  /** The server's own archive for everybody (XEP-0313). */
  serverArchive?: boolean
  tls?: false
  environment?: Readonly<Record<string, string>>
  wrapper?: readonly string[]
  /** What only the one server understands. */
  prosody?: Site['prosody']
  ejabberd?: Site['ejabberd']
  policy?: Part & { lines?: readonly string[] }
  archiveProcess?: Part & { lines?: readonly string[] }
  /** Who has rights by a bare address (XEP-0050); then the archive is on the server too, and trusted there. */
  people?: Partial<Record<'operators' | 'officers' | 'auditors', readonly string[]>>
  /** Folder of the policy's journal, where it is not below the world's own. */
  journal?: string
  /** Folder of what the server keeps, where it is not below the world's own. */
  data?: string
  logLevel?: 'debug' | 'info'
}

export type World = AsyncDisposable & {
  readonly folder: string
  readonly run: string
  readonly journal: string
  readonly address: string
  readonly ports: { c2s: number; component: number; s2s?: number }
  readonly secret: string
  /** Leave the folder when everything has ended, to be looked into; so from the start with GATEHOUSE_KEEP set. */
  keep: boolean
  server: Server
  /** The server, where only Prosody will do; throws where it is another. */
  readonly prosody: Prosody
  policy: Component | null
  archive: Component | null
  /** Again, after it has ended. */
  startServer(): Promise<Server>
  startPolicy(change?: Part): Promise<Component>
  startArchive(change?: Part): Promise<Component>
  /** The rule file. */
  readonly rulesFile: string
  /** Changes the rule file and waits until it is in force. */
  setRules(rules: string): Promise<void>
  ask(command: string, args?: Readonly<Record<string, unknown>>): Promise<Row[]>
}

/** Resolves when every part is ready. Whatever a failing start has opened is ended. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-world-'))
  const address = options.address ?? '127.0.0.1'
  const [c2s = 0, component = 0] = await freePorts(2, address)
  // A server finds another by its address alone: at the port of the standard.
  const ports = { c2s, component, ...(options.s2s === true ? { s2s: 5269 } : {}) }
  const settings = await writeSettings(folder, ports.component, address, options)
  const kind = options.server ?? 'prosody'
  const site = siteOf(join(folder, kind), ports, address, options)
  const part = (name: 'policy' | 'archive', own: Part | undefined): ComponentSettings => ({
    name,
    file: join(folder, 'config', `${name}.yaml`),
    logFolder: folder,
    ...(own?.environment === undefined ? {} : { environment: own.environment }),
    ...(own?.flags === undefined ? {} : { flags: own.flags }),
    ...(own?.main === undefined ? {} : { main: own.main }),
    ...(own?.scheduling === undefined ? {} : { scheduling: own.scheduling }),
    ...(own?.wrapper === undefined ? {} : { wrapper: own.wrapper }),
  })
  const world = {
    folder,
    run: join(folder, 'run'),
    journal: settings.journal,
    rulesFile: settings.rules,
    address,
    ports,
    secret: SECRET,
    keep: process.env.GATEHOUSE_KEEP !== undefined,
    policy: null,
    archive: null,
    get prosody() {
      if (world.server.kind !== 'prosody') throw new Error(`this needs Prosody, not ${world.server.kind}`)
      return world.server
    },
  } as unknown as World
  const own: World = Object.assign(world, {
    async startServer() {
      world.server = await startServer(kind, site)
      return world.server
    },
    async startPolicy(change: Part = {}) {
      world.policy = await startComponent(part('policy', { ...options.policy, ...change }))
      return world.policy
    },
    async startArchive(change: Part = {}) {
      world.archive = await startComponent(part('archive', { ...options.archiveProcess, ...change }))
      return world.archive
    },
    async setRules(rules: string) {
      const since = Date.now()
      await writeFile(settings.rules, ruleFile(rules))
      world.policy?.kill('SIGHUP')
      const told = await world.policy?.logged(
        ({ event, at }) => /^reload/u.test(event) && Date.parse(String(at)) >= since,
      )
      if (told?.event !== 'reloaded') throw new Error(`the rules were not taken: ${JSON.stringify(told)}`)
    },
    ask: (command: string, args: Readonly<Record<string, unknown>> = {}) => askCommand(world.run, command, args),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([world.policy?.stop(), world.archive?.stop()])
      const server = world.server as Server | undefined
      await (world.keep ? server?.stop() : server?.end())
      if (!world.keep) await rm(folder, { recursive: true, force: true })
    },
  })
  try {
    await own.startServer()
    if (options.bare === true) return own
    if (options.screen !== 'own') {
      await own.startPolicy()
      await world.server.logged(/answers; questions are asked/)
    }
    if (options.screen !== 'own' && options.archive !== false) await own.startArchive()
    return own
  } catch (fault) {
    await own[Symbol.asyncDispose]()
    throw fault
  }
}

function siteOf(folder: string, ports: Site['ports'], address: string, options: WorldOptions): Site {
  const { prosody = {}, ejabberd = {} } = options
  const gatehouse: GatehouseOptions = {
    screen: SCREEN,
    on_outage: options.onOutage ?? 'closed',
    ...ours(options),
    ...options.helper,
  }
  const who = options.accounts === 'own' ? null : anybody()
  return {
    folder,
    address,
    ports,
    hosts: (options.hosts ?? [HOST]).map((name) => (options.bare === true ? { name } : { name, gatehouse })),
    ...(options.rooms === undefined || options.rooms === false
      ? {}
      : { rooms: { name: ROOMS, gatehouse, archive: options.rooms === 'archived' } }),
    components: [
      { name: SCREEN, secret: SECRET, hidden: true },
      ...(options.people === undefined ? [] : [{ name: ARCHIVE, secret: SECRET, hidden: true }]),
      ...(options.gateway === undefined ? [] : [{ name: options.gateway, secret: SECRET }]),
    ],
    limits: { client: 262_144, component: 1_048_576 },
    archive: options.serverArchive === true,
    ...(options.data === undefined ? {} : { data: options.data }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
    ...(options.environment === undefined ? {} : { environment: options.environment }),
    ...(options.wrapper === undefined ? {} : { wrapper: options.wrapper }),
    prosody: {
      ...prosody,
      pluginPaths: [TEST_PLUGINS, ...(prosody.pluginPaths ?? [])],
      global: [...(who?.prosody.global ?? []), ...(prosody.global ?? [])],
    },
    ejabberd: {
      ...ejabberd,
      sources: [...(who?.ejabberd.sources ?? []), ...(ejabberd.sources ?? [])],
      options: { ...who?.ejabberd.options, ...ejabberd.options },
    },
  }
}

function ours({ people, gateway, network }: WorldOptions): GatehouseOptions {
  return {
    ...(people === undefined ? {} : { trusted: [ARCHIVE] }),
    ...(gateway && network ? { transports: [gateway] } : {}),
  }
}

async function writeSettings(folder: string, port: number, address: string, options: WorldOptions) {
  const config = join(folder, 'config')
  await mkdir(config)
  const rules = join(config, 'policy-rules.yaml')
  const rooms = options.rooms === undefined || options.rooms === false ? null : ROOMS
  const hosts = askingHosts(options.server ?? 'prosody', options.hosts ?? [HOST], rooms)
  const { gateway, network: kind } = options
  const network = gateway && kind ? { network: kind, domain: gateway } : null
  const journal = options.journal ?? join(folder, 'journals', 'policy')
  const write = (name: string, lines: readonly string[], mode = 0o644) =>
    writeFile(join(config, name), `${lines.join('\n')}\n`, { mode })
  await write('gatehouse.yaml', [
    'server:',
    `  host: ${address}`,
    `  port: ${port}`,
    `  hosts: [${(options.hosts ?? [HOST]).join(', ')}]`,
    'folders:',
    `  state: ${join(folder, 'state')}`,
    `  run: ${join(folder, 'run')}`,
    `  journals: ${join(folder, 'journals')}`,
    'people:',
    ...(['operators', 'officers', 'auditors'] as const).flatMap((role) => [
      `  ${role}:`,
      '    - user: root',
      ...(options.people?.[role] ?? []).map((jid) => `    - jid: ${jid}`),
    ]),
    ...(options.logLevel === undefined ? [] : ['log:', `  level: ${options.logLevel}`]),
  ])
  await write('policy.secret', [SECRET], 0o600)
  await write('policy.yaml', [
    'secret_file: policy.secret',
    `hosts: [${[...hosts, ...(network === null ? [] : [network.domain])].join(', ')}]`,
    ...(network === null ? [] : ['networks:', `  - { network: ${network.network}, domain: ${network.domain} }`]),
    'metrics:',
    '  port: 0',
    ...(options.journal === undefined ? [] : ['journal:', `  folder: ${journal}`]),
    ...(options.policy?.lines ?? []),
  ])
  const follow = options.journal === undefined ? [] : ['follow:', `  journals: [${journal}]`]
  await write('archive.yaml', [
    ...(options.people === undefined ? [] : ['secret_file: policy.secret']),
    'metrics:',
    '  port: 0',
    ...follow,
    ...(options.archiveProcess?.lines ?? []),
  ])
  for (const [name, text] of Object.entries(options.ruleFiles ?? {})) await writeFile(join(config, name), text)
  await writeFile(rules, ruleFile(options.rules ?? 'otherwise: allow\nrules: []'))
  return { rules, journal }
}

function ruleFile(rules: string): string {
  return `version: 1\n${rules}\n`
}
