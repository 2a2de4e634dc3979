// SPDX-License-Identifier: Apache-2.0
// Rooms that people made themselves: who leaves them because a wall stands between him and others in there. The room stays.
import type { Element } from '../kit/xml/element.ts'
import { mayPart, readParted, type Walled, withoutParted } from './domain/parted.ts'
import type { ProvisionedWall } from './domain/walls.ts'
import { wallsOf } from './parted-rooms.ts'
import { askRooms, MOST_GROUPS, type PeopleRoom, readRooms } from './protocol/rooms.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

/** `isCut`: the room has more people than the helper tells of. */
export type Leaving = { room: string; jids: readonly string[]; isCut: boolean }

/** Rejects with a StanzaError of the helper. As people are in groups now; rooms of groups are not among them. */
export async function* leavesOwnRooms(
  store: DirectoryStore,
  walls: readonly ProvisionedWall[],
  ask: (payload: string) => Promise<Element>,
): AsyncGenerator<Leaving> {
  const parted = readParted(walls)
  const ours = new Set((await store.read('rooms', null)).map(({ jid }) => jid))
  for (const groups of sidesTogether(walls))
    for (let after: string | null = ''; after !== null; ) {
      const told = readRooms(await ask(askRooms(groups, after)))
      for (const room of told.rooms) {
        if (ours.has(room.jid)) continue
        const without = withoutParted(await walledIn(store, room), parted)
        if (without.size > 0) yield { room: room.jid, jids: [...without], isCut: room.isCut }
      }
      // What does not go on would go round for ever.
      after = told.next !== null && told.next > after ? told.next : null
    }
}

/** Whether what this version changed can have parted people who are together in a room. */
export async function partsPeople(store: DirectoryStore, seq: number): Promise<boolean> {
  const walls = await wallsOf(store)
  if (walls.length === 0) return false
  const { groups } = readParted(walls)
  for await (const steps of store.stream('steps', seq, { batch: 500 }))
    if (steps.some((step) => mayPart(step, groups))) return true
  return false
}

/** In the order of the room; who is locked out, or not ours, is not among them. */
async function walledIn(store: DirectoryStore, { people }: PeopleRoom): Promise<Walled[]> {
  const jids = people.map(({ jid }) => jid)
  const groups = new Map((await store.read('groupsAt', jids)).map((one) => [one.jid, one.groups]))
  return people.flatMap(({ jid, isOwner }) => {
    const those = groups.get(jid)
    return those === undefined ? [] : [{ jid, isOwner, groups: those }]
  })
}

/** As many as one question has room for; both sides of a wall stand in the same. */
function* sidesTogether(walls: readonly ProvisionedWall[]): Generator<string[]> {
  let together = new Set<string>()
  for (const { a, b } of walls) {
    const more = new Set([...together, ...a, ...b])
    if (more.size > MOST_GROUPS && together.size > 0) {
      yield [...together]
      together = new Set([...a, ...b])
    } else together = more
  }
  if (together.size > 0) yield [...together]
}
