// SPDX-License-Identifier: Apache-2.0
// People and groups as the process `directory` publishes them: followed, and held in memory as far as rules and the record need them.
import { followSnapshot } from '../kit/bus/follow-snapshot.ts'
import type { Item, Mark, SnapshotState, Step } from '../kit/bus/snapshot.ts'
import { readItem } from '../kit/facts/people.ts'
import { bareOf } from '../kit/xmpp/jid.ts'
import { type Group, nameKey, type People, type Person } from './domain/person.ts'

export type PeopleEvents = {
  /** A version is in force, also the first one; `people` is the whole. */
  changed(people: KnownPeople, mark: Mark): void
  /** The snapshot cannot be read, or (null) can again. What was read stays in force. */
  fault(error: Error | null): void
}

export type PeopleInForce = Disposable & {
  /** Null as long as no version was read whole. */
  current(): KnownPeople | null
  /** What the writer says of it now; null while there is none. */
  state(): Promise<SnapshotState | null>
}

/** `groups`: keys of all names. */
export type KnownPeople = People & { groups: ReadonlySet<string>; size: number; mark: Mark; at: number }

export function followPeople(folder: string, events: PeopleEvents): PeopleInForce {
  const register = new Register()
  const followed = followSnapshot(folder, {
    take: (step) => register.take(step),
    changed(mark) {
      if (register.known) events.changed(register.known, mark)
    },
    fault: events.fault,
  })
  return {
    current: () => register.known,
    state: () => followed.state(),
    [Symbol.dispose]() {
      void followed[Symbol.asyncDispose]()
    },
  }
}

type Kept = Person & { addresses: readonly string[] }

class Tables {
  readonly byId = new Map<string, Kept>()
  readonly byAddress = new Map<string, Kept>()
  readonly groups = new Map<string, Group>()
  hosts: ReadonlySet<string> = new Set()

  put({ person, group, hosts, key }: Change): void {
    if (person) {
      this.remove(key)
      this.byId.set(key, person)
      for (const address of person.addresses) this.byAddress.set(address, person)
    } else if (group) Object.assign(this.group(key), group)
    else if (hosts) this.hosts = hosts
    else this.remove(key)
  }

  /** The same object for the same group: who is in it need not be told of its new name. */
  group(key: string): Group {
    let group = this.groups.get(key)
    if (group === undefined) {
      group = { name: '', key: '' }
      this.groups.set(key, group)
    }
    return group
  }

  remove(key: string): void {
    const person = this.byId.get(key)
    const group = this.groups.get(key)
    if (group) Object.assign(group, { name: '', key: '' })
    if (person === undefined) return
    this.byId.delete(key)
    for (const address of person.addresses) if (this.byAddress.get(address) === person) this.byAddress.delete(address)
  }
}

type Change = { key: string; person?: Kept; group?: Group; hosts?: ReadonlySet<string> }

/** What is read stands aside until its version is whole, and then takes its place in one turn. */
class Register {
  known: KnownPeople | null = null
  #tables = new Tables()
  #coming = new Tables()
  #changes: Change[] | null = null

  take(step: Step): void {
    if (step.kind === 'begin') {
      this.#coming = step.whole ? new Tables() : this.#tables
      // The whole is built aside; changes are gathered.
      this.#changes = step.whole ? null : []
      return
    }
    if (step.kind === 'batch') {
      for (const item of step.put) this.#gather(changeOf(item, this.#coming))
      for (const key of step.removed) this.#gather({ key })
      return
    }
    for (const change of this.#changes ?? []) this.#coming.put(change)
    this.#changes = null
    this.#tables = this.#coming
    const { byAddress, byId, groups, hosts } = this.#tables
    this.known = {
      find: (bare) => byAddress.get(bare),
      hosts,
      groups: new Set([...groups.values()].map(({ key }) => key).filter((key) => key !== '')),
      size: byId.size,
      mark: { id: step.id, seq: step.seq },
      at: step.at,
    }
  }

  #gather(change: Change | null): void {
    if (change === null) return
    if (this.#changes) this.#changes.push(change)
    else this.#coming.put(change)
  }
}

function changeOf(item: Item, tables: Tables): Change | null {
  const { key } = item
  const read = readItem(item)
  switch (read.kind) {
    case 'person': {
      const { id, jid, oldJids, name, mail, department = null, groups } = read
      const addresses = [...new Set([jid, ...oldJids].map(bareOf).filter((bare) => bare !== ''))]
      const of = groups.map((group) => tables.group(`group/${group}`))
      return { key, person: { id, jid, name, mail, department, groups: of, addresses } }
    }
    case 'group':
      return { key, group: { name: read.name, key: nameKey(read.name) } }
    case 'directory':
      return { key, hosts: new Set(read.hosts.map((host) => host.toLowerCase())) }
    default:
      return null
  }
}
