// SPDX-License-Identifier: Apache-2.0
// The socket NAME.sock of a process: HTTP, version 1, for the command line. Page: SOCKET.md. Rights are proven (proof.ts).
//   GET  /v1/commands?language=de   what can be asked (describe.ts)
//   GET  /v1/status?language=de     { component, software, healthy, ready }: null when well, else what is wrong;
//                                   warnings, where it has them: a list of lines
//   POST /v1/challenge              { name, word }: create that file in NAME.proof, then run, on the same connection
//   POST /v1/run { command, args, language }   one JSON object a line: what the command says, and at last { say: 'end', exit, text }
// An answer without its `end` line was cut off.
import { once } from 'node:events'
import { chmod, mkdir, unlink } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Catalogue } from '../text/catalogue.ts'
import { admit, type Ended, endedBy } from './admission.ts'
import type { SaidArgs } from './arguments.ts'
import { type Caller, type Command, type Denied, EXIT, type Said } from './command.ts'
import { type Described, SOCKET_VERSION } from './describe.ts'
import type { Log } from './log.ts'
import { closed, listening } from './page.ts'
import { type Challenge, challenge, openProofFolder, proofFolder, readProof } from './proof.ts'
import { untilAborted } from './until-aborted.ts'

/** The last line of every answer. */
export type End = { say: 'end'; exit: number; text?: string }

export type CommandSocket = AsyncDisposable & { path: string }

export type SocketOptions = {
  component: string
  /** Folder of the sockets. */
  run: string
  commands: readonly Command[]
  describe(language: string | undefined): Described
  status(language: string): { healthy: string | null; ready: string | null; warnings?: readonly string[] }
  callerOf(uid: number): Promise<Caller>
  /** Settled before a caller without the right is refused. */
  denied(denied: Denied): Promise<void>
  text: Catalogue
  log: Log
  now(): number
  bounds?: Partial<typeof BOUNDS>
}

const BOUNDS = {
  bodyBytes: 64 * 1024,
  concurrent: 16,
  connections: 64,
  /** A command ends within this; a day, for those that follow until their caller leaves. */
  runMs: 86_400_000,
  /** A caller that reads nothing for this long is given up. */
  stallMs: 60_000,
}

export async function openSocket(options: SocketOptions): Promise<CommandSocket> {
  const bounds = { ...BOUNDS, ...options.bounds }
  const path = join(options.run, `${options.component}.sock`)
  const proofs = proofFolder(options.run, options.component)
  // Whoever made it lets everybody in, whatever the umask is; a folder that was there is as its owner wants it.
  const made = await mkdir(options.run, { recursive: true })
  if (made !== undefined) await chmod(options.run, 0o755)
  await openProofFolder(proofs)
  await removeStale(path)

  const asked = new WeakMap<Socket, Challenge>()
  const stop = new AbortController()
  const answers = new Set<Promise<void>>()
  let running = 0
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000, connectionsCheckingInterval: 1_000 },
    (request, response) => {
      const closing = Promise.withResolvers<void>()
      answers.add(closing.promise)
      response.once('close', () => {
        answers.delete(closing.promise)
        closing.resolve()
      })
      // A caller that leaves is seen by `close`; there is nobody left to tell.
      response.on('error', (fault) => options.log.debug('socket reset', { error: fault }))
      answer(request, response).catch((fault) => {
        options.log.error('socket fault', { error: fault })
        if (!response.headersSent) response.writeHead(500)
        response.end()
      })
    },
  )
  server.maxConnections = bounds.connections
  await listening(server, () => server.listen(path))
  await chmod(path, 0o666)
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error('the process stops'))
      // The answers under way get their last line.
      await Promise.race([Promise.all(answers), delay(1_000, undefined, { ref: false })])
      await closed(server)
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://socket')
    const route = `${request.method} ${url.pathname}`
    const language = url.searchParams.get('language') ?? undefined
    if (route === 'GET /v1/commands') {
      return json(response, 200, options.describe(language))
    }
    if (route === 'GET /v1/status') {
      const { component, software } = options.describe(undefined)
      return json(response, 200, { version: SOCKET_VERSION, component, software, ...options.status(language ?? '') })
    }
    if (route === 'POST /v1/challenge') {
      const one = challenge(options.now())
      asked.set(request.socket, one)
      return json(response, 200, { name: one.name, word: one.word })
    }
    if (route !== 'POST /v1/run') return json(response, 404, { wrong: 'no such path in version 1' })
    const body = await readBody(request, bounds.bodyBytes)
    if ('wrong' in body) return json(response, body.status, { wrong: body.wrong })
    await runCommand(request, response, body)
  }

  async function runCommand(request: IncomingMessage, response: ServerResponse, body: RunRequest): Promise<void> {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    const write = async (line: Said | End, signal: AbortSignal) => {
      if (response.write(`${JSON.stringify(line)}\n`)) return
      await once(response, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(bounds.stallMs)]) })
    }
    const gone = new AbortController()
    response.once('close', () => gone.abort(new Error('the caller is gone')))
    const signal = AbortSignal.any([gone.signal, stop.signal, AbortSignal.timeout(bounds.runMs)])
    const since = options.now()
    const given = asked.get(request.socket)
    asked.delete(request.socket)
    const caller = await provenCaller(given)
    const ended =
      'exit' in caller
        ? caller
        : running >= bounds.concurrent
          ? { exit: EXIT.fault, text: options.text.say('kit-busy', body.language) }
          : await admitted(body, caller, (said) => write(said, signal), signal)
    options.log.info('command', {
      command: body.command.slice(0, 100),
      exit: ended.exit,
      ms: options.now() - since,
      ...('exit' in caller ? {} : { uid: caller.uid, user: caller.user }),
    })
    if (!response.destroyed) response.end(`${JSON.stringify({ say: 'end', ...ended } satisfies End)}\n`)

    async function provenCaller(given: Challenge | undefined): Promise<Caller | Ended> {
      const proof =
        given === undefined ? { refused: 'no challenge was asked for' } : await readProof(proofs, given, options.now())
      if ('uid' in proof) return options.callerOf(proof.uid)
      options.log.warn('proof refused', { reason: proof.refused })
      return { exit: EXIT.forbidden, text: options.text.say('kit-not-proven', body.language) }
    }
  }

  async function admitted(
    body: RunRequest,
    caller: Caller,
    write: (said: Said) => Promise<void>,
    signal: AbortSignal,
  ): Promise<Ended> {
    const { language } = body
    const command = options.commands.find((one) => one.name === body.command)
    if (command === undefined)
      return { exit: EXIT.usage, text: options.text.say('kit-command-unknown', language, { command: body.command }) }
    const admission = admit(command, body.args, caller, { now: options.now(), text: options.text, language })
    if (admission.is === 'wrong')
      return { exit: EXIT.usage, text: options.text.say(admission.wrong.id, language, admission.wrong.args) }
    if (admission.is === 'denied') {
      await recordDenied(admission.denied, signal)
      return { exit: EXIT.forbidden, text: admission.text }
    }
    const { args, hosts } = admission
    running++
    const rows = command.run(args, { caller, hosts, language, signal })[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await untilAborted(rows.next(), signal)
        if (next.done) return { exit: EXIT.ok }
        await untilAborted(write(next.value), signal)
      }
    } catch (fault) {
      return endedBy(
        fault,
        { stopping: stop.signal.aborted, over: signal.aborted },
        { text: options.text, language, log: options.log },
      )
    } finally {
      // The place is free only when the command has really ended, also one that does not heed its signal.
      Promise.resolve(rows.return?.())
        .catch((fault) => options.log.error('command fault', { command: command.name, error: fault }))
        .finally(() => running--)
    }
  }

  async function recordDenied(denied: Denied, signal: AbortSignal) {
    try {
      await untilAborted(options.denied(denied), signal)
    } catch (fault) {
      const { command, who } = denied
      options.log.error('a denied attempt is not on record', { command, ...who, error: fault })
    }
  }
}

type RunRequest = { command: string; args: SaidArgs; language: string }

async function readBody(
  request: IncomingMessage,
  bound: number,
): Promise<RunRequest | { wrong: string; status: number }> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > bound) return { wrong: `at most ${bound} bytes are read`, status: 413 }
    parts.push(part)
  }
  const wrong = { wrong: 'a JSON object with command, args and language is wanted', status: 400 }
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'))
    if (typeof body !== 'object' || body === null) return wrong
    const { command, args = {}, language = '' } = body as Record<string, unknown>
    if (typeof command !== 'string' || typeof language !== 'string' || typeof args !== 'object' || args === null)
      return wrong
    return { command, args: args as SaidArgs, language }
  } catch {
    return wrong
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** A socket file that nobody answers at is left over from a run that was killed; one that answers is another run. */
async function removeStale(path: string): Promise<void> {
  const probe = connect(path)
  try {
    await once(probe, 'connect', { signal: AbortSignal.timeout(2_000) })
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? fault.code : undefined
    if (code === 'ENOENT') return
    if (code === 'ECONNREFUSED') return unlink(path)
    throw fault
  } finally {
    probe.destroy()
  }
  throw new Error(`another process answers at ${path}`)
}
