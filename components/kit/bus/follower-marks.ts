// SPDX-License-Identifier: Apache-2.0
// How far each follower of a file journal has come: one small file each, `follower-NAME`, which only that follower writes.
import {
  closeSync,
  constants,
  fchmodSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { FollowerState } from './journal.ts'
import { FILE_MODE } from './segments.ts'

const MARK = /^follower-([a-z0-9][a-z0-9-]{0,62})$/
const RELEASE = /^release-([a-z0-9][a-z0-9-]{0,62})$/
const CONTENT = /^(\d{20})\n$/

/** True if a follower can have this name: lower-case letters, digits, hyphens; 1 to 63 of them. */
export function isFollowerName(name: string): boolean {
  return MARK.test(`follower-${name}`)
}

/** All followers. A mark that cannot be read counts as 0: nothing is trimmed until the follower has written it anew. */
export function readMarks(folder: string): FollowerState[] {
  return readdirSync(folder)
    .map((file) => MARK.exec(file)?.[1])
    .filter((name) => name !== undefined)
    .map((name) => ({ name, position: readMark(folder, name) ?? 0 }))
}

/** The position in a follower's mark; undefined if there is none or it is not whole. */
export function readMark(folder: string, name: string): number | undefined {
  return readPosition(join(folder, `follower-${name}`))
}

function contentOf(position: number): string {
  return `${String(position).padStart(20, '0')}\n`
}

function readPosition(path: string): number | undefined {
  try {
    const digits = CONTENT.exec(readFileSync(path, 'latin1'))?.[1]
    const position = Number(digits ?? Number.NaN)
    return Number.isSafeInteger(position) ? position : undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** The highest position that a follower wants to be gone soon; 0 when none does. */
export function readReleases(folder: string): number {
  const wanted = readdirSync(folder).filter((file) => RELEASE.test(file))
  return Math.max(0, ...wanted.map((file) => readPosition(join(folder, file)) ?? 0))
}

export function writeRelease(folder: string, name: string, position: number): void {
  const path = join(folder, `release-${name}`)
  writeNew(`${path}.new`, contentOf(position))
  renameSync(`${path}.new`, path)
}

/** Not synced on purpose: a mark that a power cut takes back only delays trimming. */
export function writeMark(folder: string, name: string, position: number): void {
  const path = join(folder, `follower-${name}`)
  const content = contentOf(position)
  try {
    writeNew(`${path}.new`, content)
    renameSync(`${path}.new`, path)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')))
      throw error
    rmSync(`${path}.new`, { force: true })
    // On a full disk the writer waits for exactly this mark to be able to trim: the old file's block is overwritten.
    const fd = openSync(path, constants.O_RDWR)
    try {
      writeSync(fd, content, 0)
    } finally {
      closeSync(fd)
    }
  }
}

function writeNew(path: string, content: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, FILE_MODE)
  try {
    fchmodSync(fd, FILE_MODE)
    writeSync(fd, content, 0)
  } finally {
    closeSync(fd)
  }
}
