// SPDX-License-Identifier: Apache-2.0
// A snapshot followed for as long as a process lives: what cannot be read is told once, and tried again behind the last whole version.
import { setTimeout } from 'node:timers/promises'
import { openSnapshotReader } from './file-snapshot-reader.ts'
import type { Item, Mark, SnapshotState, Step } from './snapshot.ts'

export type SnapshotFollowing = {
  /** A step that throws is a fault: its version is read again. */
  take(step: Step): void
  /** A version is in force; its `commit` was taken. */
  changed(mark: Mark): void
  /** It cannot be read; null: it can again. What was read stays in force. */
  fault(error: Error | null): void
}

export type FollowedSnapshot = AsyncDisposable & {
  /** What the writer says of it now; null while there is none. */
  state(): Promise<SnapshotState | null>
}

const AGAIN_MS = 1_000

export function followSnapshot(folder: string, { take, changed, fault }: SnapshotFollowing): FollowedSnapshot {
  const stop = new AbortController()
  const { signal } = stop
  const reader = openSnapshotReader(folder)
  let mark: Mark | null = null
  let failed = false
  const ended = run()
  return {
    state: () => reader.state(),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
      await reader[Symbol.asyncDispose]()
    },
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await follow()
      } catch (error) {
        if (!failed) fault(error instanceof Error ? error : new Error(String(error)))
        failed = true
        await setTimeout(AGAIN_MS, undefined, { signal }).catch(() => {})
      }
    }
  }

  async function follow(): Promise<void> {
    for await (const step of reader.follow(mark, { signal })) {
      take(step)
      if (step.kind !== 'commit') continue
      mark = { id: step.id, seq: step.seq }
      if (failed) fault(null)
      failed = false
      changed(mark)
    }
  }
}

/** Items of a snapshot as they are in force, by key: what is read stands aside until its version is whole. */
export class SnapshotTable<T> {
  readonly #read: (item: Item) => T | null
  #rows: ReadonlyMap<string, T> = new Map()
  #coming = new Map<string, T>()

  /** `read`: null for what is of no use here. */
  constructor(read: (item: Item) => T | null) {
    this.#read = read
  }

  get rows(): ReadonlyMap<string, T> {
    return this.#rows
  }

  take(step: Step): void {
    if (step.kind === 'begin') this.#coming = step.whole ? new Map() : new Map(this.#rows)
    else if (step.kind === 'commit') this.#rows = this.#coming
    else {
      for (const item of step.put) {
        const row = this.#read(item)
        if (row === null) this.#coming.delete(item.key)
        else this.#coming.set(item.key, row)
      }
      for (const key of step.removed) this.#coming.delete(key)
    }
  }
}
