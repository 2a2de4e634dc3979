// SPDX-License-Identifier: Apache-2.0
// A thread that worker modules share: imports each with its own port, one after the other.
import { parentPort } from 'node:worker_threads'
import { giveSeat } from './seat.ts'
import type { Start } from './thread.ts'

let started = 0
let last: Promise<unknown> = Promise.resolve()

parentPort?.on('message', (told: Start | 'end') => {
  last = last.then(() => (told === 'end' ? parentPort?.close() : start(told)))
})

/** A module may serve several files: each time it is another module to the loader. What it throws ends the thread, and is told to all. */
async function start({ url, data, port }: Start): Promise<void> {
  giveSeat({ port, data })
  await import(`${url}?${started++}`)
}
