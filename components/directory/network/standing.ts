// SPDX-License-Identifier: Apache-2.0
// Which server this is and how far its writes have come, in its own words.
import { PresenceFilter } from 'ldapts'
import { isWithin, normalDn } from '../domain/dn.ts'
import { SourceFault } from '../domain/source.ts'
import type { Connection } from './connection.ts'
import type { RawEntry } from './entry.ts'
import type { ChangedBy } from './layout.ts'
import { search } from './paging.ts'
import { idOf } from './values.ts'

/**
 * `counter`: equal at two moments only if nothing at all was written between them; '' where the server has none. `context`: the top of an
 * Active Directory, '' elsewhere.
 */
export type Standing = { server: string; counter: string; context: string }

export async function standingOf(
  connection: Connection,
  changed: ChangedBy,
  bases: readonly string[],
  signal: AbortSignal,
): Promise<Standing> {
  const root = await oneEntry(
    connection,
    '',
    ['dsServiceName', 'highestCommittedUSN', 'namingContexts', 'defaultNamingContext', 'supportedControl'],
    signal,
  )
  if (changed.kind === 'time')
    return { server: connection.url, counter: await contextCsns(connection, root, bases, signal), context: '' }
  const counter = firstOf(root, 'highestCommittedUSN')
  const service = firstOf(root, 'dsServiceName')
  if (!/^\d+$/.test(counter) || service === '')
    throw new SourceFault(
      'bad-answer',
      `${connection.url} names no highestCommittedUSN and dsServiceName: no Active Directory`,
    )
  // A restored server numbers anew under a new invocationId.
  const settings = await oneEntry(connection, service, ['invocationId'], signal)
  const server = idOf(settings, 'invocationId', 'guid')
  if (server === null) throw new SourceFault('bad-answer', `${connection.url}: ${service} has no invocationId`)
  return { server, counter, context: firstOf(root, 'defaultNamingContext') }
}

/** The Sync Request control of RFC 4533, which OpenLDAP has where its overlay syncprov is. */
const SYNC_REQUEST = '1.3.6.1.4.1.4203.1.9.1.1'

/** Kept at the top of each naming context by syncprov; without that overlay the attribute may be there, and stand still. */
async function contextCsns(
  connection: Connection,
  root: RawEntry,
  bases: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  if (!valuesOf(root, 'supportedControl').includes(SYNC_REQUEST)) return ''
  const contexts = valuesOf(root, 'namingContexts').filter((context) => {
    const top = normalDn(context)
    return top !== null && bases.some((base) => isWithin(normalDn(base) ?? base, top))
  })
  const csns: string[] = []
  for (const context of contexts) {
    const found = await oneEntry(connection, context, ['contextCSN'], signal).then(
      (entry) => valuesOf(entry, 'contextCSN'),
      (error: unknown) => {
        // Who may not see the top of the tree goes without.
        if (connection.usable && error instanceof SourceFault) return []
        throw error
      },
    )
    if (found.length === 0) return ''
    csns.push(...found)
  }
  return contexts.length === 0 ? '' : csns.sort().join(' ')
}

async function oneEntry(
  connection: Connection,
  base: string,
  attributes: readonly string[],
  signal: AbortSignal,
): Promise<RawEntry> {
  const filter = new PresenceFilter({ attribute: 'objectClass' })
  const { values } = await search(connection, { base, scope: 'base', filter, attributes }, (entry) => [entry], signal)
  const [entry] = values
  if (entry === undefined) throw new SourceFault('bad-answer', `${connection.url} shows nothing at "${base}"`)
  return entry
}

function valuesOf({ attributes }: RawEntry, name: string): string[] {
  return (attributes.get(name.toLowerCase()) ?? []).map(({ text }) => text)
}

function firstOf(entry: RawEntry, name: string): string {
  return valuesOf(entry, name)[0] ?? ''
}
