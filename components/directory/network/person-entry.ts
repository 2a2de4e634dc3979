// SPDX-License-Identifier: Apache-2.0
// An entry of the directory as a person. What is wrong with it is told, and the rest of it read.
import { normalDn } from '../domain/dn.ts'
import type { Problem, ReadEntry, ReadPerson } from '../domain/source.ts'
import { disabledAt } from './disabled.ts'
import type { RawEntry } from './entry.ts'
import type { Layout, PersonAttributes, PrimaryGroup } from './layout.ts'
import { primaryGroupOfMember } from './primary-group.ts'
import { idOf, namesOf, photoOf, type Told, textOf, textsOf } from './values.ts'

export type PersonReader = {
  /** Of the directory, the first half of ids. */
  name: string
  layout: Layout
  /** Attributes that the JID template names. */
  template: readonly string[]
  /** Photos larger than this are none; 0: photos are not asked for. */
  photoBytes: number
  now(): number
}

/** The attributes to ask for. */
export function personAttributes({ layout, template, photoBytes }: PersonReader): string[] {
  const { identities, photo, primaryGroup, ...texts } = layout.people.attributes
  return [
    ...new Set([
      layout.id.attribute,
      ...Object.values(texts).flat(),
      ...Object.values(identities),
      ...(photoBytes > 0 ? photo : []),
      ...attributesOf(primaryGroup),
      ...layout.disabled.map(({ attribute }) => attribute),
      ...template,
    ]),
  ]
}

/** The person, if the entry is one, and what is wrong with it. */
export function personOf(entry: RawEntry, reader: PersonReader): readonly ReadEntry[] {
  const { layout } = reader
  const identified = identify(entry, reader)
  if (!('id' in identified)) return [identified]
  const { id } = identified
  const problems: ReadEntry[] = []
  const tell: Told = (attribute, what) => {
    problems.push({ kind: 'problem', problem: { dn: entry.dn, id, attribute, what, left: 'attribute' } })
  }
  const { attributes } = layout.people
  const uid = textOf(entry, attributes.uid, tell)
  const expiry = disabledAt(entry, layout.disabled, reader.now())
  const manager = namesOf(entry, attributes.manager, tell)[0]
  const photo = reader.photoBytes > 0 ? photoOf(entry, attributes.photo, reader.photoBytes, tell) : null
  const primaryGroupToken = primaryGroupOfMember(entry, attributes.primaryGroup)
  const person: ReadPerson = {
    kind: 'person',
    id,
    dn: entry.dn,
    uid,
    name: textOf(entry, attributes.name, tell) || uid || entry.dn,
    ...singles(entry, attributes, tell),
    mail: textsOf(entry, attributes.mail, tell),
    phone: textsOf(entry, attributes.phone, tell),
    ...(manager !== undefined && { managerDn: manager }),
    ...(photo !== null && { photo }),
    ...(primaryGroupToken !== null && { primaryGroupToken }),
    ...expiry,
    identities: named(entry, Object.entries(attributes.identities), tell),
    template: named(
      entry,
      reader.template.map((attribute) => [attribute.toLowerCase(), attribute]),
      tell,
    ),
  }
  return [person, ...problems]
}

/** The id of an entry, or why it has none that it could be known by. */
export function identify(
  entry: RawEntry,
  { name, layout }: { name: string; layout: Layout },
): { id: string } | { kind: 'problem'; problem: Problem } {
  const { attribute, form } = layout.id
  const refused = (what: Problem['what']): { kind: 'problem'; problem: Problem } => ({
    kind: 'problem',
    problem: { dn: entry.dn, what, left: 'entry' },
  })
  if (!entry.whole) return refused('too-long')
  const uuid = idOf(entry, attribute, form)
  if (uuid === null) return refused('no-id')
  const id = `${name}:${uuid}`
  if (normalDn(entry.dn) !== null) return { id }
  return { kind: 'problem', problem: { dn: entry.dn, id, what: 'bad-dn', left: 'entry' } }
}

export function attributesOf(primaryGroup: PrimaryGroup): readonly string[] {
  if (primaryGroup === 'gid') return ['gidNumber']
  return primaryGroup === 'sid' ? ['objectSid', 'primaryGroupID'] : []
}

const SINGLES = ['given', 'family', 'nick', 'department', 'title', 'office', 'company'] as const

/** Those that have a value. */
function singles(
  entry: RawEntry,
  attributes: PersonAttributes,
  tell: Told,
): Partial<Record<(typeof SINGLES)[number], string>> {
  const found: Partial<Record<(typeof SINGLES)[number], string>> = {}
  for (const field of SINGLES) {
    const text = textOf(entry, attributes[field], tell)
    if (text !== '') found[field] = text
  }
  return found
}

function named(entry: RawEntry, wanted: readonly (readonly [string, string])[], tell: Told): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [name, attribute] of wanted) {
    const text = textOf(entry, [attribute], tell)
    if (text !== '') found[name] = text
  }
  return found
}
