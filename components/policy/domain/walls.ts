// SPDX-License-Identifier: Apache-2.0
// Walls between groups: who must not reach whom, one to one and in rooms, and who may for a time.
import type { People, Person } from './person.ts'
import type { Rule } from './rule.ts'
import type { Screened } from './screened.ts'
import type { Wall } from './wall.ts'

/** Who stands in which room, as the helpers told and as joins were allowed. */
export type Standing = {
  /** Bare JIDs of those in a room; null: that is not known. */
  inside(room: string): Iterable<string> | null
  /** Somebody stands or stood there: it is a room, whatever its address looks like. */
  isRoom(bare: string): boolean
  /** Who has this nick there; null: nobody of whom we know. */
  called(room: string, nick: string): string | null
}

/** `unknown`: nobody can say whether the wall is meant, so it is. */
export type Walled = { wall: Wall; unknown: boolean }

/** The wall that a stanza would pass; null: none. */
export function walledOff(asked: Screened, walls: readonly Wall[], standing: Standing, now: number): Walled | null {
  const [first] = walls
  if (first === undefined || asked.parts) return null
  const { people, sender: from, to } = asked
  if (people === null) return isForSomebody(asked) ? { wall: first, unknown: true } : null
  const sender = people.find(from)
  if (sender === undefined) return null
  const room = asked.room ?? to.find((address) => standing.isRoom(address)) ?? null
  const own = walls.filter((wall) => isIn(sender, wall.keys.a) || isIn(sender, wall.keys.b))
  if (own.length === 0) return null
  const between = (bare: string): Walled | null => {
    const other = people.find(bare)
    if (other === undefined || other === sender) return null
    for (const wall of own) if (stands(wall, people, sender, other, now)) return { wall, unknown: false }
    return null
  }
  for (const address of to) {
    const walled = address === room ? null : between(address)
    if (walled) return walled
  }
  return room === null ? null : walledInRoom(asked, room, own, standing, between)
}

function walledInRoom(
  { kinds, nick }: Screened,
  room: string,
  own: readonly Wall[],
  standing: Standing,
  between: (bare: string) => Walled | null,
): Walled | null {
  if (nick !== null && !kinds.has('presence')) {
    const called = standing.called(room, nick)
    if (called !== null) return between(called)
  } else if (!isHeardInRoom(kinds)) return null
  const inside = standing.inside(room)
  const [first] = own
  if (inside === null) return first ? { wall: first, unknown: true } : null
  for (const bare of inside) {
    const walled = between(bare)
    if (walled) return walled
  }
  return null
}

/** What is not told to all in the room: its configuration, an invitation that it sends on to the one who is invited. */
function isHeardInRoom(kinds: Screened['kinds']): boolean {
  if (kinds.has('presence') || kinds.has('groupchat')) return true
  return kinds.has('message') && !kinds.has('invitation')
}

function isForSomebody({ from, to, room }: Screened): boolean {
  return room !== null || to.some((address) => address !== from && address.includes('@'))
}

function isIn(person: Person, key: string): boolean {
  for (const group of person.groups) if (group.key === key) return true
  return false
}

function stands(wall: Wall, people: People, one: Person, other: Person, now: number): boolean {
  const { a, b } = wall.keys
  const apart = (isIn(one, a) && isIn(other, b)) || (isIn(one, b) && isIn(other, a))
  return apart && !wall.except.some((each) => now < each.until && excepts(each.jids, people, one, other))
}

/** By any address that the person has or had. */
function excepts(jids: readonly string[], people: People, one: Person, other: Person): boolean {
  const names = (person: Person) => jids.some((jid) => people.find(jid) === person)
  return jids.length === 1 ? names(one) || names(other) : names(one) && names(other)
}

/** What of walls helpers are told for the time when policy is away: who is in which group nobody knows there. */
export function closedWalls(walls: readonly Wall[]): readonly Rule[] {
  return walls
    .filter(({ closed }) => closed)
    .map(({ id, keys, text }) => ({
      id,
      when: { is: 'from.group', names: new Set([keys.a, keys.b]) },
      // biome-ignore lint/suspicious/noThenProperty: what a rule does
      then: { do: 'refuse', condition: null, text },
      tags: [],
      record: null,
      closed: true,
    }))
}
