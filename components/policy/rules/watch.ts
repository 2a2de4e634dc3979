// SPDX-License-Identifier: Apache-2.0
import { watch } from 'node:fs'
import { dirname } from 'node:path'

/** A file is taken as written when its folder has been quiet for this long: half a file can be a valid one. */
const QUIET_MS = 250

/**
 * Calls `changed` when something has changed in the folder of the file: editors, and mounts that swap a link, replace a file
 * instead of writing into it. `fault`: the folder can no longer be watched; SIGHUP still works.
 */
export function watchFile(file: string, changed: () => void, fault: (error: unknown) => void): Disposable {
  let timer: NodeJS.Timeout | undefined
  const watcher = watch(dirname(file), { persistent: false }, () => {
    clearTimeout(timer)
    timer = setTimeout(changed, QUIET_MS)
  })
  watcher.on('error', fault)
  return {
    [Symbol.dispose]() {
      clearTimeout(timer)
      watcher.close()
    },
  }
}
