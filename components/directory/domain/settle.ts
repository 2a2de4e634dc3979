// SPDX-License-Identifier: Apache-2.0
// Who has which address, and who is in which group through whatever nesting, from all entries together.
import type { Addresses, Company, GroupMark, PersonMark } from './company.ts'

/** Groups of each person, sorted by id; a list for all, so that 200,000 memberships cost little more than their numbers. */
export type Lists = {
  groups: readonly GroupMark[]
  people: readonly PersonMark[]
  /** Groups of person n (places in `groups`): groupsOf.subarray(starts[n], starts[n + 1]). */
  starts: Int32Array
  groupsOf: Int32Array
}

export const NO_LISTS: Lists = { groups: [], people: [], starts: new Int32Array(1), groupsOf: new Int32Array(0) }

/** More would be a mistake in the directory, or somebody's wish to stop us. */
export const MOST_MEMBERSHIPS = 10_000_000
/** Looks at members, again and again through each group that holds theirs. */
const MOST_LOOKS = 400_000_000

export class TooManyMemberships extends Error {
  override name = 'TooManyMemberships'
}

/**
 * Decides anew. `affected` is told of everybody whose address, manager, groups or lock are not what the last time found; who is new is
 * not told of. Throws TooManyMemberships, and then nothing is changed.
 */
export function settle(
  company: Company,
  addresses: Addresses,
  hosts: ReadonlySet<string>,
  now: number,
  before: Lists,
  affected: (mark: PersonMark) => void,
): Lists {
  const lists = flatten(company)
  const changed = new Set<PersonMark>()
  settleAddresses(company, addresses, hosts, (mark) => changed.add(mark))
  settleManagers(company, (mark) => changed.add(mark))
  for (const [at, mark] of lists.people.entries()) {
    if (mark.at === -1 || !sameGroups(before, mark.at, lists, at)) changed.add(mark)
    mark.at = at
    if (mark.expiresAt !== null && mark.expiresAt <= now && !mark.disabled) {
      mark.disabled = true
      changed.add(mark)
    }
  }
  for (const mark of changed) affected(mark)
  return lists
}

/** Ids of the groups of a person, sorted. */
export function groupIds({ groups, starts, groupsOf }: Lists, at: number): string[] {
  const ids: string[] = []
  for (let next = starts[at] ?? 0; next < (starts[at + 1] ?? 0); next++) ids.push(groups[groupsOf[next] ?? 0]?.id ?? '')
  return ids
}

export function isInGroup({ groups, starts, groupsOf }: Lists, at: number, id: string): boolean {
  for (let next = starts[at] ?? 0; next < (starts[at + 1] ?? 0); next++)
    if (groups[groupsOf[next] ?? 0]?.id === id) return true
  return false
}

function settleAddresses(
  company: Company,
  addresses: Addresses,
  hosts: ReadonlySet<string>,
  changed: (mark: PersonMark) => void,
): void {
  const newcomers = new Map<string, PersonMark[]>()
  for (const mark of company.people.values()) {
    const { wanted } = mark
    if ('wrong' in wanted) {
      decide(mark, kept(mark, hosts), wanted)
      continue
    }
    const owner = addresses.ownerOf(wanted.jid)
    if (owner === mark.id) decide(mark, wanted.jid, null)
    else if (owner !== undefined) decide(mark, kept(mark, hosts), { wrong: 'taken', address: wanted.jid, by: owner })
    else {
      const others = newcomers.get(wanted.jid)
      if (others === undefined) newcomers.set(wanted.jid, [mark])
      else others.push(mark)
    }
  }
  for (const [jid, marks] of newcomers)
    for (const [place, mark] of marks.entries()) {
      const other = marks[place === 0 ? 1 : 0]
      if (other === undefined) decide(mark, jid, null)
      else decide(mark, kept(mark, hosts), { wrong: 'shared', address: jid, by: other.id })
    }

  function decide(mark: PersonMark, jid: string | null, wrong: PersonMark['wrong']): void {
    if (mark.jid !== jid || !sameProblem(mark.wrong, wrong)) changed(mark)
    mark.jid = jid
    mark.wrong = wrong
  }
}

/** Who cannot have what he should have keeps what he has: an error takes nothing away. */
function kept({ given }: PersonMark, hosts: ReadonlySet<string>): string | null {
  return given !== null && hosts.has(given.slice(given.indexOf('@') + 1)) ? given : null
}

function sameProblem(one: PersonMark['wrong'], other: PersonMark['wrong']): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function settleManagers(company: Company, changed: (mark: PersonMark) => void): void {
  const byDn = new Map<number, PersonMark>()
  for (const mark of company.people.values()) byDn.set(mark.dn, mark)
  for (const mark of company.people.values()) {
    const manager = mark.managerDn === -1 ? null : (byDn.get(mark.managerDn) ?? null)
    // By id: everything may have been read anew.
    if (manager?.id !== mark.manager?.id) changed(mark)
    mark.manager = manager
  }
}

function sameGroups(before: Lists, beforeAt: number, after: Lists, afterAt: number): boolean {
  const from = before.starts[beforeAt] ?? 0
  const start = after.starts[afterAt] ?? 0
  const count = (after.starts[afterAt + 1] ?? 0) - start
  if ((before.starts[beforeAt + 1] ?? 0) - from !== count) return false
  for (let next = 0; next < count; next++) {
    const one = before.groups[before.groupsOf[from + next] ?? 0]
    const other = after.groups[after.groupsOf[start + next] ?? 0]
    if (one?.id !== other?.id) return false
  }
  return true
}

/** Every group with all people in it, through groups in groups; circles end where they began. */
function flatten(company: Company): Lists {
  const people = [...company.people.values()]
  const groups = [...company.groups.values()].sort((one, other) => (one.id < other.id ? -1 : 1))
  const direct = directMembers(company, people, groups)
  const seen = new Int32Array(people.length).fill(-1)
  const visited = new Int32Array(groups.length).fill(-1)
  const counts = new Int32Array(people.length + 1)
  const members: Int32Array[] = []
  let total = 0
  let looks = 0
  const found: number[] = []
  const open: number[] = []
  for (let at = 0; at < groups.length; at++) {
    found.length = 0
    open.push(at)
    visited[at] = at
    for (let group = open.pop(); group !== undefined; group = open.pop()) {
      const { persons, nested } = direct[group] as Direct
      looks += persons.length + nested.length
      for (const person of persons) {
        if (seen[person] === at) continue
        seen[person] = at
        found.push(person)
      }
      for (const below of nested) {
        if (visited[below] === at) continue
        visited[below] = at
        open.push(below)
      }
    }
    total += found.length
    if (total > MOST_MEMBERSHIPS || looks > MOST_LOOKS)
      throw new TooManyMemberships(`more than ${MOST_MEMBERSHIPS} memberships, or groups in groups without end`)
    members.push(Int32Array.from(found))
    for (const person of found) counts[person + 1] = (counts[person + 1] ?? 0) + 1
  }
  for (let at = 1; at <= people.length; at++) counts[at] = (counts[at] ?? 0) + (counts[at - 1] ?? 0)
  const groupsOf = new Int32Array(total)
  const next = counts.slice()
  // In the order of groups, so that each person's list is sorted.
  for (const [group, list] of members.entries())
    for (const person of list) {
      groupsOf[next[person] ?? 0] = group
      next[person] = (next[person] ?? 0) + 1
    }
  return { groups, people, starts: counts, groupsOf }
}

type Direct = { persons: number[]; nested: number[] }

function directMembers(company: Company, people: readonly PersonMark[], groups: readonly GroupMark[]): Direct[] {
  const atDn = new Int32Array(company.dnCount).fill(0)
  // Above 0: a person; below 0: a group; 0: nobody here.
  for (const [at, { dn }] of people.entries()) atDn[dn] = at + 1
  for (const [at, { dn }] of groups.entries()) atDn[dn] = -at - 1
  const byUid = new Map<string, number>()
  if (groups.some(({ memberUids }) => memberUids.length > 0))
    for (const [at, { source, uid }] of people.entries()) if (uid !== '') byUid.set(`${source}\n${uid}`, at)
  const primary = primaryMembers(people, groups)
  return groups.map((group, place) => {
    const persons: number[] = primary.get(place) ?? []
    const nested: number[] = []
    let strangers = 0
    for (const dn of group.memberDns) {
      const at = atDn[dn] ?? 0
      if (at > 0) persons.push(at - 1)
      else if (at < 0) nested.push(-at - 1)
      else strangers += 1
    }
    for (const uid of group.memberUids) {
      const at = byUid.get(`${group.source}\n${uid}`)
      if (at === undefined) strangers += 1
      else persons.push(at)
    }
    group.strangers = strangers
    return { persons, nested }
  })
}

function primaryMembers(people: readonly PersonMark[], groups: readonly GroupMark[]): Map<number, number[]> {
  const groupsBy = new Map<string, number[]>()
  for (const [at, { source, token }] of groups.entries()) {
    if (token === '') continue
    const key = `${source}\n${token}`
    groupsBy.set(key, [...(groupsBy.get(key) ?? []), at])
  }
  const members = new Map<number, number[]>()
  if (groupsBy.size === 0) return members
  for (const [at, { source, token }] of people.entries()) {
    if (token === '') continue
    for (const group of groupsBy.get(`${source}\n${token}`) ?? []) {
      const list = members.get(group)
      if (list === undefined) members.set(group, [at])
      else list.push(at)
    }
  }
  return members
}
