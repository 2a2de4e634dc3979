// SPDX-License-Identifier: Apache-2.0
// Starts the test program `probe`, reads its log as events, and ends it by its pid.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { gatehouse } from '../../../components/cli/gatehouse.ts'
import { softwareVersion } from '../../../components/kit/process/version.ts'

export const PROBE = fileURLToPath(new URL('./programs/probe/main.ts', import.meta.url))
export const GATEHOUSE = fileURLToPath(new URL('../../cli/gatehouse.ts', import.meta.url))
export const WAIT_MS = 20_000

export type LogLine = { event: string; level: string } & Record<string, unknown>
export type Ended = { exit: number | null; out: string; err: string }

/** A folder with settings, state and run folder; gone at the end. */
export function openPlace(settings = '', shared = '') {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-probe-'))
  chmodSync(folder, 0o755)
  const config = join(folder, 'config')
  mkdirSync(config)
  writeFileSync(
    join(config, 'gatehouse.yaml'),
    `folders: { run: ../run, state: ../state, journals: ../journals }\n${shared}`,
  )
  writeFileSync(join(config, 'probe.yaml'), settings)
  writeFileSync(join(config, 'probe.secret'), 'hush-hush\n', { mode: 0o600 })
  return {
    folder,
    config,
    file: join(config, 'probe.yaml'),
    shared: join(config, 'gatehouse.yaml'),
    run: join(folder, 'run'),
    socket: join(folder, 'run', 'probe.sock'),
    proofs: join(folder, 'run', 'probe.proof'),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export type Place = ReturnType<typeof openPlace>

/** Runs a command to its end. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => out.push(part))
  child.stderr.on('data', (part: Buffer) => err.push(part))
  const [exit] = (await once(child, 'close')) as [number | null]
  return { exit, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }
}

export const runProbe = (...args: string[]) => runToEnd(process.execPath, [PROBE, ...args])

/** The command line against a place, in this process: as the user who runs the tests. */
export async function runCli(place: Place, ...argv: string[]): Promise<Ended> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const [outText, errText] = [text(out), text(err)]
  const exit = await gatehouse({
    argv: ['--config', place.config, ...argv],
    components: fileURLToPath(new URL('./programs/', import.meta.url)),
    environment: { LC_ALL: 'C' },
    folder: process.cwd(),
    out,
    err,
    software: softwareVersion(),
  })
  out.end()
  err.end()
  return { exit, out: await outText, err: await errText }
}

/** The same as another uid, in a process of its own. */
export const runCliAs = (uid: number, place: Place, ...args: string[]) =>
  runToEnd(
    'setpriv',
    [
      `--reuid=${uid}`,
      `--regid=${uid}`,
      '--clear-groups',
      process.execPath,
      GATEHOUSE,
      '--config',
      place.config,
      ...args,
    ],
    { ...process.env, LC_ALL: 'C' },
  )

/** Starts the probe and waits until it says `ready`, or ends. */
export async function startProbe(place: Place) {
  const child = spawn(process.execPath, [PROBE, place.file], { stdio: ['ignore', 'pipe', 'pipe'] })
  const log = followLog(child)
  const err: Buffer[] = []
  child.stderr.on('data', (part: Buffer) => err.push(part))
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  await Promise.race([log.next('ready'), closed])
  return {
    pid: child.pid as number,
    log,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    async ended(): Promise<{ exit: number | null; err: string }> {
      const [exit] = await closed
      return { exit, err: Buffer.concat(err).toString() }
    },
    /** Leaves the log unread, so that its pipe fills up. */
    stopReading: () => child.stdout.pause(),
    /** The exit code or signal alone; for a process whose output is not read to its end. */
    exited: async () => {
      if (child.exitCode === null && child.signalCode === null)
        await once(child, 'exit', { signal: AbortSignal.timeout(WAIT_MS) })
      return child.exitCode ?? child.signalCode
    },
    /** Address of the page of metrics. */
    metrics: () => new URL(String(log.lines.find((line) => line.event === 'ready')?.metrics)),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      child.stdout.resume()
      await closed
    },
  }
}

function followLog(child: ChildProcess) {
  const lines: LogLine[] = []
  const raw: string[] = []
  const waiting = new Set<() => void>()
  const reader = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  reader.on('line', (line) => {
    raw.push(line)
    // The last line of a process that was killed may be cut off.
    if (child.signalCode !== null && !line.endsWith('}')) return
    lines.push(JSON.parse(line) as LogLine)
    for (const look of waiting) look()
  })
  return {
    lines,
    raw,
    count: (event: string) => lines.filter((line) => line.event === event).length,
    /** The nth line with this event, from 1. */
    next(event: string, nth = 1): Promise<LogLine> {
      return new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.filter((line) => line.event === event)[nth - 1]
          if (found === undefined) return
          clearTimeout(bound)
          waiting.delete(look)
          resolve(found)
        }
        const bound = setTimeout(() => reject(new Error(`no ${event} in the log:\n${raw.join('\n')}`)), WAIT_MS).unref()
        waiting.add(look)
        look()
      })
    },
  }
}
