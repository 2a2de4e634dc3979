// SPDX-License-Identifier: Apache-2.0
// Runs the check of a copy in a thread of its own: reading a large file through must hold up no search.
import { parentPort, workerData } from 'node:worker_threads'
import { readCopy } from './read-copy.ts'

parentPort?.postMessage(readCopy(String(workerData)))
