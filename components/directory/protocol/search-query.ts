// SPDX-License-Identifier: Apache-2.0
// XEP-0055 as people of this directory are found by it: which fields there are, and what a result says.
import { type Paging, readPaging } from '../../kit/xep/result-sets.ts'
import {
  type Found,
  readSearch,
  type SearchField,
  type SearchRequest,
  writeFound,
  writeSearchForm,
} from '../../kit/xep/search.ts'
import type { Element } from '../../kit/xml/element.ts'
import type { Described, Hit, SearchFieldName, Wanted } from '../domain/search.ts'

/** Names on the wire: those that XEP-0055 registers where it has one. In the order of the form. */
const FIELDS = [
  ['any', 'x-any'],
  ['first', 'first'],
  ['last', 'last'],
  ['nick', 'nick'],
  ['mail', 'email'],
  ['department', 'x-department'],
  ['phone', 'x-phone'],
] as const satisfies readonly (readonly [SearchFieldName, string])[]

const COLUMNS = ['jid', 'x-name', 'email', 'x-department', 'x-title', 'x-phone', 'first', 'last', 'nick'] as const

/** What names fields and columns, in the asker's language, by their name on the wire. */
export type SearchLabels = {
  title: string
  instructions: string
  of(name: (typeof FIELDS)[number][1] | (typeof COLUMNS)[number]): string
}

export type SearchQuery = { kind: SearchRequest['kind']; wanted: Wanted; paging: Paging | null }

export function writeFields({ title, instructions, of }: SearchLabels): string {
  return writeSearchForm({ title, instructions, fields: FIELDS.map(([, name]) => ({ var: name, label: of(name) })) })
}

/** Fields that are none of ours are not looked at. `most`: items of a page. Throws StanzaError. */
export function readQuery(query: Element, most: number): SearchQuery {
  const { kind, said } = readSearch(query)
  const wanted: Wanted = {}
  for (const [field, name] of FIELDS) {
    const text = said.get(name)
    if (text !== undefined) wanted[field] = text
  }
  return { kind, wanted, paging: readPaging(query, most) }
}

/** `set`: as of XEP-0059, or ''. Of somebody of whom only the name may be seen there is no more in it. */
export function writeHits(
  kind: SearchRequest['kind'],
  hits: readonly { hit: Hit; person: Described }[],
  { of }: SearchLabels,
  set: string,
): string {
  const columns: SearchField[] = COLUMNS.map((name) => ({ var: name, label: of(name) }))
  return writeFound(kind, columns, hits.map(foundOf), set)
}

function foundOf({ hit, person }: { hit: Hit; person: Described }): Found {
  const { name, given = '', family = '', nick = '', mail, phone, department = '', title = '' } = person
  const named = { 'x-name': name, first: given, last: family, nick }
  if (hit.sight === 'name') return { jid: hit.jid, values: named }
  const values = {
    ...named,
    email: mail[0] ?? '',
    'x-department': department,
    'x-title': title,
    'x-phone': phone[0] ?? '',
  }
  return { jid: hit.jid, values }
}
