// SPDX-License-Identifier: Apache-2.0
// The gate bench on ejabberd: bare, with its own archive in Mnesia and in SQLite, with a copy of everything to a component
// (mod_service_log, the nearest that ejabberd brings by itself), and what is wanted beside them.
import { mkdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  type Ejabberd,
  type EjabberdSettings,
  ejabberdFolder,
  ejabberdVersion,
  startEjabberd,
} from '../../deploy/demo/ejabberd.ts'
import { freePorts } from '../../deploy/demo/ports.ts'
import { anybody, HOST } from '../harness/world.ts'
import { ADDED_P99, least, RSS } from './explain.ts'
import type { Form, Peers } from './peers.ts'
import { BARE, type Counts, NOTHING_KEPT, type SetUp, set, started } from './set-ups.ts'

/** Shorter than on Prosody: there are more set-ups, and two loads for each. */
const TURNS = { quick: { rounds: 2, seconds: 1 }, normal: { rounds: 5, seconds: 3 }, long: { rounds: 7, seconds: 4 } }

const MNESIA = 'mod_mam mnesia'
const SQLITE = 'mod_mam SQLite'
const SERVICE_LOG = 'mod_service_log'

/** A few people, each with much to say, and many: ejabberd has a process for each, so that it matters here. */
const PAIRS = [200, 20] as const

const MAX_QUESTIONS = 5000

export async function ejabberdPeers(form: Form): Promise<Peers> {
  const version = await ejabberdVersion()
  if (version === null) throw new Error('ejabberd is not installed')
  return {
    ...{ server: 'ejabberd', title: 'ejabberd', version, pairs: PAIRS, turns: TURNS[form] },
    // 200 people with 10 messages each under way are more than a host asks about at once where nothing is set.
    remarks: [`mod_gatehouse with max_questions: ${MAX_QUESTIONS}`],
    world: { server: 'ejabberd', helper: { max_questions: MAX_QUESTIONS } },
    ...{ aims: [], conditions: {} },
    beside: [(folder) => plain(BARE, folder, {}, NOTHING_KEPT), mamMnesia, mamSqlite, serviceLog],
    over: {
      suite_over_mam_sqlite: SQLITE,
      suite_over_mam_internal: MNESIA,
      suite_over_service_log: SERVICE_LOG,
    },
    goals: [
      least('suite over bare, 200 pairs', 'suite_over_bare', 0.45),
      least('suite over bare, 20 pairs', 'suite_over_bare_20', 0.3),
      least('suite over the do-nothing screen, 200 pairs', 'suite_over_noop', 0.8),
      least('suite over the do-nothing screen, 20 pairs', 'suite_over_noop_20', 0.8),
      least(`suite over ${SQLITE}, 200 pairs`, 'suite_over_mam_sqlite', 5),
      least(`suite over ${SQLITE}, 20 pairs`, 'suite_over_mam_sqlite_20', 5),
      ADDED_P99,
      RSS,
    ],
  }
}

async function mamMnesia(folder: string): Promise<SetUp> {
  const settings = { modules: { mod_mam: { db_type: 'mnesia', default: 'always' } } }
  return plain(MNESIA, folder, settings, async (ejabberd) => ({
    rows: Number(await ejabberd.evaluate('mnesia:table_info(archive_msg, size).')),
    commits: null,
  }))
}

async function mamSqlite(parent: string): Promise<SetUp> {
  const installed = ejabberdFolder() ?? ''
  const schema = await readFile(join(installed, 'priv/sql/lite.sql'), 'utf8')
  const file = join(parent, 'archive.sqlite')
  const empty = new DatabaseSync(file)
  empty.exec(schema)
  empty.close()
  const settings = {
    modules: { mod_mam: { db_type: 'sql', default: 'always' } },
    options: { sql_type: 'sqlite', sql_database: file },
  }
  return plain(SQLITE, parent, settings, async () => {
    const db = new DatabaseSync(file, { readOnly: true })
    const rows = Number(db.prepare('SELECT count(*) AS n FROM archive').get()?.n ?? 0)
    db.close()
    return { rows, commits: changeCounter(await readFile(file)) }
  })
}

/** Bytes 24 to 27 of an SQLite file count its transactions, as long as it is not in WAL mode. */
function changeCounter(file: Buffer): number {
  return file.readUInt32BE(24)
}

const LOG = 'log.gatehouse.internal'
const SECRET = 'not a secret: loopback only'

async function serviceLog(folder: string): Promise<SetUp> {
  await using opened = new AsyncDisposableStack()
  const [component = 0] = await freePorts(1)
  const settings = { modules: { mod_service_log: { loggers: [LOG] } }, components: [{ name: LOG, secret: SECRET }] }
  const base = opened.use(await plain(SERVICE_LOG, folder, settings, NOTHING_KEPT, component))
  const deaf = opened.use(await started(DEAF_COMPONENT, [String(component), LOG, SECRET]))
  const all = opened.move()
  return { ...base, pids: { ...base.pids, component: deaf.pid }, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

type Plain = Pick<EjabberdSettings, 'modules' | 'options' | 'components'>

async function plain(
  name: string,
  parent: string,
  settings: Plain,
  counts: (ejabberd: Ejabberd) => Promise<Counts>,
  component?: number,
): Promise<SetUp> {
  const folder = join(parent, name.replaceAll(' ', '-'))
  await mkdir(folder)
  const [c2s = 0] = await freePorts(1)
  const { sources, options } = anybody().ejabberd
  const ejabberd = await startEjabberd({
    folder,
    ports: { c2s, ...(component === undefined ? {} : { component }) },
    hosts: [{ name: HOST }],
    sources,
    ...settings,
    options: { ...options, ...settings.options },
  })
  return set(name, ejabberd, c2s, () => counts(ejabberd))
}

const DEAF_COMPONENT = resolve(import.meta.dirname, 'deaf-component.ts')
