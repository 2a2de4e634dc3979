// SPDX-License-Identifier: Apache-2.0
// Follows one journal into the store: read a stretch while the one before it commits, acknowledge only what is committed.
import { setTimeout as delay } from 'node:timers/promises'
import type { Follower, Kept } from '../kit/bus/journal.ts'
import { orAborted } from '../kit/bus/or-aborted.ts'
import { StoreFull } from '../kit/store/faults.ts'
import type { Batch, KeptBatch } from './domain/batch.ts'
import type { Completeness } from './domain/completeness.ts'
import { type Reading, readEntry } from './protocol/entry.ts'

export type FollowOptions = {
  follower: Follower
  /** Id of the journal, and the position up to which the store has it. */
  journal: string
  cursor: number
  /** The most entries of one commit. */
  batch: number
  /**
   * Between commits that are not full so long is waited for more, unless somebody waits to be caught up: each commit is a write to
   * the disk on which those who ask wait for their journal.
   */
  commitEveryMs: number
  reading: Omit<Reading, 'journal'>
  seenRoom(bare: string): void
  completeness: Completeness
  keep(batch: Batch): Promise<KeptBatch>
  now(): number
  told: FollowEvents
}

export type FollowEvents = {
  kept(kept: KeptBatch): void
  /** The store refused; it is tried again until it takes it. `full`: the disk is full. */
  refused(error: unknown, full: boolean): void
  resumed(): void
  /** Entries were gone before they were read. Rejects when that could not be put on record; it is told again until it is. */
  hole(journal: string, from: number, to: number): Promise<void>
  unrecorded(error: unknown): void
}

export type Following = {
  readonly journal: string
  /** Committed up to here. */
  readonly position: number
  /** Recorder's clock of the last committed entry; null before the first one. */
  readonly lastAt: number | null
  readonly blocked: boolean
  /** Ends when the signal aborts, after the commit under way. Rejects when the journal cannot be read. */
  run(signal: AbortSignal): Promise<void>
  /** Resolves when what the journal holds now is committed; false when the signal aborts before. */
  caughtUp(signal: AbortSignal): Promise<boolean>
}

const RETRY_MS = 1000
/** While there is more to keep. What is not acknowledged only stays in the journal for longer; the store knows what it has. */
const ACKNOWLEDGE_EVERY_MS = 1000

export function openFollowing(options: FollowOptions): Following {
  const { follower, journal, told } = options
  const reading: Reading = { ...options.reading, journal }
  let position = options.cursor
  let read = options.cursor
  let lastAt: number | null = null
  let blocked = false
  let acknowledged = 0
  let acknowledging = Promise.resolve()
  let later: NodeJS.Timeout | undefined
  const waiting = new Set<() => void>()
  let hurry = () => {}

  return {
    journal,
    get position() {
      return position
    },
    get lastAt() {
      return lastAt
    },
    get blocked() {
      return blocked
    },
    async run(signal) {
      // What was committed before a crash and not acknowledged.
      await acknowledge()
      let commit: Promise<void> = Promise.resolve()
      try {
        for await (const entries of follower.follow(position, { limit: options.batch, signal })) {
          // The store's position goes past it with these entries: nobody would find it again.
          if (!(await holeRecorded(entries, signal))) return
          const batch = prepare(entries)
          await commit
          if (signal.aborted) return
          const more = entries.length >= options.batch
          commit = keepUntilKept(batch, entries.at(-1)?.at ?? null, more, signal)
          // A fault of the commit is heard at the next turn or at the end.
          commit.catch(() => {})
          if (!more) await pace(signal)
        }
      } finally {
        await commit.finally(() => clearTimeout(later))
        await acknowledge()
      }
    },
    async caughtUp(signal) {
      const { last } = await follower.state()
      while (position < last && !signal.aborted) {
        const moved = Promise.withResolvers<void>()
        const wake = () => moved.resolve()
        waiting.add(wake)
        hurry()
        if (position < last) await orAborted(moved.promise, signal)
        waiting.delete(wake)
      }
      return position >= last
    },
  }

  async function pace(signal: AbortSignal): Promise<void> {
    if (waiting.size > 0 || signal.aborted || options.commitEveryMs === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const over = () => resolve()
    const timer = setTimeout(over, options.commitEveryMs)
    hurry = over
    await orAborted(promise, signal)
    clearTimeout(timer)
  }

  /** False when the signal aborts before. */
  async function holeRecorded(entries: readonly Kept[], signal: AbortSignal): Promise<boolean> {
    const first = entries[0]?.position ?? read + 1
    while (first > read + 1 && !signal.aborted) {
      try {
        await told.hole(journal, read + 1, first - 1)
        return true
      } catch (error) {
        told.unrecorded(error)
        await pause(RETRY_MS, signal)
      }
    }
    return !signal.aborted
  }

  function prepare(entries: readonly Kept[]): Batch {
    const items: Batch['items'][number][] = []
    for (const entry of entries) {
      const got = readEntry(entry, reading)
      items.push(...got.items)
      if (got.room) options.seenRoom(got.room)
      if (got.counted) options.completeness.take(got.counted, entry.at)
    }
    const after = read
    read = entries.at(-1)?.position ?? read
    return {
      journal,
      after,
      to: read,
      keptAt: options.now(),
      items,
      careful: false,
      sources: countingOf(options.completeness),
    }
  }

  /** One after the other; one that failed ends the following at the next turn. */
  function acknowledge(): Promise<void> {
    clearTimeout(later)
    later = undefined
    acknowledging = acknowledging.then(async () => {
      const upTo = position
      if (upTo > acknowledged) await follower.acknowledge(upTo)
      acknowledged = upTo
    })
    acknowledging.catch(() => {})
    return acknowledging
  }

  /** `more`: at least as much waits to be read. */
  async function keepUntilKept(prepared: Batch, at: number | null, more: boolean, signal: AbortSignal): Promise<void> {
    let batch = prepared
    for (;;) {
      try {
        const kept = await options.keep(batch)
        position = batch.to
        lastAt = at
        if (blocked) told.resumed()
        blocked = false
        told.kept(kept)
        break
      } catch (error) {
        const full = error instanceof StoreFull
        // Whatever one entry holds, it must not stop those behind it.
        batch = full ? prepared : { ...prepared, careful: true }
        blocked = true
        told.refused(error, full)
        if (signal.aborted) return
        await pause(RETRY_MS, signal)
      }
    }
    if (!more) await acknowledge()
    else {
      await acknowledging
      later ??= setTimeout(() => void acknowledge(), ACKNOWLEDGE_EVERY_MS)
    }
    for (const wake of waiting) wake()
  }
}

/** The counting as it stands now, as text, because it goes on while the batch waits. */
export function countingOf(completeness: Completeness): Batch['sources'] {
  return completeness
    .changed()
    .map((count) => ({ source: count.source, done: count.done, counting: JSON.stringify(count) }))
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0 && !signal.aborted) await delay(ms, undefined, { signal }).catch(() => {})
}
