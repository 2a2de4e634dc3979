// SPDX-License-Identifier: Apache-2.0
// What every IRC server of the tests is: Debian's own program, in a folder of its own, as a user without rights, on loopback.
import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exitOf, killIfThere, type Lines, logLines } from '../../deploy/demo/server.ts'
import { listening } from '../../deploy/demo/slapd.ts'

const run = promisify(execFile)

/** A process that can be killed and started again on what it left. */
export type Daemon = AsyncDisposable & {
  readonly pid: number
  readonly folder: string
  /** What it said on its outputs since the last start. */
  linesWith(pattern: RegExp): readonly string[]
  kill(signal: NodeJS.Signals): void
  /** As a dead machine: SIGKILL; resolves when it is gone. Harmless twice. */
  crash(): Promise<void>
  /** In good order; resolves when it is gone. Harmless twice. */
  stop(): Promise<void>
  /** Again, after it has ended; resolves when it listens. */
  start(): Promise<void>
}

/** An IRC server that people connect to. */
export type Ircd = Daemon & {
  readonly kind: 'inspircd' | 'ngircd' | 'ircd-hybrid'
  /** As it calls itself. */
  readonly name: string
  readonly address: string
  readonly port: number
  /** 0: no TLS was asked for. */
  readonly tlsPort: number
  /** PEM of the authority that signed its certificate for `name`, `localhost` and the address; null without TLS. */
  readonly caFile: string | null
  /** Name and password for OPER. */
  readonly oper: { name: string; password: string }
}

export type DaemonSettings = {
  title: string
  folder: string
  command: string
  args: readonly string[]
  environment?: Readonly<Record<string, string>>
  address: string
  /** It has started when all of them listen. */
  ports: readonly number[]
  /** ...and when it has said this, where ports do not tell. */
  says?: RegExp
}

const START_WITHIN_MS = 15_000
const STOP_WITHIN_MS = 5_000

/** A folder that the user without rights can reach; removed by `leave`. */
export async function daemonFolder(name: string): Promise<{ folder: string; leave(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), `gatehouse-${name}-`))
  await chmod(folder, 0o711)
  return { folder, leave: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }) }
}

/** A daemon with a folder of its own, which goes with it, and at once when it does not start. */
export async function inDaemonFolder<D extends Daemon>(
  name: string,
  start: (folder: string) => Promise<D>,
): Promise<D> {
  const { folder, leave } = await daemonFolder(name)
  try {
    const daemon = await start(folder)
    return Object.assign(daemon, {
      async [Symbol.asyncDispose]() {
        await daemon.stop()
        await leave()
      },
    })
  } catch (fault) {
    await leave()
    throw fault
  }
}

/** Gives the folder away, with what is in it by now. */
export async function giveToDaemon(folder: string): Promise<void> {
  const { uid, gid } = unprivileged()
  if (uid !== undefined) await run('chown', ['-R', `${uid}:${gid}`, folder])
}

/** Debian's own user for IRC where we are root; ourselves otherwise. */
export function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => /^(irc|nobody):/u.test(one))
  const [, , uid = '65534', gid = '65534'] = line?.split(':') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

/** Null when every program is there, else what is missing. */
export function programLack(...programs: readonly { file: string; package: string }[]): string | null {
  const missing = programs.find(({ file }) => !existsSync(file))
  return missing === undefined ? null : `${missing.package} is not installed`
}

/** Resolves when it listens; rejects with what it said when it ends before. */
export async function startDaemon(settings: DaemonSettings): Promise<Daemon> {
  let current = await launch(settings)
  const end = async (signal: NodeJS.Signals) => {
    const { pid, exited, gone } = current
    if (!gone()) killIfThere(pid, signal)
    const late = setTimeout(() => {
      if (!gone()) killIfThere(pid, 'SIGKILL')
    }, STOP_WITHIN_MS)
    await exited
    clearTimeout(late)
  }
  const stop = async () => {
    // One that was stopped by SIGSTOP could not end.
    if (!current.gone()) killIfThere(current.pid, 'SIGCONT')
    await end('SIGTERM')
  }
  return {
    get pid() {
      return current.pid
    },
    folder: settings.folder,
    linesWith: (pattern) => current.lines.with(pattern),
    kill: (signal) => killIfThere(current.pid, signal),
    crash: () => end('SIGKILL'),
    stop,
    async start() {
      current = await launch(settings)
    },
    [Symbol.asyncDispose]: stop,
  }
}

type Launched = { pid: number; lines: Lines; exited: Promise<unknown>; gone(): boolean }

async function launch(settings: DaemonSettings): Promise<Launched> {
  const { title, command, args, folder, ports, address, says } = settings
  const child = spawn(command, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: folder, LC_ALL: 'C.UTF-8', ...settings.environment },
    ...unprivileged(),
  })
  const exited = exitOf(child)
  const lines = logLines(title, child, join(folder, 'output.log'), exited)
  const gone = () => child.exitCode !== null || child.signalCode !== null
  const ended = exited.then(({ code, signal }) => {
    throw new Error(`ended (${code ?? signal})`)
  })
  ended.catch(() => {})
  const late = setTimeout(() => child.kill('SIGKILL'), START_WITHIN_MS)
  try {
    await listening(ports, ended, address)
    if (says !== undefined) await lines.find(says, undefined)
  } catch (cause) {
    child.kill('SIGKILL')
    await exited
    throw new Error(`${title} did not start:\n${lines.tail(30)}`, { cause })
  } finally {
    clearTimeout(late)
  }
  return { pid: child.pid ?? 0, lines, exited, gone }
}

/** A server says what it knows of others only when it is asked: asks until it is as wanted, or rejects after 15 s. */
export async function askUntil(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const until = Date.now() + START_WITHIN_MS
  while (!(await isSo())) {
    if (Date.now() > until) throw new Error(`${what}: not within ${START_WITHIN_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
