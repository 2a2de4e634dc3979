// SPDX-License-Identifier: Apache-2.0
// Whom the groups put into whose roster: the same as each server helper finds (deploy/servers/DIRECTORY.md §5), to say beforehand where a
// roster would be over its cap.
import type { PersonMark } from './company.ts'
import { NO_WALLS, type Parted, type Walled } from './parted.ts'
import type { RosterGroup } from './roster-rules.ts'
import type { Lists } from './settle.ts'

/** A group that is left out of so many rosters, because with it they would be over the cap. */
export type LeftOut = { group: string; members: number; rosters: number }

/** `rosterOf`: by id of the group; undefined: in no roster. */
export function leftOut(
  { groups, people, starts, groupsOf }: Lists,
  rosterOf: (id: string) => RosterGroup | undefined,
  isThere: (mark: PersonMark) => boolean,
  cap: number,
  walls: Parted = NO_WALLS,
): LeftOut[] {
  const members: number[][] = groups.map(() => [])
  for (let at = 0; at < people.length; at++)
    if (isThere(people[at] as PersonMark))
      for (let next = starts[at] ?? 0; next < (starts[at + 1] ?? 0); next++) members[groupsOf[next] ?? 0]?.push(at)
  const rosters = groups.map(({ id }) => rosterOf(id))
  const places = new Map(groups.map(({ id }, at) => [id, at]))
  const everybody: number[] = []
  const toMembers: boolean[] = groups.map(() => false)
  /** Groups shown to the members of a group. */
  const shownTo = new Map<number, number[]>()
  for (const [at, roster] of rosters.entries()) {
    if (roster === undefined) continue
    if (roster.shown === 'everybody') everybody.push(at)
    else if (roster.shown === 'members') toMembers[at] = true
    else
      for (const to of roster.to) {
        const place = places.get(to)
        if (place !== undefined) shownTo.set(place, [...(shownTo.get(place) ?? []), at])
      }
  }
  const order = (at: number) => rosters[at]?.order ?? 0
  const outside = groups.map(() => 0)
  /** Of each person the groups that are a side of a wall; null where none is. */
  const sides = people.map(({ jid }, at): Walled | null => {
    if (walls.groups.size === 0 || jid === null) return null
    const own: string[] = []
    for (let next = starts[at] ?? 0; next < (starts[at + 1] ?? 0); next++) {
      const id = groups[groupsOf[next] ?? 0]?.id ?? ''
      if (walls.groups.has(id)) own.push(id)
    }
    return own.length === 0 ? null : { jid, groups: own }
  })
  const isParted = (one: Walled, at: number) => {
    const other = sides[at]
    return other != null && walls.between(one, other)
  }
  const seen = new Int32Array(people.length).fill(-1)
  for (let at = 0; at < people.length; at++) {
    if (!isThere(people[at] as PersonMark)) continue
    const shown = new Set(everybody)
    for (let next = starts[at] ?? 0; next < (starts[at + 1] ?? 0); next++) {
      const group = groupsOf[next] ?? 0
      if (toMembers[group]) shown.add(group)
      for (const other of shownTo.get(group) ?? []) shown.add(other)
    }
    let bound = 0
    for (const group of shown) bound += members[group]?.length ?? 0
    // Nearly everybody: even without counting anybody once there is room.
    if (bound <= cap) continue
    // Groups are sorted by id already.
    const inOrder = [...shown].sort((one, other) => order(one) - order(other) || one - other)
    let count = 0
    for (const group of inOrder) {
      const all = members[group] ?? []
      const own = sides[at]
      const list = own == null ? all : all.filter((member) => !isParted(own, member))
      let added = 0
      if (list.length - 1 <= cap) for (const member of list) if (member !== at && seen[member] !== at) added += 1
      if (list.length - 1 > cap || count + added > cap) outside[group] = (outside[group] ?? 0) + 1
      else {
        for (const member of list) seen[member] = at
        count += added
      }
    }
  }
  return groups.flatMap(({ id }, at) =>
    (outside[at] ?? 0) > 0 ? [{ group: id, members: members[at]?.length ?? 0, rosters: outside[at] ?? 0 }] : [],
  )
}
