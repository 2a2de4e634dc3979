// SPDX-License-Identifier: Apache-2.0
// [MS-ADTS] §3.1.1.3.1.3.3: a value list that is too long comes as `member;range=0-1499`, and the rest must be asked for.
import { PresenceFilter } from 'ldapts'
import { SourceFault } from '../domain/source.ts'
import type { Connection } from './connection.ts'
import type { Octets, RawEntry } from './entry.ts'
import { search } from './paging.ts'

const RANGED = /^([^;]+);range=(\d+)-(\d+|\*)$/
const TRIES = 3

/** Whether values are still to be asked for. */
export function isPart({ attributes }: RawEntry): boolean {
  for (const name of attributes.keys()) if (name.includes(';') && (RANGED.exec(name)?.[3] ?? '*') !== '*') return true
  return false
}

/** The entry with the values of every range under the plain name. */
export function withPlainNames(entry: RawEntry): RawEntry {
  const attributes = new Map<string, readonly Octets[]>()
  for (const [described, values] of entry.attributes) {
    const name = plainName(described)
    attributes.set(name, [...(attributes.get(name) ?? []), ...values])
  }
  return { ...entry, attributes }
}

/**
 * The entry with all values under the plain names. `stamp` is an attribute that changes whenever the entry does: where it changed between
 * two parts, they are no whole, and all is asked again. Rejects where the entry does not stand still or has gone.
 */
export async function wholeOf(
  connection: Connection,
  entry: RawEntry,
  stamp: string,
  signal: AbortSignal,
): Promise<RawEntry> {
  for (let tried = 0; tried < TRIES; tried += 1) {
    const start =
      tried === 0 ? entry : await partOf(connection, entry.dn, [...entry.attributes.keys()].map(plainName), signal)
    const whole = await filledUp(connection, start, stamp, signal)
    if (whole !== null) return whole
  }
  throw new SourceFault('half', `${connection.url}: ${entry.dn} changed ${TRIES} times while it was read`)
}

async function filledUp(
  connection: Connection,
  start: RawEntry,
  stamp: string,
  signal: AbortSignal,
): Promise<RawEntry | null> {
  const attributes = new Map<string, readonly Octets[]>()
  for (const [described, values] of start.attributes) {
    const name = plainName(described)
    const all = [...(attributes.get(name) ?? []), ...values]
    attributes.set(name, all)
    let last = RANGED.exec(described)?.[3] ?? '*'
    while (last !== '*') {
      const next = Number(last) + 1
      const part = await partOf(connection, start.dn, [`${name};range=${next}-*`, stamp], signal)
      if (firstValue(part, stamp) !== firstValue(start, stamp)) return null
      const found = [...part.attributes].find(([key]) => key.startsWith(`${name};range=${next}-`))
      last = RANGED.exec(found?.[0] ?? '')?.[3] ?? '*'
      if (found === undefined || (last !== '*' && Number(last) < next))
        throw new SourceFault('half', `${connection.url} gives ${name} of ${start.dn} only up to value ${next}`)
      all.push(...found[1])
    }
  }
  return { dn: start.dn, attributes, bytes: start.bytes, whole: true }
}

function plainName(described: string): string {
  return (described.includes(';') ? RANGED.exec(described)?.[1] : undefined) ?? described
}

function firstValue({ attributes }: RawEntry, name: string): string | undefined {
  return attributes.get(name.toLowerCase())?.[0]?.latin1
}

async function partOf(
  connection: Connection,
  dn: string,
  attributes: readonly string[],
  signal: AbortSignal,
): Promise<RawEntry> {
  const question = {
    base: dn,
    scope: 'base' as const,
    filter: new PresenceFilter({ attribute: 'objectClass' }),
    attributes,
  }
  const { values } = await search(connection, question, (entry) => [entry], signal)
  const [part] = values
  if (part === undefined) throw new SourceFault('half', `${connection.url}: ${dn} went away while it was read`)
  return part
}
