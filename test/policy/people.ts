// SPDX-License-Identifier: Apache-2.0
// People and groups for tests of policy: as a value, and as the snapshot that the process directory would publish.
import type { PeopleItem, PersonItem } from '../../components/kit/facts/people.ts'
import { nameKey, type People, type Person } from '../../components/policy/domain/person.ts'

type Said = { groups?: readonly string[]; department?: string; old?: readonly string[]; name?: string }

/** Alice trades, Bob researches, Carol does both, Dave is in neither. */
export const CAST: Readonly<Record<string, Said>> = {
  'alice@corp.example': { groups: ['Traders', 'Staff'], department: 'Trading Floor', name: 'Alice Müller' },
  'bob@corp.example': { groups: ['Research', 'Staff'], department: 'Forschung', old: ['robert@corp.example'] },
  'carol@corp.example': { groups: ['Traders', 'Research'] },
  'dave@corp.example': { groups: ['Staff'] },
}

export function peopleOf(cast = CAST, hosts: readonly string[] = ['corp.example']): People {
  const found = new Map<string, Person>()
  for (const [jid, { groups = [], department = null, old = [], name = jid }] of Object.entries(cast)) {
    const of = groups.map((group) => ({ name: group, key: nameKey(group) }))
    const person = { id: `t:${jid}`, jid, name, mail: [], department, groups: of }
    for (const address of [jid, ...old]) found.set(address, person)
  }
  return { find: (bare) => found.get(bare), hosts: new Set(hosts) }
}

export function personItem(jid: string, { groups = [], department, old = [], name = jid }: Said): PersonItem {
  return {
    kind: 'person',
    id: `t:${jid}`,
    jid,
    oldJids: old,
    name,
    mail: [`mail-${jid}`],
    phone: [],
    ...(department === undefined ? {} : { department }),
    groups: groups.map((group) => `t:${group}`),
    disabled: false,
    identities: {},
  }
}

export function itemsOf(cast = CAST, hosts: readonly string[] = ['corp.example']): PeopleItem[] {
  const people = Object.entries(cast).map(([jid, said]) => personItem(jid, said))
  const names = [...new Set(Object.values(cast).flatMap(({ groups = [] }) => groups))]
  const groups = names.map((name): PeopleItem => ({ kind: 'group', id: `t:${name}`, name }))
  const at = '2026-11-22T10:00:00.000Z'
  return [...people, ...groups, { kind: 'directory', at, hosts, people: people.length, groups: groups.length }]
}
