// SPDX-License-Identifier: Apache-2.0
// A Prosody of our own: config, data, log and pid file in one folder, loopback ports, no system service touched.
// Used by the demo, the tests and the benches. Needs the Debian packages prosody and (for modules of others) prosody-modules.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const HELPERS = resolve(import.meta.dirname, '../servers/prosody')

/** `lines` are Lua lines that stand below the VirtualHost or Component, such as `modules_enabled = { "gatehouse" }`. */
export type ProsodyHost = { name: string; lines?: readonly string[] }

/** With `module` an internal component (`muc`), without it one that connects by XEP-0114 with `secret`. */
export type ProsodyComponent = { name: string; module?: string; secret?: string; lines?: readonly string[] }

export type ProsodySettings = {
  /** Everything Prosody writes goes below this folder; it is made if missing, and what it holds is kept. */
  folder: string
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

export type Exit = { code: number | null; signal: NodeJS.Signals | null }

export type Prosody = AsyncDisposable & {
  readonly settings: ProsodySettings
  readonly configFile: string
  readonly logFile: string
  /** Prosody's own process, also below a wrapper. */
  readonly pid: number
  /** Settles when the process is gone, in whatever way. */
  readonly exited: Promise<Exit>
  /** Resolves with the first line that fits, among those already logged and those to come; rejects when Prosody ends or the signal aborts. */
  logged(pattern: RegExp, signal?: AbortSignal): Promise<string>
  /** All lines so far that fit, of the newest 10,000 at least; the file has them a moment later. */
  linesWith(pattern: RegExp): readonly string[]
  /** `prosodyctl shell COMMAND`, such as `module:reload("gatehouse", "corp.example")`; gives what it printed. */
  shell(command: string): Promise<string>
  /** SIGTERM, then SIGKILL after 10 s; resolves when the process is gone. Harmless twice. */
  stop(): Promise<Exit>
  /** Sends a signal to Prosody's own process; SIGHUP reads the config file again. */
  kill(signal: NodeJS.Signals): void
}

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
  for (const part of ['data', 'certs']) await mkdir(join(settings.folder, part), { recursive: true })
  // The secret of the component stands in it, and passwords in the accounts: nobody else of this machine reads them.
  await writeFile(configFile, prosodyConfig(settings), { mode: 0o600 })
  for (const account of settings.accounts ?? []) await writeAccount(settings.folder, account)

  const [command = 'prosody', ...before] = [...(settings.wrapper ?? []), 'prosody']
  const child = spawn(command, [...before, '--config', configFile, '-F'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...settings.environment, LC_ALL: 'C.UTF-8' },
  })
  const exited = exitOf(child)
  const lines = logLines(child, logFile, exited)
  try {
    await Promise.all(
      openPorts(settings).map((port) => lines.find(new RegExp(`Activated service .*[\\[ :\\]]${port}\\b`), undefined)),
    )
    await answered(settings, exited)
    const pid = Number(await readFile(join(settings.folder, 'prosody.pid'), 'utf8'))
    return running(settings, { configFile, logFile, child, pid, exited, lines })
  } catch (fault) {
    child.kill('SIGKILL')
    await exited
    throw new Error(`Prosody did not start:\n${lines.tail(20)}`, { cause: fault })
  }
}

/** The config file, as text. */
export function prosodyConfig(settings: ProsodySettings): string {
  const { folder, ports } = settings
  const paths = [HELPERS, ...(settings.pluginPaths ?? [])]
  const ours = [
    `pidfile = ${lua(join(folder, 'prosody.pid'))}`,
    `data_path = ${lua(join(folder, 'data'))}`,
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
async function writeAccount(folder: string, account: { jid: string; password: string }): Promise<void> {
  const [user = '', host = ''] = account.jid.split('@')
  const place = join(folder, 'data', encoded(host), 'accounts')
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

type Lines = {
  find(pattern: RegExp, signal: AbortSignal | undefined): Promise<string>
  with(pattern: RegExp): string[]
  tail(count: number): string
}

/** The newest lines, kept for `logged` and for the error text; the whole log is in the file. */
const LINES_KEPT = 20_000

function logLines(child: ChildProcess, logFile: string, exited: Promise<Exit>): Lines {
  const kept: string[] = []
  const waiting = new Set<(line: string) => void>()
  const file = createWriteStream(logFile, { flags: 'a' })
  const take = (line: string) => {
    file.write(`${line}\n`)
    kept.push(line)
    if (kept.length > LINES_KEPT) kept.splice(0, LINES_KEPT / 2)
    for (const look of waiting) look(line)
  }
  for (const pipe of [child.stdout, child.stderr]) if (pipe !== null) createInterface({ input: pipe }).on('line', take)
  child.once('close', () => file.end())
  return {
    with: (pattern) => kept.filter((line) => pattern.test(line)),
    tail: (count) => kept.slice(-count).join('\n'),
    find(pattern, signal) {
      const seen = kept.find((line) => pattern.test(line))
      if (seen !== undefined) return Promise.resolve(seen)
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const look = (line: string) => {
        if (pattern.test(line)) resolve(line)
      }
      const giveUp = () => reject(new Error(`no log line like ${pattern}`, { cause: signal?.reason }))
      waiting.add(look)
      signal?.addEventListener('abort', giveUp)
      void exited.then((exit) =>
        reject(new Error(`Prosody ended (${exit.code ?? exit.signal}) before it logged ${pattern}`)),
      )
      return promise.finally(() => {
        waiting.delete(look)
        signal?.removeEventListener('abort', giveUp)
      })
    },
  }
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }))
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

type Started = {
  configFile: string
  logFile: string
  child: ChildProcess
  pid: number
  exited: Promise<Exit>
  lines: Lines
}

function running(settings: ProsodySettings, started: Started): Prosody {
  const { configFile, logFile, child, pid, exited, lines } = started
  const gone = () => child.exitCode !== null || child.signalCode !== null
  const stop = async () => {
    const end = (signal: NodeJS.Signals) => {
      if (!gone()) killIfThere(pid, signal)
    }
    end('SIGTERM')
    const late = setTimeout(() => end('SIGKILL'), 10_000)
    const exit = await exited
    clearTimeout(late)
    return exit
  }
  return {
    settings,
    configFile,
    logFile,
    pid,
    exited,
    logged: (pattern, signal) => lines.find(pattern, signal),
    linesWith: (pattern) => lines.with(pattern),
    shell: async (command) => {
      const run = promisify(execFile)
      return (await run('prosodyctl', ['--root', '--config', configFile, 'shell', command])).stdout
    },
    stop,
    kill: (signal) => process.kill(pid, signal),
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}

/** A process may end between the look and the signal. */
function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault && fault.code === 'ESRCH')) throw fault
  }
}
