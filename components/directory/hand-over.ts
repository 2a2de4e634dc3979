// SPDX-License-Identifier: Apache-2.0
// What is provisioned, as the elements that a server helper is handed: all of it, or what one version changed.
import { movedBetween } from './domain/difference.ts'
import type { ProvisionedGroup, ProvisionedPerson } from './domain/provisioned.ts'
import type { ProvisionedWall } from './domain/walls.ts'
import {
  type HelperPolicy,
  writeFormer,
  writeGoneGroup,
  writeGoneWall,
  writeGroup,
  writeMembers,
  writePerson,
  writePolicy,
  writeWall,
} from './protocol/state.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

/** The version is told first; what follows is of that one version, however long it takes. `refused`: addresses that are not named. */
export async function* everything(
  store: DirectoryStore,
  policy: HelperPolicy,
  refused: ReadonlySet<string>,
): AsyncGenerator<{ seq: number } | { element: string }> {
  let group = ''
  let members: string[] = []
  for await (const rows of store.stream('whole', null, { batch: 500 }))
    for (const { kind, id, text } of rows) {
      if (kind === 'seq') {
        yield { seq: Number(id) }
        yield { element: writePolicy(policy) }
      } else if (kind === 'group') yield { element: writeGroup(JSON.parse(text) as ProvisionedGroup) }
      else if (kind === 'person') {
        const person = JSON.parse(text) as ProvisionedPerson
        if (!refused.has(person.jid)) yield { element: writePerson(person) }
      } else if (kind === 'wall') {
        yield* lastMembers()
        yield { element: writeWall(without(JSON.parse(text) as ProvisionedWall, refused)) }
      } else if (kind === 'former') {
        if (!refused.has(id)) yield { element: writeFormer(id, text) }
      } else if (!refused.has(text)) {
        if (id !== group || members.length >= 500) {
          for (const element of writeMembers('join', group, members)) yield { element }
          group = id
          members = []
        }
        members.push(text)
      }
    }
  yield* lastMembers()

  function* lastMembers(): Generator<{ element: string }> {
    for (const element of writeMembers('join', group, members)) yield { element }
    members = []
  }
}

/** What version `seq` changed, in an order in which it can take effect as written: groups before who joins them, and gone last. */
export async function changesOf(store: DirectoryStore, seq: number, refused: ReadonlySet<string>): Promise<string[]> {
  const groups: string[] = []
  const people: string[] = []
  const gone: string[] = []
  const walls: string[] = []
  const joins = new Map<string, string[]>()
  const parts = new Map<string, string[]>()
  const move = (moves: Map<string, string[]>, ids: Iterable<string>, jid: string) => {
    for (const id of ids) {
      const jids = moves.get(id)
      if (jids === undefined) moves.set(id, [jid])
      else jids.push(jid)
    }
  }
  for await (const steps of store.stream('steps', seq, { batch: 500 }))
    for (const { kind, id, before, after } of steps) {
      if (before === after) continue
      if (kind === 'wall') {
        walls.push(after === '' ? writeGoneWall(id) : writeWall(without(JSON.parse(after) as ProvisionedWall, refused)))
        continue
      }
      if (kind === 'group') {
        if (after === '') gone.push(writeGoneGroup(id))
        else groups.push(writeGroup(JSON.parse(after) as ProvisionedGroup))
        continue
      }
      const had = personOf(before, refused)
      const has = personOf(after, refused)
      const isMoved = had?.jid !== has?.jid
      if (had !== null && isMoved) {
        people.push(writeFormer(had.jid, had.name))
        move(parts, had.groups, had.jid)
      }
      if (has === null) continue
      if (had === null || isMoved || had.name !== has.name || had.disabled !== has.disabled)
        people.push(writePerson(has))
      const { added, removed } = movedBetween(isMoved ? [] : (had?.groups ?? []), has.groups)
      move(joins, added, has.jid)
      move(parts, removed, has.jid)
    }
  return [
    ...groups,
    ...people,
    ...[...parts].flatMap(([group, jids]) => [...writeMembers('part', group, jids)]),
    ...[...joins].flatMap(([group, jids]) => [...writeMembers('join', group, jids)]),
    ...walls,
    ...gone,
  ]
}

/** Null also for one whose address is not named there. */
function personOf(body: string, refused: ReadonlySet<string>): ProvisionedPerson | null {
  if (body === '') return null
  const person = JSON.parse(body) as ProvisionedPerson
  return refused.has(person.jid) ? null : person
}

function without(wall: ProvisionedWall, refused: ReadonlySet<string>): ProvisionedWall {
  if (refused.size === 0) return wall
  return { ...wall, except: wall.except.filter((pair) => !pair.some((jid) => refused.has(jid))) }
}
