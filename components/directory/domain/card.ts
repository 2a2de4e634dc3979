// SPDX-License-Identifier: Apache-2.0
// Which attribute of a person stands where on the card that others read.
import type { Described } from './search.ts'

/** Fields of a card (XEP-0054, XEP-0292); those of a list take several attributes. */
export const CARD_FIELDS = [
  'name',
  'given',
  'family',
  'nick',
  'mail',
  'phone',
  'company',
  'units',
  'title',
  'role',
  'office',
  'url',
  'note',
] as const
export type CardField = (typeof CARD_FIELDS)[number]

/** What the directory knows of a person, and may stand on the card. */
export const PERSON_ATTRIBUTES = [
  'name',
  'given',
  'family',
  'nick',
  'mail',
  'phone',
  'department',
  'company',
  'title',
  'office',
  'manager',
] as const
export type PersonAttribute = (typeof PERSON_ATTRIBUTES)[number]

/** In the order in which several fill one field. */
export type CardTable = readonly { attribute: PersonAttribute; field: CardField }[]

export const DEFAULT_CARD: CardTable = [
  { attribute: 'name', field: 'name' },
  { attribute: 'given', field: 'given' },
  { attribute: 'family', field: 'family' },
  { attribute: 'nick', field: 'nick' },
  { attribute: 'mail', field: 'mail' },
  { attribute: 'phone', field: 'phone' },
  { attribute: 'company', field: 'company' },
  { attribute: 'department', field: 'units' },
  { attribute: 'title', field: 'title' },
  { attribute: 'office', field: 'office' },
  { attribute: 'manager', field: 'note' },
]

export type PersonCard = {
  name: string
  given?: string
  family?: string
  nick?: string
  mail?: readonly string[]
  phone?: readonly string[]
  company?: string
  units?: readonly string[]
  title?: string
  role?: string
  office?: string
  url?: string
  note?: string
  jid: string
}

const LISTS: ReadonlySet<CardField> = new Set(['mail', 'phone', 'units'])

/** `manager` is the line that names him; null where there is none, or the reader may not see him. */
export function cardOf(person: Described, manager: string | null, table: CardTable = DEFAULT_CARD): PersonCard {
  const filled = new Map<CardField, string[]>()
  for (const { attribute, field } of table) {
    const values = valuesOf(person, attribute, manager)
    if (values.length > 0) filled.set(field, [...(filled.get(field) ?? []), ...values])
  }
  const card: Record<string, string | string[]> = { name: person.name, jid: person.jid }
  for (const [field, values] of filled) card[field] = LISTS.has(field) ? values : values.join(', ')
  // A card without a name is none (vCard4 demands fn).
  return { ...card, name: typeof card.name === 'string' && card.name !== '' ? card.name : person.jid, jid: person.jid }
}

function valuesOf(person: Described, attribute: PersonAttribute, manager: string | null): string[] {
  const said = attribute === 'manager' ? (manager ?? undefined) : person[attribute]
  return [said ?? []].flat().filter((value) => value !== '')
}
