// SPDX-License-Identifier: Apache-2.0
// One of our own processes under test: started from its main with settings files in a folder, watched by its log.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { componentCommand, NODE_ENVIRONMENT, programOf, scheduling } from '../../deploy/command.ts'

const STOP_WITHIN_MS = 25_000

export type ComponentSettings = {
  name: string
  /** Its settings file. */
  file: string
  logFolder: string
  environment?: Readonly<Record<string, string>>
  /** Another main than its own, such as one that hands in crash points. */
  main?: string
  /** Of node itself. */
  flags?: readonly string[]
  /** Put before node, such as ['strace', '-f', '-o', FILE]. */
  wrapper?: readonly string[]
  /** What gives its place to node, such as chrt; below the wrapper. */
  scheduling?: readonly string[]
}

export type Line = { event: string; level: string; [field: string]: unknown }

export type Component = AsyncDisposable & {
  readonly name: string
  readonly pid: number
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** The first line that fits, among those already logged and those to come; rejects when the process ends before. */
  logged(fits: (line: Line) => boolean): Promise<Line>
  kill(signal: NodeJS.Signals): void
  /** SIGTERM, then SIGKILL; resolves when the process is gone. Harmless twice. */
  stop(): Promise<void>
}

/** The scheduling, flags and main that its unit names; from the sources where dist/ is not of them. */
export function asInstalled(name: string): Required<Pick<ComponentSettings, 'flags' | 'main' | 'scheduling'>> {
  const command = componentCommand(name)
  return { scheduling: scheduling(name), flags: command.slice(0, -1), main: command.at(-1) ?? '' }
}

/** Resolves when the process has said that it is ready. */
export async function startComponent(settings: ComponentSettings): Promise<Component> {
  const main = settings.main ?? programOf(settings.name)
  const node = [process.execPath, ...(settings.flags ?? []), main, settings.file]
  const [command = process.execPath, ...args] = [...(settings.wrapper ?? []), ...(settings.scheduling ?? []), ...node]
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...NODE_ENVIRONMENT, ...settings.environment },
  })
  const exited = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  const log = watch(child, join(settings.logFolder, `${settings.name}.log`), exited)
  await log
    .find((line) => line.event === 'ready')
    .catch(async (cause: unknown) => {
      child.kill('SIGKILL')
      throw new Error(`${settings.name} did not start:\n${log.tail()}`, { cause })
    })
  const pid = innermost(child.pid ?? 0, settings.wrapper !== undefined)
  return {
    name: settings.name,
    pid,
    exited,
    logged: log.find,
    kill: (signal) => void process.kill(pid, signal),
    stop,
    [Symbol.asyncDispose]: stop,
  }

  async function stop(): Promise<void> {
    const gone = () => child.exitCode !== null || child.signalCode !== null
    if (!gone()) {
      process.kill(pid, 'SIGCONT')
      process.kill(pid, 'SIGTERM')
    }
    const late = setTimeout(() => {
      if (!gone()) process.kill(pid, 'SIGKILL')
    }, STOP_WITHIN_MS)
    await exited
    clearTimeout(late)
  }
}

/** Below a wrapper such as strace the process itself is its only child. */
function innermost(pid: number, wrapped: boolean): number {
  if (!wrapped) return pid
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
  return Number(child)
}

const LINES_KEPT = 5_000

function watch(child: ChildProcess, file: string, exited: Promise<unknown>) {
  const kept: Line[] = []
  const plain: string[] = []
  const waiting = new Set<(line: Line) => void>()
  const log = createWriteStream(file, { flags: 'a' })
  for (const pipe of [child.stdout, child.stderr]) {
    if (pipe === null) continue
    createInterface({ input: pipe }).on('line', (text) => {
      log.write(`${text}\n`)
      plain.push(text)
      if (plain.length > 40) plain.shift()
      const line = readLine(text)
      if (line === null) return
      kept.push(line)
      if (kept.length > LINES_KEPT) kept.shift()
      for (const look of waiting) look(line)
    })
  }
  child.once('close', () => log.end())
  return {
    tail: () => plain.join('\n'),
    find(fits: (line: Line) => boolean): Promise<Line> {
      const seen = kept.find(fits)
      if (seen !== undefined) return Promise.resolve(seen)
      const { promise, resolve, reject } = Promise.withResolvers<Line>()
      const look = (line: Line) => {
        if (fits(line)) resolve(line)
      }
      waiting.add(look)
      void exited.then(() => reject(new Error('the process ended before it logged what was waited for')))
      return promise.finally(() => waiting.delete(look))
    },
  }
}

function readLine(text: string): Line | null {
  if (!text.startsWith('{')) return null
  try {
    return JSON.parse(text) as Line
  } catch {
    return null
  }
}
