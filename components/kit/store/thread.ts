// SPDX-License-Identifier: Apache-2.0
// Where worker modules run: each on a thread of its own, which costs some 10 MB, or several on one, where none of them has much to do.
import { MessageChannel, type MessagePort, type Transferable, Worker } from 'node:worker_threads'
import { workerUrl } from './worker-url.ts'

export type ThreadEvents = {
  message(told: unknown): void
  /** It is over; called at least once. Without a cause it ended by itself, because it was asked to. */
  end(cause?: Error): void
}

/** The main thread's end of a worker module that runs. */
export type Running = { post(message: unknown, transfer?: readonly Transferable[]): void }

export type Thread = AsyncDisposable & { start(url: URL, data: unknown, events: ThreadEvents): Running }

/** To the shared thread. */
export type Start = { url: string; data: unknown; port: MessagePort }

/** On a thread of its own, which ends with the module's port. */
export function startAlone(url: URL, data: unknown, name: string, events: ThreadEvents): Running {
  const worker = new Worker(url, { workerData: data, name })
  worker.on('message', (told) => events.message(told))
  worker.on('error', (cause) => events.end(asError(cause)))
  worker.on('exit', () => events.end())
  return { post: (message, transfer = []) => worker.postMessage(message, transfer) }
}

/** One thread for all that is started on it; it ends when it is disposed of, after them. */
export function openThread(name: string): Thread {
  const worker = new Worker(workerUrl(new URL('./shared-thread-worker.ts', import.meta.url)), { name })
  const ends = new Set<ThreadEvents['end']>()
  const ended = new Promise<void>((resolve) => {
    const end = (cause?: Error) => {
      for (const tell of ends) tell(cause)
      resolve()
    }
    worker.on('error', (cause) => end(asError(cause)))
    worker.on('exit', () => end())
  })
  return {
    start(url, data, events) {
      const { port1, port2 } = new MessageChannel()
      ends.add(events.end)
      port1.on('message', (told) => events.message(told))
      port1.on('close', () => {
        ends.delete(events.end)
        events.end()
      })
      worker.postMessage({ url: url.href, data, port: port2 } satisfies Start, [port2])
      return { post: (message, transfer = []) => port1.postMessage(message, transfer) }
    },
    async [Symbol.asyncDispose]() {
      worker.postMessage('end')
      await ended
    },
  }
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause))
}
