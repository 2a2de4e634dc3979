// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { workerUrl } from '../../kit/store/worker-url.ts'
import type { ReadAside } from './read-worker.ts'

/** Reads a rule file in a thread of its own, which ends with it. What is wrong with the file is in the value. */
export async function readAside(file: string): Promise<ReadAside> {
  const worker = new Worker(workerUrl(new URL('./read-worker.ts', import.meta.url)), {
    workerData: file,
    name: 'policy rules',
  })
  try {
    const [read]: [ReadAside] = (await once(worker, 'message')) as [ReadAside]
    return read
  } finally {
    await worker.terminate()
  }
}
