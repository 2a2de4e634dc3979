// SPDX-License-Identifier: Apache-2.0
// Reads a rule file beside the thread that answers: a large one takes seconds. Started by readAside().
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { type ReadData, readRuleData } from './rule-file.ts'

/** What a rule file was when it was read; `cause`: it could not be. */
export type ReadAside = ReadData | { cause: string }

parentPort?.postMessage(read(String(workerData)))

function read(file: string): ReadAside {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    return { cause: error instanceof Error ? error.message : String(error) }
  }
  return readRuleData(bytes, dirname(file))
}
