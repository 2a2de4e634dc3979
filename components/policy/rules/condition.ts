// SPDX-License-Identifier: Apache-2.0
// `when:` of a rule: several keys side by side mean all of them.
import { type AddressPattern, type Audience, gatherAudience, readAddressPattern } from '../domain/address-pattern.ts'
import { dependsOnPeople } from '../domain/people.ts'
import type { Condition } from '../domain/rule.ts'
import { soughtBy } from '../domain/rule-index.ts'
import { DIRECTIONS, KINDS } from '../domain/screened.ts'
import { faultOf, INSTRUCTIONS_MAX } from '../matching/patterns.ts'
import { CONDITION_KEYS } from './keys.ts'
import { ADDRESSES_MAX, isWrong, type Named, readTermText, TERMS_MAX } from './named.ts'
import { isMap, type Reading } from './reading.ts'

const DEPTH_MAX = 16
const PATTERN_MAX = 1_000
const PATTERNS_MAX = 1_000
const NAMES_MAX = 1_000

export function readCondition(place: Reading, named: Named, depth = 0): Condition | null {
  if (place.value === 'always') return { is: 'always' }
  if (!isMap(place.value)) return place.refuse('policy-wanted-conditions')
  if (depth > DEPTH_MAX) return place.refuse('policy-wanted-levels', { most: String(DEPTH_MAX) })
  place.keys(CONDITION_KEYS)
  const keys = Object.keys(place.value).filter((key) => CONDITION_KEYS.built.includes(key))
  if (Object.keys(place.value).length === 0) return place.refuse('policy-wanted-condition')
  const all = keys.map((key) => readLeaf(key, place.at(key), named, depth))
  if (all.length === 0 || !all.every((each) => each !== null)) return null
  return all.length === 1 && all[0] ? all[0] : { is: 'all', of: cheapFirst(all) }
}

function readLeaf(key: string, place: Reading, named: Named, depth: number): Condition | null {
  switch (key) {
    case 'all':
    case 'any': {
      if (!Array.isArray(place.value)) return place.refuse('policy-wanted-condition-list')
      const of = place.items(1_000, (item) => readCondition(item, named, depth + 1))
      return of && { is: key, of: cheapFirst(of) }
    }
    case 'not': {
      const of = readCondition(place, named, depth + 1)
      return of && { is: 'not', of }
    }
    case 'direction': {
      const direction = place.oneOf(DIRECTIONS)
      return direction && { is: 'direction', direction }
    }
    case 'host': {
      const hosts = readAudience(place, named)
      return hosts && { is: 'host', hosts }
    }
    case 'from':
    case 'to': {
      const who = readAudience(place, named)
      return who && { is: key, who }
    }
    case 'room':
      return readRoom(place, named)
    case 'network': {
      const networks = readNetworks(place)
      return networks && { is: 'network', networks: new Set(networks) }
    }
    case 'kind': {
      const kinds = place.items(KINDS.length, (item) => item.oneOf(KINDS))
      return kinds && { is: 'kind', kinds }
    }
    case 'lexicon': {
      const lists = place.items(100, (item) => readLexicon(item, named))
      return lists && { is: 'words', lists }
    }
    case 'regex': {
      const patterns = place.items(PATTERNS_MAX, (item) => readPattern(item, named))
      return patterns && { is: 'regex', patterns }
    }
    case 'from.group':
    case 'to.group':
    case 'from.department':
    case 'to.department': {
      const names = readNames(place)
      return names && { is: key, names: named.addGroups(key, names) }
    }
    case 'same.group': {
      if (typeof place.value === 'boolean') return { is: key, names: null, same: place.value }
      const names = readNames(place)
      return names && { is: key, names: named.addGroups(key, names), same: true }
    }
    case 'is-external':
      return typeof place.value === 'boolean'
        ? { is: key, external: place.value }
        : place.refuse('policy-wanted-true-false')
    default:
      return readWords(place, named)
  }
}

/** What nobody may know comes behind the rest, and what looks at texts last: the others may have said no. */
function cheapFirst(of: readonly Condition[]): readonly Condition[] {
  const dear = (condition: Condition): number => {
    if (condition.is === 'not') return dear(condition.of)
    const { lists, patterns } = soughtBy(condition)
    if (patterns.length > 0) return 3
    if (lists.length > 0) return 2
    return dependsOnPeople(condition) ? 1 : 0
  }
  return of.toSorted((one, other) => dear(one) - dear(other))
}

function readAudience(place: Reading, named: Named): Audience | null {
  const patterns = place.items(ADDRESSES_MAX, (item) => readAddresses(item, named))
  return patterns && gatherAudience(patterns.flat())
}

/** An address, or `list: NAME`. */
function readAddresses(place: Reading, named: Named): readonly AddressPattern[] | null {
  if (isMap(place.value)) {
    const keys = Object.keys(place.value)
    if (keys.length !== 1 || keys[0] !== 'list') return place.refuse('policy-wanted-address-or-list')
    const name = place.at('list').text(100)
    if (name === null) return null
    if (named.bad.has(`lists.${name}`)) return null
    return named.addresses.get(name) ?? place.at('list').refuse('policy-wanted-known-list', { name })
  }
  const text = place.text(3_071)
  if (text === null) return null
  const pattern = readAddressPattern(text)
  return isWrong(pattern) ? place.refuse(pattern.wrong) : [pattern]
}

const NETWORK = /^[a-z0-9][a-z0-9._-]{0,62}$/

export function isNetwork(name: string): boolean {
  return NETWORK.test(name)
}

/** Kinds of networks, as `networks` in policy.yaml names them. */
export function readNetworks(place: Reading): readonly string[] | null {
  return place.items(NAMES_MAX, (item) => {
    const network = item.text(63)
    if (network === null || isNetwork(network)) return network
    return item.refuse('policy-wanted-network')
  })
}

/** Names of groups or departments, as the directory writes them. */
export function readNames(place: Reading): readonly string[] | null {
  return place.items(NAMES_MAX, (item) => item.text(256))
}

function readRoom(place: Reading, named: Named): Condition | null {
  if (typeof place.value === 'boolean') return { is: 'room', room: place.value }
  if (['yes', 'no', 'on', 'off'].includes(String(place.value))) return place.refuse('policy-wanted-room')
  const rooms = readAudience(place, named)
  return rooms && { is: 'room-named', rooms }
}

function readLexicon(place: Reading, named: Named): number | null {
  const name = place.text(100)
  if (name === null) return null
  if (named.bad.has(`lexicons.${name}`)) return null
  return named.lexicons.get(name) ?? place.refuse('policy-wanted-known-lexicon', { name })
}

function readPattern(place: Reading, named: Named): number | null {
  const pattern = place.text(PATTERN_MAX)
  if (pattern === null) return null
  const fault = named.knowsPattern(pattern) ? null : faultOf(pattern)
  if (fault === 'empty') return place.refuse('policy-pattern-empty')
  if (fault === 'large') return place.refuse('policy-pattern-large', { most: String(INSTRUCTIONS_MAX) })
  if (fault !== null) return place.refuse('policy-wanted-pattern-re2', { fault })
  return named.addPattern(place, pattern)
}

function readWords(place: Reading, named: Named): Condition | null {
  const words = place.items(TERMS_MAX, (item) => {
    const text = item.text(200)
    const term = text === null ? null : readTermText(text)
    return isWrong(term) ? item.refuse(term.wrong) : term
  })
  const list = words && named.addList(place, words)
  return list === null ? null : { is: 'words', lists: [list] }
}
