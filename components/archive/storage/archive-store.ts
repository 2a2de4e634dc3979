// SPDX-License-Identifier: Apache-2.0
// The archive's store: the book and the files of months, one thread that writes, others that search.
import { openStore, type Store } from '../../kit/store/store.ts'
import type { ArchiveOperations } from './operations.ts'

export type ArchiveStore = Store<ArchiveOperations>

export const ARCHIVE_WORKER = new URL('./archive-worker.ts', import.meta.url)

/** `path`: the book. `readers`: how many searches run side by side. `worker`: a test hands in its own. */
export function openArchiveStore(path: string, readers: number, worker = ARCHIVE_WORKER): Promise<ArchiveStore> {
  return openStore<ArchiveOperations>(worker, { path, readers, secureDelete: true })
}
