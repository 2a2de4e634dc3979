// SPDX-License-Identifier: Apache-2.0
// What a worker module is started with: the whole of its thread, or a place on one that several share (thread.ts).
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

export type Seat = { port: MessagePort; data: unknown }

let given: Seat | null = null

/** For the module that is imported next. */
export function giveSeat(seat: Seat): void {
  given = seat
}

/** Called once, at the top of a worker module. Null: this is the main thread. */
export function takeSeat(): Seat | null {
  const seat = given ?? (parentPort === null ? null : { port: parentPort, data: workerData })
  given = null
  return seat
}
