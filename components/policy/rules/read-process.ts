// SPDX-License-Identifier: Apache-2.0
// Reads a rule file in a process of its own, which says what it found and ends. Started by readAside().
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type ReadData, readRuleData } from './rule-file.ts'

/** What a rule file was when it was read; `cause`: it could not be. */
export type ReadAside = ReadData | { cause: string }

// Whoever asked is gone: there is nobody to tell.
process.once('disconnect', () => process.exit(0))
process.send?.(read(process.argv[2] ?? ''), () => process.disconnect())

function read(file: string): ReadAside {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (error) {
    return { cause: error instanceof Error ? error.message : String(error) }
  }
  return readRuleData(bytes, dirname(file))
}
