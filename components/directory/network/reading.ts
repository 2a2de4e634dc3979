// SPDX-License-Identifier: Apache-2.0
// People and groups read from one place: every base, every page, each entry once.
import type { Filter } from 'ldapts'
import type { ReadEntry } from '../domain/source.ts'
import type { RawEntry } from './entry.ts'
import { everywhere, type Place } from './everywhere.ts'
import { all, readFilter } from './filter.ts'
import { groupAttributes, groupOf } from './group-entry.ts'
import type { Layout } from './layout.ts'
import { type PersonReader, personAttributes, personOf } from './person-entry.ts'
import { isPart, wholeOf, withPlainNames } from './ranges.ts'

export type Reader = PersonReader & {
  bases: { people: readonly string[]; groups: readonly string[] }
  /** An attribute that changes whenever an entry does; asked for with every entry. */
  stamp: string
  /** Other servers may be asked for branches, which may overlap with what the first has. */
  refers: boolean
}

export type Sort = 'people' | 'groups'
const SORTS: readonly Sort[] = ['people', 'groups']

/** The filter of each sort that is read. */
export type Wanted = Partial<Record<Sort, Filter>>

/** All people and groups; of them those that fit `narrow`, where there is one. */
export function wanted({ people, groups }: Layout, narrow?: Filter): Required<Wanted> {
  const within = (filter: string): Filter =>
    narrow === undefined ? readFilter(filter) : all(readFilter(filter), narrow)
  return { people: within(people.filter), groups: within(groups.filter) }
}

/** In batches. `seen` is shown every entry as it came. */
export async function* readEntries(
  place: Place,
  reader: Reader,
  filters: Wanted,
  seen: (entry: RawEntry) => void = () => {},
): AsyncGenerator<readonly ReadEntry[]> {
  for (const sort of SORTS) {
    const filter = filters[sort]
    if (filter === undefined) continue
    const given = new Set<string>()
    const overlapping = reader.bases[sort].length > 1 || reader.refers
    const attributes = [...(sort === 'people' ? personAttributes(reader) : groupAttributes(reader)), reader.stamp]
    const read = (entry: RawEntry): readonly ReadEntry[] => {
      const entries = sort === 'people' ? personOf(entry, reader) : groupOf(entry, reader)
      return !overlapping || isFirst(entries[0], given) ? entries : []
    }
    for (const base of reader.bases[sort]) {
      const long: RawEntry[] = []
      const take = (entry: RawEntry): readonly ReadEntry[] => {
        seen(entry)
        if (!isPart(entry)) return read(sort === 'groups' ? withPlainNames(entry) : entry)
        long.push(entry)
        return []
      }
      yield* everywhere(place, { base, scope: 'sub', filter, attributes }, take)
      // Behind the pages: not every server keeps its place in them while it is asked something else.
      for (const entry of long) yield read(await wholeOf(place.connection, entry, reader.stamp, place.signal))
    }
  }
}

/** Bases may overlap. */
function isFirst(entry: ReadEntry | undefined, given: Set<string>): boolean {
  if (entry === undefined || !('id' in entry)) return true
  if (given.has(entry.id)) return false
  given.add(entry.id)
  return true
}
