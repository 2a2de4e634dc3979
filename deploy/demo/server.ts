// SPDX-License-Identifier: Apache-2.0
// An XMPP server of our own, whichever it is: what the demo, the tests and the benches ask of it, and what its process is made of.
import { type ChildProcess, execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'

export type ServerKind = 'prosody' | 'ejabberd'

export type Exit = { code: number | null; signal: NodeJS.Signals | null }

export type Server = AsyncDisposable & {
  readonly kind: ServerKind
  readonly configFile: string
  readonly logFile: string
  /** Where the server keeps accounts, rooms, and (below `gatehouse/SCREEN/`) what the helper has on disk. */
  readonly dataFolder: string
  /** The server's own process, also below a wrapper. */
  readonly pid: number
  /** Settles when the process is gone, in whatever way. */
  readonly exited: Promise<Exit>
  /** Resolves with the first line that fits, among those already logged and those to come; rejects when the server ends or the signal aborts. */
  logged(pattern: RegExp, signal?: AbortSignal): Promise<string>
  /** All lines so far that fit, of the newest 10,000 at least; the file has them a moment later. */
  linesWith(pattern: RegExp): readonly string[]
  /** The server's own console: `prosodyctl shell WORDS`, `ejabberdctl WORDS`; gives what it printed, rejects when that was an error. */
  shell(...words: string[]): Promise<string>
  createAccount(jid: string, password: string): Promise<void>
  /** Removed inside the server, which knows of it. */
  removeAccount(jid: string): Promise<void>
  /** Resident memory of its process now, in bytes. */
  residentBytes(): Promise<number>
  /** SIGTERM, then SIGKILL after 10 s; resolves when the process is gone. Harmless twice. */
  stop(): Promise<Exit>
  /** SIGKILL, where nothing of it is wanted any more; resolves when the process is gone. Harmless twice. */
  end(): Promise<Exit>
  /** Sends a signal to the server's own process. */
  kill(signal: NodeJS.Signals): void
}

/** The newest lines of a log, kept for `logged` and for texts of errors; the whole log is in the file. */
export type Lines = {
  find(pattern: RegExp, signal: AbortSignal | undefined): Promise<string>
  with(pattern: RegExp): string[]
  tail(count: number): string
}

const LINES_KEPT = 20_000

/** Both outputs of the process, line by line, also into the file. */
export function logLines(name: string, child: ChildProcess, logFile: string, exited: Promise<Exit>): Lines {
  const kept: string[] = []
  const waiting = new Set<(line: string) => void>()
  const file = createWriteStream(logFile, { flags: 'a' })
  const take = (line: string) => {
    file.write(`${line}\n`)
    kept.push(line)
    if (kept.length > LINES_KEPT) kept.splice(0, LINES_KEPT / 2)
    for (const look of waiting) look(line)
  }
  for (const pipe of [child.stdout, child.stderr]) if (pipe !== null) createInterface({ input: pipe }).on('line', take)
  child.once('close', () => file.end())
  return {
    with: (pattern) => kept.filter((line) => pattern.test(line)),
    tail: (count) => kept.slice(-count).join('\n'),
    find(pattern, signal) {
      const seen = kept.find((line) => pattern.test(line))
      if (seen !== undefined) return Promise.resolve(seen)
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const look = (line: string) => {
        if (pattern.test(line)) resolve(line)
      }
      const giveUp = () => reject(new Error(`no log line like ${pattern}`, { cause: signal?.reason }))
      waiting.add(look)
      signal?.addEventListener('abort', giveUp)
      void exited.then((exit) =>
        reject(new Error(`${name} ended (${exit.code ?? exit.signal}) before it logged ${pattern}`)),
      )
      return promise.finally(() => {
        waiting.delete(look)
        signal?.removeEventListener('abort', giveUp)
      })
    },
  }
}

export function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }))
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

/** What every server's process does in the same way. */
export function processOf(child: ChildProcess, pid: number, exited: Promise<Exit>, lines: Lines) {
  const gone = () => child.exitCode !== null || child.signalCode !== null
  const stop = async () => {
    const end = (signal: NodeJS.Signals) => {
      if (!gone()) killIfThere(pid, signal)
    }
    end('SIGTERM')
    const late = setTimeout(() => end('SIGKILL'), 10_000)
    const exit = await exited
    clearTimeout(late)
    return exit
  }
  return {
    pid,
    exited,
    logged: (pattern: RegExp, signal?: AbortSignal) => lines.find(pattern, signal),
    linesWith: (pattern: RegExp) => lines.with(pattern),
    residentBytes: async () => {
      const status = await readFile(`/proc/${pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024
    },
    stop,
    end: () => {
      if (!gone()) killIfThere(pid, 'SIGKILL')
      return exited
    },
    kill: (signal: NodeJS.Signals) => void process.kill(pid, signal),
    [Symbol.asyncDispose]: async () => void (await stop()),
  }
}

/** Runs a program; rejects with all that it said when it does not end with 0. */
export function said(command: string, args: readonly string[], environment?: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { env: environment ?? process.env, maxBuffer: 64 * 2 ** 20 }, (fault, out, err) => {
      if (fault === null) resolve(out)
      else reject(new Error(`${command} ${args.join(' ')}: ${fault.message}\n${out}${err}`))
    })
  })
}

/** A process may end between the look and the signal. */
export function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (fault) {
    if (!(fault instanceof Error && 'code' in fault && fault.code === 'ESRCH')) throw fault
  }
}
