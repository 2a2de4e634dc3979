// SPDX-License-Identifier: Apache-2.0
// A file or a folder to the disk: a new name in a folder lasts only once the folder itself is there.
import { closeSync, constants, fsyncSync, openSync } from 'node:fs'

/** fsync(2). Throws what the file system says. */
export function syncPath(path: string): void {
  const fd = openSync(path, constants.O_RDONLY)
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
