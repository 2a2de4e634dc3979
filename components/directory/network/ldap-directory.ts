// SPDX-License-Identifier: Apache-2.0
// A company directory behind LDAP: what domain/source.ts asks for, fulfilled with real servers.
import { performance } from 'node:perf_hooks'
import { PresenceFilter } from 'ldapts'
import type { DirectorySource, ReadEntry } from '../domain/source.ts'
import { type Clocks, openChanges } from './changes.ts'
import type { Bind, Connection, TlsSettings } from './connection.ts'
import { connect } from './connection.ts'
import type { RawEntry } from './entry.ts'
import type { Place } from './everywhere.ts'
import type { Layout } from './layout.ts'
import { search } from './paging.ts'
import type { Reader } from './reading.ts'
import { openServers } from './servers.ts'
import { isPicture } from './values.ts'

export type LdapSettings = {
  /** First half of every id; see domain/person.ts. */
  name: string
  /** URLs, the preferred first. */
  servers: readonly string[]
  bind: Bind
  tls: TlsSettings
  allowPlain: boolean
  bases: { people: readonly string[]; groups: readonly string[] }
  layout: Layout
  /**
   * Hosts to which the servers may refer us for a branch; their credentials are ours, so each is named. None: what they point to is not
   * read. Only where changes are found by time: the numbers of one server say nothing of another.
   */
  referrals: readonly string[]
  /** Attributes that the JID template names. */
  template: readonly string[]
  /** Larger photos are none; 0: none are read. */
  photoBytes: number
  bounds: LdapBounds
}

export type LdapBounds = {
  pageSize: number
  connectWithinMs: number
  answerWithinMs: number
  entryBytes: number
  /** By how much a search for changes goes back behind what was read: for clocks of several masters, and writes that were on their way. */
  overlapMs: number
}

export const LDAP_BOUNDS: LdapBounds = {
  pageSize: 500,
  connectWithinMs: 5_000,
  answerWithinMs: 30_000,
  entryBytes: 16 * 1024 * 1024,
  overlapMs: 2_000,
}

const CLOCKS: Clocks = { now: Date.now, steady: () => performance.now() }

export function openLdapDirectory(settings: LdapSettings, clocks: Clocks = CLOCKS): DirectorySource {
  const { name, bases, layout, template, photoBytes } = settings
  const { pageSize, overlapMs, ...limits } = settings.bounds
  const allowed = new Set(settings.referrals.map((host) => host.toLowerCase()))
  if (allowed.size > 0 && layout.changed.kind !== 'time')
    throw new Error('referrals can be followed only where changes are found by time')
  const connecting = { ...settings, ...limits }
  const servers = openServers(settings.servers, connecting)
  const stamp = layout.changed.kind === 'time' ? layout.changed.attribute : 'uSNChanged'
  const reader: Reader = { name, layout, template, photoBytes, bases, stamp, refers: allowed.size > 0, now: clocks.now }
  const changes = openChanges(reader, overlapMs, clocks)

  function placeOf(connection: Connection, signal: AbortSignal): Place {
    return {
      connection,
      pageSize,
      signal,
      follow: ({ protocol, host, hostname }) =>
        allowed.has(hostname) ? connect({ ...connecting, url: `${protocol}//${host}` }, signal) : null,
    }
  }

  async function* readAll(signal: AbortSignal): AsyncGenerator<readonly ReadEntry[]> {
    await using connection = await servers.open(signal)
    try {
      yield* changes.whole(placeOf(connection, signal))
    } catch (error) {
      if (!connection.usable && !signal.aborted) servers.failed(connection)
      throw error
    }
  }

  async function photo(connection: Connection, dn: string, signal: AbortSignal): Promise<Uint8Array | null> {
    const { photo: attributes } = layout.people.attributes
    const filter = new PresenceFilter({ attribute: 'objectClass' })
    const take = (entry: RawEntry): readonly Uint8Array[] => picturesOf(entry, attributes, photoBytes)
    const { values } = await search(connection, { base: dn, scope: 'base', filter, attributes }, take, signal)
    return values[0] ?? null
  }

  return {
    name,
    readAll,
    changes: (cursor, { sweep }, signal) =>
      servers.use((connection) => changes.since(placeOf(connection, signal), cursor, sweep), signal),
    photo: (dn, signal) => servers.use((connection) => photo(connection, dn, signal), signal),
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  }
}

function picturesOf({ attributes }: RawEntry, names: readonly string[], most: number): readonly Uint8Array[] {
  return names
    .flatMap((name) => attributes.get(name.toLowerCase()) ?? [])
    .filter((octets) => octets.length <= most && isPicture(octets.bytes))
    .map(({ bytes }) => new Uint8Array(bytes))
}
