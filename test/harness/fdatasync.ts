// SPDX-License-Identifier: Apache-2.0
// How long this disk takes for one small fdatasync: our own loop, so that a figure can be read against the machine.
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export function measureFdatasync(folder: string, rounds: number): { p50Ms: number; p99Ms: number } {
  const file = join(folder, 'fdatasync.probe')
  const page = Buffer.alloc(4096, 1)
  const times: number[] = []
  const fd = openSync(file, 'w')
  try {
    for (let i = 0; i < rounds; i++) {
      writeSync(fd, page)
      const before = performance.now()
      fdatasyncSync(fd)
      times.push(performance.now() - before)
    }
  } finally {
    closeSync(fd)
    rmSync(file)
  }
  times.sort((a, b) => a - b)
  const at = (part: number) => times[Math.floor(part * times.length)] ?? Number.NaN
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}
