// SPDX-License-Identifier: Apache-2.0
// Which walls stand, and who leaves the room of a group because of those that a plan puts up or changes.
import { type Parted, readParted, type Walled, withoutParted } from './domain/parted.ts'
import type { Room } from './domain/room.ts'
import type { ProvisionedWall } from './domain/walls.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

export async function wallsOf(store: DirectoryStore): Promise<ProvisionedWall[]> {
  return (await store.read('walls', null)).map((body) => JSON.parse(body) as ProvisionedWall)
}

/** By room, of the rooms of these groups, those members who stand on a side of a wall. */
export async function walledByRoom(
  store: DirectoryStore,
  groups: readonly string[],
  parted: Parted,
): Promise<Map<string, Walled[]>> {
  const people = new Map<string, Walled[]>()
  for await (const rows of store.stream('walled', { groups, sides: [...parted.groups] }, { batch: 1_000 }))
    for (const { room, jid, sides } of rows) {
      const those = people.get(room)
      if (those === undefined) people.set(room, [{ jid, groups: sides }])
      else those.push({ jid, groups: sides })
    }
  return people
}

/** Those that will stand when the plan is carried out; null: they stand already. */
export async function wallsToStand(store: DirectoryStore): Promise<ProvisionedWall[] | null> {
  const changed = await store.read('plannedWalls', null)
  if (changed.length === 0) return null
  const walls = new Map((await wallsOf(store)).map((wall) => [wall.id, wall]))
  for (const { id, body } of changed)
    if (body === '') walls.delete(id)
    else walls.set(id, JSON.parse(body) as ProvisionedWall)
  return [...walls.values()]
}

/** At most `most`. As people are in groups now: who comes into a group by the same plan is not put into its room. */
export async function* leavesRooms(
  store: DirectoryStore,
  walls: readonly ProvisionedWall[],
  most: number,
): AsyncGenerator<{ room: Room; jid: string }> {
  const parted = readParted(walls)
  const rooms = (await store.read('rooms', null)).filter(({ state }) => state === 'made')
  const groups = rooms.map(({ group }) => group)
  const people = await walledByRoom(store, groups, parted)
  let given = 0
  for (const room of rooms) {
    const without = withoutParted(people.get(room.jid) ?? [], parted)
    const members = without.size === 0 ? [] : await store.read('roomMembersOf', room.jid)
    for (const jid of members) {
      if (!without.has(jid)) continue
      if (given === most) return
      given += 1
      yield { room, jid }
    }
  }
}
