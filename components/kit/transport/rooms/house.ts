// SPDX-License-Identifier: Apache-2.0
// What every room is handed: the world it lives in.
import type { Catalogue } from '../../text/catalogue.ts'
import type { Asker } from '../asker/asker.ts'
import type { AwayTexts } from '../away-texts.ts'
import type { History } from '../history/history.ts'
import type { Lookalikes } from '../lookalikes.ts'
import type { Network } from '../network.ts'
import type { EnteredRoom } from '../people/bookmarks.ts'
import type { HeardOf } from '../people/heard.ts'
import type { ReadUpTo } from '../people/markers.ts'
import type { Sessions } from '../sessions.ts'
import type { Words } from '../words.ts'
import type { Link } from './client.ts'

/** The part of an asker that rooms need. */
export type Asking = Pick<Asker, 'ask' | 'occupant'> & {
  /** Nobody is asked: what comes passes as it is, at once. */
  readonly passes?: true
}

export const COUNTED = [
  'messagesIn',
  'messagesOut',
  'refusedIn',
  'withheld',
  'doubles',
  'driverChanges',
  'ghosts',
  'entered',
  'notEntered',
  'overBound',
  'unkept',
  'heldBack',
  'unnoted',
  'unanswered',
] as const
export type Counts = Record<(typeof COUNTED)[number], number>

/** Settings as they hold: nothing is missing. */
export type RoomSettings = {
  stays(owner: string, network: string, room: string): boolean
  /** Whether a connection without rooms is needed all the same. */
  keeps(owner: string, network: string): boolean
  lingerMs: number
  enterWithinMs: number
  idleMs: number
  given: number
  noteRefused: boolean
  linksAsFiles: boolean
  roomsPerPerson: number
  clientsPerSeat: number
  rooms: number
  occupants: number
  /** Stanzas that wait for one client; what one room has to say and waits for an answer; messages of one person on their way. */
  perClient: number
  perRoom: number
  perSeat: number
}

export type House = {
  domain: string
  network: Network
  sessions: Sessions
  history: History
  asker: Asking
  settings: RoomSettings
  text: Catalogue
  counts: Counts
  occupantKey: Buffer
  log: Record<'info' | 'warn' | 'error', (event: string, fields?: Readonly<Record<string, unknown>>) => void>
  now(): number
  link(): Link | null
  /** Whom people there could be taken for. */
  lookalikes: Lookalikes
  awayTexts: AwayTexts
  words: Words
  /** Somebody has read so far in a room, at another program of his. */
  read(owner: string, upTo: ReadUpTo): void
  /** Said to somebody one to one, or by him. */
  heard(owner: string, network: string, heard: HeardOf): void
  /** A client of somebody's is in a room. */
  entered(owner: string, room: EnteredRoom): void
  seal: { seal(text: string): string; open(sealed: string): string | null } | null
}
