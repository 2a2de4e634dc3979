// SPDX-License-Identifier: Apache-2.0
// The load generator: opens pairs of clients in a process of its own and runs loads over them, one after the other.
import { type ChildProcess, fork } from 'node:child_process'
import { resolve } from 'node:path'

export type LoadTarget = {
  address: string
  port: number
  /** People are `load0a@DOMAIN` (sends) and `load0b@DOMAIN` (receives), and so on. */
  domain: string
  pairs: number
  prefix?: string
  password?: string
  /** XEP-0198 as in RawClient; default 'no'. */
  management?: 'no' | 'count' | 'resume'
}

export type LoadRun = {
  /** Measured time; the warm-up comes before it. */
  seconds: number
  warmUpMs?: number
  /** Lengths of bodies in characters, in turn. A unique word stands before each. */
  bodies: readonly number[]
  /** Words mixed into the bodies. */
  words?: readonly string[]
  /** How long to wait for the last messages; what has not come then is lost. Default 10 s. */
  drainMs?: number
  /** Give every latency in the report. */
  keep?: boolean
  /** Start of the unique words; default made from the process id. */
  token?: string
} & ({ mode: 'closed'; window: number } | { mode: 'open'; rate: number })

export type LoadReport = {
  token: string
  /** Unix ms: first message written; last message due; last message come (or given up). */
  startedAt: number
  stoppedAt: number
  drainedAt: number
  seconds: number
  sent: number
  delivered: number
  /** Delivered within `seconds`, and per second of it. */
  measured: number
  perSecond: number
  /** Of the generator itself. */
  cpuUsPerMessage: number
  /** From due (open loop) or written (closed loop) to arrival at the other client. */
  p50Ms: number
  p99Ms: number
  p999Ms: number
  maxMs: number
  latenciesMs?: number[]
  /** Error answers; neither delivered nor refused; delivered more than once; overtaken by a later one of the same pair. */
  errors: number
  lost: number
  doubled: number
  disordered: number
  errorTexts: string[]
  /** Connections that ended during the run, with the reason. */
  broken: string[]
  /** A word that only the last message of each pair holds. */
  endWord: string
}

export type Load = AsyncDisposable & {
  readonly pid: number
  run(run: LoadRun): Promise<LoadReport>
  close(): Promise<void>
}

export type ToWorker = { order: 'connect'; target: LoadTarget } | { order: 'run'; run: LoadRun }

type FromWorker = { done: ToWorker['order']; answer: LoadReport | null } | { fault: string }

/** Starts the process and logs everybody in. */
export async function openLoad(target: LoadTarget): Promise<Load> {
  const child = fork(resolve(import.meta.dirname, 'load-worker.ts'))
  const gone = new Promise<void>((done) => child.once('exit', () => done()))
  await order(child, gone, { order: 'connect', target }).catch((fault: unknown) => {
    child.kill()
    throw fault
  })
  const close = async () => {
    if (child.connected) child.disconnect()
    await gone
  }
  return {
    pid: child.pid ?? 0,
    async run(run) {
      const report = await order(child, gone, { order: 'run', run })
      if (report === null) throw new Error('the load generator gave no report')
      return report
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function order(child: ChildProcess, gone: Promise<void>, what: ToWorker): Promise<LoadReport | null> {
  const { promise, resolve, reject } = Promise.withResolvers<LoadReport | null>()
  child.once('message', (said: FromWorker) => {
    if ('fault' in said) reject(new Error(`load generator: ${said.fault}`))
    else resolve(said.answer)
  })
  void gone.then(() => reject(new Error('the load generator ended')))
  child.send(what)
  return promise
}
