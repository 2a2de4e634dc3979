// SPDX-License-Identifier: Apache-2.0
// What crosses between the main thread and the worker of a file journal.
import type { JournalState } from './journal.ts'

export type WorkerSettings = {
  folder: string
  maxBytes: number
  segmentBytes: number
  segmentAgeMs: number
  trimEveryMs: number
  forgets: boolean
}

/**
 * Calls that go over together: `sizes` has the number of entries of each call, `heads` are kind, version and bytes of the body of
 * each entry in turn, `bodies` are those in UTF-8, one behind the other. The memory of `bodies` changes hands and comes back.
 */
export type Parcel = { sizes: readonly number[]; heads: readonly (string | number)[]; bodies: Uint8Array<ArrayBuffer> }

/** Main thread to worker. */
export type Ask =
  | { ask: 'append'; parcel: Parcel }
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
  /** With the memory of the parcels, which is used again. */
  | { told: 'settled'; settled: readonly Settled[]; used: readonly ArrayBuffer[] }
  | { told: 'trimmed'; id: number; removed: number }
  | { told: 'state'; id: number; state: JournalState }
  | { told: 'failed'; id: number; message: string }
  | { told: 'level'; level: FillLevel; fill: Fill }
  | { told: 'fault'; message: string }

/** Writer to the folding thread: fold what is in the -wal; the same and end the segment; stop. */
export type FoldAsk = { fold: 'some' | 'end'; path: string } | { fold: 'stop' }
export type FoldTold = { folded: 'some' | 'end'; path: string; fault: string | undefined }
