// SPDX-License-Identifier: Apache-2.0
// `walls:` of the rule file.
import { bareOf } from '../../kit/xmpp/jid.ts'
import { readAddressPattern } from '../domain/address-pattern.ts'
import { nameKey } from '../domain/person.ts'
import type { Wall } from '../domain/wall.ts'
import { readTexts } from './action.ts'
import { EXCEPTION_KEYS, WALL_KEYS } from './keys.ts'
import { isWrong, type Named } from './named.ts'
import { isMap, type Reading } from './reading.ts'

const WALLS_MAX = 1_000
const EXCEPTIONS_MAX = 10_000
const DAY_MS = 86_400_000

/** `readId` refuses one that a rule or a wall has already. */
export function readWalls(place: Reading, named: Named, readId: (place: Reading) => string | null): readonly Wall[] {
  if (place.value === undefined || place.value === null) return []
  if (!Array.isArray(place.value)) {
    place.refuse('policy-wanted-walls')
    return []
  }
  if (place.value.length === 0) return []
  return place.items(WALLS_MAX, (item) => readWall(item, named, readId)) ?? []
}

function readWall(place: Reading, named: Named, readId: (place: Reading) => string | null): Wall | null {
  if (!isMap(place.value)) return place.refuse('policy-wanted-wall')
  place.keys(WALL_KEYS)
  const id = readId(place.at('id'))
  const a = place.at('a').text(256)
  const b = place.at('b').text(256)
  const text = readTexts(place.at('text'))
  const outage = place.at('on_outage').value
  if (outage !== undefined && outage !== 'closed') return place.at('on_outage').refuse('policy-wanted-closed')
  const exceptions = place.at('except')
  const except =
    exceptions.value === undefined || exceptions.value === null
      ? []
      : exceptions.items(EXCEPTIONS_MAX, (item) => readException(item))
  if (id === null || a === null || b === null || except === null) return null
  if (nameKey(a) === nameKey(b)) return place.at('b').refuse('policy-wall-of-one')
  named.groups.add(a).add(b)
  return { id, a, b, keys: { a: nameKey(a), b: nameKey(b) }, except, text, closed: outage === 'closed' }
}

function readException(place: Reading): Wall['except'][number] | null {
  if (!isMap(place.value)) return place.refuse('policy-wanted-exception')
  place.keys(EXCEPTION_KEYS)
  const jids = place.at('jids').items(1_000, (item) => {
    const text = item.text(3_071)
    const pattern = text === null ? null : readAddressPattern(text)
    if (isWrong(pattern)) return item.refuse(pattern.wrong)
    if (text === null || pattern === null) return null
    return 'bare' in pattern ? bareOf(text.trim()) : item.refuse('policy-wanted-address')
  })
  const until = readUntil(place.at('until'))
  return jids && until !== null ? { jids, until } : null
}

/** A day counts to its end (UTC); a time needs its zone. */
function readUntil(place: Reading): number | null {
  const said = typeof place.value === 'string' ? place.value.trim() : ''
  const isDay = /^\d{4}-\d\d-\d\d$/u.test(said)
  const isTime = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/u.test(said)
  const at = isDay || isTime ? Date.parse(said.replace(' ', 'T')) : Number.NaN
  // Date.parse takes the 31st of February for a day in March.
  if (Number.isNaN(at) || (isDay && new Date(at).toISOString().slice(0, 10) !== said))
    return place.refuse('policy-wanted-until')
  return isDay ? at + DAY_MS : at
}
