// SPDX-License-Identifier: Apache-2.0
// Long stanzas are judged in a thread of their own: what one person writes at length, or writes to be slow, delays nobody else.
import { Worker } from 'node:worker_threads'
import { workerUrl } from '../../kit/store/worker-url.ts'
import type { Decision } from '../domain/decide.ts'
import { cutPeople } from '../domain/people.ts'
import type { Screened } from '../domain/screened.ts'
import type { Judged, Sent } from './judge-worker.ts'
import type { RuleData } from './rule-data.ts'

/** UTF-16 units of a stanza as it came: above it is long. */
export const LONG = 4_096

/** What cannot be looked through in time does not pass, and nobody's outage rule lets it. */
const TOO_LARGE: Decision = { action: 'refuse', rule: 'too-large', condition: 'policy-violation', text: null }

export type AsideBounds = {
  /** From the question to the decision. */
  withinMs: number
  /** Stanzas that wait, of all senders. */
  waiting: number
  /** Without work the thread ends. */
  idleMs: number
}

type Job = { asked: Screened; timer: NodeJS.Timeout; resolve(decision: Decision): void; reject(error: Error): void }

/** One rule set in its own thread, which is there while there is work. */
export class JudgeAside implements Disposable {
  readonly #data: RuleData
  readonly #bounds: AsideBounds
  /** By sender, in the order of their turns. */
  readonly #waiting = new Map<string, Job[]>()
  #count = 0
  #now: Job | null = null
  #worker: Worker | null = null
  #idle: NodeJS.Timeout | null = null
  #disposed = false

  constructor(data: RuleData, bounds: AsideBounds) {
    this.#data = data
    this.#bounds = bounds
  }

  /** What the rules say; a refusal by `too-large` where that would take too long, or where too many wait. Rejects where a rule fails. */
  judge(asked: Screened): Promise<Decision> {
    if (this.#count >= this.#bounds.waiting) return Promise.resolve(TOO_LARGE)
    const { promise, resolve, reject } = Promise.withResolvers<Decision>()
    const timer = setTimeout(() => this.#giveUp(job), this.#bounds.withinMs)
    const job: Job = { asked, timer, resolve, reject }
    const queue = this.#waiting.get(asked.from) ?? []
    queue.push(job)
    this.#waiting.set(asked.from, queue)
    this.#count += 1
    this.#next()
    return promise
  }

  /** Lets go of the thread as soon as nothing waits any more. */
  [Symbol.dispose](): void {
    this.#disposed = true
    if (this.#now === null) this.#end()
  }

  #next(): void {
    if (this.#now !== null) return
    if (this.#idle !== null) clearTimeout(this.#idle)
    const job = this.#take()
    if (job === null) {
      if (this.#disposed) this.#end()
      else this.#idle = setTimeout(() => this.#end(), this.#bounds.idleMs).unref()
      return
    }
    this.#now = job
    this.#worker ??= this.#start()
    const { texts, people, ...plain } = job.asked
    const cut = people && cutPeople(people, [plain.from, plain.sender, ...plain.to])
    this.#worker.postMessage({ ...plain, read: texts(), cut } satisfies Sent)
  }

  /** One of each sender in turn. */
  #take(): Job | null {
    const [first] = this.#waiting
    if (first === undefined) return null
    const [sender, [job, ...rest]] = first
    this.#waiting.delete(sender)
    if (rest.length > 0) this.#waiting.set(sender, rest)
    this.#count -= 1
    return job ?? null
  }

  #start(): Worker {
    const url = workerUrl(new URL('./judge-worker.ts', import.meta.url))
    const worker = new Worker(url, { workerData: this.#data, name: 'policy long stanzas' })
    // What is under way keeps the process by its timer.
    worker.unref()
    const isMine = () => worker === this.#worker
    worker.on('message', (judged: Judged) => {
      if (isMine()) this.#told(judged)
    })
    const ended = (why: string) => {
      if (!isMine()) return
      this.#worker = null
      this.#told({ fault: why })
    }
    worker.on('error', (error) => ended(error instanceof Error ? error.message : String(error)))
    worker.on('exit', () => ended('its thread ended'))
    return worker
  }

  #told(judged: Judged): void {
    const job = this.#now
    this.#now = null
    if (job !== null) {
      clearTimeout(job.timer)
      if ('decision' in judged) job.resolve(judged.decision)
      else job.reject(new Error(`a long stanza could not be judged: ${judged.fault}`))
    }
    this.#next()
  }

  /** An expression cannot be stopped, but its thread can. */
  #giveUp(job: Job): void {
    job.resolve(TOO_LARGE)
    if (job === this.#now) {
      this.#end()
      this.#now = null
      this.#next()
      return
    }
    const { from } = job.asked
    const rest = (this.#waiting.get(from) ?? []).filter((one) => one !== job)
    this.#count -= 1
    if (rest.length > 0) this.#waiting.set(from, rest)
    else this.#waiting.delete(from)
  }

  #end(): void {
    const worker = this.#worker
    this.#worker = null
    void worker?.terminate()
  }
}
