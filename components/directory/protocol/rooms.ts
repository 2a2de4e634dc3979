// SPDX-License-Identifier: Apache-2.0
// Rooms that people made: who of some groups is together in which, and putting people out. deploy/servers/DIRECTORY.md §8, Rooms.
import type { Element } from '../../kit/xml/element.ts'
import { escapeAttribute, escapeText } from '../../kit/xml/writer.ts'
import { DIRECTORY } from './state.ts'

/** `isOwner`: he can change the room, and lets others in. `jid` is bare. */
export type RoomPerson = { jid: string; isOwner: boolean }

/** `isCut`: there are more people than are told of. */
export type PeopleRoom = { jid: string; people: readonly RoomPerson[]; isCut: boolean }

/** In one question. */
export const MOST_GROUPS = 2_000

/** `after`: address of a room; '': from the first. */
export function askRooms(groups: readonly string[], after: string): string {
  const of = groups.map((group) => `<of group='${escapeAttribute(group)}'/>`).join('')
  const from = after === '' ? '' : ` after='${escapeAttribute(after)}'`
  return `<rooms xmlns='${DIRECTORY}'${from}>${of}</rooms>`
}

/** `next`: there are more behind this one; null: there are none. */
export function readRooms(result: Element): { rooms: PeopleRoom[]; next: string | null } {
  const told = result.getChild('rooms', DIRECTORY)
  const rooms = (told?.getChildren('room', DIRECTORY) ?? []).map((room) => ({
    jid: room.attrs.jid ?? '',
    isCut: room.attrs.truncated === 'true',
    people: room
      .getChildren('who', DIRECTORY)
      .map(({ attrs }) => ({ jid: attrs.jid ?? '', isOwner: attrs.affiliation === 'owner' })),
  }))
  return { rooms, next: told?.attrs.next ?? null }
}

export function writeLeave(room: string, jid: string, reason: string): string {
  const [where, who] = [room, jid].map(escapeAttribute)
  return `<leave xmlns='${DIRECTORY}' room='${where}' jid='${who}'><reason>${escapeText(reason)}</reason></leave>`
}
