// SPDX-License-Identifier: Apache-2.0
// A person and a group as others see them: what stands in the snapshot (components/kit/facts/PEOPLE.md), and for a group how it stands in rosters.
import type { PersonMark } from './company.ts'
import type { RosterGroup } from './roster-rules.ts'
import type { ReadPerson } from './source.ts'

export type ProvisionedPerson = {
  kind: 'person'
  id: string
  jid: string
  oldJids: readonly string[]
  name: string
  given?: string
  family?: string
  nick?: string
  mail: readonly string[]
  phone: readonly string[]
  department?: string
  title?: string
  manager?: string
  office?: string
  company?: string
  photo?: { hash: string; bytes: number }
  groups: readonly string[]
  disabled: boolean
  identities: Readonly<Record<string, string>>
}

export type ProvisionedGroup = {
  kind: 'group'
  id: string
  name: string
  description?: string
  /** Absent: it is in no roster. */
  roster?: RosterGroup
}

/** Fields in this order always, so that equal people have equal texts. `oldJids`: all addresses he ever had; `jid` is taken out. */
export function provisionPerson(
  mark: PersonMark,
  said: ReadPerson,
  { jid, groups, oldJids }: { jid: string; groups: readonly string[]; oldJids: readonly string[] },
): ProvisionedPerson {
  const { given, family, nick, department, title, office, company, photo } = said
  return {
    kind: 'person',
    id: mark.id,
    jid,
    oldJids: oldJids.filter((old) => old !== jid),
    name: said.name,
    ...(given !== undefined && { given }),
    ...(family !== undefined && { family }),
    ...(nick !== undefined && { nick }),
    mail: said.mail,
    phone: said.phone,
    ...(department !== undefined && { department }),
    ...(title !== undefined && { title }),
    ...(mark.manager !== null && mark.manager.jid !== null && { manager: mark.manager.id }),
    ...(office !== undefined && { office }),
    ...(company !== undefined && { company }),
    ...(photo !== undefined && { photo: { hash: photo.hash, bytes: photo.bytes } }),
    groups,
    disabled: mark.disabled,
    identities: said.identities,
  }
}
