// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'

/**
 * Why a folder cannot be opened for writing, in words with a remedy where somebody else owns it or one of its files: as when
 * a process was tried as root first. Else the words of the fault itself.
 */
export function whyNotOpened(folder: string, fault: unknown): string {
  const words = fault instanceof Error ? fault.message : String(fault)
  const uid = process.geteuid?.()
  const foreign = uid === undefined || uid === 0 ? null : firstForeign(folder, uid)
  if (foreign === null) return words
  const owner = foreign.uid === 0 ? 'root' : `user ${foreign.uid}`
  const me = nameOf(uid)
  return `${foreign.path} belongs to ${owner}, and this process runs as ${me}: run it as ${owner}, or chown -R ${me} ${folder} (${words})`
}

/** The process that holds a lock for writing on a file, as far as the system shows it to us; else null. */
export function writerOf(path: string): number | null {
  try {
    const { ino } = statSync(path)
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      const [, pid, inode] = /^\d+: POSIX +\S+ +WRITE +(\d+) +[0-9a-f]+:[0-9a-f]+:(\d+) /.exec(line) ?? []
      if (Number(inode) === ino && Number(pid) > 0 && hasOpen(Number(pid), path)) return Number(pid)
    }
  } catch {
    // Hidden from us, as in a sandbox: then it is not named.
  }
  return null
}

/** Inodes are numbered anew on each file system. */
function hasOpen(pid: number, path: string): boolean {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).some((name) => {
    try {
      return readlinkSync(join(folder, name)) === path
    } catch {
      // Closed meanwhile.
      return false
    }
  })
}

function firstForeign(folder: string, uid: number): { path: string; uid: number } | null {
  const places = [folder]
  try {
    places.push(...readdirSync(folder).map((name) => join(folder, name)))
  } catch {
    // Not even readable: then its own owner says it all.
  }
  for (const path of places) {
    // What a follower has made belongs to him and is open to the group.
    if (isOpen(path)) continue
    const owner = statSync(path, { throwIfNoEntry: false })?.uid
    if (owner !== undefined && owner !== uid) return { path, uid: owner }
  }
  return null
}

function isOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

function nameOf(uid: number | undefined): string {
  try {
    return userInfo().username
  } catch {
    // A uid without an entry has no name.
    return String(uid)
  }
}
