// SPDX-License-Identifier: Apache-2.0
// A company directory behind LDAP: what domain/source.ts asks for, fulfilled with real servers.
import { performance } from 'node:perf_hooks'
import { FilterParser, PresenceFilter } from 'ldapts'
import type { Changes, Cursor, DirectorySource, ReadEntry } from '../domain/source.ts'
import type { Bind, Connection, TlsSettings } from './connection.ts'
import { type Moment, momentOf, type Place, readCursor, stampText, stampTime, writeCursor } from './cursor.ts'
import type { RawEntry } from './entry.ts'
import type { Layout } from './layout.ts'
import { pagesOf, search } from './paging.ts'
import { identify } from './person-entry.ts'
import { both, type Reader, readEntries, type Sort } from './reading.ts'
import { openServers } from './servers.ts'
import { standingOf } from './standing.ts'
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

export type LdapClocks = {
  /** The time of day, for accounts that expire. */
  now(): number
  /** One that is never set. */
  steady(): number
}

const CLOCKS: LdapClocks = { now: Date.now, steady: () => performance.now() }

export function openLdapDirectory(settings: LdapSettings, clocks: LdapClocks = CLOCKS): DirectorySource {
  const { name, bases, layout, bounds } = settings
  const { pageSize, overlapMs, ...limits } = bounds
  const servers = openServers(settings.servers, { ...settings, ...limits })
  const stamp = layout.changed.kind === 'usn' ? 'uSNChanged' : layout.changed.attribute
  let known: { cursor: Cursor; moment: Moment } | null = null

  function readerOf(seen: (entry: RawEntry) => void): Reader {
    const { template, photoBytes } = settings
    return { name, layout, template, photoBytes, bases, pageSize, stamp, also: [stamp], seen, now: clocks.now }
  }

  /** One reading: what it gives, and at its end where it stood. */
  async function* reading(
    connection: Connection,
    before: Moment | null,
    narrow: (filter: string, sort: Sort) => string,
    signal: AbortSignal,
  ): AsyncGenerator<readonly ReadEntry[], Place> {
    const began = clocks.steady()
    const { server, counter } = await standingOf(connection, layout.changed, [...bases.people, ...bases.groups], signal)
    let greatest: number | null = null
    const reader = readerOf((entry) => {
      const time = stampTime(entry.attributes.get(stamp.toLowerCase())?.[0]?.toString('latin1') ?? '')
      if (time !== null) greatest = Math.max(greatest ?? time, time)
    })
    yield* readEntries(connection, reader, narrow, signal)
    if (layout.changed.kind === 'usn') return { kind: 'usn', server, usn: Number(counter), counter }
    const moment = momentOf(before, greatest, began, clocks.steady()) ?? { atMs: 0, ours: began }
    const place: Place = {
      kind: 'time',
      server,
      atMs: moment.atMs,
      counter: isBehind(counter, greatest) ? '' : counter,
    }
    known = { cursor: writeCursor(place), moment }
    return place
  }

  async function* readAll(signal: AbortSignal): AsyncGenerator<readonly ReadEntry[]> {
    await using connection = await servers.open(signal)
    try {
      const place = yield* reading(connection, null, (filter) => filter, signal)
      yield [{ kind: 'end', cursor: writeCursor(place) }]
    } finally {
      if (!connection.usable && !signal.aborted) servers.failed(connection)
    }
  }

  async function changes(
    cursor: Cursor,
    sweep: boolean,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<Changes> {
    const since = readCursor(cursor)
    if (since === null || (since.kind === 'usn') !== (layout.changed.kind === 'usn')) {
      return { kind: 'start-again', why: 'unknown-cursor' }
    }
    const now = await standingOf(connection, layout.changed, [...bases.people, ...bases.groups], signal)
    if (now.server !== since.server) return { kind: 'start-again', why: 'other-server' }
    const before = known?.cursor === cursor ? known.moment : momentAgain(since, clocks.steady())
    const later =
      since.kind === 'usn'
        ? `(uSNChanged>=${since.usn + 1})`
        : `(${stamp}>=${stampText(since.atMs - overlapMs, stamp)})`
    const changed: ReadEntry[] = []
    const steps = reading(connection, before, (filter) => both(filter, later), signal)
    let step = await steps.next()
    for (; step.done !== true; step = await steps.next()) changed.push(...step.value)
    const place = step.value
    return {
      kind: 'changes',
      changed,
      gone: [],
      ...(sweep && {
        ids: { people: await idsOf(connection, 'people', signal), groups: await idsOf(connection, 'groups', signal) },
      }),
      moved: place.counter === '' || place.counter !== since.counter,
      cursor: writeCursor(place),
    }
  }

  async function idsOf(connection: Connection, sort: Sort, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
    const ids = new Map<string, string>()
    const filter = FilterParser.parseString(layout[sort].filter)
    for (const base of bases[sort]) {
      const question = { base, scope: 'sub' as const, filter, attributes: [layout.id.attribute] }
      const take = (entry: RawEntry): readonly never[] => {
        const identified = identify(entry, { name, layout })
        if ('id' in identified) ids.set(identified.id, entry.dn)
        return []
      }
      // Pages without a value are not given, but every page is read.
      for await (const page of pagesOf(connection, question, pageSize, take, signal)) void page
    }
    return ids
  }

  async function photo(connection: Connection, dn: string, signal: AbortSignal): Promise<Uint8Array | null> {
    const { photo: names } = layout.people.attributes
    const filter = new PresenceFilter({ attribute: 'objectClass' })
    const question = { base: dn, scope: 'base' as const, filter, attributes: names }
    const { values } = await search(
      connection,
      question,
      (entry) => picturesOf(entry, names, settings.photoBytes),
      signal,
    )
    return values[0] ?? null
  }

  return {
    name,
    readAll,
    changes: (cursor, { sweep }, signal) =>
      servers.use((connection) => changes(cursor, sweep, connection, signal), signal),
    photo: (dn, signal) => servers.use((connection) => photo(connection, dn, signal), signal),
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  }
}

/** After a restart: the directory's clock cannot have gone back. */
function momentAgain(since: Place, ours: number): Moment | null {
  return since.kind === 'time' ? { atMs: since.atMs, ours } : null
}

/** A counter that entries have overtaken is not kept up by its server (syncprov was taken away, or never there). */
function isBehind(counter: string, greatest: number | null): boolean {
  const times = counter.split(' ').map((csn) => stampTime(csn) ?? 0)
  return greatest !== null && Math.max(...times) + 1_000 <= greatest
}

function picturesOf({ attributes }: RawEntry, names: readonly string[], most: number): readonly Uint8Array[] {
  return names
    .flatMap((name) => attributes.get(name.toLowerCase()) ?? [])
    .filter((octets) => octets.length <= most && isPicture(octets))
    .map((octets) => new Uint8Array(octets))
}
