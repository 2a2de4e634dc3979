// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Message } from '../text/catalogue.ts'

/** Version of the suite, from the package.json above this file (one level more once it is built). */
export function softwareVersion(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder)
    if (above === folder) throw new Error('no package.json above kit/process')
    folder = above
  }
  const about: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return String((about as { version?: unknown }).version)
}

/** What the runtime lacks, or null: Node 24.15 or newer is wanted. */
export function runtimeLack(version: string): Message | null {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  return major > 24 || (major === 24 && minor >= 15) ? null : { id: 'kit-wanted-node', args: { version } }
}
