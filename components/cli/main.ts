// SPDX-License-Identifier: Apache-2.0
// gatehouse: the command line; a thin client of the sockets of the running processes.
// Talks to: the sockets in the run folder of config/gatehouse.yaml.  Writes: a proof file there, for a moment, to show who asks.
// Knows:    no component by name; it asks them what they can do, and asks `main.ts --commands` of those that do not run.
// Exits:    0 done, 1 a fault, 2 wrong usage or bad settings, 3 the process does not run, 4 not allowed, 5 not found.
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { softwareVersion } from '../kit/process/version.ts'
import { gatehouse } from './gatehouse.ts'

const self = dirname(fileURLToPath(import.meta.url))

process.exitCode = await gatehouse({
  argv: process.argv.slice(2),
  components: dirname(self),
  environment: process.env,
  folder: here(),
  out: process.stdout,
  err: process.stderr,
  software: softwareVersion(),
})

/** Where the caller stands; / where that is closed to him, as after `su` from a folder of root, or is no more. */
function here(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}
