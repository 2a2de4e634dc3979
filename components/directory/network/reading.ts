// SPDX-License-Identifier: Apache-2.0
// People and groups read from one connection: every base, every page, each entry once.
import { FilterParser } from 'ldapts'
import type { ReadEntry } from '../domain/source.ts'
import type { Connection } from './connection.ts'
import type { RawEntry } from './entry.ts'
import { groupAttributes, groupOf } from './group-entry.ts'
import { pagesOf } from './paging.ts'
import { type PersonReader, personAttributes, personOf } from './person-entry.ts'
import { isPart, wholeOf, withPlainNames } from './ranges.ts'

export type Reader = PersonReader & {
  bases: { people: readonly string[]; groups: readonly string[] }
  pageSize: number
  /** Asked for with every entry, besides what the entry is made of. */
  also: readonly string[]
  /** An attribute that changes whenever an entry does. */
  stamp: string
  /** Sees every entry as it came. */
  seen(entry: RawEntry): void
}

export type Sort = 'people' | 'groups'
const SORTS: readonly Sort[] = ['people', 'groups']

/** All that `narrow` leaves of the two filters, in batches. */
export async function* readEntries(
  connection: Connection,
  reader: Reader,
  narrow: (filter: string, sort: Sort) => string,
  signal: AbortSignal,
): AsyncGenerator<readonly ReadEntry[]> {
  for (const sort of SORTS) {
    const given = new Set<string>()
    const filter = FilterParser.parseString(narrow(reader.layout[sort].filter, sort))
    const attributes = [...(sort === 'people' ? personAttributes(reader) : groupAttributes(reader)), ...reader.also]
    const read = (entry: RawEntry): readonly ReadEntry[] => {
      const entries = sort === 'people' ? personOf(entry, reader) : groupOf(entry, reader)
      return isFirst(entries[0], given) ? entries : []
    }
    for (const base of reader.bases[sort]) {
      const long: RawEntry[] = []
      const take = (entry: RawEntry): readonly ReadEntry[] => {
        reader.seen(entry)
        if (!isPart(entry)) return read(sort === 'groups' ? withPlainNames(entry) : entry)
        long.push(entry)
        return []
      }
      const question = { base, scope: 'sub' as const, filter, attributes }
      for await (const { values } of pagesOf(connection, question, reader.pageSize, take, signal)) {
        if (values.length > 0) yield values
      }
      // Behind the pages: not every server keeps its place in them while it is asked something else.
      for (const entry of long) yield read(await wholeOf(connection, entry, reader.stamp, signal))
    }
  }
}

/** A filter that both must fit. */
export function both(filter: string, other: string): string {
  return `(&${filter}${other})`
}

/** Bases may overlap. */
function isFirst(entry: ReadEntry | undefined, given: Set<string>): boolean {
  if (entry === undefined || !('id' in entry)) return true
  if (given.has(entry.id)) return false
  given.add(entry.id)
  return true
}
