// SPDX-License-Identifier: Apache-2.0
// The directory's store: one thread that writes, one that reads.
import { openStore, type Store } from '../../kit/store/store.ts'
import type { DirectoryOperations } from './operations.ts'

export type DirectoryStore = Store<DirectoryOperations>

export const DIRECTORY_WORKER = new URL('./directory-worker.ts', import.meta.url)

/** `worker`: a test hands in its own. */
export function openDirectoryStore(path: string, worker = DIRECTORY_WORKER): Promise<DirectoryStore> {
  return openStore<DirectoryOperations>(worker, { path })
}
