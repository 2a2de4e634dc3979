// SPDX-License-Identifier: Apache-2.0
// A Prosody of our own: config, data, log and pid file in one folder, loopback ports, no system service touched.
// Used by the demo, the tests and the benches. Needs the Debian packages prosody and (for modules of others) prosody-modules.
import { execFile, spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Exit, exitOf, logLines, processOf, type Server, said } from './server.ts'

const HELPERS = resolve(import.meta.dirname, '../servers/prosody')

/** `lines` are Lua lines that stand below the VirtualHost or Component, such as `modules_enabled = { "gatehouse" }`. */
export type ProsodyHost = { name: string; lines?: readonly string[] }

/** With `module` an internal component (`muc`), without it one that connects by XEP-0114 with `secret`. */
export type ProsodyComponent = { name: string; module?: string; secret?: string; lines?: readonly string[] }

export type ProsodySettings = {
  /** Everything Prosody writes goes below this folder; it is made if missing, and what it holds is kept. */
  folder: string
  /** What Prosody and its modules keep; default `data` in the folder. */
  data?: string
  /** Default 127.0.0.1. A second server for s2s takes 127.0.0.2, with its address as host name. */
  address?: string
  /** Only the named services are opened. */
  ports: { c2s?: number; component?: number; s2s?: number; http?: number }
  hosts: readonly ProsodyHost[]
  components?: readonly ProsodyComponent[]
  /** Bare JIDs; written before the start, an account that is there already keeps its data. */
  accounts?: readonly { jid: string; password: string }[]
  /** Beside BASE_MODULES. */
  modules?: readonly string[]
  /** Lua lines in the global section; an option set here takes the place of ours. */
  global?: readonly string[]
  /** Beside deploy/servers/prosody. */
  pluginPaths?: readonly string[]
  /** Not less than info: that a port is open is told at this level. */
  logLevel?: 'debug' | 'info'
  environment?: Readonly<Record<string, string>>
  /** Put before `prosody`, such as ['strace', '-f', '-o', FILE]. */
  wrapper?: readonly string[]
}

export type Prosody = Server & { readonly kind: 'prosody'; readonly settings: ProsodySettings }

/** What a client of today expects, and no more. */
export const BASE_MODULES = [
  ...['roster', 'saslauth', 'tls', 'disco', 'ping', 'time', 'version', 'uptime', 'posix', 'admin_shell'],
  ...['presence', 'message', 'iq', 'pep', 'vcard_legacy', 'vcard4', 'private', 'blocklist', 'bookmarks'],
  ...['carbons', 'smacks', 'offline', 'csi_simple'],
]

/** The version that `prosody` here would be, such as '0.12.3'; null when it is not installed. */
export async function prosodyVersion(): Promise<string | null> {
  const run = promisify(execFile)
  const about = await run('prosodyctl', ['about'], { env: { ...process.env, LC_ALL: 'C' } }).catch(() => null)
  return about === null ? null : (/^Prosody (\S+)/m.exec(about.stdout)?.[1] ?? null)
}

/** Writes config and accounts, starts Prosody, and resolves when every named port is open. */
export async function startProsody(settings: ProsodySettings): Promise<Prosody> {
  const configFile = join(settings.folder, 'prosody.cfg.lua')
  const logFile = join(settings.folder, 'prosody.log')
  for (const part of [dataOf(settings), join(settings.folder, 'certs')]) await mkdir(part, { recursive: true })
  // The secret of the component stands in it, and passwords in the accounts: nobody else of this machine reads them.
  await writeFile(configFile, prosodyConfig(settings), { mode: 0o600 })
  for (const account of settings.accounts ?? []) await writeAccount(dataOf(settings), account)

  const [command = 'prosody', ...before] = [...(settings.wrapper ?? []), 'prosody']
  const child = spawn(command, [...before, '--config', configFile, '-F'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...settings.environment, LC_ALL: 'C.UTF-8' },
  })
  const exited = exitOf(child)
  const lines = logLines('Prosody', child, logFile, exited)
  try {
    await Promise.all(
      openPorts(settings).map(async (port) => {
        const line = await lines.find(
          new RegExp(`Activated service .*[\\[ :\\]]${port}\\b|Failed to open server port ${port}\\b`),
          undefined,
        )
        // It goes on without it, and nobody would ever come in.
        if (line.includes('Failed')) throw new Error(line)
      }),
    )
    await answered(settings, exited)
    const pid = Number(await readFile(join(settings.folder, 'prosody.pid'), 'utf8'))
    const shell = (...words: string[]) => said('prosodyctl', ['--root', '--config', configFile, 'shell', ...words])
    const account = async (command: string) => {
      const out = await shell(command)
      if (!/OK|created|deleted/.test(out)) throw new Error(`${command}: ${out}`)
    }
    return {
      kind: 'prosody',
      settings,
      configFile,
      logFile,
      dataFolder: dataOf(settings),
      ...processOf(child, pid, exited, lines),
      shell,
      createAccount: (jid, password) => account(`user:create(${lua(jid)}, ${lua(password)})`),
      removeAccount: (jid) => account(`user:delete(${lua(jid)})`),
    }
  } catch (fault) {
    child.kill('SIGKILL')
    await exited
    throw new Error(`Prosody did not start:\n${lines.tail(20)}`, { cause: fault })
  }
}

function dataOf({ folder, data }: ProsodySettings): string {
  return data ?? join(folder, 'data')
}

/** The config file, as text. */
export function prosodyConfig(settings: ProsodySettings): string {
  const { folder, ports } = settings
  const paths = [HELPERS, ...(settings.pluginPaths ?? [])]
  const ours = [
    `pidfile = ${lua(join(folder, 'prosody.pid'))}`,
    `data_path = ${lua(dataOf(settings))}`,
    `certificates = ${lua(join(folder, 'certs'))}`,
    `admin_socket = ${lua(join(folder, 'prosody.sock'))}`,
    `plugin_paths = { ${paths.map(lua).join(', ')} }`,
    'run_as_root = true',
    'network_backend = "epoll"',
    'use_libevent = false',
    `log = { { levels = { min = ${lua(settings.logLevel ?? 'info')} }, to = "console", timestamps = "%Y-%m-%dT%H:%M:%S" } }`,
    `interfaces = { ${lua(settings.address ?? '127.0.0.1')} }`,
    ...['c2s', 'component', 's2s', 'http'].map(
      (service) => `${service}_interfaces = { ${lua(settings.address ?? '127.0.0.1')} }`,
    ),
    `c2s_ports = { ${ports.c2s ?? ''} }`,
    `component_ports = { ${ports.component ?? ''} }`,
    `s2s_ports = { ${ports.s2s ?? ''} }`,
    `http_ports = { ${ports.http ?? ''} }`,
    'c2s_direct_tls_ports = { }',
    's2s_direct_tls_ports = { }',
    'https_ports = { }',
    'component_conflict_resolve = "kick_old"',
    'authentication = "internal_plain"',
    'allow_registration = false',
    'c2s_require_encryption = false',
    'allow_unencrypted_plain_auth = true',
    's2s_require_encryption = false',
    `modules_disabled = { ${ports.s2s === undefined ? '"s2s"' : ''} }`,
    `modules_enabled = { ${[...BASE_MODULES, ...(ports.s2s === undefined ? [] : ['dialback']), ...(settings.modules ?? [])].map(lua).join(', ')} }`,
  ]
  // Prosody 0.12 fails at an option set twice in a file whose path has 60 characters (Lua shortens it in the warning).
  const theirs = settings.global ?? []
  const setByThem = new Set(theirs.map(optionOf))
  return [
    '-- Written anew at each start.',
    ...ours.filter((line) => !setByThem.has(optionOf(line))),
    ...theirs,
    ...settings.hosts.flatMap((host) => ['', `VirtualHost ${lua(host.name)}`, ...indented(host.lines)]),
    ...(settings.components ?? []).flatMap((component) => [
      '',
      `Component ${lua(component.name)}${component.module === undefined ? '' : ` ${lua(component.module)}`}`,
      ...indented(component.secret === undefined ? [] : [`component_secret = ${lua(component.secret)}`]),
      ...indented(component.lines),
    ]),
    '',
  ].join('\n')
}

/** A Lua string literal. */
export function lua(text: string): string {
  return JSON.stringify(text)
    .replaceAll('\\u', '\\u{')
    .replace(/\\u\{([0-9a-f]{4})/gi, '\\u{$1}')
}

function optionOf(line: string): string {
  return line.split('=')[0]?.trim() ?? ''
}

function indented(lines: readonly string[] | undefined): string[] {
  return (lines ?? []).map((line) => `  ${line}`)
}

function openPorts(settings: ProsodySettings): number[] {
  return Object.values(settings.ports).filter((port) => port !== undefined)
}

const HELLO =
  "<stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:client' version='1.0' to='localhost'>"

/** Ports open while modules still load; the first byte of an answer, whatever it says, shows that the main loop runs. */
function answered(settings: ProsodySettings, exited: Promise<Exit>): Promise<void> {
  const [port] = openPorts(settings)
  if (port === undefined) throw new Error('a Prosody without a port cannot be told to be ready')
  return new Promise((resolve, reject) => {
    const socket = connect(port, settings.address ?? '127.0.0.1', () => socket.write(HELLO))
    socket.once('data', () => {
      resolve()
      socket.destroy()
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed without an answer')))
    void exited.then(() => socket.destroy())
  })
}

/** The account file of Prosody's internal storage: data/HOST/accounts/USER.dat, names percent-encoded as util.datamanager does. */
async function writeAccount(data: string, account: { jid: string; password: string }): Promise<void> {
  const [user = '', host = ''] = account.jid.split('@')
  const place = join(data, encoded(host), 'accounts')
  await mkdir(place, { recursive: true })
  await writeFile(join(place, `${encoded(user)}.dat`), `return { ["password"] = ${lua(account.password)} };\n`, {
    mode: 0o600,
  })
}

function encoded(name: string): string {
  return [...Buffer.from(name)]
    .map((byte) => {
      const letter = String.fromCharCode(byte)
      return /[A-Za-z0-9]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
}
