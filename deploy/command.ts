// SPDX-License-Identifier: Apache-2.0
// How a component is started: the command of its unit, on this checkout.
import { spawnSync } from 'node:child_process'
import { globSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')

/**
 * The units give the same. A thread's heap may grow by a fifth before it is cleaned (V8 lets it double), and its new generation is
 * half as large as usual: 40 MB less at full load, and no slower (test/archive/profile/main.ts). Nothing is put into the old
 * generation at birth: V8 guesses so of what lives through a few commits, and what that then refers to is never young again
 * (half of the starts of policy lost a third of their speed by it: npm run bench -- screen).
 */
export const NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=8',
  '--heap-growing-percent=20',
  '--no-allocation-site-pretenuring',
]

/**
 * Of one component. A gateway lives with hundreds of connections that are quiet most of the time: it gives memory back then (quiet.ts), and
 * one thread of V8 beside its own is enough, where four got in each other's way on two cores (about a tenth of the CPU for each message, in short runs).
 */
const OWN_FLAGS: Readonly<Record<string, readonly string[]>> = { 'transport-irc': ['--v8-pool-size=1', '--expose-gc'] }

/** All flags of node for a component. */
export function nodeFlags(name: string): readonly string[] {
  return [...NODE_FLAGS, ...(OWN_FLAGS[name] ?? [])]
}

/**
 * What the units set beside: glibc otherwise keeps a heap for each of the threads of V8 and SQLite, and what one of them frees is of no
 * use to the others. 10 MB less in archive and in policy, and no slower with two of them.
 */
export const NODE_ENVIRONMENT: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '2' }

/**
 * Components that take what the others leave of the machine (CPUSchedulingPolicy=idle of their units): whoever waits for a message
 * waits for the server and for policy, nobody for archive. A twentieth more messages and half the p99 on two busy cores.
 */
export const IDLE: readonly string[] = ['archive']

/** What stands before node for such a component; `chrt` is part of util-linux, and gives its place to node. */
export function scheduling(name: string): readonly string[] {
  return IDLE.includes(name) ? ['chrt', '--idle', '0'] : []
}

/** What node is given before the settings file: flags and the program. */
export function componentCommand(name: string, built: boolean = isBuilt()): readonly string[] {
  return [...nodeFlags(name), programOf(name, built)]
}

/** Of a component, or `cli`: that of dist/, or the sources while dist/ is not of them. */
export function programOf(name: string, built: boolean = isBuilt()): string {
  return built ? join(ROOT, 'dist/components', name, 'main.js') : join(ROOT, 'components', name, 'main.ts')
}

let known: boolean | null = null

/** dist/ is there, and neither a source nor a package was changed after it was made; looked at once. */
export function isBuilt(): boolean {
  known ??= timeOf('dist') > Math.max(...[...globSync(SOURCES, { cwd: ROOT }), ...PACKAGES].map(timeOf))
  return known
}

const SOURCES = 'components/**/*.{ts,ftl}'
/** The first is npm's own note of what it installed. */
const PACKAGES = ['node_modules/.package-lock.json', 'deploy/build.mjs']

/** Of its last change; 0 where it is not there. */
function timeOf(file: string): number {
  return statSync(join(ROOT, file), { throwIfNoEntry: false })?.mtimeMs ?? 0
}

/** Makes dist/ where it is not of the sources. Throws when that fails; why is said. */
export function build(): void {
  if (isBuilt()) return
  const { status } = spawnSync(process.execPath, [join(ROOT, 'deploy/build.mjs')], { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`dist/ was not made: deploy/build.mjs ended with ${status}`)
  known = null
}
