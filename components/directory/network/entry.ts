// SPDX-License-Identifier: Apache-2.0
// An entry as the wire gives it: octets, by attribute. They are told apart here and decoded by whoever reads them: of most entries only
// a part is, and an object for each value would cost more than all the rest.
import type { BerReader } from 'ldapts'

export type RawEntry = {
  dn: string
  /** By lower-case attribute description, options included (`member;range=0-1499`). */
  attributes: ReadonlyMap<string, readonly Octets[]>
  /** Of the message that it came in. */
  bytes: number
  /** False where the entry was larger than is taken: then only its DN is known. */
  whole: boolean
}

/** One value: a place in the message that it came with, which is kept as long as this is. */
export class Octets {
  readonly #message: Buffer
  readonly #from: number
  readonly length: number

  constructor(message: Buffer, from = 0, length = message.length - from) {
    this.#message = message
    this.#from = from
    this.length = length
  }

  /** As UTF-8; what is none becomes U+FFFD. */
  get text(): string {
    return this.#message.toString('utf8', this.#from, this.#from + this.length)
  }

  get latin1(): string {
    return this.#message.toString('latin1', this.#from, this.#from + this.length)
  }

  /** The octets themselves, not a copy. */
  get bytes(): Buffer {
    return this.#message.subarray(this.#from, this.#from + this.length)
  }
}

const SEQUENCE = 0x30
const SET = 0x31
const OCTET_STRING = 0x04
/** Attributes of one entry whose names are remembered. */
const NAMES_MOST = 200

/**
 * Reads SearchResultEntries (RFC 4511 §4.5.2) of one connection, each from behind its tag. Throws at what is none. The names of
 * attributes stand in the same order in most entries of an answer: each is compared with the one that stood there last.
 */
export function entryReader(): (reader: BerReader, whole: boolean) => RawEntry {
  const names: { octets: Buffer; name: string }[] = []
  let message: Buffer = Buffer.alloc(0)
  let at = 0

  function read(reader: BerReader, whole: boolean): RawEntry {
    message = reader.buffer
    at = reader.offset
    const dnEnd = enter(OCTET_STRING, message.length)
    const dn = message.toString('utf8', at, dnEnd)
    at = dnEnd
    const attributes = new Map<string, readonly Octets[]>()
    const bytes = message.length
    if (!whole) return { dn, attributes, bytes, whole }
    const end = enter(SEQUENCE, message.length)
    for (let place = 0; at < end; place += 1) {
      const attributeEnd = enter(SEQUENCE, end)
      const nameEnd = enter(OCTET_STRING, attributeEnd)
      const name = nameAt(place, nameEnd)
      at = nameEnd
      const stop = enter(SET, attributeEnd)
      const values: Octets[] = []
      while (at < stop) {
        const valueEnd = enter(OCTET_STRING, stop)
        values.push(new Octets(message, at, valueEnd - at))
        at = valueEnd
      }
      at = attributeEnd
      attributes.set(name, values)
    }
    return { dn, attributes, bytes, whole }
  }

  /** Goes behind the tag and length of an element, and gives where it ends. */
  function enter(tag: number, within: number): number {
    if (at + 2 > within) throw new Error('an entry that breaks off')
    if (message[at] !== tag) throw new Error(`element ${message[at]} in an entry where ${tag} is wanted`)
    const first = message[at + 1] ?? 0
    const octets = first < 0x80 ? 0 : first & 0x7f
    const start = at + 2 + octets
    if (first === 0x80 || octets > 4 || start > within) throw new Error('an entry that breaks off')
    const end = start + (octets === 0 ? first : message.readUIntBE(at + 2, octets))
    if (end > within) throw new Error('an entry that is longer than its message')
    at = start
    return end
  }

  function nameAt(place: number, end: number): string {
    const before = names[place]
    if (before !== undefined && isSame(before.octets, end)) return before.name
    const name = message.toString('utf8', at, end).toLowerCase()
    // A copy: the message goes.
    if (place < NAMES_MOST) names[place] = { octets: Buffer.from(message.subarray(at, end)), name }
    return name
  }

  function isSame(before: Buffer, end: number): boolean {
    if (before.length !== end - at) return false
    for (let next = 0; next < before.length; next += 1) if (before[next] !== message[at + next]) return false
    return true
  }

  return read
}
