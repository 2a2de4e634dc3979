// SPDX-License-Identifier: Apache-2.0
// An online copy of the book and of all files of months: made while messages go on, opened and checked before it is called whole.
import { mkdirSync } from 'node:fs'
import { rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ArchiveStore } from './storage/archive-store.ts'
import { checkCopy } from './storage/check-copy.ts'
import { monthPath } from './storage/month-path.ts'

export type BackupStep =
  | { step: 'copied'; bytes: number; total: number }
  | { step: 'whole'; bytes: number; records: number; files: number; version: number }
  | { step: 'failed'; cause: string }

const LOOK_MS = 500
const BOOK = 'archive.db'

/**
 * `target`: a folder that must not exist; it belongs to this process alone from its first byte, because it holds what only officers may
 * see, and appears when it is whole. The book is copied first: what a file of a month has beyond it is no harm, since a program that
 * is started on the copy leaves alone what it finds there; the other way round records would be missing.
 */
export async function* backUp(store: ArchiveStore, target: string): AsyncGenerator<BackupStep> {
  const unfinished = `${target}.unfinished`
  try {
    if (await isThere(target)) throw new Error(`${target} exists already`)
    await rm(unfinished, { recursive: true, force: true })
    mkdirSync(unfinished, { mode: 0o700 })
    const files = [{ from: store.path, to: join(unfinished, BOOK) }]
    let bytes = 0
    let records = 0
    for (let at = 0; at < files.length; at++) {
      const { from, to } = files[at] as { from: string; to: string }
      mkdirSync(dirname(to), { recursive: true, mode: 0o700 })
      const total = await sizeOfAll(files.slice(at).map((file) => file.from))
      for await (const copied of copyFile(store, from, to))
        yield { step: 'copied', bytes: bytes + copied, total: bytes + total }
      bytes += await sizeOf(to)
      const checked = await checkCopy(to)
      if (checked.wrong) throw new Error(`${to}: ${checked.wrong}`)
      records += checked.records
      // Those that the copied book knows of.
      for (const name of checked.months)
        files.push({ from: monthPath(store.path, name), to: monthPath(join(unfinished, BOOK), name) })
    }
    await rename(unfinished, target)
    yield { step: 'whole', bytes, records, files: files.length, version: store.version }
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true }).catch(() => {})
    yield { step: 'failed', cause: error instanceof Error ? error.message : String(error) }
  }
}

/** Gives from time to time how many bytes are copied. */
async function* copyFile(store: ArchiveStore, from: string, to: string): AsyncGenerator<number> {
  let ended = false
  const copying = store.backup(to, from).finally(() => {
    ended = true
  })
  copying.catch(() => {})
  while (!ended) {
    await Promise.race([copying.catch(() => {}), delay(LOOK_MS, undefined, { ref: false })])
    yield (await sizeOf(`${to}.unfinished`)) || (await sizeOf(to))
  }
  await copying
}

async function sizeOfAll(paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(paths.map(sizeOf))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(notThere)) !== null
}

/** 0 for a file that is not there (yet). */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(notThere))?.size ?? 0
}

function notThere(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}
