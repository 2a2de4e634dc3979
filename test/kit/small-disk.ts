// SPDX-License-Identifier: Apache-2.0
// A disk of a few MiB that a test can fill: a tmpfs, which only root may mount.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type SmallDisk = { folder: string; remove(): void }

/** The reason as a text where such a disk cannot be had. */
export function smallDisk(mebibytes: number): SmallDisk | string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-small-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=755`, 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    rmSync(folder, { recursive: true })
    return `a small disk cannot be mounted: ${error instanceof Error ? error.message.trim() : String(error)}`
  }
  return {
    folder,
    remove() {
      execFileSync('umount', [folder], { stdio: 'pipe' })
      rmSync(folder, { recursive: true })
    },
  }
}
