// SPDX-License-Identifier: Apache-2.0
import { type FSWatcher, watch } from 'node:fs'
import { dirname } from 'node:path'

/** A file is taken as written when its folder has been quiet for this long: half a file can be a valid one. */
const QUIET_MS = 250

export type Watching = Disposable & {
  /** Watches the folders of these files and no others. */
  follow(files: readonly string[]): void
}

/**
 * Calls `changed` when something has changed in the folder of a file: editors, and mounts that swap a link, replace a file
 * instead of writing into it. `fault`: a folder can no longer be watched; SIGHUP still works.
 */
export function watchFiles(files: readonly string[], changed: () => void, fault: (error: unknown) => void): Watching {
  let timer: NodeJS.Timeout | undefined
  const watchers = new Map<string, FSWatcher>()
  const follow = (wanted: readonly string[]) => {
    const folders = new Set(wanted.map((file) => dirname(file)))
    for (const [folder, watcher] of watchers) {
      if (folders.has(folder)) continue
      watcher.close()
      watchers.delete(folder)
    }
    for (const folder of folders) if (!watchers.has(folder)) open(folder)
  }
  const open = (folder: string) => {
    try {
      const watcher = watch(folder, { persistent: false }, () => {
        clearTimeout(timer)
        timer = setTimeout(changed, QUIET_MS)
      })
      watcher.on('error', fault)
      watchers.set(folder, watcher)
    } catch (error) {
      fault(error)
    }
  }
  follow(files)
  return {
    follow,
    [Symbol.dispose]() {
      clearTimeout(timer)
      for (const watcher of watchers.values()) watcher.close()
    },
  }
}
