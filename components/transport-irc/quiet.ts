// SPDX-License-Identifier: Apache-2.0
// Memory goes back to the system when there is nothing to do: V8 keeps what a rush of work took: a sixth to a fifth of
// all that the process has, after 500 people came.
import { getHeapStatistics } from 'node:v8'

export type QuietWorld = {
  /** Takes back all that nobody holds, and gives it to the system; stops everything meanwhile. */
  collect(): void
  heap(): { total: number; used: number }
  /** Microseconds of CPU since the start, of all threads. */
  cpuUs(): number
}

const EVERY_MS = 1_000
/** Less than this share of a core in two looks one after the other: quiet. */
const QUIET = 0.05
const MB = 1024 * 1024
/** It is worth it when the heap has grown by so much since the last time. */
const WORTH = 8 * MB
/** More in use would stop everything for too long. */
const MOST = 128 * MB

/** Looks every second. Null: node was started without --expose-gc. */
export function openQuiet(world: QuietWorld | null = realWorld()): Disposable {
  if (world === null) return { [Symbol.dispose]() {} }
  let kept = 0
  let cpu = world.cpuUs()
  let quiet = 0
  const timer = setInterval(() => {
    const now = world.cpuUs()
    quiet = now - cpu < QUIET * EVERY_MS * 1_000 ? quiet + 1 : 0
    cpu = now
    if (quiet < 2) return
    const { total, used } = world.heap()
    if (total < kept + WORTH || used > MOST) return
    world.collect()
    kept = world.heap().total
    cpu = world.cpuUs()
  }, EVERY_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

function realWorld(): QuietWorld | null {
  const { gc } = globalThis
  if (gc === undefined) return null
  return {
    collect: () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
    heap() {
      const { total_heap_size: total, used_heap_size: used } = getHeapStatistics()
      return { total, used }
    },
    cpuUs() {
      const { user, system } = process.cpuUsage()
      return user + system
    },
  }
}
