// SPDX-License-Identifier: Apache-2.0
// What the gate bench measures beside one another: the same Prosody, each time with something else behind it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { freePorts } from '../../deploy/demo/ports.ts'
import { type Prosody, type ProsodySettings, startProsody } from '../../deploy/demo/prosody.ts'
import { asInstalled } from '../harness/component.ts'
import { startPostgres } from '../harness/postgres.ts'
import { ANYBODY, HOST, SCREEN, startWorld, type World } from '../harness/world.ts'
import type { LoadReport, LoadTarget } from './load.ts'
import { gateRuleFiles, gateRules } from './rules.ts'

export type Counts = { rows: number | null; commits: number | null }

export type SetUp = AsyncDisposable & {
  readonly name: string
  readonly target: Omit<LoadTarget, 'pairs'>
  /** Process ids by name; `prosody` is always there. */
  readonly pids: Readonly<Record<string, number>>
  /** Resolves when the last record of the run can be found; at once where nothing is recorded. */
  found(report: LoadReport, pairs: number): Promise<void>
  counts(): Promise<Counts>
}

/** `lines`: of the server's settings, the same for every set-up of a run. */
export async function bare(folder: string, lines: readonly string[]): Promise<SetUp> {
  return plain('bare', folder, { global: lines }, () => ({ rows: null, commits: null }))
}

export async function mamInternal(folder: string, lines: readonly string[]): Promise<SetUp> {
  const settings = {
    modules: ['mam'],
    global: ['storage = { archive = "internal" }', 'default_archive_policy = true', ...lines],
  }
  return plain('mod_mam internal', folder, settings, async (set) => {
    const place = join(set.folder, 'data', HOST.replace('.', '%2e'), 'archive')
    const lists = (await readdir(place)).filter((name) => name.endsWith('.list'))
    const rows = lists.reduce(
      (sum, name) => sum + (readFileSync(join(place, name), 'utf8').match(/^item\(/gm)?.length ?? 0),
      0,
    )
    return { rows, commits: null }
  })
}

export async function mamSqlite(folder: string, lines: readonly string[]): Promise<SetUp> {
  const sql = 'sql = { driver = "SQLite3", database = "archive.sqlite" }'
  const settings = {
    modules: ['mam'],
    global: ['storage = { archive = "sql" }', sql, 'default_archive_policy = true', ...lines],
  }
  return plain('mod_mam SQLite', folder, settings, (set) => {
    const file = join(set.folder, 'data', 'archive.sqlite')
    const db = new DatabaseSync(file, { readOnly: true })
    const rows = Number(db.prepare('SELECT count(*) AS n FROM prosodyarchive').get()?.n ?? 0)
    db.close()
    return { rows, commits: changeCounter(file) }
  })
}

/** Bytes 24 to 27 of an SQLite file count its transactions, as long as it is not in WAL mode. */
function changeCounter(file: string): number {
  const bytes = Buffer.alloc(4)
  const fd = openSync(file, 'r')
  readSync(fd, bytes, 0, 4, 24)
  closeSync(fd)
  return bytes.readUInt32BE()
}

type Plain = Pick<ProsodySettings, 'modules' | 'global'>

async function plain(
  name: string,
  parent: string,
  settings: Plain,
  counts: (set: { folder: string }) => Promise<Counts> | Counts,
): Promise<SetUp> {
  const folder = join(parent, name.replaceAll(' ', '-'))
  await mkdir(folder)
  const [c2s = 0] = await freePorts(1)
  const prosody = await startProsody({
    folder,
    ports: { c2s },
    hosts: [{ name: HOST }],
    ...settings,
    global: [...ANYBODY, ...(settings.global ?? [])],
  })
  return set(name, prosody, c2s, async () => counts({ folder }))
}

function set(name: string, prosody: Prosody, port: number, counts: () => Promise<Counts>): SetUp {
  return {
    name,
    target: { address: '127.0.0.1', port, domain: HOST },
    pids: { prosody: prosody.pid },
    found: () => Promise.resolve(),
    counts,
    [Symbol.asyncDispose]: () => prosody[Symbol.asyncDispose](),
  }
}

/** mod_gatehouse with a screen that keeps nothing and allows everything: what the question itself costs. */
export async function noop(lines: readonly string[]): Promise<SetUp> {
  await using opened = new AsyncDisposableStack()
  const world = opened.use(await startWorld({ screen: 'own', prosody: { global: lines } }))
  const screen = spawn(process.execPath, [ALLOW_SCREEN, String(world.ports.component), SCREEN, world.secret], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  opened.defer(async () => {
    screen.kill()
    if (screen.exitCode === null && screen.signalCode === null) await once(screen, 'close')
  })
  await once(screen.stdout, 'data')
  const started = opened.move()
  return {
    ...set('do-nothing screen', world.prosody, world.ports.c2s, () => Promise.resolve({ rows: null, commits: null })),
    pids: { prosody: world.prosody.pid, screen: screen.pid ?? 0 },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

export type Suite = SetUp & { readonly world: World }

/** mod_gatehouse, policy with gateRules(), and archive, as processes of their own; `environment` goes to policy and archive. */
export async function suite(lines: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Suite> {
  const part = environment === undefined ? {} : { environment }
  const world = await startWorld({
    policy: { ...part, ...asInstalled('policy') },
    archiveProcess: { ...part, ...asInstalled('archive') },
    prosody: { global: lines },
    rules: gateRules(),
    ruleFiles: gateRuleFiles(),
  })
  const { policy, archive } = world
  if (policy === null || archive === null) throw new Error('the suite runs with policy and archive')
  return {
    ...set('full suite', world.prosody, world.ports.c2s, () => journalCounts(world)),
    world,
    pids: { prosody: world.prosody.pid, policy: policy.pid, archive: archive.pid },
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

export async function mamPostgres(parent: string, lines: readonly string[]): Promise<SetUp> {
  await using opened = new AsyncDisposableStack()
  // The server's user must be able to walk to its folder.
  await chmod(parent, 0o755)
  const postgres = opened.use(await startPostgres(parent, 'prosody'))
  const sql = `sql = { driver = "PostgreSQL", database = "prosody", host = "${postgres.socketFolder}", username = "postgres", password = "" }`
  const settings = {
    modules: ['mam'],
    global: ['storage = { archive = "sql" }', sql, 'default_archive_policy = true', ...lines],
  }
  const made = opened.use(
    await plain('mod_mam PostgreSQL', parent, settings, async () => ({
      rows: Number(await postgres.query('SELECT count(*) FROM prosodyarchive')),
      commits: Number(
        await postgres
          .query("SELECT pg_stat_clear_snapshot(), xact_commit FROM pg_stat_database WHERE datname = 'prosody'")
          .then((row) => row.split('|').at(-1)),
      ),
    })),
  )
  const started = opened.move()
  return { ...made, [Symbol.asyncDispose]: () => started.disposeAsync() }
}
