// SPDX-License-Identifier: Apache-2.0
// An entry as the wire gives it: octets, by attribute.
import { Ber, type BerReader } from 'ldapts'

export type RawEntry = {
  dn: string
  /** By lower-case attribute description, options included (`member;range=0-1499`). Octets are valid only until the next entry. */
  attributes: ReadonlyMap<string, readonly Buffer[]>
  /** False where the entry was larger than is taken: then only its DN is known. */
  whole: boolean
}

/** Reads a SearchResultEntry (RFC 4511 §4.5.2) from behind its tag. Throws when it is none. */
export function readEntry(reader: BerReader, whole: boolean): RawEntry {
  const dn = wanted(reader.readString())
  const attributes = new Map<string, readonly Buffer[]>()
  if (!whole) return { dn, attributes, whole }
  wanted(reader.readSequence(Ber.Sequence | Ber.Constructor))
  const end = endOf(reader)
  while (reader.offset < end) {
    const before = reader.offset
    wanted(reader.readSequence(Ber.Sequence | Ber.Constructor))
    const name = wanted(reader.readString()).toLowerCase()
    wanted(reader.readSequence(Ber.Set | Ber.Constructor))
    const stop = endOf(reader)
    const values: Buffer[] = []
    while (reader.offset < stop) values.push(wanted(reader.readString(Ber.OctetString, true)))
    // A length of four octets can read as less than nothing.
    if (reader.offset <= before) throw new Error('an entry that goes backwards')
    attributes.set(name, values)
  }
  return { dn, attributes, whole }
}

function endOf(reader: BerReader): number {
  const end = reader.offset + reader.length
  if (reader.length < 0 || end > reader.buffer.length) throw new Error('an entry that is longer than its message')
  return end
}

function wanted<T>(value: T | null): T {
  if (value === null) throw new Error('an entry that breaks off')
  return value
}
