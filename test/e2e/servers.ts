// SPDX-License-Identifier: Apache-2.0
// Which servers the end-to-end tests run on. GATEHOUSE_SERVERS names them; default: those installed.
import { spawnSync } from 'node:child_process'

/** Null when Prosody is wanted and installed; else the reason, for the skip. */
export function serverLack(): string | null {
  const wanted = process.env.GATEHOUSE_SERVERS
  if (wanted !== undefined && !wanted.split(',').includes('prosody')) return `only ${wanted} was asked for`
  return spawnSync('sh', ['-c', 'command -v prosody']).status === 0 ? null : 'prosody is not installed'
}
