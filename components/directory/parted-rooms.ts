// SPDX-License-Identifier: Apache-2.0
// Who leaves the room of a group because of the walls that a plan puts up or changes.
import { readParted, type Walled, withoutParted } from './domain/parted.ts'
import type { Room } from './domain/room.ts'
import type { ProvisionedWall } from './domain/walls.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

/** Those that will stand when the plan is carried out; null: they stand already. */
export async function wallsToStand(store: DirectoryStore): Promise<ProvisionedWall[] | null> {
  const changed = await store.read('plannedWalls', null)
  if (changed.length === 0) return null
  const walls = new Map<string, ProvisionedWall>()
  for (const body of await store.read('walls', null)) {
    const wall = JSON.parse(body) as ProvisionedWall
    walls.set(wall.id, wall)
  }
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
  const people = new Map<string, Walled[]>()
  const asked = { groups: rooms.map(({ group }) => group), sides: [...parted.groups] }
  for await (const rows of store.stream('walled', asked, { batch: 1_000 }))
    for (const { room, jid, sides } of rows) people.set(room, [...(people.get(room) ?? []), { jid, groups: sides }])
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
