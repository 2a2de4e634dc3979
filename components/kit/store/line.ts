// SPDX-License-Identifier: Apache-2.0
// The main thread's end of one worker thread of a store: bounded calls out, answers in, exactly one answer for each call.
import { readFault, StoreBusy, StoreFault } from './faults.ts'
import type { Ask, Setup, Told } from './operations.ts'
import { type Running, startAlone, type Thread } from './thread.ts'

type Waiting = { resolve(value: unknown): void; reject(error: Error): void }
type Batch = { rows: readonly unknown[]; last: boolean }

export class Line {
  /** Resolves with the schema's version when the worker has opened the file. */
  readonly ready: Promise<number>
  readonly #worker: Running
  readonly #path: string
  readonly #maxWaiting: number
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0
  #state: 'open' | 'closing' | 'closed' = 'open'
  #closed: Promise<void>
  #ended: StoreFault | undefined

  constructor(url: URL, setup: Setup, maxWaiting: number, thread?: Thread) {
    this.#path = setup.path
    this.#maxWaiting = maxWaiting
    const opened = Promise.withResolvers<number>()
    const closed = Promise.withResolvers<void>()
    this.ready = opened.promise
    this.#closed = closed.promise
    // Whoever awaits `ready` or close() hears of it; a fault that nobody awaits is heard by the calls.
    opened.promise.catch(() => {})
    closed.promise.catch(() => {})
    const take = (told: Told): void => {
      if (told.told === 'ready') opened.resolve(told.version)
      else if (told.told === 'unable') opened.reject(readFault(told.note))
      else if (told.told === 'done') for (const answer of told.answers) this.#settle(answer.id, answer)
      else if (told.told === 'rows') this.#settle(told.id, { result: told satisfies Batch })
      else if (told.note !== undefined) closed.reject(readFault(told.note))
    }
    const end = (cause?: Error): void => {
      this.#ended ??= new StoreFault(`the store ${this.#path} is closed`, { cause })
      if (cause !== undefined)
        this.#ended = new StoreFault(`the worker of ${this.#path} ended: ${cause.message}`, { cause })
      this.#state = 'closed'
      for (const waiting of this.#waiting.values()) waiting.reject(this.#ended)
      this.#waiting.clear()
      opened.reject(this.#ended)
      if (cause === undefined) closed.resolve()
      else closed.reject(this.#ended)
    }
    const events = { message: (told: unknown) => take(told as Told), end }
    this.#worker = thread?.start(url, setup, events) ?? startAlone(url, setup, `store ${setup.role}`, events)
  }

  get waiting(): number {
    return this.#waiting.size
  }

  call(name: string, args: unknown): Promise<unknown> {
    return this.#ask((id) => ({ ask: 'call', id, name, args }))
  }

  async backup(target: string): Promise<void> {
    await this.#ask((id) => ({ ask: 'backup', id, target }))
  }

  async *stream(name: string, args: unknown, batch: number): AsyncGenerator<readonly unknown[]> {
    let id = 0
    let ended = false
    try {
      let got = (await this.#ask((given) => {
        id = given
        return { ask: 'open', id, name, args, batch }
      })) as Batch
      for (;;) {
        ended = got.last
        if (got.rows.length > 0) yield got.rows
        if (got.last) return
        got = (await this.#ask(() => ({ ask: 'next', id }), id)) as Batch
      }
    } finally {
      if (!ended && this.#state !== 'closed') this.#worker.post({ ask: 'end', id } satisfies Ask)
    }
  }

  close(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing'
      this.#worker.post({ ask: 'close' } satisfies Ask)
    }
    return this.#closed
  }

  #ask(write: (id: number) => Ask, again?: number): Promise<unknown> {
    if (this.#state !== 'open')
      return Promise.reject(this.#ended ?? new StoreFault(`the store ${this.#path} is closing`))
    if (this.#waiting.size >= this.#maxWaiting) {
      return Promise.reject(new StoreBusy(`${this.#maxWaiting} calls are waiting for ${this.#path}`))
    }
    const id = again ?? ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#worker.post(write(id))
      this.#waiting.set(id, { resolve, reject })
    })
  }

  #settle(id: number, answer: { result: unknown } | { note: Parameters<typeof readFault>[0] }): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if ('note' in answer) waiting?.reject(readFault(answer.note))
    else waiting?.resolve(answer.result)
  }
}
