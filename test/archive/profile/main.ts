// SPDX-License-Identifier: Apache-2.0
// What a message costs archive: CPU by thread and memory, as its unit would start it. For people:
//   npm run build && node test/archive/profile/main.ts [MESSAGES] [backlog|live|paced|paced=RATE] [NODE_FLAGS...]
// backlog: the journal is full before the archive starts; live: it is written while the archive follows, 20 questions a commit;
// paced: as live, 1,000 messages a second; paced=5000: so many. GATEHOUSE_ARCHIVE_YAML holds more settings.
// With GATEHOUSE_PROFILE=FOLDER the process leaves a CPU profile there.
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { openJournal } from '../../../components/kit/bus/file-journal.ts'
import { writeFact } from '../../../components/kit/facts/entries.ts'
import type { Fact } from '../../../components/kit/facts/facts.ts'
import { componentCommand } from '../../../deploy/command.ts'
import { askCommand } from '../../harness/ask-command.ts'
import { asInstalled, startComponent } from '../../harness/component.ts'
import { usage } from '../../harness/meter.ts'
import { SOURCE } from '../facts.ts'

const [count = '100000', mode = 'live', ...more] = process.argv.slice(2)
const messages = Number(count)
const GROUP = 20
const rate = mode.startsWith('paced') ? Number(mode.split('=')[1] ?? 1000) : null
const WORDS =
  'we met about the quarterly figures and the new office in the north where people said that it rains more than here but the train is quick so most would move if the company paid for it next year'.split(
    ' ',
  )
const profile = process.env.GATEHOUSE_PROFILE

const folder = await mkdtemp(join(tmpdir(), 'gatehouse-archive-profile-'))
await using opened = new AsyncDisposableStack()
opened.defer(() => rm(folder, { recursive: true, force: true }))
const me = '{ user: root }'
await writeFile(
  join(folder, 'gatehouse.yaml'),
  `folders: { state: state, run: run, journals: journals }\npeople: { operators: [${me}], officers: [${me}], auditors: [] }\n`,
)
await writeFile(join(folder, 'archive.yaml'), `metrics: { port: 0 }\n${process.env.GATEHOUSE_ARCHIVE_YAML ?? ''}`)
const journal = opened.use(await openJournal(join(folder, 'journals', 'policy'), { maxBytes: 4 * 2 ** 30 }))
if (mode === 'backlog') await write(1, messages)
const archive = opened.use(await start())
if (mode !== 'backlog') await write(1, messages / 10)
await caughtUp(`lorem-${mode === 'backlog' ? messages : messages / 10}`)
const idle = usage(archive.pid).rssMb
const commitsBefore = commits()
const startedAt = performance.now()
const before = mode === 'backlog' ? new Map<string, number>() : threads(archive.pid)
const from = mode === 'backlog' ? 0 : messages / 10
if (mode !== 'backlog') await write(from + 1, messages)
await caughtUp(`lorem-${messages}`)
const seconds = (performance.now() - startedAt) / 1000
const after = threads(archive.pid)
const us = [...after].map(([name, cpuUs]) => [name, (cpuUs - (before.get(name) ?? 0)) / (messages - from)] as const)
console.log(
  JSON.stringify({
    messages,
    mode,
    command: componentCommand('archive').concat(more).join(' ').replaceAll(process.cwd(), '.'),
    early_rss_mb: Math.round(idle),
    rss_mb: Math.round(usage(archive.pid).rssMb),
    peak_rss_mb: Math.round(usage(archive.pid).peakRssMb),
    of_it_anonymous_mb: anonymousMb(archive.pid),
    commits_per_second: Math.round((commits() - commitsBefore) / seconds),
    us_per_message: Math.round(us.reduce((sum, [, one]) => sum + one, 0) * 10) / 10,
    threads: Object.fromEntries(
      us
        .sort((one, other) => other[1] - one[1])
        .filter(([, one]) => one >= 0.2)
        .map(([name, one]) => [name, Math.round(one * 10) / 10]),
    ),
  }),
)

function start() {
  const { flags, main, scheduling } = asInstalled('archive')
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const all = [...flags, ...more, ...profiling]
  return startComponent({
    name: 'archive',
    file: join(folder, 'archive.yaml'),
    logFolder: folder,
    flags: all,
    main,
    scheduling,
  })
}

async function write(from: number, to: number): Promise<void> {
  const began = performance.now()
  for (let n = from; n <= to; n += GROUP) {
    const facts: Fact[] = Array.from({ length: Math.min(GROUP, to - n + 1) }, (_, at) => question(n + at))
    facts.push({ kind: 'done', source: SOURCE, to: n - 1 })
    await journal.append(facts.map(writeFact))
    if (rate !== null) await setTimeout(Math.max(0, began + ((n - from + GROUP) / rate) * 1000 - performance.now()))
  }
}

/** Bodies of 100 and 1,000 bytes by turns, 20 pairs, as the bench gate has them. */
function question(n: number): Fact {
  const words = Array.from({ length: 200 }, (_, at) => WORDS[(n * 7 + at * 13) % WORDS.length]).join(' ')
  const body = `lorem-${n} ${words}`.slice(0, n % 2 === 0 || n === messages ? 100 : 1000)
  const pair = n % 20
  return {
    kind: 'ask',
    source: SOURCE,
    n,
    try: 1,
    host: 'corp.example',
    direction: 'sent',
    via: 'c2s',
    at: new Date().toISOString(),
    stanza: `<message xmlns='jabber:client' from='alice${pair}@corp.example/desk' to='bob${pair}@corp.example' type='chat' id='m${n}'><body>${body}</body></message>`,
    verdict: { action: 'allow', rule: 'otherwise' },
    rules: 'f'.repeat(64),
  }
}

async function caughtUp(word: string): Promise<void> {
  const until = Date.now() + 120_000
  while (
    (await askCommand(join(folder, 'run'), 'archive search', { words: word, limit: 1, reason: 'profile' })).length === 0
  )
    if (Date.now() > until) throw new Error(`${word} is not found`)
}

/** Commits that held records. */
function commits(): number {
  const month = `${new Date().toISOString().slice(0, 7)}.db`
  const db = new DatabaseSync(join(folder, 'state', 'archive', 'archive-months', 'corp.example', month), {
    readOnly: true,
  })
  const { n } = db.prepare('SELECT count(*) AS n FROM batch').get() ?? {}
  db.close()
  return Number(n)
}

/** CPU by thread, us: name and, where several have it, number. */
function threads(pid: number): Map<string, number> {
  const found = new Map<string, number>()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const name = Number(task) === pid ? 'main' : stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    found.set(name, (found.get(name) ?? 0) + (Number(fields[11]) + Number(fields[12])) * 10_000)
  }
  return found
}

/** Memory of its own, without pages of the program's files that any process would share. */
function anonymousMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1]) / 1024)
}
