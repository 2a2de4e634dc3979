// SPDX-License-Identifier: Apache-2.0
// The three ways to know what changed: by the time in entries, by AD's update numbers, by AD's DirSync.
import type { Changes, Cursor, ReadEntry } from '../domain/source.ts'
import { type Moment, momentOf, readCursor, type Stand, stampText, stampTime, writeCursor } from './cursor.ts'
import { dirSync } from './dirsync.ts'
import type { RawEntry } from './entry.ts'
import type { Place } from './everywhere.ts'
import { anyEqual, atLeast } from './filter.ts'
import { groupsNaming, idsOf } from './ids.ts'
import { type Reader, readEntries, type Sort, wanted } from './reading.ts'
import { type Standing, standingOf } from './standing.ts'
import { guidText } from './values.ts'

export type Clocks = {
  /** The time of day, for accounts that expire. */
  now(): number
  /** One that is never set. */
  steady(): number
}

export type ChangesOf = {
  /** Everything, ended by where it stood. */
  whole(place: Place): AsyncGenerator<readonly ReadEntry[]>
  since(place: Place, cursor: Cursor, sweep: boolean): Promise<Changes>
}

/** More entries than these are read as a whole, not one by one. */
const BY_ID_MOST = 5_000
const IDS_AT_ONCE = 100

type Found = { changed: ReadEntry[]; gone: string[]; moved: boolean; stand: Stand }

export function openChanges(reader: Reader, overlapMs: number, clocks: Clocks): ChangesOf {
  const { layout, bases, name, stamp } = reader
  let known: { cursor: Cursor; moment: Moment } | null = null

  const standing = ({ connection, signal }: Place): Promise<Standing> =>
    standingOf(connection, layout.changed, [...bases.people, ...bases.groups], signal)

  async function* whole(place: Place): AsyncGenerator<readonly ReadEntry[]> {
    const watched = watch(null)
    const now = await standing(place)
    const synced =
      layout.changed.kind === 'dirsync' ? await dirSync(place.connection, now.context, null, place.signal) : null
    const several = bases.people.length > 1 || bases.groups.length > 1
    const given = new Set<string>()
    for await (const batch of readEntries(place, reader, wanted(layout), watched.seen)) {
      if (several) for (const one of batch) if ('id' in one) given.add(one.id)
      yield batch
    }
    // Who moved from a branch that was not read yet into one that was has been seen in neither.
    if (several) yield* notSeen(place, given)
    const stand: Stand =
      synced === null
        ? watched.stand(now)
        : { kind: 'dirsync', server: now.server, counter: now.counter, cookie: synced.cookie.toString('base64') }
    yield [{ kind: 'end', cursor: writeCursor(stand) }]
  }

  async function since(place: Place, cursor: Cursor, sweep: boolean): Promise<Changes> {
    const before = readCursor(cursor)
    if (before === null || before.kind !== layout.changed.kind) return { kind: 'start-again', why: 'unknown-cursor' }
    const asked = clocks.steady()
    const now = await standing(place)
    if (now.server !== before.server) return { kind: 'start-again', why: 'other-server' }
    const found =
      before.kind === 'dirsync' ? await byDirSync(place, before, now) : await byStamp(place, before, now, cursor, asked)
    if (found === null) return { kind: 'start-again', why: 'too-much' }
    const { changed, gone, moved, stand } = found
    changed.push(...(await groupsNaming(place, reader, changed)))
    const ids = sweep
      ? { ids: { people: await idsOf(place, reader, 'people'), groups: await idsOf(place, reader, 'groups') } }
      : {}
    return { kind: 'changes', changed, gone, ...ids, moved, cursor: writeCursor(stand) }
  }

  /** Keeps the greatest stamp of what is read, and says where the reading stood. */
  function watch(before: Moment | null): { seen(entry: RawEntry): void; stand(now: Standing): Stand } {
    const began = clocks.steady()
    // Stamps of one attribute are of one length up to their Z: the greatest text is the latest.
    let latest = ''
    const attribute = stamp.toLowerCase()
    return {
      seen({ attributes }) {
        const text = attributes.get(attribute)?.[0]?.latin1 ?? ''
        if (text > latest) latest = text
      },
      stand({ server, counter }) {
        if (layout.changed.kind === 'usn') return { kind: 'usn', server, usn: Number(counter), counter }
        const greatest = stampTime(latest)
        const moment = momentOf(before, greatest, began, clocks.steady(), overlapMs) ?? {
          atMs: 0,
          ours: began,
          greatest,
        }
        const stand: Stand = {
          kind: 'time',
          server,
          atMs: moment.atMs,
          counter: isBehind(counter, greatest) ? '' : counter,
        }
        known = { cursor: writeCursor(stand), moment }
        return stand
      },
    }
  }

  /** Null where no time is asked for. After a restart: the directory's clock cannot have gone back. */
  function momentAt(before: Stand, cursor: Cursor): Moment | null {
    if (before.kind !== 'time') return null
    return known?.cursor === cursor ? known.moment : { atMs: before.atMs, ours: clocks.steady(), greatest: null }
  }

  async function byStamp(
    place: Place,
    before: Exclude<Stand, { kind: 'dirsync' }>,
    now: Standing,
    cursor: Cursor,
    asked: number,
  ): Promise<Found> {
    const moved = now.counter === '' || now.counter !== before.counter
    const moment = momentAt(before, cursor)
    if (!moved) {
      // All there was then has been read, so whatever comes bears a stamp from now on.
      const later = momentOf(moment, null, asked, asked, overlapMs)
      if (later !== null) known = { cursor, moment: later }
      return { changed: [], gone: [], moved, stand: before }
    }
    const watched = watch(moment)
    const narrow =
      before.kind === 'usn' ? `${before.usn + 1}` : stampText((moment?.atMs ?? before.atMs) - overlapMs, stamp)
    const changed: ReadEntry[] = []
    for await (const batch of readEntries(place, reader, wanted(layout, atLeast(stamp, narrow)), watched.seen))
      changed.push(...batch)
    const stand = watched.stand(now)
    return { changed, gone: [], moved: moved || stand.counter === '', stand }
  }

  /** Null where so much changed that a full reading is less work. */
  async function byDirSync(
    place: Place,
    before: Extract<Stand, { kind: 'dirsync' }>,
    now: Standing,
  ): Promise<Found | null> {
    const { connection, signal } = place
    const cookie = Buffer.from(before.cookie, 'base64')
    const { changed: ids, deleted, named, cookie: next } = await dirSync(connection, now.context, cookie, signal)
    if (ids.length > BY_ID_MOST) return null
    const idText = (octets: Buffer): string => `${name}:${guidText(octets)}`
    const changed: ReadEntry[] = []
    for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
      const some = anyEqual([layout.id.attribute], ids.slice(from, from + IDS_AT_ONCE))
      for await (const batch of readEntries(place, reader, wanted(layout, some))) changed.push(...batch)
    }
    const problems = changed.flatMap((one) => (one.kind === 'problem' ? [one.problem] : []))
    const found = new Set([...changed.flatMap((one) => ('id' in one ? [one.id] : [])), ...problems.map(({ id }) => id)])
    const isNotOurs = (id: string): boolean => !found.has(id)
    // An entry that could not be read may be any of them: only a sweep can tell then.
    const unread = problems.some(({ id }) => id === undefined)
    // What changed and fits no filter or base any more is gone for us; ids of others say nothing to anybody.
    const gone = (unread ? deleted : [...deleted, ...ids]).map(idText).filter(isNotOurs)
    // A branch may have another name now, and all in it with it.
    const moved = unread || named.map(idText).some(isNotOurs)
    const stand: Stand = { kind: 'dirsync', server: now.server, counter: now.counter, cookie: next.toString('base64') }
    return { changed, gone, moved, stand }
  }

  /** Those that exist and are not among `ids`. */
  async function* notSeen(place: Place, ids: ReadonlySet<string>): AsyncGenerator<readonly ReadEntry[]> {
    for (const sort of ['people', 'groups'] as const) {
      const there = await idsOf(place, reader, sort)
      const missing = [...there.keys()].filter((id) => !ids.has(id))
      if (missing.length > 0) yield* readMissing(place, sort, new Set(missing))
    }
  }

  /** Few at most: they moved within the seconds of one reading. */
  async function* readMissing(
    place: Place,
    sort: Sort,
    missing: ReadonlySet<string>,
  ): AsyncGenerator<readonly ReadEntry[]> {
    for await (const batch of readEntries(place, reader, { [sort]: wanted(layout)[sort] })) {
      const late = batch.filter((one) => 'id' in one && missing.has(one.id))
      if (late.length > 0) yield late
    }
  }

  return { whole, since }
}

/** A counter that entries have overtaken is not kept up by its server (syncprov was taken away, or never there). */
function isBehind(counter: string, greatest: number | null): boolean {
  const times = counter.split(' ').map((csn) => stampTime(csn) ?? 0)
  return greatest !== null && Math.max(...times) + 1_000 <= greatest
}
