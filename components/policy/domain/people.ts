// SPDX-License-Identifier: Apache-2.0
// What conditions on people say: groups, departments, who is external.
import { domainOf } from './address-pattern.ts'
import { nameKey, type People, type Person } from './person.ts'
import { type Condition, leavesOf } from './rule.ts'
import type { Screened } from './screened.ts'

export type PeopleCondition = Extract<
  Condition,
  { is: 'from.group' | 'to.group' | 'from.department' | 'to.department' | 'same.group' | 'is-external' }
>

export function isAboutPeople(condition: Condition): condition is PeopleCondition {
  switch (condition.is) {
    case 'from.group':
    case 'to.group':
    case 'from.department':
    case 'to.department':
    case 'same.group':
    case 'is-external':
      return true
    default:
      return false
  }
}

/** Whether who people are has a say in it. */
export function dependsOnPeople(condition: Condition): boolean {
  return leavesOf(condition).some(isAboutPeople)
}

/** Null while nobody knows who people are. */
export function peopleMeet(condition: PeopleCondition, asked: Screened): boolean | null {
  const { people, sender: from, to } = asked
  if (people === null) return null
  switch (condition.is) {
    case 'from.group':
      return isIn(people.find(from), condition.names)
    case 'to.group':
      for (const address of to) if (isIn(people.find(address), condition.names)) return true
      return false
    case 'from.department':
      return worksIn(people.find(from), condition.names)
    case 'to.department':
      for (const address of to) if (worksIn(people.find(address), condition.names)) return true
      return false
    case 'same.group':
      return to.length > 0 && shareOne(people, asked, condition.names) === condition.same
    case 'is-external':
      return isExternal(people, asked) === condition.external
  }
}

function isIn(person: Person | undefined, names: ReadonlySet<string>): boolean {
  if (person === undefined) return false
  for (const { key } of person.groups) if (names.has(key)) return true
  return false
}

function worksIn(person: Person | undefined, names: ReadonlySet<string>): boolean {
  return person !== undefined && person.department !== null && names.has(nameKey(person.department))
}

/** Whether the sender shares a group, of those that are named or any, with everybody it is meant for. */
function shareOne(people: People, { sender: from, to }: Screened, names: ReadonlySet<string> | null): boolean {
  const groups = (people.find(from)?.groups ?? []).filter(({ key }) => key !== '' && (names?.has(key) ?? true))
  return (
    groups.length > 0 &&
    to.every((address) => {
      const others = people.find(address)?.groups ?? []
      return groups.some(({ key }) => others.some((other) => other.key === key))
    })
  )
}

/**
 * One side is neither on a host of the directory, or one that policy serves, nor on a domain below one. Who is reached through a transport is
 * elsewhere, whatever its domain.
 */
function isExternal(people: People, { host, from, to, networks }: Screened): boolean {
  return networks.size > 0 || !isInside(people, host, from) || to.some((address) => !isInside(people, host, address))
}

function isInside({ hosts }: People, own: string, address: string): boolean {
  let domain = domainOf(address)
  for (;;) {
    if (domain === own || hosts.has(domain)) return true
    const dot = domain.indexOf('.')
    if (dot < 0) return false
    domain = domain.slice(dot + 1)
  }
}

/** What of it one stanza needs, as a plain value that goes to another thread. */
export type PeopleCut = { found: readonly (readonly [bare: string, Person])[]; hosts: ReadonlySet<string> }

export function cutPeople(people: People, addresses: readonly string[]): PeopleCut {
  const found = addresses.flatMap((bare): [string, Person][] => {
    const person = people.find(bare)
    return person ? [[bare, person]] : []
  })
  return { found, hosts: people.hosts }
}

export function openCut({ found, hosts }: PeopleCut): People {
  const people = new Map(found)
  return { find: (bare) => people.get(bare), hosts }
}
