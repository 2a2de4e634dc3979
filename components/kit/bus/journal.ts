// SPDX-License-Identifier: Apache-2.0
// The journal: one append-only log per writer, five verbs (append, follow, acknowledge, trim, state).
// An engine fulfils these types; nothing outside kit/bus knows which engine runs. Page: JOURNAL.md.

/** What a writer hands over. `body` is JSON text; the journal never looks into it. */
export type Entry = { kind: string; version: number; body: string }

/** An entry as it is kept. `position` counts from 1 without gaps in its journal; `at` is the recorder's clock, Unix ms. */
export type Kept = Entry & { position: number; at: number }

export type FollowerState = { name: string; position: number }

export type JournalState = {
  /** Random 128-bit id of this journal, 32 hex digits. (journal id, position) names one entry for ever. */
  id: string
  /** Position of the oldest entry still kept, and of the newest; last is first - 1 when nothing is kept. */
  first: number
  last: number
  bytes: number
  maxBytes: number
  followers: readonly FollowerState[]
  /** Hours until maxBytes at the rate of the last hour; null while the rate is not known or is not positive. */
  hoursLeft: number | null
}

/** The writer's side. */
export type Journal = AsyncDisposable & {
  /**
   * Appends in the order of the calls; resolves when the entries are on disk (fsync).
   * Rejects with JournalFull when maxBytes is reached or the disk is full, and JournalFault otherwise; then none of these entries is kept.
   */
  append(entries: readonly Entry[]): Promise<{ first: number; last: number }>
  /** Removes what every registered follower has acknowledged; gives the number of entries removed. */
  trim(): Promise<number>
  state(): Promise<JournalState>
}

/** A follower's side: another process on the same machine (engine file) or elsewhere (engine redis). */
export type Follower = AsyncDisposable & {
  /** Batches of entries after a position, oldest first, at most `limit` each; waits for more at the end; ends when the signal aborts. */
  follow(after: number, options: { limit: number; signal: AbortSignal }): AsyncIterable<readonly Kept[]>
  /** The follower has committed everything up to and including this position; the writer may trim it. */
  acknowledge(position: number): Promise<void>
  /**
   * Asks the writer to part with everything up to this position as soon as every follower has it, however young or small what holds it
   * is: for what must not be kept any longer. It is gone when `state().first` is beyond it; while the writer is stopped nothing goes.
   */
  release(position: number): Promise<void>
  state(): Promise<JournalState>
}

export class JournalFull extends Error {
  override name = 'JournalFull'
}

export class JournalFault extends Error {
  override name = 'JournalFault'
}
