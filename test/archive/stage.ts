// SPDX-License-Identifier: Apache-2.0
// The archive over real journals and a real store in a folder of its own, with a clock the test holds.
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startArchive, texts } from '../../components/archive/archive.ts'
import { type ArchiveSettings, archiveSettings } from '../../components/archive/settings.ts'
import { monthsFolder } from '../../components/archive/storage/month-path.ts'
import { openJournal } from '../../components/kit/bus/file-journal.ts'
import type { Journal } from '../../components/kit/bus/journal.ts'
import { writeFact } from '../../components/kit/facts/entries.ts'
import type { Fact } from '../../components/kit/facts/facts.ts'
import { openAdHoc } from '../../components/kit/process/ad-hoc.ts'
import { readArguments } from '../../components/kit/process/arguments.ts'
import { openChat } from '../../components/kit/process/chat.ts'
import { CommandError, EXIT, type Hosts, type Right, type Said } from '../../components/kit/process/command.ts'
import type { Log } from '../../components/kit/process/log.ts'
import { type OpenMetrics, openMetrics } from '../../components/kit/process/metrics.ts'
import type { Running } from '../../components/kit/process/run.ts'
import { BadSettings, readSettings } from '../../components/kit/process/settings.ts'
import { createCatalogue, KIT_TEXTS } from '../../components/kit/text/catalogue.ts'

export type Row = Readonly<Record<string, unknown>>
export type Answer = { rows: Row[]; texts: string[]; exit: number; refusal: string }

export type StageOptions = { yaml?: string; worker?: URL; startAt?: number }

export async function openStage(options: StageOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-archive-'))
  const events = new EventEmitter().setMaxListeners(1000)
  const logged: { level: string; event: string; fields: Row }[] = []
  let now = options.startAt ?? Date.now()
  let policy: Journal = await openJournal(join(folder, 'journals', 'policy'), { maxBytes: 1 << 30, trimEveryMs: 200 })
  let archive: Archive = await start()

  return {
    folder,
    logged,
    store: join(folder, 'state', 'archive', 'archive.db'),
    /** The files of months, in order. */
    months: () =>
      readdirSync(monthsFolder(join(folder, 'state', 'archive', 'archive.db')), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.db'))
        .sort()
        .map((name) => join(folder, 'state', 'archive', 'archive-months', name)),
    get running() {
      return archive.running
    },
    get metrics() {
      return archive.metrics
    },
    /** Writes facts into policy's journal. */
    async write(...facts: readonly Fact[]) {
      await policy.append(facts.map(writeFact))
    },
    /** Writes raw entries. */
    async writeRaw(...entries: Parameters<Journal['append']>[0]) {
      await policy.append(entries)
    },
    pass(ms: number) {
      now += ms
    },
    /** The next line of the log with this event. */
    async logs(event: string): Promise<Row> {
      const seen = logged.find((line) => line.event === event)
      if (seen) return seen.fields
      const [fields] = await once(events, event, { signal: AbortSignal.timeout(30_000) })
      return fields as Row
    },
    forgetLog() {
      logged.length = 0
    },
    /** `hosts`: for which the asker has the right. */
    ask: (command: string, args: Row = {}, user = 'olga', hosts: Hosts = null) =>
      ask(archive.running, command, args, user, hosts),
    async stop() {
      await archive.running.drain(AbortSignal.timeout(20_000))
      archive.stop.abort()
    },
    async start() {
      archive = await start()
    },
    async reopenPolicy() {
      await policy[Symbol.asyncDispose]()
      policy = await openJournal(join(folder, 'journals', 'policy'), { maxBytes: 1 << 30, trimEveryMs: 200 })
    },
    async [Symbol.asyncDispose]() {
      if (!archive.stop.signal.aborted) await archive.running.drain(AbortSignal.timeout(20_000))
      archive.stop.abort()
      await policy[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }

  async function start(): Promise<Archive> {
    const stop = new AbortController()
    const metrics = openMetrics('archive')
    const { settings, shared } = holds(folder, options.yaml ?? '')
    const text = createCatalogue([KIT_TEXTS, texts])
    const log = logTo((level, event, fields) => {
      logged.push({ level, event, fields })
      events.emit(event, fields)
    })
    const running = await startArchive(
      {
        settings,
        settingsAgain: () => settings,
        shared,
        log,
        metrics,
        now: () => now,
        text,
        adHoc: (offered) => openAdHoc({ ...offered, callerOf: () => null, text, log, metrics, now: () => now }),
        chat: (offered) => openChat({ ...offered, callerOf: () => null, text, log, now: () => now }),
        signal: stop.signal,
        fail: (fault) => {
          throw fault
        },
      },
      '0.0.0-test',
      options.worker,
    )
    return { running, stop, metrics }
  }
}

type Archive = { running: Running; stop: AbortController; metrics: OpenMetrics }
export type Stage = Awaited<ReturnType<typeof openStage>>

/** Settings as the process would read them, with all folders below `folder`. */
export function holds(folder: string, yaml: string) {
  const file = join(folder, 'archive.yaml')
  writeFileSync(join(folder, 'gatehouse.yaml'), 'folders: { state: state, run: run, journals: journals }\n')
  writeFileSync(file, yaml)
  const read = readSettings<ArchiveSettings>(archiveSettings, file, {})
  if (!read.ok) throw new BadSettings(read.problems)
  return read
}

/** Runs a command to its end, its words read as the socket reads them; `user` has all the rights the command may ask for. */
async function ask(running: Running, command: string, args: Row, user: string, hosts: Hosts): Promise<Answer> {
  const answer: Answer = { rows: [], texts: [], exit: 0, refusal: '' }
  const declared = running.commands.find((one) => one.name === command)
  const read = declared === undefined ? { args } : readArguments(declared, args, Date.now())
  if ('wrong' in read)
    return {
      ...answer,
      exit: EXIT.usage,
      refusal: createCatalogue([KIT_TEXTS]).say(read.wrong.id, 'en', read.wrong.args),
    }
  try {
    for await (const said of open(running, command, read.args, user, new AbortController().signal, hosts)) {
      if (said.say === 'row') answer.rows.push(said.row)
      if (said.say === 'text') answer.texts.push(said.text)
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    answer.exit = error.exitCode
    answer.refusal = error.message
  }
  return answer
}

/** The command as the socket would start it. */
export function open(
  running: Running,
  command: string,
  args: Row,
  user: string,
  signal: AbortSignal,
  hosts: Hosts = null,
): AsyncIterable<Said> {
  const found = running.commands.find((one) => one.name === command)
  if (!found) throw new Error(`no command ${command}`)
  const defaults = Object.fromEntries(
    found.parameters.flatMap((one) => (one.default === undefined ? [] : [[one.name, one.default]])),
  )
  const caller = { uid: 4711, user, rights: new Map<Right, Hosts>(found.rights.map((right) => [right, hosts])) }
  return found.run({ ...defaults, ...args } as never, { caller, hosts, language: 'en', signal })
}

function logTo(line: (level: string, event: string, fields: Row) => void): Log {
  const log: Log = {
    debug: (event, fields = {}) => line('debug', event, fields),
    info: (event, fields = {}) => line('info', event, fields),
    warn: (event, fields = {}) => line('warn', event, fields),
    error: (event, fields = {}) => line('error', event, fields),
    child: () => log,
  }
  return log
}
