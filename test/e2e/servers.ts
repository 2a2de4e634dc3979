// SPDX-License-Identifier: Apache-2.0
// Which servers the end-to-end tests run on. GATEHOUSE_SERVERS names them (npm test -- --servers prosody,ejabberd); default: those installed.
import { describe } from 'node:test'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { SERVERS } from '../../deploy/demo/site.ts'

const versions = new Map<ServerKind, string | null>()
for (const kind of ['prosody', 'ejabberd'] as const) versions.set(kind, await SERVERS[kind].version())

/** Null when this server is wanted and installed; else the reason, for the skip. */
export function serverLack(kind: ServerKind = 'prosody'): string | null {
  const wanted = process.env.GATEHOUSE_SERVERS
  if (wanted !== undefined && !wanted.split(',').includes(kind)) return `only ${wanted} was asked for`
  return versions.get(kind) === null ? `${kind} is not installed` : null
}

/** A `describe` for each server: `TITLE on Prosody 0.12.3`, `TITLE on ejabberd 23.01`. `lack` says what else is missing, null when nothing is. */
export function onServers(title: string, lack: string | null, body: (server: ServerKind) => void): void {
  for (const kind of ['prosody', 'ejabberd'] as const)
    describe(`${title} on ${SERVERS[kind].title}${ofVersion(kind)}`, { skip: serverLack(kind) ?? lack ?? false }, () =>
      body(kind),
    )
}

function ofVersion(kind: ServerKind): string {
  const version = versions.get(kind) ?? null
  return version === null ? '' : ` ${version}`
}
