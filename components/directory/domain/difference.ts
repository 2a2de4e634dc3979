// SPDX-License-Identifier: Apache-2.0
// What is to be done so that what is provisioned is what the directory says: for one person, for one group, and counted together.
import { NO_COUNTS, type PlanCounts } from './brake.ts'
import type { ProvisionedGroup, ProvisionedPerson } from './provisioned.ts'

export type PersonChange = 'add' | 'remove' | 'readdress' | 'lock' | 'unlock' | 'change' | 'groups'
export type GroupChange = 'add' | 'remove' | 'change'

export type Difference<C> = { change: C; fields: readonly string[] }

/** Null: nothing is to be done. `groups`: only his groups are others; that shows with the groups. */
export function differencePerson(
  had: ProvisionedPerson | null,
  wanted: ProvisionedPerson | null,
): Difference<PersonChange> | null {
  if (had === null) return wanted === null ? null : { change: 'add', fields: [] }
  if (wanted === null) return { change: 'remove', fields: [] }
  const fields = changedFields(had, wanted)
  if (fields.length === 0) return null
  if (fields.includes('jid')) return { change: 'readdress', fields }
  if (fields.includes('disabled')) return { change: wanted.disabled ? 'lock' : 'unlock', fields }
  return { change: fields.length === 1 && fields[0] === 'groups' ? 'groups' : 'change', fields }
}

export function differenceGroup(
  had: ProvisionedGroup | null,
  wanted: ProvisionedGroup | null,
): Difference<GroupChange> | null {
  if (had === null) return wanted === null ? null : { change: 'add', fields: [] }
  if (wanted === null) return { change: 'remove', fields: [] }
  const fields = changedFields(had, wanted)
  return fields.length === 0 ? null : { change: 'change', fields }
}

/** Both lists sorted: who or what is new in the second, and what is no more. */
export function movedBetween(
  had: readonly string[],
  wanted: readonly string[],
): { added: readonly string[]; removed: readonly string[] } {
  if (had.length === 0) return { added: wanted, removed: [] }
  const before = new Set(had)
  const after = new Set(wanted)
  return { added: wanted.filter((id) => !before.has(id)), removed: had.filter((id) => !after.has(id)) }
}

export type Tally = {
  person(had: ProvisionedPerson | null, wanted: ProvisionedPerson | null, change: PersonChange): void
  group(change: GroupChange): void
  counts(): PlanCounts
  /** Of each group whose members change. */
  moves(): ReadonlyMap<string, { joined: number; left: number }>
}

/** Adds up a plan; `there`: what is provisioned now. */
export function openTally(there: { people: number; groups: number; memberships: number }): Tally {
  const people = { ...NO_COUNTS.people, there: there.people }
  const groups = { ...NO_COUNTS.groups, there: there.groups }
  const memberships = { ...NO_COUNTS.memberships, there: there.memberships }
  const moves = new Map<string, { joined: number; left: number }>()
  const moveOf = (group: string) => {
    let move = moves.get(group)
    if (move === undefined) {
      move = { joined: 0, left: 0 }
      moves.set(group, move)
    }
    return move
  }
  return {
    person(had, wanted, change) {
      if (change === 'add') people.added += 1
      else if (change === 'remove') people.removed += 1
      else if (change !== 'groups') people.changed += 1
      if (change === 'readdress') people.readdressed += 1
      if (had !== null && !had.disabled && wanted?.disabled === true) people.locked += 1
      const { added, removed } = movedBetween(had?.groups ?? [], wanted?.groups ?? [])
      memberships.added += added.length
      // Whoever leaves weighs once, as a person.
      if (change !== 'remove') memberships.removed += removed.length
      for (const group of added) moveOf(group).joined += 1
      for (const group of removed) moveOf(group).left += 1
    },
    group(change) {
      if (change === 'add') groups.added += 1
      else if (change === 'remove') groups.removed += 1
      else groups.changed += 1
    },
    counts: () => ({ people: { ...people }, groups: { ...groups }, memberships: { ...memberships } }),
    moves: () => moves,
  }
}

function changedFields<T extends object>(had: T, wanted: T): string[] {
  const names = new Set([...Object.keys(had), ...Object.keys(wanted)])
  const value = (of: T, name: string) => JSON.stringify((of as Record<string, unknown>)[name])
  return [...names].filter((name) => value(had, name) !== value(wanted, name)).sort()
}
