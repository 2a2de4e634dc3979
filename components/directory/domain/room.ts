// SPDX-License-Identifier: Apache-2.0
// Groups that have a room: where it stands, what it is called, who is in it.
import { wordsOf } from './folding.ts'

/** What the settings say of rooms. `name` and `subject` may hold {name} and {description}. */
export type RoomRule = { service: string; groups: readonly string[]; name: string; subject: string }

/** As it is known to be. 'planned': its address is given, and nobody has made it yet. `said`: what it was told last, see configOf. */
export type Room = {
  group: string
  jid: string
  state: 'planned' | 'made' | 'retired'
  name: string
  subject: string
  said: string
}

/** `{attribute}` of the group put in; the name alone where nothing is left. */
export function nameRoom(template: string, group: { name: string; description?: string }): string {
  const said = { name: group.name, description: group.description ?? '' }
  return template
    .replace(/\{(name|description)\}/g, (_, field: keyof typeof said) => said[field])
    .replace(/\s+/g, ' ')
    .trim()
}

const MOST_LOCAL = 60

/** A local part that people can read; `mark` makes it another one where that is taken. It stays when the group is renamed. */
export function roomLocal(name: string, mark: string): string {
  // Only the first spelling of each word: Forschung Süd is forschung-sud.
  const words = wordsOf(name.replace(/[äöüå]/giu, (letter) => UMLAUTS[letter.toLowerCase()] ?? letter))
  const local = words
    .join('-')
    .replace(/[^\p{L}\p{N}-]/gu, '')
    .slice(0, MOST_LOCAL)
  if (local === '') return `group-${mark}`
  return mark === '' ? local : `${local}-${mark}`
}

const UMLAUTS: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', å: 'aa' }

/** A change of a group in a plan; `isGone`: the group is. */
export type GroupChange = { id: string; name: string; isGone: boolean }

export type RoomChange = { change: 'make' | 'open' | 'close'; group: string; name: string; jid: string | null }

/** What becomes of rooms by these changes. `open`: one that was closed. */
export function planRooms(
  changes: readonly GroupChange[],
  rooms: readonly Room[],
  hasRoom: (name: string) => boolean,
): RoomChange[] {
  const known = new Map(rooms.map((room) => [room.group, room]))
  return changes.flatMap(({ id, name, isGone }): RoomChange[] => {
    const room = known.get(id)
    const wanted = !isGone && hasRoom(name)
    const of = (change: RoomChange['change']) => [{ change, group: id, name, jid: room?.jid ?? null }]
    if (room?.state === 'made') return wanted ? [] : of('close')
    if (!wanted) return []
    return of(room?.state === 'retired' ? 'open' : 'make')
  })
}
