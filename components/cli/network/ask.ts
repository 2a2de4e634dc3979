// SPDX-License-Identifier: Apache-2.0
// The caller's side of kit/process/socket.ts, version 1.
import { once } from 'node:events'
import { constants } from 'node:fs'
import { open, unlink } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { getuid } from 'node:process'
import type { Said } from '../../kit/process/command.ts'
import type { Described } from '../../kit/process/describe.ts'
import type { End } from '../../kit/process/socket.ts'

export type Process = { name: string; run: string }
export type Status = {
  component: string
  software: string
  healthy: string | null
  ready: string | null
  warnings?: readonly string[]
}
export type Question = { command: string; args: Readonly<Record<string, unknown>>; language: string }

export class NotRunning extends Error {
  override name = 'NotRunning'
  readonly component: string
  constructor(component: string) {
    super(`${component} does not run`)
    this.component = component
  }
}

/** The run folder could be used to act elsewhere in the caller's name. */
export class NotTrusted extends Error {
  override name = 'NotTrusted'
  readonly folder: string
  constructor(folder: string) {
    super(`${folder} is not trusted`)
    this.folder = folder
  }
}

export async function describe(process: Process, language: string): Promise<Described> {
  return (await readJson(process, `/v1/commands?language=${encodeURIComponent(language)}`)) as Described
}

export async function status(process: Process, language: string): Promise<Status> {
  return (await readJson(process, `/v1/status?language=${encodeURIComponent(language)}`)) as Status
}

/** Shows who asks, runs the command, hands over what it says, and gives how it ended. Text is missing where the answer was cut off. */
export async function ask(
  process: Process,
  question: Question,
  take: (said: Said) => Promise<void>,
): Promise<{ exit: number; text?: string }> {
  await using folder = await openRunFolder(process)
  const there = { name: process.name, run: folder.path }
  // The challenge holds for its own connection only.
  using agent = new Connection()
  const given = await readBody(await send(there, agent, 'POST', '/v1/challenge'))
  await using _proof = await openProof(there, JSON.parse(given))
  try {
    const response = await send(there, agent, 'POST', '/v1/run', JSON.stringify(question))
    if (response.statusCode !== 200) return { exit: 1, text: `${response.statusCode} ${await readBody(response)}` }
    return await readAnswer(response, take)
  } catch (fault) {
    if (codeOf(fault) === 'ECONNRESET') return { exit: 1 }
    throw fault
  }
}

async function readAnswer(
  response: IncomingMessage,
  take: (said: Said) => Promise<void>,
): Promise<{ exit: number; text?: string }> {
  let rest = ''
  for await (const part of response.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + part).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const said = JSON.parse(line) as Said | End
      if (said.say !== 'end') await take(said)
      else return said.text === undefined ? { exit: said.exit } : { exit: said.exit, text: said.text }
    }
  }
  return { exit: 1 }
}

function codeOf(fault: unknown): unknown {
  return fault instanceof Error && 'code' in fault ? fault.code : undefined
}

class Connection extends Agent {
  constructor() {
    super({ keepAlive: true, maxSockets: 1 })
  }
  [Symbol.dispose](): void {
    this.destroy()
  }
}

/**
 * The run folder, held open, so that socket and proof are in the same one whatever is renamed meanwhile. It belongs to root or
 * to the caller, and nobody else can replace what is in it: else whoever made it could hand on a challenge of another process
 * and act there in the caller's name.
 */
async function openRunFolder(process: Process): Promise<{ path: string } & AsyncDisposable> {
  const folder = await open(process.run, constants.O_RDONLY | constants.O_DIRECTORY).catch((fault) => {
    throw codeOf(fault) === 'ENOENT' ? new NotRunning(process.name) : fault
  })
  const state = await folder.stat()
  const othersWrite = (state.mode & 0o022) !== 0 && (state.mode & 0o1000) === 0
  if (othersWrite || !isOwn(state.uid)) {
    await folder.close()
    throw new NotTrusted(process.run)
  }
  return { path: `/proc/self/fd/${folder.fd}`, [Symbol.asyncDispose]: () => folder.close() }
}

function isOwn(uid: number): boolean {
  return uid === 0 || uid === getuid?.()
}

// Linux, fcntl.h: a place in the file system, not its content, which the folder's mode does not let others read.
const O_PATH = 0o10000000

/** Creates the file the process asked for: in the folder of that very process, which is no link to the folder of another. */
async function openProof(process: Process, given: { name?: unknown; word?: unknown }): Promise<AsyncDisposable> {
  const { name, word } = given
  const random = /^[0-9a-f]{32}$/
  if (typeof name !== 'string' || typeof word !== 'string' || !random.test(name) || !random.test(word)) {
    throw new Error(`${process.name} asked for a proof of another form`)
  }
  await using folder = await open(
    join(process.run, `${process.name}.proof`),
    O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW,
  )
  const path = `/proc/self/fd/${folder.fd}/${name}`
  await using file = await open(path, 'wx', 0o644)
  await file.writeFile(word)
  await file.chmod(0o644)
  const real = join(process.run, `${process.name}.proof`, name)
  return {
    [Symbol.asyncDispose]: async () => {
      await unlink(real).catch((fault: NodeJS.ErrnoException) => {
        if (fault.code !== 'ENOENT') throw fault
      })
    },
  }
}

async function readJson(process: Process, path: string): Promise<unknown> {
  using agent = new Connection()
  return JSON.parse(await readBody(await send(process, agent, 'GET', path)))
}

async function readBody(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of response as AsyncIterable<Buffer>) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}

async function send(process: Process, agent: Agent, method: string, path: string, body = ''): Promise<IncomingMessage> {
  const socketPath = join(process.run, `${process.name}.sock`)
  const asking = request({
    socketPath,
    agent,
    method,
    path,
    headers: { host: 'socket', 'content-length': Buffer.byteLength(body) },
  })
  asking.end(body)
  try {
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    return response
  } catch (fault) {
    const code = codeOf(fault)
    if (code === 'ENOENT' || code === 'ECONNREFUSED') throw new NotRunning(process.name)
    throw fault
  }
}
