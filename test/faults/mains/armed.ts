// SPDX-License-Identifier: Apache-2.0
// A crash point that a test arms from outside: a file with the point's name.
import { existsSync, readFileSync, rmSync } from 'node:fs'

/** Ends this process by SIGKILL when the file that GATEHOUSE_CRASH names holds the name of this point; the file is removed first. */
export function crashIfArmed(point: string): void {
  const file = process.env.GATEHOUSE_CRASH
  if (file === undefined || !existsSync(file) || readFileSync(file, 'utf8').trim() !== point) return
  rmSync(file)
  process.kill(process.pid, 'SIGKILL')
}
