// SPDX-License-Identifier: Apache-2.0
// What the gate bench measures beside one another: the same server, each time with something else behind it. Here is what all
// servers have in common: mod_gatehouse with a screen that does nothing, and with the whole suite.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Server } from '../../deploy/demo/server.ts'
import { asInstalled } from '../harness/component.ts'
import { HOST, SCREEN, startWorld, type World, type WorldOptions } from '../harness/world.ts'
import type { LoadReport, LoadTarget } from './load.ts'
import { gateRuleFiles, gateRules } from './rules.ts'

/** Names of the set-ups that every server has. */
export const BARE = 'bare'
export const NOOP = 'do-nothing screen'
export const SUITE = 'full suite'

export type Counts = { rows: number | null; commits: number | null }

export type SetUp = AsyncDisposable & {
  readonly name: string
  readonly target: Omit<LoadTarget, 'pairs'>
  /** Name of the server's process. */
  readonly server: Server['kind']
  /** Process ids by name; the server's is always there. */
  readonly pids: Readonly<Record<string, number>>
  /** Resolves when the last record of the run can be found; at once where nothing is recorded. */
  found(report: LoadReport, pairs: number): Promise<void>
  counts(): Promise<Counts>
}

/** A server that listens for clients at this port; it ends with the set-up. */
export function set(name: string, server: Server, port: number, counts: () => Promise<Counts>): SetUp {
  return {
    name,
    target: { address: '127.0.0.1', port, domain: HOST },
    server: server.kind,
    pids: { [server.kind]: server.pid },
    found: () => Promise.resolve(),
    counts,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

export const NOTHING_KEPT = () => Promise.resolve({ rows: null, commits: null })

/** A process of our own that says something on its output when it is ready, and ends with SIGTERM. */
export async function started(script: string, args: readonly string[]): Promise<AsyncDisposable & { pid: number }> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'close')
  const first = await Promise.race([once(child.stdout, 'data').then(() => true), exited.then(() => false)])
  if (!first) throw new Error(`${script} ended before it was ready`)
  return {
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill()
      await exited
    },
  }
}

/** mod_gatehouse with a screen that keeps nothing and allows everything: what the question itself costs. */
export async function noop(options: WorldOptions): Promise<SetUp> {
  await using opened = new AsyncDisposableStack()
  const world = opened.use(await startWorld({ ...options, screen: 'own' }))
  const screen = opened.use(await started(ALLOW_SCREEN, [String(world.ports.component), SCREEN, world.secret]))
  await world.server.logged(/answers; questions are asked/)
  const all = opened.move()
  const base = set(NOOP, world.server, world.ports.c2s, NOTHING_KEPT)
  return {
    ...base,
    pids: { ...base.pids, screen: screen.pid },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

export type Suite = SetUp & { readonly world: World }

/** mod_gatehouse, policy with gateRules(), and archive, as processes of their own; `environment` goes to policy and archive. */
export async function suite(options: WorldOptions, environment?: Readonly<Record<string, string>>): Promise<Suite> {
  const part = environment === undefined ? {} : { environment }
  const world = await startWorld({
    ...options,
    policy: { ...part, ...asInstalled('policy') },
    archiveProcess: { ...part, ...asInstalled('archive') },
    rules: gateRules(),
    ruleFiles: gateRuleFiles(),
  })
  const { policy, archive } = world
  if (policy === null || archive === null) throw new Error('the suite runs with policy and archive')
  const base = set(SUITE, world.server, world.ports.c2s, () => journalCounts(world))
  return {
    ...base,
    world,
    pids: { ...base.pids, policy: policy.pid, archive: archive.pid },
    found: (report, pairs) => lastFound(world, report, pairs),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  }
}

/** Asks until the last message of every pair is found. The archive's own rights and access facts are part of it. */
async function lastFound(world: World, report: LoadReport, pairs: number): Promise<void> {
  const until = Date.now() + FOUND_WITHIN_MS
  const query = { words: report.endWord, limit: pairs, reason: 'bench' }
  while ((await world.ask('archive search', query)).length < pairs) {
    if (Date.now() > until) throw new Error(`${report.endWord} cannot be found in the archive ${pairs} times`)
    await setTimeout(10)
  }
}

async function journalCounts(world: World): Promise<Counts> {
  const stats = await world.ask('archive stats')
  const records = stats.find((row) => row.what === 'records')?.value
  const ready = await world.archive?.logged((line) => line.event === 'ready')
  const page = await (await fetch(String(ready?.metrics))).text()
  const commits = /^gatehouse_archive_commits_total (\d+)$/m.exec(page)?.[1]
  return { rows: typeof records === 'number' ? records : null, commits: commits === undefined ? null : Number(commits) }
}

const FOUND_WITHIN_MS = 60_000
const ALLOW_SCREEN = resolve(import.meta.dirname, '../servers/prosody/allow-screen.ts')
