// SPDX-License-Identifier: Apache-2.0
// What entries take on the disk, from above: the bound of a journal is in bytes of files, not of bodies.
import type { Cells } from './parcel.ts'
import { RESERVE_BYTES } from './segments.ts'

const PAGE = 4096
/** SQLite's file format, section 1.6: what a cell may hold of a page, and what stands in it beside body and kind. */
const MAX_IN_PAGE = PAGE - 35
const CELL_OVERHEAD = 32
/** What a commit writes to the -wal once more: the first page, the root, an inner page, the leaf it goes on with. */
export const COMMIT_OVERHEAD = 4 * PAGE
/** Kept free under the bound: marks, bell, note, the reserve, and a new segment. */
export const RESERVE = 32 * PAGE + RESERVE_BYTES

/** The bytes that each call brings. */
export function weigh(sizes: readonly number[], cells: Cells): number[] {
  let cell = 0
  return sizes.map((size) => {
    let weight = 0
    for (const end = cell + size * 3; cell < end; cell += 3) {
      weight += onDisk((cells[cell + 2] as Uint8Array).length + Buffer.byteLength(cells[cell] as string))
    }
    return weight
  })
}

/** The bytes of pages that an entry takes: few small ones share a page, a large one fills pages of its own. */
function onDisk(bytes: number): number {
  const cell = bytes + CELL_OVERHEAD
  return cell > MAX_IN_PAGE ? cell + PAGE : PAGE / Math.floor(PAGE / cell)
}
