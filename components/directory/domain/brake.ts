// SPDX-License-Identifier: Apache-2.0
// When a plan is too large to be carried out without a person's word: an error in the directory looks like many leavers.

export type BrakeSettings = {
  /** Of what is there, such as 0.1. */
  removeShare: number
  /** So many may always go, as long as they are not all people; from three on, not more than half of what is there. */
  removeFew: number
  /** Changed, added and removed together. */
  touch: number
}

/** What a plan would do. `locked`: may no longer log in from now on; it weighs like a removal. */
export type PlanCounts = {
  people: { there: number; added: number; changed: number; removed: number; locked: number; readdressed: number }
  groups: { there: number; added: number; changed: number; removed: number }
  /** Of people in groups, nested ones included. */
  memberships: { there: number; added: number; removed: number }
}

export const NO_COUNTS: PlanCounts = {
  people: { there: 0, added: 0, changed: 0, removed: 0, locked: 0, readdressed: 0 },
  groups: { there: 0, added: 0, changed: 0, removed: 0 },
  memberships: { there: 0, added: 0, removed: 0 },
}

/** Why a plan waits. */
export type Held =
  | { why: 'people' | 'groups' | 'memberships'; removed: number; there: number }
  | { why: 'touch'; touched: number; most: number }

/** Empty: it may be carried out. */
export function holdBack({ people, groups, memberships }: PlanCounts, settings: BrakeSettings): readonly Held[] {
  const held: Held[] = []
  const look = (why: 'people' | 'groups' | 'memberships', removed: number, there: number) => {
    if (isTooMuch(removed, there, settings)) held.push({ why, removed, there })
  }
  const leaving = people.removed + people.locked
  if (leaving > 1 && leaving === people.there) held.push({ why: 'people', removed: leaving, there: people.there })
  else look('people', leaving, people.there)
  look('groups', groups.removed, groups.there)
  look('memberships', memberships.removed, memberships.there)
  const touched = touchedBy({ people, groups })
  if (touched > settings.touch) held.push({ why: 'touch', touched, most: settings.touch })
  return held
}

/** The number that a person confirms: who and what goes. */
export function removalsOf({ people, groups }: Pick<PlanCounts, 'people' | 'groups'>): number {
  return people.removed + people.locked + groups.removed
}

export function touchedBy({ people, groups }: Pick<PlanCounts, 'people' | 'groups'>): number {
  return people.added + people.changed + people.removed + groups.added + groups.changed + groups.removed
}

function isTooMuch(removed: number, there: number, { removeShare, removeFew }: BrakeSettings): boolean {
  return (removed > 2 && removed * 2 > there) || (removed > removeFew && removed > there * removeShare)
}
