// SPDX-License-Identifier: Apache-2.0
// The skeleton of every process: arguments, settings, log, metrics, socket, signals and the end.
//   main.ts FILE                    starts
//   main.ts --check FILE [--json] [--language de]   starts nothing; says what is wrong in the settings, and where
//   main.ts --commands [--language de] | --schema | --shared-schema | --help | --version
// Exits: 0 when asked to, 1 on a fault, 2 on bad settings or arguments.
import { parseArgs } from 'node:util'
import { JournalFault } from '../bus/journal.ts'
import { type Catalogue, createCatalogue, inWords, KIT_TEXTS } from '../text/catalogue.ts'
import { type AdHoc, type Offered, openAdHoc } from './ad-hoc.ts'
import { type Chat, type ChatOffered, openChat } from './chat.ts'
import { type Command, type Declaration, type Denied, EXIT } from './command.ts'
import { describeCommands } from './describe.ts'
import { type Log, type OpenLog, openLog } from './log.ts'
import { type Metrics, openMetrics } from './metrics.ts'
import { openPage } from './page.ts'
import { callerOf, callerOfJid, guestOfJid } from './people.ts'
import {
  BadSettings,
  problemLine,
  type ReadSettings,
  readSettings,
  type SettingsShape,
  settingsSchema,
  sharedSchema,
  type ToldProblem,
  told,
} from './settings.ts'
import type { SharedSettings } from './shared-settings.ts'
import { openSocket } from './socket.ts'
import { runtimeLack, softwareVersion } from './version.ts'

export type Program<S> = {
  /** The component's folder, socket and settings file are called so. */
  name: string
  /** The manual page; its first line says what the process does. */
  manual: string
  settings: SettingsShape<S>
  /** Folder with the component's own en.ftl and de.ftl. */
  texts?: URL
  /** Every command of the running process, for help while it is stopped. */
  commands?: readonly Declaration[]
  /** It has `warnings` once it runs; `gatehouse check` asks for them, or says that they cannot be known. */
  watches?: true
  /** Bad settings that show only now (a rule file, say) are thrown as BadSettings. */
  start(context: Context<S>): Promise<Running>
}

export type Context<S> = {
  settings: S
  /** The files of the settings, read again; throws BadSettings. */
  settingsAgain(): S
  shared: SharedSettings
  log: Log
  metrics: Metrics
  /** Unix ms. */
  now(): number
  text: Catalogue
  /** The commands as XEP-0050 ad-hoc commands, for the component's router; closed by its drain. */
  adHoc(offered: Offered): AdHoc
  /** The same as a conversation, for who writes to the component. */
  chat(offered: ChatOffered): Chat
  /** Aborts when the process is asked to stop. */
  signal: AbortSignal
  /** A fault nobody can answer for: logged once, and the process ends with 1. */
  fail(fault: unknown): void
}

export type Running = {
  commands: readonly Command[]
  /** null when well, else what is wrong, in words of that language. */
  healthy(language: string): string | null
  /** Only what keeps messages from being asked about, recorded or delivered as the settings say is a reason not to be ready. */
  ready(language: string): string | null
  /** What does not; what settings alone cannot tell and is perhaps not meant, such as an open door: a line for each. */
  warnings?(language: string): readonly string[]
  /**
   * Puts on record that a caller wanted a command without the right; settled before the refusal is answered. When it rejects, the
   * log says so, and the refusal is answered all the same: nothing was shown.
   */
  denied?(denied: Denied): Promise<void>
  /** On SIGHUP. What is bad keeps the old state: it throws BadSettings, and the log says why. */
  reload?(): Promise<void>
  /** Takes nothing new, finishes what is kept but not answered, closes everything; the signal is the bound. */
  drain(signal: AbortSignal): Promise<void>
}

/** Of the log, of the page for machines, and of what is wrong at a start: one language, whoever reads them. */
const LOG_LANGUAGE = 'en'

/** Runs the program to its end; the exit code is set in any case. */
export async function run<S>(program: Program<S>, argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  const folders = program.texts === undefined ? [KIT_TEXTS] : [KIT_TEXTS, program.texts]
  const text = createCatalogue(folders)
  const lack = runtimeLack(process.version)
  if (lack !== null) return refuse(inWords(lack, text, LOG_LANGUAGE))
  const said = readArgv(argv)
  if (typeof said === 'string') return refuse(`${said}\n${usage(program, text, LOG_LANGUAGE)}`)
  const { values, files } = said
  const [file] = files
  const language = values.language ?? LOG_LANGUAGE
  if (files.length > 1) return refuse(`${text.say('kit-one-file', language)}\n${usage(program, text, language)}`)
  if (values.help) return print(`${program.manual.trim()}\n\n${usage(program, text, language)}`)
  if (values.version) return print(`gatehouse-${program.name} ${softwareVersion()}`)
  if (values['shared-schema']) return print(JSON.stringify(sharedSchema(), null, 2))
  if (values.schema) return print(JSON.stringify(settingsSchema(program.settings), null, 2))
  if (values.commands)
    return print(
      JSON.stringify(describeCommands(program.name, program.manual, program.commands ?? [], text, values.language)),
    )
  if (file === undefined) return refuse(usage(program, text, language))
  const read = readSettings(program.settings, file, process.env, values.check === true)
  if (values.check) return check(program, file, read, values.json === true, { text, language })
  if (!read.ok) return refuse(read.problems.map((one) => problemLine(told(one, text, language))).join('\n'))
  const again = () => {
    const now = readSettings(program.settings, file)
    if (!now.ok) throw new BadSettings(now.problems)
    return now.settings
  }
  await live(program, read, again, createCatalogue(folders, read.shared.language))
}

function usage({ name }: { name: string }, text: Catalogue, language: string): string {
  return text.say('kit-usage', language, { name })
}

function readArgv(argv: readonly string[]) {
  const flag = { type: 'boolean' } as const
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        check: flag,
        json: flag,
        commands: flag,
        schema: flag,
        'shared-schema': flag,
        help: flag,
        version: flag,
        language: { type: 'string' },
      },
    })
    return { values, files: positionals }
  } catch (fault) {
    return fault instanceof Error ? fault.message : String(fault)
  }
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function refuse(text: string): void {
  process.stderr.write(`${text}\n`)
  process.exitCode = EXIT.usage
}

/** What `--check --json` prints, one line: version 1. */
export type Checked = {
  version: 1
  component: string
  file: string
  ok: boolean
  problems: readonly ToldProblem[]
  settings?: unknown
  /** Of good settings: every file that was read. */
  files?: readonly string[]
  /** Where the shared file would be, if it is not there and its defaults hold; else null. */
  without?: string | null
  /** Of good settings: what is no mistake, and yet to be known. */
  notes?: readonly string[]
  /** While it runs, its status has `warnings`. */
  watches?: true
}

function check<S>(
  { name: component, watches }: Pick<Program<S>, 'name' | 'watches'>,
  file: string,
  read: ReadSettings<S>,
  json: boolean,
  { text, language }: { text: Catalogue; language: string },
): void {
  const problems = read.ok ? [] : read.problems.map((one) => told(one, text, language))
  const notes = read.ok ? read.notes.map((note) => inWords(note, text, language)) : []
  const checked: Checked = read.ok
    ? {
        version: 1,
        component,
        file,
        ok: true,
        problems,
        settings: read.inForce,
        files: read.files,
        without: read.without,
        ...(notes.length > 0 ? { notes } : {}),
        ...(watches ? { watches } : {}),
      }
    : { version: 1, component, file, ok: false, problems }
  if (!read.ok) process.exitCode = EXIT.usage
  if (json) print(JSON.stringify(checked))
  else if (read.ok)
    print([text.say('kit-check-good', language, { file }), ...notes, JSON.stringify(read.inForce, null, 2)].join('\n'))
  else refuse(problems.map(problemLine).join('\n'))
}

async function live<S>(
  program: Program<S>,
  read: ReadSettings<S> & { ok: true },
  settingsAgain: () => S,
  text: Catalogue,
): Promise<void> {
  const { shared, common } = read
  // Whatever the process writes is nothing for other users of the machine, also when a person starts it by hand.
  process.umask(process.umask() | 0o027)
  const log = openLog(program.name, common.logLevel)
  const metrics = openMetrics(program.name)
  const stop = new AbortController()
  const ended = Promise.withResolvers<void>()
  const fail = failer(log, stop)
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  const onStop = (signal: NodeJS.Signals) => {
    log.info('stopping', { signal })
    stop.abort()
  }
  process.on('SIGTERM', onStop)
  process.on('SIGINT', onStop)
  stop.signal.addEventListener('abort', () => ended.resolve(), { once: true })
  metrics.gauge('log_lost_lines', 'Log lines that could not be written', () => log.lost())
  log.info('starting', { version: softwareVersion(), node: process.version, settings: read.inForce })
  try {
    await using opened = new AsyncDisposableStack()
    const now = Date.now
    const callerAmong =
      ({ guests = [] }: { guests?: readonly string[] }) =>
      (from: string) =>
        callerOfJid(from, shared.people, shared.server.hosts) ?? guestOfJid(from, guests)
    const running = await program.start({
      settings: read.settings,
      settingsAgain,
      shared,
      log,
      metrics,
      now,
      text,
      adHoc: (offered) =>
        openAdHoc({
          ...offered,
          callerOf: callerAmong(offered),
          text,
          log,
          metrics,
          now,
        }),
      chat: (offered) => openChat({ ...offered, callerOf: callerAmong(offered), text, log, now }),
      signal: stop.signal,
      fail,
    })
    opened.defer(() => drainWithin(running, shared.stop_within, log))
    requireDeclared(running.commands, program.commands ?? [])
    const declared = program.commands ?? []
    const page = opened.use(
      await openPage(shared.metrics.address, common.metricsPort, metrics, {
        healthy: () => running.healthy(LOG_LANGUAGE),
        ready: () => running.ready(LOG_LANGUAGE),
        warnings: () => running.warnings?.(LOG_LANGUAGE) ?? [],
      }),
    )
    const socket = opened.use(
      await openSocket({
        component: program.name,
        run: shared.folders.run,
        commands: running.commands,
        describe: (language) => describeCommands(program.name, program.manual, declared, text, language),
        status: (language) => ({
          healthy: running.healthy(language),
          ready: running.ready(language),
          ...(running.warnings === undefined ? {} : { warnings: running.warnings(language) }),
        }),
        callerOf: (uid) => callerOf(uid, shared.people),
        denied: async (denied) => running.denied?.(denied),
        text,
        log,
        now,
      }),
    )
    const onReload = reloader(running, log, text)
    process.on('SIGHUP', onReload)
    opened.defer(() => void process.off('SIGHUP', onReload))
    log.info('ready', { socket: socket.path, metrics: `http://${shared.metrics.address}:${page.port}/metrics` })
    // What is open closes in reverse order: no new command, no page, then the drain.
    await ended.promise
  } catch (fault) {
    if (fault instanceof JournalFault) {
      // What is wrong is at the place, not in the program: words help there, a stack does not.
      log.error('journal cannot be opened', { why: fault.message })
      process.stderr.write(`${fault.message}\n`)
      process.exitCode = EXIT.fault
    } else if (!(fault instanceof BadSettings)) fail(fault)
    else {
      const problems = fault.problems.map((one) => told(one, text, LOG_LANGUAGE))
      for (const problem of problems) log.error('bad settings', { ...problem })
      refuse(problems.map(problemLine).join('\n'))
    }
  }
  log.info('stopped', { exit: process.exitCode ?? EXIT.ok })
  atLast(log)
}

function failer(log: OpenLog, stop: AbortController): (fault: unknown) => void {
  return (fault) => {
    process.exitCode = EXIT.fault
    log.error('fault', { error: fault })
    stop.abort()
  }
}

function reloader(running: Running, log: Log, text: Catalogue): () => void {
  let last = Promise.resolve()
  return () => {
    last = last.then(async () => {
      if (running.reload === undefined)
        return log.warn('reload refused', { reason: 'this process has nothing to read again' })
      try {
        await running.reload()
        log.info('reloaded')
      } catch (fault) {
        if (!(fault instanceof BadSettings)) return log.error('reload failed', { error: fault })
        for (const problem of fault.problems) log.error('reload refused', { ...told(problem, text, LOG_LANGUAGE) })
      }
    })
  }
}

async function drainWithin(running: Running, boundMs: number, log: Log): Promise<void> {
  const bound = new AbortController()
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const fault = new Error(`not drained within ${boundMs} ms`)
    bound.abort(fault)
    late.reject(fault)
  }, boundMs)
  try {
    await Promise.race([running.drain(bound.signal), late.promise])
  } catch (fault) {
    process.exitCode = EXIT.fault
    log.error('drain failed', { error: fault })
  } finally {
    clearTimeout(timer)
  }
}

function requireDeclared(commands: readonly Command[], declared: readonly Declaration[]): void {
  const names = (of: readonly Declaration[]) =>
    of
      .map((one) => one.name)
      .sort()
      .join(', ')
  if (names(commands) !== names(declared))
    throw new Error(`declared are the commands ${names(declared)}; there are ${names(commands)}`)
}

/** The loop should run empty now. What still holds it is a fault; it is named, and the process ends all the same. */
function atLast(log: OpenLog): void {
  setTimeout(() => {
    log.error('still open at the end', { what: process.getActiveResourcesInfo() })
    // process.exit waits for a write that is under way: with a log that nobody reads it would wait for ever.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 1_000)
    void log.written().then(() => process.exit(EXIT.fault))
  }, 2_000).unref()
}
