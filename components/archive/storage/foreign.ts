// SPDX-License-Identifier: Apache-2.0
// Who said something on another network, among the tags of the index: s, w, a, i and the number of server, nick, account, identity as they
// stood; k and that of each of the last three for comparison, by which a search finds them.
import type { Foreign } from '../domain/record.ts'

/** As names of people there are compared: most networks tell no capitals apart. */
export function foreignKey(name: string): string {
  return name.normalize('NFC').trim().toLowerCase()
}

const SORTS = [
  ['s', 'server'],
  ['w', 'nick'],
  ['a', 'account'],
  ['i', 'identity'],
] as const

/** `number`: of a text among the names of the file; null for ''. */
export function foreignTags(foreign: Foreign, number: (text: string) => number | null): readonly string[] {
  const shown = SORTS.flatMap(([sort, field]) => (foreign[field] === '' ? [] : [`${sort}${number(foreign[field])}`]))
  const keys = [foreign.nick, foreign.account, foreign.identity].map(foreignKey).filter((key) => key !== '')
  // Not a name of a person of ours: the mark keeps it apart from an address that is spelt so.
  return [...shown, ...keys.map((key) => `k${number(markOf(key))}`)]
}

/** The name under which a key stands among those of the file. */
export function markOf(key: string): string {
  return `\u0001${key}`
}

/** `name`: the text behind the tag of this sort; '' where there is none. */
export function readForeign(name: (sort: string) => string): Foreign | null {
  const [server = '', nick = '', account = '', identity = ''] = SORTS.map(([sort]) => name(sort))
  return server === '' ? null : { server, nick, account, identity }
}
