// SPDX-License-Identifier: Apache-2.0
// npm test: the tests, three files at a time (they wait for servers more than they work; two in the long form, where the work is load);
// of those that use a port that is given one at a time; in the first lane, before its files, the checks;
// in the long form then those with real servers once more, on Debian 13.
// The last line is "N passed, N failed, N skipped" (checks count as tests); exits 0 only when nothing failed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { build } from '../deploy/command.ts'
import { SERVERS } from '../deploy/demo/site.ts'
import { belongsOnDebian, testOnDebian } from './debian/phase.ts'
import { RELEASE } from './debian/root.ts'
import { emptyTally, type Tally, writeTally } from './tally.ts'

const ROOT = resolve(import.meta.dirname, '..')
const CHECKS = ['types', 'style', 'promises', 'arrows', 'dead']
const BUDGET_MINUTES = 15
/** A file that hangs is ended after this; nothing is measured by it. */
const FILE_MINUTES = { short: 4, long: 360 }

const HELP = `npm test -- [options] [FILE or part of its name ...]

  --long           everything: larger numbers, more rounds, and those with real servers once more on Debian 13
  --debian 13      nothing but the files on Debian 13 (without a name: those of the long form); as root on Debian
  --servers LIST   only these XMPP servers, such as prosody or prosody,ejabberd; default: those installed
  --no-check       tests only (as when files are named)
  --list           say which files would run, and end
  --on WHERE       what the names of tests are to say of where they run
  --report FILE    write what came out as JSON, and not at the end of the output
  --help           this page
`

const SLOWEST_SHOWN = 8
/** The counts of a file, which the last line sums up. */
const SUMMARY_LINES = /^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) .*\n/gmu

process.exitCode = await main()

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      long: { type: 'boolean', default: false },
      servers: { type: 'string' },
      'no-check': { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      debian: { type: 'string' },
      on: { type: 'string' },
      report: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const servers = values.servers?.split(',')
  const unknown = servers?.find((name) => !Object.hasOwn(SERVERS, name))
  if (unknown !== undefined) {
    process.stderr.write(`"${unknown}" is not one of ${Object.keys(SERVERS).join(', ')}\n`)
    return 2
  }
  const files = testFiles(positionals).filter((file) => isOfServers(file, servers))
  if (files.length === 0) {
    process.stderr.write(`no test file has "${positionals.join('" or "')}" in its name\n`)
    return 2
  }
  if (values.debian !== undefined && values.debian !== RELEASE) {
    process.stderr.write(`only Debian ${RELEASE} is known here, not "${values.debian}"\n`)
    return 2
  }
  const here = values.debian === undefined ? files : []
  const there = files
    .map(shown)
    .filter((file) => (values.debian !== undefined && positionals.length > 0) || belongsOnDebian(file))
  const onDebian = values.debian !== undefined || (values.long && values.on === undefined) ? there : []
  if (values.list) {
    for (const file of here) process.stdout.write(`${shown(file)}${needsQuiet(file) ? '  (alone)' : ''}\n`)
    for (const file of onDebian) process.stdout.write(`${file}  (on Debian ${RELEASE})\n`)
    return 0
  }
  if (values.long) process.env.GATEHOUSE_LONG = '1'
  if (values.servers !== undefined) process.env.GATEHOUSE_SERVERS = values.servers

  const started = performance.now()
  const tally = emptyTally()
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  // Hundreds of processes start from the same sources: what one has compiled (and stripped of types) serves the next.
  const compiled = mkdtempSync(join(tmpdir(), 'gatehouse-compiled-'))
  process.on('exit', () => rmSync(compiled, { recursive: true, force: true }))
  process.env.NODE_COMPILE_CACHE = compiled
  // Of the many Erlang nodes none is to spin for work that may come: that is what the others have too little of.
  process.env.ERL_AFLAGS ??= '+sbwt none +sbwtdcpu none +sbwtdio none'
  // Components run as an operator runs them, which also starts them in half the time.
  build()
  const side = Math.min(2, cpus().length)
  const isChecked = !values['no-check'] && positionals.length === 0 && here.length > 0
  const minutes = values.long ? FILE_MINUTES.long : FILE_MINUTES.short
  const { quiet = [], others = [] } = Object.groupBy(here, (file) => (needsQuiet(file) ? 'quiet' : 'others'))
  const place = values.on === undefined ? '' : ` on ${values.on}`
  const options = { minutes, signal: stop.signal, tally, place }
  await testAll(others, values.long ? side : side + 1, options, () => (isChecked ? check(tally) : Promise.resolve()))
  await testAll(quiet, 1, options)
  await testOnDebian(onDebian, values.long, stop.signal, tally)
  if (stop.signal.aborted) tally.faults.push('interrupted')
  if (values.report !== undefined) {
    writeFileSync(values.report, writeTally(tally))
    return exitCode(tally)
  }
  return close(tally, here.length + onDebian.length, started, values.long)
}

function testFiles(wanted: readonly string[]): string[] {
  const all = globSync('test/**/*.test.ts', { cwd: ROOT }).sort()
  const named = wanted.map((name) => {
    const fromCaller = resolve(process.env.INIT_CWD ?? process.cwd(), name)
    return existsSync(fromCaller) ? relative(ROOT, fromCaller) : name
  })
  const chosen = named.length === 0 ? all : all.filter((file) => named.some((name) => file.includes(name)))
  return chosen.map((file) => join(ROOT, file))
}

/** Files of one server's module run where that server is wanted; those that play on several ask for themselves. */
function isOfServers(file: string, wanted: readonly string[] | undefined): boolean {
  const own = /^test\/servers\/(\w+)\//.exec(shown(file))?.[1]
  return wanted === undefined || own === undefined || !Object.hasOwn(SERVERS, own) || wanted.includes(own)
}

/** Measures time or memory, or says so in its name: it has the machine to itself. */
function needsQuiet(file: string): boolean {
  return (
    shown(file).startsWith('test/bench/') ||
    file.endsWith('.serial.test.ts') ||
    /rssMb|VmRSS/.test(readFileSync(file, 'utf8'))
  )
}

/** The port at which servers find one another cannot be chosen. A file that plays a body of both servers shares it as that does. */
function sharesPort(file: string): boolean {
  const text = readFileSync(file, 'utf8')
  const bodies = [...text.matchAll(/'(\.\.\/both\/[^']+)'/g)].map(([, name = '']) => join(dirname(file), name))
  return [text, ...bodies.map((body) => readFileSync(body, 'utf8'))].some((one) => /\bs2s: true|\b5269\b/.test(one))
}

/** What kills whole companies under load takes minutes: begun last, it would run alone in the end. */
function isLengthy(file: string): boolean {
  return /^test\/(faults|demo)\//.test(shown(file))
}

async function check(tally: Tally): Promise<void> {
  for (const name of CHECKS) await runCheck(name, tally)
}

async function runCheck(name: string, tally: Tally): Promise<void> {
  const started = performance.now()
  const child = spawn('npm', ['run', '-s', `check:${name}`], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Buffer[] = []
  for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (chunk: Buffer) => said.push(chunk))
  const [code] = await once(child, 'close')
  const time = `(${Math.round(performance.now() - started)}ms)`
  process.stdout.write(`${code === 0 ? '✔' : '✖'} check:${name} ${time}\n`)
  if (code === 0) tally.passed += 1
  else {
    tally.failed += 1
    tally.faults.push(`check:${name} ended with ${code}`)
    process.stdout.write(Buffer.concat(said))
  }
}

type Run = { minutes: number; signal: AbortSignal; tally: Tally; place: string }

/** So many files at a time, in lanes that take the next file that may run beside what runs; in one of them something else comes first. */
async function testAll(files: readonly string[], lanes: number, options: Run, first?: () => Promise<void>) {
  const waiting = [...files.filter(isLengthy), ...files.filter((file) => !isLengthy(file))]
  const sharing = new Set(files.filter(sharesPort))
  let portHolder: Promise<void> | null = null
  const lane = async (_: unknown, at: number) => {
    if (at === 0) await first?.()
    while (waiting.length > 0 && !options.signal.aborted) {
      const at = waiting.findIndex((file) => portHolder === null || !sharing.has(file))
      if (at < 0) {
        await portHolder
        continue
      }
      const [file = ''] = waiting.splice(at, 1)
      const running = test(file, options)
      if (sharing.has(file)) portHolder = running.finally(() => (portHolder = null))
      await running
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** What the file says is shown in one piece when it has ended. */
async function test(file: string, { minutes, signal, tally, place }: Run): Promise<void> {
  const started = performance.now()
  const stream = run({ files: [file], concurrency: 1, timeout: minutes * 60_000, signal, cwd: ROOT })
  stream.on('test:pass', (one) => {
    if (one.name === one.file) tally.faults.push(`${shown(one.file)} holds no test`)
    if (one.skip === undefined || one.skip === false) return
    const where = `${one.name}${place} (${one.file === undefined ? 'no file' : shown(one.file)})`
    tally.skipped.push(`${where}: ${one.skip}`)
    if (typeof one.skip !== 'string' || one.skip === '') tally.faults.push(`${where} is skipped without a reason`)
  })
  stream.on('test:summary', ({ counts, file: only }) => {
    if (only !== undefined) return
    tally.passed += counts.passed
    tally.failed += counts.tests - counts.passed - counts.skipped - counts.todo
    if (counts.todo > 0) tally.faults.push(`${counts.todo} tests of ${shown(file)}${place} are marked as still to do`)
  })
  const said = await text(Readable.from(named(stream, place)).compose(new spec()))
  process.stdout.write(said.replace(SUMMARY_LINES, ''))
  tally.seconds.set(`${shown(file)}${place}`, (performance.now() - started) / 1000)
}

/** The same events, with the place in the name of whatever is outermost in its file. */
async function* named(events: AsyncIterable<TestEvent>, place: string): AsyncGenerator<TestEvent> {
  for await (const event of events) {
    const { data } = event
    const outermost = data !== undefined && 'name' in data && 'nesting' in data && data.nesting === 0
    yield outermost ? ({ ...event, data: { ...data, name: `${data.name}${place}` } } as TestEvent) : event
  }
}

function close(tally: Tally, files: number, started: number, long: boolean): number {
  for (const one of tally.skipped) process.stdout.write(`skipped: ${one}\n`)
  for (const one of tally.faults) process.stdout.write(`fault: ${one}\n`)
  const slowest = [...tally.seconds].sort(([, a], [, b]) => b - a).slice(0, SLOWEST_SHOWN)
  if (files > 1) for (const [file, took] of slowest) process.stdout.write(`${took.toFixed(0).padStart(5)} s  ${file}\n`)
  const seconds = Math.round((performance.now() - started) / 1000)
  const budget = long ? 'long form' : `of ${BUDGET_MINUTES} min`
  process.stdout.write(`${files} test files, ${Math.floor(seconds / 60)} min ${seconds % 60} s ${budget}\n`)
  if (!long && seconds > BUDGET_MINUTES * 60) process.stdout.write(`over the budget of ${BUDGET_MINUTES} min\n`)
  process.stdout.write(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped\n`)
  return exitCode(tally)
}

function exitCode({ failed, faults, passed }: Tally): number {
  return failed === 0 && faults.length === 0 && passed > 0 ? 0 : 1
}

function shown(file: string): string {
  return relative(ROOT, file)
}
