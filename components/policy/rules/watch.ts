// SPDX-License-Identifier: Apache-2.0
import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'

/** A file is taken as written when it has not changed for this long: half a file can be a valid one. */
const QUIET_MS = 250
/** A folder that is gone is looked for again. */
const AGAIN_MS = 2_000

export type Watching = Disposable & {
  /** Watches these files and no others. */
  follow(files: readonly string[]): void
}

/**
 * Calls `changed` when one of the files has changed, come or gone. Their folders are watched, and those that links lead to: editors,
 * and mounts that swap a link, replace a file instead of writing into it. What else happens there is no change of a file.
 * `fault`, once for each folder: it can no longer be watched; SIGHUP still works.
 */
export function watchFiles(files: readonly string[], changed: () => void, fault: (error: unknown) => void): Watching {
  let quiet: NodeJS.Timeout | undefined
  let again: NodeJS.Timeout | undefined
  const watchers = new Map<string, { watcher: FSWatcher; folder: string }>()
  const missing = new Set<string>()
  /** Without one for a file that has just come into the list: it may have changed since it was read. */
  const states = new Map<string, string>()
  let followed = files

  const look = () => {
    let other = false
    for (const file of followed) {
      const state = stateOf(file)
      if (states.get(file) !== state) other = true
      states.set(file, state)
    }
    watchFolders()
    if (!other) return
    clearTimeout(quiet)
    quiet = setTimeout(changed, QUIET_MS)
  }
  const watchFolders = () => {
    const folders = new Set(followed.flatMap((file) => [dirname(file), folderBehind(file)]))
    for (const [folder, open] of watchers) {
      // A folder that was replaced by another of its name is watched in vain.
      if (folders.has(folder) && open.folder === inodeOf(folder)) continue
      open.watcher.close()
      watchers.delete(folder)
    }
    for (const folder of folders) if (!watchers.has(folder)) open(folder)
    for (const folder of missing) if (!folders.has(folder) || watchers.has(folder)) missing.delete(folder)
    clearTimeout(again)
    if (missing.size > 0) again = setTimeout(look, AGAIN_MS).unref()
  }
  const open = (folder: string) => {
    try {
      const watcher = watch(folder, { persistent: false }, look)
      watcher.on('error', lost(folder))
      watchers.set(folder, { watcher, folder: inodeOf(folder) })
    } catch (error) {
      lost(folder)(error)
    }
  }
  const lost = (folder: string) => (error: unknown) => {
    if (!missing.has(folder)) fault(error)
    missing.add(folder)
  }

  for (const file of files) states.set(file, stateOf(file))
  watchFolders()
  return {
    follow(wanted) {
      followed = wanted
      for (const file of states.keys()) if (!wanted.includes(file)) states.delete(file)
      watchFolders()
    },
    [Symbol.dispose]() {
      followed = []
      clearTimeout(quiet)
      clearTimeout(again)
      for (const { watcher } of watchers.values()) watcher.close()
    },
  }
}

/** Another one when the file is another, or says something else, or cannot be read. */
function stateOf(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
    return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

function inodeOf(folder: string): string {
  try {
    const { dev, ino } = statSync(folder, { bigint: true })
    return `${dev} ${ino}`
  } catch {
    return 'gone'
  }
}

function folderBehind(file: string): string {
  try {
    return dirname(realpathSync(file))
  } catch {
    return dirname(file)
  }
}
