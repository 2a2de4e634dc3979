// SPDX-License-Identifier: Apache-2.0
// The gate bench on Prosody: bare, with its own archive in files and in SQL databases, and what is wanted beside them.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { freePorts } from '../../deploy/demo/ports.ts'
import { type ProsodySettings, prosodyVersion, startProsody } from '../../deploy/demo/prosody.ts'
import { postgresLack, startPostgres } from '../harness/postgres.ts'
import { ANYBODY, HOST } from '../harness/world.ts'
import { ADDED_P99, least, most, RSS } from './explain.ts'
import type { Form, Peers } from './peers.ts'
import { BARE, type Counts, NOTHING_KEPT, type SetUp, set } from './set-ups.ts'

const TURNS = { quick: { rounds: 2, seconds: 2 }, normal: { rounds: 7, seconds: 4 }, long: { rounds: 7, seconds: 4 } }

const INTERNAL = 'mod_mam internal'
const SQLITE = 'mod_mam SQLite'
const POSTGRES = 'mod_mam PostgreSQL'

/** `generational`: every Prosody of the run has this mode of Lua's collector, bare and peers too. */
export async function prosodyPeers(form: Form, generational: boolean): Promise<Peers> {
  const version = await prosodyVersion()
  if (version === null) throw new Error('prosody is not installed')
  const lack = form === 'long' ? await postgresLack() : null
  const lines = generational ? ['gc = { mode = "generational" }'] : []
  return {
    ...{ server: 'prosody', title: 'Prosody', version, pairs: [20], turns: TURNS[form] },
    remarks: [
      ...(lack === null ? [] : [`skipped: ${POSTGRES}: ${lack}`]),
      ...lines.map((line) => `every Prosody with ${line}`),
    ],
    world: { prosody: { global: lines } },
    beside: [
      (folder) => plain(BARE, folder, { global: lines }, NOTHING_KEPT),
      (folder) => mamInternal(folder, lines),
      (folder) => mamSqlite(folder, lines),
      ...(form === 'long' && lack === null ? [(folder: string) => mamPostgres(folder, lines)] : []),
    ],
    over: { suite_over_mam_sqlite: SQLITE, suite_over_mam_internal: INTERNAL },
    goals: [
      least('suite over bare', 'suite_over_bare', 0.45),
      least('suite over the do-nothing screen', 'suite_over_noop', 0.8),
      most("Prosody's CPU per message over bare", 'server_cpu_ratio', 1.8),
      least(`suite over ${SQLITE}`, 'suite_over_mam_sqlite', 10),
      most('added p50, ms', 'added_p50_ms', 1),
      ADDED_P99,
      RSS,
    ],
    aims: [
      { peer: BARE, wanted: 0.6 },
      { peer: INTERNAL, wanted: 3 },
      { peer: POSTGRES, wanted: 3 },
    ],
    conditions: generational ? { server_gc: 'generational' } : {},
  }
}

async function mamInternal(folder: string, lines: readonly string[]): Promise<SetUp> {
  const settings = {
    modules: ['mam'],
    global: ['storage = { archive = "internal" }', 'default_archive_policy = true', ...lines],
  }
  return plain(INTERNAL, folder, settings, async (set) => {
    const place = join(set.folder, 'data', HOST.replace('.', '%2e'), 'archive')
    const lists = (await readdir(place)).filter((name) => name.endsWith('.list'))
    const rows = lists.reduce(
      (sum, name) => sum + (readFileSync(join(place, name), 'utf8').match(/^item\(/gm)?.length ?? 0),
      0,
    )
    return { rows, commits: null }
  })
}

async function mamSqlite(folder: string, lines: readonly string[]): Promise<SetUp> {
  const sql = 'sql = { driver = "SQLite3", database = "archive.sqlite" }'
  const settings = {
    modules: ['mam'],
    global: ['storage = { archive = "sql" }', sql, 'default_archive_policy = true', ...lines],
  }
  return plain(SQLITE, folder, settings, (set) => {
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

async function mamPostgres(parent: string, lines: readonly string[]): Promise<SetUp> {
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
    await plain(POSTGRES, parent, settings, async () => ({
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
