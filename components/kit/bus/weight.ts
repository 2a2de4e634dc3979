// SPDX-License-Identifier: Apache-2.0
// What entries take on the disk, from above: the bound of a journal is in bytes of files, not of bodies.
import type { Cells } from './parcel.ts'
import { PAGE_BYTES, RESERVE_BYTES } from './segments.ts'

/** SQLite's file format, section 1.6: what of a page a cell may not take, and what stands in it beside body and kind. */
const PAGE_OVERHEAD = 35
const CELL_OVERHEAD = 32
/** What a commit writes to the -wal once more: the first page, the root, an inner page, the leaf it goes on with. */
export const COMMIT_OVERHEAD = 4 * PAGE_BYTES
/** Kept free under the bound: marks, bell, note, the reserve, and a new segment. */
export const RESERVE = 16 * PAGE_BYTES + RESERVE_BYTES

/** The bytes that each call brings to a segment with pages of this size: those of earlier versions have smaller ones. */
export function weigh(sizes: readonly number[], cells: Cells, pageBytes: number): number[] {
  let cell = 0
  return sizes.map((size) => {
    let weight = 0
    for (const end = cell + size * 3; cell < end; cell += 3) {
      weight += onDisk((cells[cell + 2] as Uint8Array).length + Buffer.byteLength(cells[cell] as string), pageBytes)
    }
    return weight
  })
}

/** The bytes of pages that an entry takes: few small ones share a page, a large one fills pages of its own. */
function onDisk(bytes: number, pageBytes: number): number {
  const cell = bytes + CELL_OVERHEAD
  return cell > pageBytes - PAGE_OVERHEAD ? cell + pageBytes : pageBytes / Math.floor(pageBytes / cell)
}
