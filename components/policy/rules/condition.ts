// SPDX-License-Identifier: Apache-2.0
// `when:` of a rule: several keys side by side mean all of them.
import { type AddressPattern, readAddressPattern } from '../domain/address-pattern.ts'
import type { Condition } from '../domain/rule.ts'
import { DIRECTIONS, KINDS } from '../domain/screened.ts'
import { CONDITION_KEYS } from './keys.ts'
import { isMap, type Reading } from './reading.ts'

/** The word lists of a file in the order of their numbers. */
export type Lists = string[][]

const DEPTH_MAX = 16
const WORDS_MAX = 100_000
const ADDRESSES_MAX = 10_000

export function readCondition(place: Reading, lists: Lists, depth = 0): Condition | null {
  if (place.value === 'always') return { is: 'always' }
  if (!isMap(place.value)) return place.refuse('policy-wanted-conditions')
  if (depth > DEPTH_MAX) return place.refuse('policy-wanted-levels', { most: String(DEPTH_MAX) })
  place.keys(CONDITION_KEYS)
  const keys = Object.keys(place.value).filter((key) => CONDITION_KEYS.built.includes(key))
  if (Object.keys(place.value).length === 0) return place.refuse('policy-wanted-condition')
  const all = keys.map((key) => readLeaf(key, place.at(key), lists, depth))
  if (all.length === 0 || !all.every((each) => each !== null)) return null
  return all.length === 1 && all[0] ? all[0] : { is: 'all', of: all }
}

function readLeaf(key: string, place: Reading, lists: Lists, depth: number): Condition | null {
  switch (key) {
    case 'all':
    case 'any': {
      if (!Array.isArray(place.value)) return place.refuse('policy-wanted-condition-list')
      const of = place.items(1_000, (item) => readCondition(item, lists, depth + 1))
      return of && { is: key, of }
    }
    case 'not': {
      const of = readCondition(place, lists, depth + 1)
      return of && { is: 'not', of }
    }
    case 'direction': {
      const direction = place.oneOf(DIRECTIONS)
      return direction && { is: 'direction', direction }
    }
    case 'from':
    case 'to': {
      const who = place.items(ADDRESSES_MAX, readPattern)
      return who && { is: key, who }
    }
    case 'room':
      return readRoom(place)
    case 'kind': {
      const kinds = place.items(KINDS.length, (item) => item.oneOf(KINDS))
      return kinds && { is: 'kind', kinds }
    }
    default:
      return readWords(place, lists)
  }
}

function readPattern(place: Reading): AddressPattern | null {
  const text = place.text(3_071)
  if (text === null) return null
  const pattern = readAddressPattern(text)
  return 'wrong' in pattern ? place.refuse(pattern.wrong) : pattern
}

function readRoom(place: Reading): Condition | null {
  if (typeof place.value === 'boolean') return { is: 'room', room: place.value }
  if (['yes', 'no', 'on', 'off'].includes(String(place.value))) return place.refuse('policy-wanted-room')
  const rooms = place.items(ADDRESSES_MAX, readPattern)
  return rooms && { is: 'room-named', rooms }
}

function readWords(place: Reading, lists: Lists): Condition | null {
  const words = place.items(WORDS_MAX, (item) => item.text(200))
  if (!words) return null
  if (lists.reduce((sum, list) => sum + list.length, words.length) > WORDS_MAX) {
    return place.refuse('policy-wanted-words', { most: String(WORDS_MAX) })
  }
  lists.push([...words])
  return { is: 'words', list: lists.length - 1 }
}
