// SPDX-License-Identifier: Apache-2.0
// Who exists now, and which groups name an entry: short questions beside the reading of entries.
import type { ReadEntry } from '../domain/source.ts'
import type { RawEntry } from './entry.ts'
import { everywhere, type Place } from './everywhere.ts'
import { all, anyEqual } from './filter.ts'
import { identify } from './person-entry.ts'
import { type Reader, readEntries, type Sort, wanted } from './reading.ts'

/** Beyond so many it is quicker to read every group. */
const NAMED_MOST = 50

/** Every id and its DN. */
export async function idsOf(place: Place, reader: Reader, sort: Sort): Promise<ReadonlyMap<string, string>> {
  const ids = new Map<string, string>()
  const take = (entry: RawEntry): readonly never[] => {
    const identified = identify(entry, reader)
    if ('id' in identified) ids.set(identified.id, entry.dn)
    return []
  }
  const filter = wanted(reader.layout)[sort]
  for (const base of reader.bases[sort]) {
    const question = { base, scope: 'sub' as const, filter, attributes: [reader.layout.id.attribute] }
    // Nothing is given, and all is read.
    for await (const batch of everywhere(place, question, take)) void batch
  }
  return ids
}

/**
 * The groups that name one of the entries as member, but for those among them. Who is renamed is named otherwise in his groups, and in
 * Active Directory that is no change of theirs: they are read again.
 */
export async function groupsNaming(place: Place, reader: Reader, changed: readonly ReadEntry[]): Promise<ReadEntry[]> {
  const entries = changed.filter((one) => one.kind === 'person' || one.kind === 'group')
  if (entries.length === 0) return []
  const there = new Set(entries.map(({ id }) => id))
  const { groups: every } = wanted(reader.layout)
  const { memberDns } = reader.layout.groups.attributes
  const naming = anyEqual(
    memberDns,
    entries.map(({ dn }) => dn),
  )
  const groups: ReadEntry[] = []
  const filters = { groups: entries.length > NAMED_MOST ? every : all(every, naming) }
  for await (const batch of readEntries(place, reader, filters)) {
    groups.push(...batch.filter((one) => !('id' in one) || !there.has(one.id)))
  }
  return groups
}
