// SPDX-License-Identifier: Apache-2.0
// A whole company on loopback for a test: Prosody with mod_gatehouse, policy and archive, each part to be killed and started
// again on the same data.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePorts } from '../../deploy/demo/ports.ts'
import { type Prosody, type ProsodySettings, startProsody } from '../../deploy/demo/prosody.ts'
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

/** Plugins for Prosody that only tests use. */
export const TEST_PLUGINS = resolve(import.meta.dirname, '../servers/prosody')

type Part = Pick<ComponentSettings, 'environment' | 'flags' | 'main' | 'wrapper'>

export type WorldOptions = {
  /** Virtual hosts with the helper; default corp.example. */
  hosts?: readonly string[]
  /** Also a room service with the helper on it. */
  rooms?: boolean
  /** Modules of the room service beside the helper. */
  roomModules?: readonly string[]
  /** Domain of a further component, such as a gateway to another network, which connects to the component port with the same secret. */
  gateway?: string
  /** The rule file below `version: 1`; default: everything passes. */
  rules?: string
  /** Files beside it that it names. */
  ruleFiles?: Readonly<Record<string, string>>
  onOutage?: 'closed' | 'open'
  /** Lua lines on each host and room service beside the helper's own. */
  hostLines?: readonly string[]
  /** What answers: the real policy, or something the test connects to the component port itself. Default policy. */
  screen?: 'policy' | 'own'
  /** Follow the journal; default true where policy writes one. */
  archive?: boolean
  prosody?: Partial<
    Pick<ProsodySettings, 'address' | 'modules' | 'global' | 'environment' | 'wrapper' | 'pluginPaths'>
  > & {
    s2s?: boolean
    ports?: ProsodySettings['ports']
  }
  policy?: Part & { lines?: readonly string[] }
  archiveProcess?: Part & { lines?: readonly string[] }
  /** Who has rights by a bare address (XEP-0050); then the archive is on the server too, and trusted there. */
  people?: Partial<Record<'operators' | 'officers' | 'auditors', readonly string[]>>
  /** Folder of the policy's journal, where it is not below the world's own. */
  journal?: string
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
  prosody: Prosody
  policy: Component | null
  archive: Component | null
  startProsody(): Promise<Prosody>
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
  const address = options.prosody?.address ?? '127.0.0.1'
  const [c2s = 0, component = 0] = await freePorts(2, address)
  const ports = { c2s, component, ...options.prosody?.ports }
  const settings = await writeSettings(folder, ports.component, address, options)
  const prosodySettings = serverSettings(folder, ports, options)
  const part = (name: 'policy' | 'archive', own: Part | undefined): ComponentSettings => ({
    name,
    file: join(folder, 'config', `${name}.yaml`),
    logFolder: folder,
    ...(own?.environment === undefined ? {} : { environment: own.environment }),
    ...(own?.flags === undefined ? {} : { flags: own.flags }),
    ...(own?.main === undefined ? {} : { main: own.main }),
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
  } as unknown as World
  const own: World = Object.assign(world, {
    async startProsody() {
      world.prosody = await startProsody(prosodySettings)
      return world.prosody
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
      await (world.prosody as Prosody | undefined)?.stop()
      if (!world.keep) await rm(folder, { recursive: true, force: true })
    },
  })
  try {
    await own.startProsody()
    if (options.screen !== 'own') {
      await own.startPolicy()
      await world.prosody.logged(/answers; questions are asked/)
    }
    if (options.screen !== 'own' && options.archive !== false) await own.startArchive()
    return own
  } catch (fault) {
    await own[Symbol.asyncDispose]()
    throw fault
  }
}

function serverSettings(folder: string, ports: ProsodySettings['ports'], options: WorldOptions): ProsodySettings {
  const { prosody = {} } = options
  const roomModules = ['gatehouse', ...(options.roomModules ?? [])].map((name) => `"${name}"`)
  const helper = [
    `gatehouse_screen = "${SCREEN}"`,
    `gatehouse_on_outage = "${options.onOutage ?? 'closed'}"`,
    ...(options.people === undefined ? [] : [`gatehouse_trusted = { "${ARCHIVE}" }`]),
    ...(options.hostLines ?? []),
  ]
  const { s2s: _s2s, ports: _ports, global = [], pluginPaths = [], ...rest } = prosody
  return {
    folder: join(folder, 'prosody'),
    ports,
    hosts: (options.hosts ?? [HOST]).map((name) => ({
      name,
      lines: ['modules_enabled = { "gatehouse" }', ...helper],
    })),
    components: [
      { name: SCREEN, secret: SECRET, lines: ['disco_hidden = true'] },
      ...(options.people === undefined ? [] : [{ name: ARCHIVE, secret: SECRET, lines: ['disco_hidden = true'] }]),
      ...(options.rooms === true
        ? [{ name: ROOMS, module: 'muc', lines: [`modules_enabled = { ${roomModules.join(', ')} }`, ...helper] }]
        : []),
      ...(options.gateway === undefined ? [] : [{ name: options.gateway, secret: SECRET }]),
    ],
    ...rest,
    pluginPaths: [TEST_PLUGINS, ...pluginPaths],
    global: [
      ...ANYBODY,
      'c2s_stanza_size_limit = 262144',
      'component_stanza_size_limit = 1048576',
      ...(options.logLevel === 'debug' ? ['log = { { levels = { min = "debug" }, to = "console" } }'] : []),
      ...global,
    ],
  }
}

async function writeSettings(folder: string, port: number, address: string, options: WorldOptions) {
  const config = join(folder, 'config')
  await mkdir(config)
  await mkdir(join(folder, 'prosody'))
  const rules = join(config, 'policy-rules.yaml')
  const hosts = [...(options.hosts ?? [HOST]), ...(options.rooms === true ? [ROOMS] : [])]
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
    `hosts: [${hosts.join(', ')}]`,
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
