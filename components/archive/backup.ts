// SPDX-License-Identifier: Apache-2.0
// An online copy of the store: made while messages go on, opened and checked before it is called whole.
import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { ArchiveStore } from './storage/archive-store.ts'
import { checkCopy } from './storage/check-copy.ts'

export type BackupStep =
  | { step: 'copied'; bytes: number; total: number }
  | { step: 'whole'; bytes: number; records: number; version: number }
  | { step: 'failed'; cause: string }

const LOOK_MS = 500

/** The copy belongs to this process alone (0600) from its first byte: it holds what only officers may see. */
export async function* backUp(store: ArchiveStore, target: string): AsyncGenerator<BackupStep> {
  let ended: { cause: string } | null = null
  const copying = store.backup(target).then(
    () => {
      ended = { cause: '' }
    },
    (error: unknown) => {
      ended = { cause: error instanceof Error ? error.message : String(error) }
    },
  )
  const total = await sizeOf(store.path)
  while (ended === null) {
    await Promise.race([copying, delay(LOOK_MS, undefined, { ref: false })])
    yield {
      step: 'copied',
      bytes: Math.min(total, (await sizeOf(`${target}.unfinished`)) || (await sizeOf(target))),
      total,
    }
  }
  const { cause } = ended as { cause: string }
  if (cause) {
    yield { step: 'failed', cause }
    return
  }
  const checked = await checkCopy(target)
  yield checked.wrong
    ? { step: 'failed', cause: checked.wrong }
    : { step: 'whole', bytes: await sizeOf(target), records: checked.records, version: checked.version }
}

/** 0 for a file that is not there (yet). */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
    throw error
  }
}
