// SPDX-License-Identifier: Apache-2.0
// What crosses between the main thread and the worker of a file journal.
import type { JournalState } from './journal.ts'

export type WorkerSettings = {
  folder: string
  maxBytes: number
  segmentBytes: number
  segmentAgeMs: number
  trimEveryMs: number
}

/** Main thread to worker. `sizes` has the number of entries of each call; `cells` are kind, version, body of each entry in turn. */
export type Ask =
  | { ask: 'append'; sizes: readonly number[]; cells: readonly (string | number)[] }
  | { ask: 'trim'; id: number }
  | { ask: 'state'; id: number }
  | { ask: 'close' }

/** How full the journal is: `warned` from 50 % of maxBytes, `alarmed` from 80 %, `full` when an append was rejected for space. */
export type FillLevel = 'normal' | 'warned' | 'alarmed' | 'full'

export type Fill = { bytes: number; maxBytes: number; hoursLeft: number | null }

export type Note = { full: boolean; message: string }

/** Calls are answered in their order: the next `calls` of them begin at position `first`, or have all failed. */
export type Settled = { calls: number; first: number } | { calls: number; note: Note }

export type Told =
  | { told: 'ready'; last: number }
  | { told: 'unable'; message: string }
  | { told: 'settled'; settled: readonly Settled[] }
  | { told: 'trimmed'; id: number; removed: number }
  | { told: 'state'; id: number; state: JournalState }
  | { told: 'failed'; id: number; message: string }
  | { told: 'level'; level: FillLevel; fill: Fill }
  | { told: 'fault'; message: string }

/** Writer to the folding thread: fold what is in the -wal; the same and end the segment; stop. */
export type FoldAsk = { fold: 'some' | 'end'; path: string } | { fold: 'stop' }
export type FoldTold = { folded: 'some' | 'end'; path: string; fault: string | undefined }
