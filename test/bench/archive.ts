// SPDX-License-Identifier: Apache-2.0
// Bench `archive`: how fast a backlog is kept, on disk and in the index, by the real process; then how long searches take on what it
// holds while 2,000 records a second arrive. The searches run in a reader thread as the archive has them, from this process, beside
// the archive's own: what is measured is the search, without the recording of the look, and with the usual scheduling, while the
// archive's own threads run when nothing else wants the machine.
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { Search } from '../../components/archive/domain/record.ts'
import { ARCHIVE_WORKER } from '../../components/archive/storage/archive-store.ts'
import type { Found } from '../../components/archive/storage/find.ts'
import { openJournal } from '../../components/kit/bus/file-journal.ts'
import { writeFact } from '../../components/kit/facts/entries.ts'
import type { Fact } from '../../components/kit/facts/facts.ts'
import { Line } from '../../components/kit/store/line.ts'
import { asInstalled, startComponent } from '../harness/component.ts'
import { usage } from '../harness/meter.ts'
import { PEOPLE, personOf, question, SOURCE } from './archive-questions.ts'

/** `settle`: so long live traffic flows before searches are timed. */
const SHAPE = {
  quick: { records: 100_000, searches: 200, settleMs: 1000 },
  normal: { records: 1_000_000, searches: 1000, settleMs: 5000 },
  long: { records: 10_000_000, searches: 1000, settleMs: 10_000 },
} as const
const LIVE_PER_SECOND = 2000

export async function archive({ form }: { form: keyof typeof SHAPE }): Promise<number> {
  const { records, searches, settleMs } = SHAPE[form]
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'))
  await using opened = new AsyncDisposableStack()
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'gatehouse.yaml'), 'folders: { state: state, run: run, journals: journals }\n')
  await writeFile(join(folder, 'archive.yaml'), 'metrics: { port: 0 }\n')
  const store = join(folder, 'state', 'archive', 'archive.db')
  const policy = join(folder, 'journals', 'policy')
  console.error(`writing ${records} questions into the journal`)
  const { bytes, last } = await fill(policy, records)
  const process = opened.use(
    await startComponent({
      ...asInstalled('archive'),
      name: 'archive',
      file: join(folder, 'archive.yaml'),
      logFolder: folder,
    }),
  )
  const began = performance.now()
  await keptUpTo(store, last)
  const ingestSeconds = (performance.now() - began) / 1000
  const ingest = records / ingestSeconds
  const used = usage(process.pid)
  const reader = new Line(ARCHIVE_WORKER, { role: 'reader', path: store, secureDelete: true, busyMs: 5000 }, 100)
  await reader.ready
  opened.defer(() => reader.close())
  const search = async (query: Partial<Search>) => (await reader.call('search', { ...ANYTHING, ...query })) as Found
  if ((await search({ words: `unique${records}` })).hits !== 1) throw new Error('the newest record is not in the index')
  const load = { folder: policy, from: records + 1, perSecond: LIVE_PER_SECOND }
  const loader = new Worker(new URL('./archive-load-worker.ts', import.meta.url), { workerData: load })
  await setTimeout(settleMs)
  const month = new Date().toISOString().slice(0, 7)
  const since = Date.parse(`${month}-01T00:00:00.000Z`)
  const kinds: Record<string, (at: number) => Partial<Search>> = {
    rare: (at) => ({ words: `rare${(at * 7919) % Math.ceil(records / 10)}x` }),
    phrase: (at) => ({ words: `"alpha${at % 100} brought the beta${at % 100}"` }),
    common_person: (at) => ({
      words: 'the',
      person: personOf((at * 31) % PEOPLE),
      since,
      until: since + 31 * 86_400_000,
    }),
  }
  const took: Record<string, number[]> = Object.fromEntries(
    [...Object.keys(kinds), 'nothing'].map((kind) => [kind, []]),
  )
  const hits: Record<string, number> = {}
  for (let at = -20; at < searches; at++) {
    for (const [kind, queryOf] of Object.entries(kinds)) {
      const asked = performance.now()
      const found = await search(queryOf(Math.abs(at)))
      const ms = performance.now() - asked
      if (found.records.length === 0) throw new Error(`nothing was found: ${kind} ${at}`)
      hits[kind] = found.hits
      // The first ones read what a running archive has in its cache.
      if (at >= 0) took[kind]?.push(ms)
    }
    // The way to the reader's thread and back with next to nothing to do there: what a search cannot be faster than on this machine.
    const asked = performance.now()
    await reader.call('knowsHost', 'nobody.example')
    if (at >= 0) took.nothing?.push(performance.now() - asked)
    await setTimeout(2)
  }
  loader.postMessage('stop')
  const [{ sent: arrived, last: end }] = (await once(loader, 'message')) as [{ sent: number; last: number }]
  await keptUpTo(store, end)
  if ((await search({ words: `unique${records + arrived}` })).hits !== 1)
    throw new Error('what arrived last is not in the index')
  const p = (kind: string, part: number) => {
    const sorted = (took[kind] ?? []).toSorted((one, other) => one - other)
    return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 1000) / 1000
  }
  const figures = {
    bench: 'archive',
    cores: availableParallelism(),
    records,
    ingest_per_s: Math.round(ingest),
    search_rare_p99_ms: p('rare', 0.99),
    search_phrase_p99_ms: p('phrase', 0.99),
    search_common_person_p99_ms: p('common_person', 0.99),
    nothing_p99_ms: p('nothing', 0.99),
  }
  const size = await sizeOf(store)
  console.log(`${records} records of ${Math.round(bytes / records)} bytes in one file of a host and month (${Math.round(size / 2 ** 20)} MiB), ${figures.cores} cores
kept from a backlog, durable and indexed: ${figures.ingest_per_s}/s (goal 20,000), ${Math.round((used.cpuUs / records) * 10) / 10} us CPU a record, peak ${Math.round(used.peakRssMb)} MB
searches while ${LIVE_PER_SECOND}/s arrive (${arrived} did), ${searches} of each, ms:`)
  for (const [kind, goal] of [
    ['rare', 2],
    ['phrase', 2],
    ['common_person', 20],
  ] as const)
    console.log(
      `  ${kind.padEnd(14)} p50 ${p(kind, 0.5)}  p99 ${p(kind, 0.99)}  most ${p(kind, 1)}  (goal p99 ${goal}; ${hits[kind]} hits)`,
    )
  console.log(
    `  ${'nothing'.padEnd(14)} p50 ${p('nothing', 0.5)}  p99 ${p('nothing', 0.99)}  most ${p('nothing', 1)}  (the same way with nothing to find)`,
  )
  console.log(JSON.stringify(figures))
  const good =
    ingest >= 20_000 &&
    figures.search_rare_p99_ms <= 2 &&
    figures.search_phrase_p99_ms <= 2 &&
    figures.search_common_person_p99_ms <= 20
  if (!good) console.error('a goal is missed')
  return good ? 0 : 1
}

const ANYTHING: Search = {
  ...{ hosts: null, words: '', person: '', peer: '', room: '', domain: '', verdict: '', settlement: '', rule: '' },
  ...{ tag: '', since: null, until: null, limit: 50 },
}

/** Gives the bytes of the stanzas, and the position of the last entry. */
async function fill(folder: string, to: number): Promise<{ bytes: number; last: number }> {
  await using journal = await openJournal(folder, { maxBytes: 64 * 2 ** 30 })
  let bytes = 0
  const appends: Promise<unknown>[] = []
  for (let n = 1; n <= to; n += 500) {
    const facts: Fact[] = []
    for (let at = n; at < Math.min(n + 500, to + 1); at++) {
      const fact = question(at, to)
      bytes += fact.stanza.length
      facts.push(fact)
    }
    facts.push({ kind: 'done', source: SOURCE, to: Math.min(n + 499, to) })
    appends.push(journal.append(facts.map(writeFact)))
    if (appends.length >= 16) await appends.shift()
  }
  await Promise.all(appends)
  return { bytes, last: (await journal.state()).last }
}

/** Until the book says that everything up to this position is on disk. */
async function keptUpTo(store: string, position: number): Promise<void> {
  for (;;) {
    try {
      const book = new DatabaseSync(store, { readOnly: true })
      const last = book.prepare('SELECT max(position) AS position FROM journal WHERE position <= ?').get(position)
      book.close()
      if (Number(last?.position) === position) return
    } catch (error) {
      // It is just being made.
      if (!(error instanceof Error && 'errcode' in error)) throw error
    }
    await setTimeout(20)
  }
}

async function sizeOf(book: string): Promise<number> {
  const month = join(book.replace(/\.db$/, '-months'), 'corp.example', `${new Date().toISOString().slice(0, 7)}.db`)
  return (await stat(month)).size
}
