// SPDX-License-Identifier: Apache-2.0
// What can be set of rooms, and what holds where nothing is said.
import type { RoomSettings } from './rooms/house.ts'

export type TransportSettings = {
  /** Whether somebody stays in a room when his clients have gone, and enters again at the next start. Asked each time. */
  stays(owner: string, network: string, room: string): boolean
  /** How long a seat without clients waits for them after the link to the XMPP server was lost. Default 5 min. */
  lingerMs?: number
  /** From a client's wish to enter to the answer. Default 60 s. */
  enterWithinMs?: number
  /** After the last room was left the connection is ended. Default 5 min. */
  idleMs?: number
  /** Kept for `keepMs` (30 days), at most `mostPerRoom` (10,000; 0 keeps nothing); `given` (20, at most 60) to who enters and does not say how many. */
  history?: { keepMs?: number; mostPerRoom?: number; given?: number }
  /** Rooms of one person at one network (100), clients of one person in one room (20), rooms (10,000), occupants that one room shows (50,000). */
  most?: { roomsPerPerson?: number; clientsPerSeat?: number; rooms?: number; occupants?: number }
  /** That a message was refused by the rules is told in the room. Default false. */
  noteRefused?: boolean
  /** A message that is nothing but a link to a file is marked as that file (XEP-0066), which clients may fetch and show. Default true. */
  linksAsFiles?: boolean
}

const PER_CLIENT = 5000
const PER_ROOM = 2000
const PER_SEAT = 100
const GIVEN_MOST = 60

export function settingsOf(said: TransportSettings, keeps: RoomSettings['keeps']): RoomSettings {
  return {
    stays: (owner, network, room) => said.stays(owner, network, room),
    keeps,
    lingerMs: said.lingerMs ?? 5 * 60_000,
    enterWithinMs: said.enterWithinMs ?? 60_000,
    idleMs: said.idleMs ?? 5 * 60_000,
    given: Math.min(GIVEN_MOST, said.history?.given ?? 20),
    noteRefused: said.noteRefused ?? false,
    linksAsFiles: said.linksAsFiles ?? true,
    // It may be set anew while this runs.
    get roomsPerPerson() {
      return said.most?.roomsPerPerson ?? 100
    },
    clientsPerSeat: said.most?.clientsPerSeat ?? 20,
    rooms: said.most?.rooms ?? 10_000,
    occupants: said.most?.occupants ?? 50_000,
    perClient: PER_CLIENT,
    perRoom: PER_ROOM,
    perSeat: PER_SEAT,
  }
}
