// SPDX-License-Identifier: Apache-2.0
// Groups that have a room: where it stands, what it is called, who is in it.
import { wordsOf } from './folding.ts'
import { namePattern } from './roster-rules.ts'

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

/** Name of the room of a group by these rules; null: none of the patterns is its name. */
export function roomNames(rule: Pick<RoomRule, 'groups' | 'name'> | null) {
  const patterns = (rule?.groups ?? []).map(namePattern)
  return (group: { name: string; description?: string }): string | null => {
    if (rule === null || !patterns.some((pattern) => pattern.test(group.name))) return null
    return nameRoom(rule.name, group) || group.name
  }
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
export type GroupChange = { id: string; name: string; description?: string; isGone: boolean }

/** `oldName`: of one that is renamed. */
export type RoomChange = {
  change: 'make' | 'open' | 'close' | 'rename'
  group: string
  name: string
  jid: string | null
  oldName?: string
}

/** What becomes of rooms by these changes. `open`: one that was closed. `roomName`: of the room of a group; null: it has none. */
export function planRooms(
  changes: readonly GroupChange[],
  rooms: readonly Room[],
  roomName: (group: { name: string; description?: string }) => string | null,
): RoomChange[] {
  const known = new Map(rooms.map((room) => [room.group, room]))
  return changes.flatMap((group): RoomChange[] => {
    const { id, isGone } = group
    const room = known.get(id)
    const wanted = isGone ? null : roomName(group)
    const of = (change: RoomChange['change'], name: string, more: { oldName?: string } = {}) => [
      { change, group: id, name, jid: room?.jid ?? null, ...more },
    ]
    if (room?.state === 'made') {
      if (wanted === null) return of('close', room.name)
      return wanted === room.name ? [] : of('rename', wanted, { oldName: room.name })
    }
    if (wanted === null) return []
    return of(room?.state === 'retired' ? 'open' : 'make', wanted)
  })
}
