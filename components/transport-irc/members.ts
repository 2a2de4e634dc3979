// SPDX-License-Identifier: Apache-2.0
// Who belongs to the groups that may use the transport, as the process directory publishes people.
import { followSnapshot, SnapshotTable } from '../kit/bus/follow-snapshot.ts'
import type { Item } from '../kit/bus/snapshot.ts'
import { type GroupItem, type PersonItem, readItem } from '../kit/facts/people.ts'
import { bareOf } from '../kit/xmpp/jid.ts'

export type Members = AsyncDisposable & {
  /** False as long as nobody has said who belongs to a group. */
  has(bare: string): boolean
}

export type MembersEvents = {
  /** Others are members now, so many. */
  changed(members: number): void
  /** People cannot be read; null: they can again. */
  fault(error: Error | null): void
}

/** `groups`: names; none: everybody is a member. */
export function followMembers(folder: string, groups: readonly string[], events: MembersEvents): Members {
  if (groups.length === 0) return { has: () => true, async [Symbol.asyncDispose]() {} }
  const wanted = new Set(groups.map(nameKey))
  const table = new SnapshotTable(readMember)
  let members: ReadonlySet<string> = new Set()
  const followed = followSnapshot(folder, {
    take: (step) => table.take(step),
    changed() {
      members = membersOf([...table.rows.values()], wanted)
      events.changed(members.size)
    },
    fault: events.fault,
  })
  return {
    has: (bare) => members.has(bareOf(bare)),
    [Symbol.asyncDispose]: () => followed[Symbol.asyncDispose](),
  }
}

function readMember(item: Item): PersonItem | GroupItem | null {
  const read = readItem(item)
  return read.kind === 'person' || read.kind === 'group' ? read : null
}

/** Addresses of those who are in one of these groups and not locked out. */
function membersOf(known: readonly (PersonItem | GroupItem)[], wanted: ReadonlySet<string>): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const one of known) if (one.kind === 'group' && wanted.has(nameKey(one.name))) ids.add(one.id)
  const members = new Set<string>()
  for (const one of known)
    if (one.kind === 'person' && !one.disabled && one.groups.some((id) => ids.has(id))) members.add(bareOf(one.jid))
  return members
}

/** Names are compared without regard to case and width, as rules do. */
function nameKey(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase()
}
