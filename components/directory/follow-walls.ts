// SPDX-License-Identifier: Apache-2.0
// The walls that policy publishes, as they are in force.
import { openSnapshotReader } from '../kit/bus/file-snapshot-reader.ts'
import type { Item, Mark } from '../kit/bus/snapshot.ts'
import { PeopleFault, readItem, type WallItem } from '../kit/facts/people.ts'

export type Walls = AsyncDisposable & {
  /** null: nothing was published yet, or it cannot be read; what was known before is not forgotten. */
  current(): readonly WallItem[] | null
}

const AGAIN_MS = 1_000

/** `changed`: they are others now. `fault`: they cannot be read; null: they can again. */
export function followWalls(folder: string, changed: () => void, fault: (error: Error | null) => void): Walls {
  const stop = new AbortController()
  const reader = openSnapshotReader(folder)
  let known: ReadonlyMap<string, WallItem> | null = null
  let mark: Mark | null = null
  let failed = false
  const ended = run()
  return {
    current: () => (known === null ? null : [...known.values()]),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
      await reader[Symbol.asyncDispose]()
    },
  }

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await follow()
      } catch (error) {
        if (!failed) fault(error instanceof Error ? error : new Error(String(error)))
        failed = true
        await pause()
      }
    }
  }

  async function follow(): Promise<void> {
    let coming = new Map<string, WallItem>()
    for await (const step of reader.follow(mark, { signal: stop.signal })) {
      if (step.kind === 'begin') coming = step.whole || known === null ? new Map() : new Map(known)
      else if (step.kind === 'batch') {
        for (const key of step.removed) coming.delete(key)
        for (const item of step.put) takeWall(coming, item)
      } else {
        known = coming
        mark = { id: step.id, seq: step.seq }
        if (failed) fault(null)
        failed = false
        changed()
      }
    }
  }

  async function pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, AGAIN_MS)
    stop.signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    clearTimeout(timer)
  }
}

function takeWall(walls: Map<string, WallItem>, item: Item): void {
  const read = readItem(item)
  if (read.kind === 'wall') walls.set(item.key, read)
  // Half of the walls would be taken for all of them.
  else if (item.kind === 'wall') throw new PeopleFault(`${item.key}: a wall of a version that is not known here`)
}
