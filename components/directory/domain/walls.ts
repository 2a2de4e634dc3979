// SPDX-License-Identifier: Apache-2.0
// Walls between groups, as rules name them, brought to the ids of groups and the addresses of people. deploy/servers/DIRECTORY.md §5.
import type { WallItem } from '../../kit/facts/people.ts'
import { bareOf } from '../../kit/xmpp/jid.ts'
import type { Addresses, Company, PersonMark } from './company.ts'
import { isInGroup, type Lists } from './settle.ts'

/** As provisioned. `except`: pairs of addresses, sorted. */
export type ProvisionedWall = {
  kind: 'wall'
  id: string
  a: readonly string[]
  b: readonly string[]
  except: readonly (readonly [string, string])[]
}

/** A wall is one element, and that has room in one part (DIRECTORY.md §4): characters of its addresses, and of what stands around each pair. */
const MOST_CHARACTERS = 80_000
const AROUND = 24

/** Null: a side names no group that is there, so nobody can be walled off. `cut`: told where exceptions are too many to be handed over. */
export function provisionWall(
  wall: WallItem,
  company: Company,
  lists: Lists,
  addresses: Addresses,
  now: number,
  cut: (wall: string) => void,
): ProvisionedWall | null {
  const a = groupsNamed(company, wall.a)
  const b = groupsNamed(company, wall.b)
  if (a.length === 0 || b.length === 0) return null
  const pairs = new Map<string, readonly [string, string]>()
  const add = (one: string, other: string) => {
    const pair = one < other ? ([one, other] as const) : ([other, one] as const)
    pairs.set(pair.join(' '), pair)
  }
  for (const { jids, until } of wall.except) {
    if (Date.parse(until) <= now) continue
    const people = jids.map(bareOf).filter((jid) => jid.includes('@'))
    const [one = '', ...others] = people.map((jid) => addressNow(jid, company, addresses))
    // Between a person and what is none: nobody.
    if (jids.length > 1 && people.length < 2) continue
    for (const [at, other] of others.entries())
      for (const another of [one, ...others.slice(0, at)]) if (another !== other) add(another, other)
    // Whoever passes to everybody is an exception with each on the other side.
    if (others.length === 0) for (const against of opposite(lists, one, a, b)) add(one, against)
  }
  let characters = 0
  for (const pair of pairs.keys()) characters += pair.length + AROUND
  if (characters > MOST_CHARACTERS) {
    cut(wall.id)
    pairs.clear()
  }
  return { kind: 'wall', id: wall.id, a, b, except: [...pairs.keys()].sort().map((key) => pairs.get(key) ?? ['', '']) }
}

/** Contacts of each other now, by a group that both are in, whom this wall parts; at most `most`. */
export function* partedBy(
  { a, b, except }: ProvisionedWall,
  lists: Lists,
  isRoster: (group: string) => boolean,
  most: number,
): Generator<{ one: PersonMark; other: PersonMark; group: string }> {
  const exempt = new Set(except.map((pair) => pair.join(' ')))
  const sideA = membersOf(lists, a)
  const sideB = membersOf(lists, b)
  const byGroup = new Map<number, number[]>()
  for (const at of sideB)
    for (const group of groupsAt(lists, at)) {
      if (!isRoster(lists.groups[group]?.id ?? '')) continue
      const list = byGroup.get(group)
      if (list === undefined) byGroup.set(group, [at])
      else list.push(at)
    }
  let given = 0
  for (const at of sideA) {
    const seen = new Set<number>([at])
    for (const group of groupsAt(lists, at))
      for (const against of byGroup.get(group) ?? []) {
        const one = lists.people[at]
        const other = lists.people[against]
        if (seen.has(against) || one?.jid == null || other?.jid == null) continue
        seen.add(against)
        const pair = one.jid < other.jid ? `${one.jid} ${other.jid}` : `${other.jid} ${one.jid}`
        if (exempt.has(pair)) continue
        yield { one, other, group: lists.groups[group]?.id ?? '' }
        given += 1
        if (given >= most) return
      }
  }
}

/** Exceptions name people by any address that they have or had, as policy takes them. */
function addressNow(jid: string, company: Company, addresses: Addresses): string {
  const owner = addresses.ownerOf(jid)
  return (owner === undefined ? undefined : company.people.get(owner)?.jid) ?? jid
}

function groupsNamed(company: Company, name: string): string[] {
  const wanted = nameKey(name)
  return [...company.groups.values()]
    .filter((group) => nameKey(group.name) === wanted)
    .map(({ id }) => id)
    .sort()
}

/** As policy compares names of groups. */
function nameKey(name: string): string {
  return name.normalize('NFC').trim().toLowerCase()
}

function* opposite(lists: Lists, jid: string, a: readonly string[], b: readonly string[]): Generator<string> {
  const at = lists.people.findIndex((mark) => mark.jid === jid)
  if (at === -1) return
  const sides = [
    [a, b],
    [b, a],
  ] as const
  for (const [own, other] of sides) {
    if (!own.some((group) => isInGroup(lists, at, group))) continue
    for (const against of membersOf(lists, other)) {
      const other = lists.people[against]?.jid
      if (other != null && other !== jid) yield other
    }
  }
}

function membersOf(lists: Lists, groups: readonly string[]): number[] {
  const found: number[] = []
  for (let at = 0; at < lists.people.length; at++)
    if (groups.some((group) => isInGroup(lists, at, group))) found.push(at)
  return found
}

function groupsAt({ starts, groupsOf }: Lists, at: number): Int32Array {
  return groupsOf.subarray(starts[at] ?? 0, starts[at + 1] ?? 0)
}
