// SPDX-License-Identifier: Apache-2.0
// Why somebody is in a group: named by it, his primary one, or through a group that is in it.
import type { Company, GroupMark, PersonMark } from './company.ts'

export type Why = { group: GroupMark } & (
  | { how: 'member' | 'uid' | 'primary' }
  | { how: 'through'; through: GroupMark }
)

/** The shortest way into each of his groups. */
export function whyInGroups(company: Company, person: PersonMark): readonly Why[] {
  const found = new Map<string, Why>()
  const groups = [...company.groups.values()].filter(({ source }) => source === person.source)
  for (const group of groups) {
    if (group.memberDns.includes(person.dn)) found.set(group.id, { group, how: 'member' })
    else if (person.uid !== '' && group.memberUids.includes(person.uid)) found.set(group.id, { group, how: 'uid' })
    else if (person.token !== '' && group.token === person.token) found.set(group.id, { group, how: 'primary' })
  }
  let edge = [...found.values()].map(({ group }) => group)
  while (edge.length > 0) {
    const next: GroupMark[] = []
    for (const through of edge)
      for (const group of groups) {
        if (found.has(group.id) || !group.memberDns.includes(through.dn)) continue
        found.set(group.id, { group, how: 'through', through })
        next.push(group)
      }
    edge = next
  }
  return [...found.values()].sort((one, other) => (one.group.name < other.group.name ? -1 : 1))
}
