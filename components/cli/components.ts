// SPDX-License-Identifier: Apache-2.0
// Which components there are: folders with a main file beside this one, and sockets in the run folder.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Described } from '../kit/process/describe.ts'
import { describe, NotRunning } from './network/ask.ts'

/** `main` is missing for a process that is installed elsewhere and only seen by its socket. */
export type Found = { name: string; run: string; main?: string }

const run = promisify(execFile)
const COMPONENT = /^[a-z][a-z0-9-]{0,63}$/

/** Sorted by name. The command line itself is no component. */
export function findComponents(folder: string, runFolder: string): Found[] {
  const suffix = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const found = new Map<string, Found>()
  for (const name of namesIn(runFolder)) {
    const component = name.endsWith('.sock') ? name.slice(0, -5) : ''
    if (COMPONENT.test(component)) found.set(component, { name: component, run: runFolder })
  }
  for (const name of namesIn(folder)) {
    const main = join(folder, name, `main.${suffix}`)
    if (name !== 'cli' && COMPONENT.test(name) && existsSync(main)) found.set(name, { name, run: runFolder, main })
  }
  return [...found.values()].sort((one, other) => one.name.localeCompare(other.name))
}

/** What it can do: asked of the process if it runs, else of its program. */
export async function learn(component: Found, language: string): Promise<Described> {
  try {
    return await describe(component, language)
  } catch (fault) {
    if (!(fault instanceof NotRunning) || component.main === undefined) throw fault
    const { stdout } = await runMain(component.main, ['--commands', '--language', language === '' ? 'en' : language])
    return JSON.parse(stdout) as Described
  }
}

/** Runs a component's program for what it prints, whatever its exit code; 30 s at most. */
export async function runMain(
  main: string,
  args: readonly string[],
): Promise<{ stdout: string; stderr: string; exit: number }> {
  try {
    const { stdout, stderr } = await run(process.execPath, [main, ...args], {
      timeout: 30_000,
      maxBuffer: 16 * 2 ** 20,
    })
    return { stdout, stderr, exit: 0 }
  } catch (fault) {
    const ended = fault as { code?: unknown; stdout?: unknown; stderr?: unknown }
    if (typeof ended.code !== 'number') throw fault
    return { stdout: String(ended.stdout), stderr: String(ended.stderr), exit: ended.code }
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (fault) {
    if (fault instanceof Error && 'code' in fault && fault.code === 'ENOENT') return []
    throw fault
  }
}
