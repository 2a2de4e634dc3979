// SPDX-License-Identifier: Apache-2.0
// What a component's worker module offers, and what crosses between it and the main thread.
import type { DatabaseSync } from 'node:sqlite'
import type { FaultNote } from './faults.ts'

/** A named function over the database. Arguments and results cross by structured clone: values, no functions, no classes. */
export type Operation = (db: DatabaseSync, args: never) => unknown
/** A named function that gives rows one after the other. */
export type StreamOperation = (db: DatabaseSync, args: never) => Iterable<unknown>

/** Writes run inside the group's transaction, reads and streams on a connection that cannot write. */
export type Operations = {
  write: Readonly<Record<string, Operation>>
  read: Readonly<Record<string, Operation>>
  stream: Readonly<Record<string, StreamOperation>>
}

export type ArgsOf<F extends Operation> = Parameters<F>[1]
export type ResultOf<F extends Operation> = ReturnType<F>
export type RowOf<F extends StreamOperation> = ReturnType<F> extends Iterable<infer Row> ? Row : never

/** What a worker is told at its start (workerData). */
export type Setup = {
  role: 'writer' | 'reader' | 'backup'
  path: string
  secureDelete: boolean
  busyMs: number
}

/** Main thread to worker. */
export type Ask =
  | { ask: 'call'; id: number; name: string; args: unknown }
  | { ask: 'open'; id: number; name: string; args: unknown; batch: number }
  | { ask: 'next'; id: number }
  | { ask: 'end'; id: number }
  | { ask: 'backup'; id: number; target: string }
  | { ask: 'close' }

/** Worker to main thread. */
export type Told =
  | { told: 'ready'; version: number }
  | { told: 'unable'; note: FaultNote }
  | { told: 'done'; answers: readonly Answer[] }
  | { told: 'rows'; id: number; rows: readonly unknown[]; last: boolean }
  | { told: 'closed'; note?: FaultNote }

export type Answer = { id: number; result: unknown } | { id: number; note: FaultNote }
