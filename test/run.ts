// SPDX-License-Identifier: Apache-2.0
// npm test: the checks, then the tests. Files that start real servers run one after the other, all others two at a time.
// The last line is "N passed, N failed, N skipped" (checks count as tests); exits 0 only when nothing failed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { SERVERS } from '../deploy/demo/site.ts'

const ROOT = resolve(import.meta.dirname, '..')
const CHECKS = ['types', 'style', 'promises', 'arrows', 'dead']
const BUDGET_MINUTES = 15
/** A file that hangs is ended after this; nothing is measured by it. */
const FILE_MINUTES = { short: 4, long: 360 }

const HELP = `npm test -- [options] [FILE or part of its name ...]

  --long           everything: larger numbers, more rounds
  --servers LIST   only these XMPP servers, such as prosody or prosody,ejabberd; default: those installed
  --no-check       tests only (as when files are named)
  --list           say which files would run, and end
  --help           this page
`

type Tally = { passed: number; failed: number; skipped: string[]; faults: string[] }

process.exitCode = await main()

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      long: { type: 'boolean', default: false },
      servers: { type: 'string' },
      'no-check': { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const files = testFiles(positionals)
  if (files.length === 0) {
    process.stderr.write(`no test file has "${positionals.join('" or "')}" in its name\n`)
    return 2
  }
  if (values.list) {
    for (const file of files) process.stdout.write(`${shown(file)}${needsQuiet(file) ? '  (alone)' : ''}\n`)
    return 0
  }
  if (values.long) process.env.GATEHOUSE_LONG = '1'
  const unknown = values.servers?.split(',').find((name) => !Object.hasOwn(SERVERS, name))
  if (unknown !== undefined) {
    process.stderr.write(`"${unknown}" is not one of ${Object.keys(SERVERS).join(', ')}\n`)
    return 2
  }
  if (values.servers !== undefined) process.env.GATEHOUSE_SERVERS = values.servers

  const started = performance.now()
  const tally: Tally = { passed: 0, failed: 0, skipped: [], faults: [] }
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
  if (!values['no-check'] && positionals.length === 0) await check(tally)
  const minutes = values.long ? FILE_MINUTES.long : FILE_MINUTES.short
  const together = files.filter((file) => !needsQuiet(file))
  await test(together, Math.min(2, cpus().length), minutes, stop.signal, tally)
  await test(files.filter(needsQuiet), 1, minutes, stop.signal, tally)
  if (stop.signal.aborted) tally.faults.push('interrupted')
  return close(tally, files.length, started, values.long)
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

/**
 * Starts a real server, counts memory, or says so in its name: such a file has the machine to itself. Beside one another they are
 * faster, and now and then one waits for the other until its time is over.
 */
function needsQuiet(file: string): boolean {
  return (
    /^test\/(e2e|faults|bench|demo|servers)\//.test(shown(file)) ||
    file.endsWith('.serial.test.ts') ||
    /demo\/\w+\.ts|harness\/world\.ts/.test(readFileSync(file, 'utf8'))
  )
}

async function check(tally: Tally): Promise<void> {
  for (const name of CHECKS) {
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
}

async function test(files: string[], concurrency: number, minutes: number, signal: AbortSignal, tally: Tally) {
  if (files.length === 0 || signal.aborted) return
  const stream = run({ files, concurrency, timeout: minutes * 60_000, signal, cwd: ROOT })
  stream.on('test:pass', (test) => {
    const where = `${test.name} (${test.file === undefined ? 'no file' : shown(test.file)})`
    if (test.name === test.file) tally.faults.push(`${shown(test.file)} holds no test`)
    if (test.skip === undefined || test.skip === false) return
    tally.skipped.push(`${where}: ${test.skip}`)
    if (typeof test.skip !== 'string' || test.skip === '') tally.faults.push(`${where} is skipped without a reason`)
  })
  stream.on('test:summary', ({ counts, file }) => {
    if (file !== undefined) return
    tally.passed += counts.passed
    tally.failed += counts.tests - counts.passed - counts.skipped - counts.todo
    if (counts.todo > 0) tally.faults.push(`${counts.todo} tests are marked as still to do`)
  })
  stream.compose(new spec()).pipe(process.stdout, { end: false })
  await once(stream, 'close')
}

function close(tally: Tally, files: number, started: number, long: boolean): number {
  for (const one of tally.skipped) process.stdout.write(`skipped: ${one}\n`)
  for (const one of tally.faults) process.stdout.write(`fault: ${one}\n`)
  const seconds = Math.round((performance.now() - started) / 1000)
  const budget = long ? 'long form' : `of ${BUDGET_MINUTES} min`
  process.stdout.write(`${files} test files, ${Math.floor(seconds / 60)} min ${seconds % 60} s ${budget}\n`)
  if (!long && seconds > BUDGET_MINUTES * 60) process.stdout.write(`over the budget of ${BUDGET_MINUTES} min\n`)
  process.stdout.write(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped\n`)
  return tally.failed === 0 && tally.faults.length === 0 && tally.passed > 0 ? 0 : 1
}

function shown(file: string): string {
  return relative(ROOT, file)
}
