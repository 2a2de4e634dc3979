// SPDX-License-Identifier: Apache-2.0
// An ejabberd of our own: config, data, logs and the Erlang node's home in one folder, loopback only, also for Erlang's own
// connections. Started without ejabberdctl, which belongs to the system service. Needs the Debian packages ejabberd and erlang-base.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, globSync } from 'node:fs'
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { compiled } from './erlang.ts'
import { answering, evaluator } from './evaluate.ts'
import { freePorts } from './ports.ts'
import { type Exit, exitOf, logLines, processOf, type Server, said } from './server.ts'

const HELPERS = resolve(import.meta.dirname, '../servers/ejabberd')
/** What ejabberd makes of its translations when it starts without it, which is a tenth of the start: kept for the next one. */
const TRANSLATIONS = resolve(import.meta.dirname, '../../.test/translations')
/** Which of the system's modules a node has when it has started. Loaded one by one they are half of the start; at once a fifth of it. */
const MODULES = resolve(import.meta.dirname, '../../.test/modules')

/** What YAML and JSON have in common; ejabberd reads either. */
export type Value = string | number | boolean | readonly Value[] | { readonly [name: string]: Value }

/** Name of a module -> its options; null takes away one that would be loaded. */
export type Modules = Readonly<Record<string, Readonly<Record<string, Value>> | null>>

export type EjabberdHost = { name: string; modules?: Modules; options?: Readonly<Record<string, Value>> }

export type EjabberdSettings = {
  /** Everything ejabberd writes goes below this folder; it is made if missing, and what it holds is kept. */
  folder: string
  /** What Mnesia and the modules keep; default `data` in the folder. */
  data?: string
  /** Default 127.0.0.1. A second server for s2s takes 127.0.0.2, with its address as host name. */
  address?: string
  /** Only the named services are opened; `http` has BOSH below /http-bind and WebSocket below /xmpp-websocket. */
  ports: { c2s?: number; component?: number; s2s?: number; http?: number }
  hosts: readonly EjabberdHost[]
  /** Those that connect by XEP-0114. */
  components?: readonly { name: string; secret: string }[]
  /** Bare JIDs; registered when the node has started, an account that is there already keeps its data. */
  accounts?: readonly { jid: string; password: string }[]
  /** Beside BASE_MODULES, on every host. */
  modules?: Modules
  /** Options of the top level; one that is set here takes the place of ours. */
  options?: Readonly<Record<string, Value>>
  /** Options of single listeners beside ours. */
  listeners?: Partial<Record<'c2s' | 'component' | 's2s' | 'http', Readonly<Record<string, Value>>>>
  /** Folders of Erlang sources that are compiled and loadable, beside deploy/servers/ejabberd. */
  sources?: readonly string[]
  /** Leaves deploy/servers/ejabberd out, for who installs it in another way. */
  withoutHelpers?: boolean
  logLevel?: 'debug' | 'info'
  /** Where names are asked for; default: nowhere, only addresses are reached. */
  nameServer?: { address: string; port: number }
  environment?: Readonly<Record<string, string>>
  /** Put before `erl`, such as ['strace', '-f', '-o', FILE]. */
  wrapper?: readonly string[]
  /** Several nodes with one cluster among them know each other; one that starts anew with `joins` takes part in the other's. */
  cluster?: Cluster & { joins?: string }
}

export type Ejabberd = Server & {
  readonly kind: 'ejabberd'
  readonly settings: EjabberdSettings
  /** The Erlang node, such as `gatehouse-5f0c@localhost`. */
  readonly node: string
  /** Port of the name server of Erlang nodes, which nodes of one cluster share. */
  readonly epmdPort: number
  /** Evaluates an Erlang expression in the node, such as `code:is_loaded(mod_gatehouse).`; gives what it is, as Erlang writes it. */
  evaluate(expression: string): Promise<string>
}

/** What nodes share that talk to each other: where they find each other, and the cookie that lets them in. */
export type Cluster = { epmdPort: number; cookie: string }

/** What a client of today expects, and no more. */
const BASE_MODULES: Modules = {
  mod_blocking: {},
  mod_caps: {},
  mod_carboncopy: {},
  mod_client_state: {},
  mod_disco: {},
  mod_last: {},
  mod_offline: {},
  mod_ping: {},
  mod_privacy: {},
  mod_private: {},
  mod_pubsub: {
    access_createnode: 'all',
    last_item_cache: false,
    plugins: ['flat', 'pep'],
    force_node_config: { 'storage:bookmarks': { access_model: 'whitelist' } },
  },
  mod_roster: {},
  mod_s2s_dialback: {},
  mod_stream_mgmt: { resend_on_timeout: 'if_offline' },
  mod_time: {},
  mod_vcard: { search: false },
  mod_version: { show_os: false },
}

/** Folder of the newest ejabberd's compiled files here; null when it is not installed. */
export function ejabberdFolder(): string | null {
  const found = globSync('/usr/lib/*/ejabberd-*/ebin/ejabberd.app').sort().at(-1)
  if (found === undefined || spawnSync('sh', ['-c', 'command -v erl && command -v erlc']).status !== 0) return null
  return found.replace(/\/ebin\/ejabberd\.app$/, '')
}

/** The version that ejabberd here would be, such as '23.01'; null when it is not installed. */
export async function ejabberdVersion(): Promise<string | null> {
  const folder = ejabberdFolder()
  if (folder === null) return null
  return /\{vsn, *"([^"]+)"\}/.exec(await readFile(join(folder, 'ebin/ejabberd.app'), 'utf8'))?.[1] ?? null
}

/** Writes the config, starts a node, and resolves when every port is open and every account is there. */
export async function startEjabberd(settings: EjabberdSettings): Promise<Ejabberd> {
  const { folder } = settings
  const installed = ejabberdFolder()
  if (installed === null) throw new Error('ejabberd is not installed')
  const place = (name: string) => join(folder, name)
  const data = settings.data ?? place('data')
  for (const part of [data, ...['certs', 'home', 'log'].map(place)]) await mkdir(part, { recursive: true })
  const helpers = settings.withoutHelpers ? [] : [HELPERS]
  const beams = await compiled([...helpers, ...(settings.sources ?? [])], installed)
  const translations = { kept: join(TRANSLATIONS, basename(installed)), own: join(data, 'translations.cache') }
  if (existsSync(translations.kept) && !existsSync(translations.own))
    await copyFile(translations.kept, translations.own)
  const modules = { kept: join(MODULES, basename(installed)), own: place('modules.term') }
  const known = existsSync(modules.kept)
  const configFile = place('ejabberd.yml')
  // The secret of the component stands in it, and passwords in the accounts: nobody else of this machine reads them.
  const write = (name: string, text: string) => writeFile(place(name), text, { mode: 0o600 })
  await write('ejabberd.yml', ejabberdConfig(settings))
  await write('accounts.erl', (settings.accounts ?? []).map(accountTerm).join(''))
  await write('inetrc', inetrc(settings))
  await write('home/.erlang.cookie', settings.cluster?.cookie ?? randomBytes(16).toString('hex'))

  // A database of Mnesia belongs to a node by its name, so the same folder is always the same node.
  const node = `gatehouse-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}@localhost`
  const epmd = settings.cluster === undefined ? await startEpmd() : null
  const epmdPort = settings.cluster?.epmdPort ?? epmd?.port ?? 0
  // A node that has been in the cluster knows so by its own data.
  const joins = existsSync(join(data, 'schema.DAT')) ? undefined : settings.cluster?.joins
  const environment = {
    ...process.env,
    ...settings.environment,
    LC_ALL: 'C.UTF-8',
    HOME: place('home'),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_INETRC: place('inetrc'),
    ERL_CRASH_DUMP: place('log/erl_crash.dump'),
  }
  const loopback = ['-start_epmd', 'false', '-kernel', 'inet_dist_use_interface', '{127,0,0,1}']
  const path = ['-pa', join(installed, 'ebin'), ...beams.flatMap((one) => ['-pa', one])]
  // What Mnesia writes holds passwords too.
  const before = ['-c', 'umask 077 && exec "$@"', 'sh', ...(settings.wrapper ?? []), 'erl']
  const child = spawn(
    'sh',
    [
      ...before,
      // Ctrl-C at a terminal is for us, who then stop the node.
      ...['+Bi', '-noshell', '-sname', node, ...loopback, ...path],
      ...['-ejabberd', 'config', term(configFile), '-ejabberd', 'log_path', term(place('log/ejabberd.log'))],
      ...(known
        ? ['-eval', `{ok, [Modules]} = file:consult(${term(modules.kept)}), code:ensure_modules_loaded(Modules)`]
        : []),
      ...['-mnesia', 'dir', term(data), '-s', 'ejabberd', '-eval'],
      whenStarted({ folder, joins, epmd: epmd?.child.pid, modules: known ? undefined : modules.own }),
    ],
    { stdio: ['pipe', 'pipe', 'pipe'], env: environment, cwd: folder },
  )
  const exited = exitOf(child).then(async (exit) => {
    epmd?.child.kill('SIGKILL')
    await epmd?.exited
    return exit
  })
  const logFile = place('ejabberd.log')
  const lines = logLines('ejabberd', child, logFile, exited)
  try {
    await lines.find(/^Every account is there$/, undefined)
    const pid = Number(await readFile(place('ejabberd.pid'), 'utf8'))
    for (const { own, kept } of [translations, modules]) if (!existsSync(kept)) await keep(own, kept)
    return { ...running(), ...processOf(child, pid, exited, lines) }
  } catch (fault) {
    child.kill('SIGKILL')
    await exited
    throw new Error(`ejabberd did not start:\n${lines.tail(20)}`, { cause: fault })
  }

  function running() {
    /** What `before` is followed by runs in a node of its own that asks ours. */
    const asking = (args: readonly string[]) => {
      const name = `ctl-${randomBytes(8).toString('hex')}@localhost`
      return said(
        'erl',
        ['-noinput', '-hidden', '-sname', name, '-dist_listen', 'false', ...loopback, ...path, ...args],
        environment,
      )
    }
    const shell = (...words: string[]) => asking(['-s', 'ejabberd_ctl', '-extra', node, '--no-timeout', ...words])
    const named = (jid: string) => jid.split('@') as [string, string]
    const evaluate = evaluator(child.stdin, lines)
    return {
      kind: 'ejabberd',
      settings,
      node,
      epmdPort,
      configFile,
      logFile,
      dataFolder: data,
      shell,
      async createAccount(jid: string, password: string) {
        const made = await evaluate(`ejabberd_auth:try_register(${[...named(jid), password].map(binary).join(', ')}).`)
        if (made !== 'ok') throw new Error(`${jid} was not made: ${made}`)
      },
      async removeAccount(jid: string) {
        await evaluate(`ejabberd_auth:remove_user(${named(jid).map(binary).join(', ')}).`)
      },
      evaluate,
    } as const
  }
}

/** Several may keep the same at once: none sees half of it. */
async function keep(own: string, kept: string): Promise<void> {
  if (!existsSync(own)) return
  const half = `${kept}.${randomBytes(8).toString('hex')}`
  await mkdir(dirname(kept), { recursive: true })
  await copyFile(own, half)
  await rename(half, kept)
}

/** Options of the file in order, each on a line of its own, as JSON, which is YAML. */
export function ejabberdConfig(settings: EjabberdSettings): string {
  const ours = {
    hosts: settings.hosts.map(({ name }) => name),
    loglevel: settings.logLevel ?? 'info',
    language: 'en',
    certfiles: [join(settings.folder, 'certs/*.pem')],
    acme: { auto: false },
    auth_method: ['internal'],
    auth_password_format: 'plain',
    disable_sasl_mechanisms: ['X-OAUTH2'],
    s2s_use_starttls: false,
    outgoing_s2s_ipv4_address: settings.address ?? '127.0.0.1',
    outgoing_s2s_families: ['ipv4'],
    s2s_access: settings.ports.s2s === undefined ? 'none' : 'all',
    acl: { local: { user_regexp: '' } },
    access_rules: { local: { allow: 'local' } },
    api_permissions: {},
    listen: listeners(settings),
    modules: enabled({ ...BASE_MODULES, ...settings.modules }),
    append_host_config: Object.fromEntries(
      settings.hosts.map(({ name, modules = {}, options = {} }) => [name, { ...options, modules: enabled(modules) }]),
    ),
  }
  return Object.entries({ ...ours, ...settings.options })
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    .join('')
}

function listeners(settings: EjabberdSettings): Value[] {
  const { ports, address = '127.0.0.1' } = settings
  const components = settings.components ?? []
  const ours: Record<'c2s' | 'component' | 's2s' | 'http', Readonly<Record<string, Value>>> = {
    c2s: { module: 'ejabberd_c2s', starttls: false, max_stanza_size: 'infinity', shaper: 'none' },
    component: {
      module: 'ejabberd_service',
      shaper_rule: 'none',
      // Else each component would have routes for the hosts of all.
      global_routes: false,
      hosts: Object.fromEntries(components.map(({ name, secret }) => [name, { password: secret }])),
    },
    s2s: { module: 'ejabberd_s2s_in' },
    http: {
      module: 'ejabberd_http',
      request_handlers: { '/http-bind': 'mod_bosh', '/xmpp-websocket': 'ejabberd_http_ws' },
    },
  }
  return (['c2s', 'component', 's2s', 'http'] as const).flatMap((service) => {
    const port = ports[service]
    return port === undefined ? [] : [{ port, ip: address, ...ours[service], ...settings.listeners?.[service] }]
  })
}

function enabled(modules: Modules): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(modules).flatMap(([name, options]) => (options === null ? [] : [[name, options]])),
  )
}

/** `joins`: a node of the cluster; `epmd`: a process of its own; `modules`: where to note what is loaded. */
type Started = { folder: string; joins: string | undefined; epmd: number | undefined; modules: string | undefined }

/** Runs in the node when ejabberd has started; what it prints is waited for. */
function whenStarted({ folder, joins, epmd, modules }: Started): string {
  return [
    ...(joins === undefined ? [] : [`ok = ejabberd_cluster:join('${joins}')`]),
    ...(modules === undefined
      ? []
      : [
          'Loaded = [M || {M, F} <- code:all_loaded(), is_list(F), lists:prefix("/usr/", F)]',
          `ok = file:write_file(${term(modules)}, io_lib:format("~p.~n", [Loaded]))`,
        ]),
    `{ok, Accounts} = file:consult(${term(join(folder, 'accounts.erl'))})`,
    '[ejabberd_auth:try_register(U, S, P) || {U, S, P} <- Accounts]',
    `ok = file:write_file(${term(join(folder, 'ejabberd.pid'))}, os:getpid())`,
    // In the background it looks for each module of each application in all folders, which takes a second of CPU that nobody here waits for.
    '[exit(P, kill) || P <- processes(), {_, S} <- [process_info(P, current_stacktrace)], {ejabberd, F, _, _} <- S, lists:prefix("-check_app_modules", atom_to_list(F))]',
    answering(epmd === undefined ? [] : [`os:cmd("kill ${epmd}")`]),
    'io:format("Every account is there~n")',
  ].join(', ')
}

/** No names but those of this machine; what is not an address is asked for at `nameServer` or nowhere. */
function inetrc({ nameServer }: EjabberdSettings): string {
  const there =
    nameServer === undefined ? [] : [`{nameserver, {${nameServer.address.replaceAll('.', ',')}}, ${nameServer.port}}.`]
  return [
    ...['{resolv_conf, ""}.', '{hosts_file, ""}.', '{host, {127,0,0,1}, ["localhost"]}.'],
    nameServer === undefined ? '{lookup, [file]}.' : '{lookup, [file, dns]}.',
    ...there,
    '',
  ].join('\n')
}

function accountTerm({ jid, password }: { jid: string; password: string }): string {
  const [user = '', host = ''] = jid.split('@')
  return `{${[user, host, password].map(binary).join(', ')}}.\n`
}

function binary(text: string): string {
  return `<<${term(text)}/utf8>>`
}

/** A string as Erlang writes it. */
function term(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** A cluster without nodes yet; its name server of nodes ends with it. */
export async function openCluster(): Promise<Cluster & AsyncDisposable> {
  const { port, child, exited } = await startEpmd()
  return {
    epmdPort: port,
    cookie: randomBytes(16).toString('hex'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The name server of Erlang nodes, on loopback. */
async function startEpmd(): Promise<{ port: number; child: ChildProcess; exited: Promise<Exit> }> {
  const [port = 0] = await freePorts(1)
  const child = spawn('epmd', ['-address', '127.0.0.1', '-port', String(port)], { stdio: 'ignore' })
  const exited: Promise<Exit> = exitOf(child)
  let gone = false
  void exited.then(() => {
    gone = true
  })
  for (;;) {
    if (await accepts(port)) return { port, child, exited }
    if (gone) throw new Error('epmd did not start')
    await delay(5)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
