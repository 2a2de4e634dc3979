// SPDX-License-Identifier: Apache-2.0
// The load of the irc bench, in a process of its own: XMPP users in rooms of a gateway, and one person on IRC in the same channels.
import { type ChildProcess, fork } from 'node:child_process'
import { resolve } from 'node:path'

export type IrcTarget = {
  xmpp: { address: string; port: number; domain: string }
  irc: { address: string; port: number; nick: string }
}

/** One room: who of the XMPP users (by number) is in it. */
export type Lane = {
  room: string
  channel: string
  users: readonly number[] /** Their nick is this and their number. */
  prefix: string
}

export type IrcRun = {
  lanes: readonly Lane[]
  direction: 'to-xmpp' | 'to-irc'
  seconds: number
  /** One that is slow has longer, `within` so many seconds, until so many messages are measured. */
  least?: { messages: number; within: number }
  warmUpMs: number
  /** `closed`: so many messages of all lanes together are under way. `open`: so many a second, whatever happens. */
  mode: { closed: number } | { open: number }
  /** Characters of a body. */
  size: number
}

export type IrcReport = {
  /** Messages that everybody had within `seconds`, and per second of it. */
  measured: number
  perSecond: number
  /** From due (open) or written (closed) to arrival: at each XMPP user of the room, or at the person on IRC. */
  p50Ms: number
  p99Ms: number
  maxMs: number
  /** Of the whole run, warm-up included. */
  sent: number
  lost: number
  doubled: number
  /** Of one core, while it ran. */
  generatorShare: number
  errors: readonly string[]
}

export type IrcOrder =
  | { order: 'users'; target: IrcTarget; count: number }
  | { order: 'channels'; names: readonly string[] }
  | { order: 'join'; lanes: readonly Lane[]; leave?: boolean }
  /** One user enters one room whose channel has many nicks, and leaves it; ms until the subject came, and how many were there. */
  | { order: 'time-join'; user: number; room: string; prefix: string }
  | { order: 'run'; run: IrcRun }
  /** Sends an IQ of each of these users and waits for its result; `{user}` in it is the number. */
  | { order: 'ask'; users: readonly number[]; iqs: readonly string[] }

export type IrcAnswer = { report?: IrcReport; ms?: number; people?: number }

export type IrcLoad = AsyncDisposable & { give(order: IrcOrder): Promise<IrcAnswer> }

type FromWorker = { answer: IrcAnswer } | { fault: string }

export function startIrcLoad(): IrcLoad {
  const child = fork(resolve(import.meta.dirname, 'irc-load-worker.ts'), { serialization: 'advanced' })
  const gone = new Promise<void>((done) => child.once('exit', () => done()))
  return {
    give: (order) => give(child, gone, order),
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}

function give(child: ChildProcess, gone: Promise<void>, order: IrcOrder): Promise<IrcAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<IrcAnswer>()
  child.once('message', (said: FromWorker) => {
    if ('fault' in said) reject(new Error(`load generator: ${said.fault}`))
    else resolve(said.answer)
  })
  void gone.then(() => reject(new Error('the load generator ended')))
  child.send(order)
  return promise
}
