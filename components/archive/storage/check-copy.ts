// SPDX-License-Identifier: Apache-2.0
// Is a copied file a whole archive? Asked of a worker thread (check-copy-worker.ts).
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { workerUrl } from '../../kit/store/worker-url.ts'
import type { CheckedCopy } from './read-copy.ts'

/** Rejects when the file cannot be opened or read. */
export async function checkCopy(path: string): Promise<CheckedCopy> {
  const worker = new Worker(workerUrl(new URL('./check-copy-worker.ts', import.meta.url)), { workerData: path })
  try {
    const [checked] = await once(worker, 'message')
    return checked as CheckedCopy
  } finally {
    await worker.terminate()
  }
}
