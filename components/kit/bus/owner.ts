// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, readdirSync, statSync } from 'node:fs'
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
