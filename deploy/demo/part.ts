// SPDX-License-Identifier: Apache-2.0
// One process of the suite, started as its unit would, with its settings file; its log goes to a file.
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { componentCommand, NODE_ENVIRONMENT, scheduling } from '../command.ts'
import type { Exit } from './server.ts'

export type Part = AsyncDisposable & {
  readonly name: string
  readonly pid: number
  readonly logFile: string
  readonly exited: Promise<Exit>
  /** SIGTERM; resolves when the process is gone. Harmless twice. */
  stop(): Promise<Exit>
}

/** Resolves when the process logs `ready`; rejects with its last words when it ends before. */
export async function startPart(name: string, settingsFile: string, logFolder: string): Promise<Part> {
  const logFile = join(logFolder, `${name}.log`)
  const [command = process.execPath, ...args] = [
    ...scheduling(name),
    process.execPath,
    ...componentCommand(name),
    settingsFile,
  ]
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...NODE_ENVIRONMENT },
  })
  const file = createWriteStream(logFile, { flags: 'a' })
  const last: string[] = []
  const ready = Promise.withResolvers<void>()
  for (const pipe of [child.stdout, child.stderr]) {
    createInterface({ input: pipe }).on('line', (line) => {
      file.write(`${line}\n`)
      last.push(line)
      if (last.length > 20) last.shift()
      if (/"event":"ready"/.test(line)) ready.resolve()
    })
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }))
    child.once('close', (code, signal) => {
      file.end()
      resolve({ code, signal })
    })
  })
  void exited.then(() => ready.reject(new Error(`${name} did not start:\n${last.join('\n')}`)))
  await ready.promise
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    return exited
  }
  return {
    name,
    pid: child.pid ?? 0,
    logFile,
    exited,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}
