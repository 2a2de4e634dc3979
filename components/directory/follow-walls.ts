// SPDX-License-Identifier: Apache-2.0
// The walls that policy publishes, as they are in force.
import { followSnapshot, SnapshotTable } from '../kit/bus/follow-snapshot.ts'
import type { Item } from '../kit/bus/snapshot.ts'
import { PeopleFault, readItem, type WallItem } from '../kit/facts/people.ts'

export type Walls = AsyncDisposable & {
  /** null: nothing was published yet, or it cannot be read; what was known before is not forgotten. */
  current(): readonly WallItem[] | null
}

/** `changed`: they are others now. `fault`: they cannot be read; null: they can again. */
export function followWalls(folder: string, changed: () => void, fault: (error: Error | null) => void): Walls {
  const table = new SnapshotTable(readWall)
  let isKnown = false
  const followed = followSnapshot(folder, {
    take: (step) => table.take(step),
    changed() {
      isKnown = true
      changed()
    },
    fault,
  })
  return {
    current: () => (isKnown ? [...table.rows.values()] : null),
    [Symbol.asyncDispose]: () => followed[Symbol.asyncDispose](),
  }
}

function readWall(item: Item): WallItem | null {
  const read = readItem(item)
  if (read.kind === 'wall') return read
  // Half of the walls would be taken for all of them.
  if (item.kind === 'wall') throw new PeopleFault(`${item.key}: a wall of a version that is not known here`)
  return null
}
