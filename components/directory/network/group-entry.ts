// SPDX-License-Identifier: Apache-2.0
// An entry of the directory as a group: who is in it stands as names, which domain/ finds the people of.
import type { ReadEntry, ReadGroup } from '../domain/source.ts'
import type { RawEntry } from './entry.ts'
import type { Layout } from './layout.ts'
import { attributesOf, identify } from './person-entry.ts'
import { tokenOfGroup } from './primary-group.ts'
import { namesOf, type Told, textOf } from './values.ts'

export type GroupReader = { name: string; layout: Layout }

/** The attributes to ask for. */
export function groupAttributes({ layout }: GroupReader): string[] {
  const { name, description, memberDns, memberUids, primaryGroup, range } = layout.groups.attributes
  const members = range === undefined ? memberDns : memberDns.map((attribute) => `${attribute};range=0-${range - 1}`)
  const all = [layout.id.attribute, ...name, ...description, ...members, ...memberUids, ...attributesOf(primaryGroup)]
  return [...new Set(all)]
}

/** The group, if the entry is one, and what is wrong with it. */
export function groupOf(entry: RawEntry, reader: GroupReader): readonly ReadEntry[] {
  const identified = identify(entry, reader)
  if (!('id' in identified)) return [identified]
  const { id } = identified
  const problems: ReadEntry[] = []
  const tell: Told = (attribute, what) => {
    problems.push({ kind: 'problem', problem: { dn: entry.dn, id, attribute, what, left: 'attribute' } })
  }
  const { attributes } = reader.layout.groups
  const description = textOf(entry, attributes.description, tell)
  const primaryGroupToken = tokenOfGroup(entry, attributes.primaryGroup)
  const group: ReadGroup = {
    kind: 'group',
    id,
    dn: entry.dn,
    name: textOf(entry, attributes.name, tell) || entry.dn,
    ...(description !== '' && { description }),
    memberDns: namesOf(entry, attributes.memberDns, tell),
    memberUids: namesOf(entry, attributes.memberUids, tell),
    ...(primaryGroupToken !== null && { primaryGroupToken }),
  }
  return [group, ...problems]
}
