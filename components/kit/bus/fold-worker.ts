// SPDX-License-Identifier: Apache-2.0
// A thread beside the writer of a file journal: it folds the -wal into the database (a passive checkpoint), so that the writer
// itself hardly ever waits for that work, and it ends segments that are full.
import { DatabaseSync } from 'node:sqlite'
import { parentPort } from 'node:worker_threads'
import { isBusy, isFull } from '../store/faults.ts'
import type { FoldAsk, FoldTold } from './file-messages.ts'
import { JournalFault } from './journal.ts'
import { existing } from './segments.ts'

const port = parentPort
if (port === null) throw new JournalFault('fold-worker.ts is started by file-worker.ts')
let open: { path: string; db: DatabaseSync } | undefined

port.on('message', (ask: FoldAsk) => {
  let fault: string | undefined
  try {
    if (ask.fold === 'stop') stop()
    else {
      try {
        checkpoint(dbOf(ask.path), ask.fold === 'end' ? 'TRUNCATE' : 'PASSIVE')
      } finally {
        // Closed even if the disk is full: an open file keeps its space after it was trimmed.
        if (ask.fold === 'end') stop()
      }
    }
  } catch (error) {
    fault = error instanceof Error ? error.message : String(error)
  }
  if (ask.fold === 'stop') port.close()
  else port.postMessage({ folded: ask.fold, path: ask.path, fault } satisfies FoldTold)
})

function dbOf(path: string): DatabaseSync {
  if (open?.path === path) return open.db
  stop()
  const db = new DatabaseSync(existing(path), { timeout: 100 })
  open = { path, db }
  db.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0')
  return db
}

/** What a follower still reads, or what a full disk has no place for, stays in the -wal, which is counted, and read like the rest. */
function checkpoint(db: DatabaseSync, mode: 'PASSIVE' | 'TRUNCATE'): void {
  try {
    db.prepare(`PRAGMA wal_checkpoint(${mode})`).get()
  } catch (error) {
    if (!isBusy(error) && !isFull(error)) throw error
  }
}

function stop(): void {
  open?.db.close()
  open = undefined
}
