// SPDX-License-Identifier: Apache-2.0
// The group that a person belongs to without being listed in it: by gidNumber (RFC 2307) or by primaryGroupID (AD).
import type { RawEntry } from './entry.ts'
import type { PrimaryGroup } from './layout.ts'

/** Null where there is none. */
export function primaryGroupOfMember(entry: RawEntry, by: PrimaryGroup): string | null {
  if (by === 'none') return null
  if (by === 'gid') return numberAt(entry, 'gidnumber')
  const sid = sidAt(entry)
  const rid = numberAt(entry, 'primarygroupid')
  // [MS-ADTS] §3.1.1.1.3: the group stands in the person's own domain.
  return sid === null || rid === null ? null : `${sid.slice(0, sid.lastIndexOf('-'))}-${rid}`
}

/** What its members name. */
export function tokenOfGroup(entry: RawEntry, by: PrimaryGroup): string | null {
  if (by === 'none') return null
  return by === 'gid' ? numberAt(entry, 'gidnumber') : sidAt(entry)
}

function numberAt({ attributes }: RawEntry, name: string): string | null {
  const text = attributes.get(name)?.[0]?.latin1 ?? ''
  return /^\d{1,10}$/.test(text) ? text : null
}

/** [MS-DTYP] §2.4.2.2: revision, count, authority (48 bits), then parts of 32 bits with the lowest octet first. */
function sidAt({ attributes }: RawEntry): string | null {
  const octets = attributes.get('objectsid')?.[0]?.bytes
  const count = octets?.[1] ?? 0
  if (octets === undefined || octets[0] !== 1 || count === 0 || octets.length !== 8 + count * 4) return null
  const parts = Array.from({ length: count }, (_, index) => octets.readUInt32LE(8 + index * 4))
  return ['S-1', octets.readUIntBE(2, 6), ...parts].join('-')
}
