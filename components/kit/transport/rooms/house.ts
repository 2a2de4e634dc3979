// SPDX-License-Identifier: Apache-2.0
// What every room is handed: the world it lives in.
import type { Catalogue } from '../../text/catalogue.ts'
import type { History } from '../history/history.ts'
import type { Network } from '../network.ts'
import type { Sessions } from '../sessions.ts'
import type { Link } from './client.ts'

/** The part of an asker that rooms need. `ask` never rejects; answers of one `order` come in the order of asking. */
export type Asking = {
  ask(question: Question): Promise<Answer>
  /** One of our people's clients came into a room or left it. */
  occupant(room: string, nick: string, jid: string, event: 'joined' | 'left'): void
}

/** `stanza` declares its namespaces and stands alone; `network` is its type, `server` which one; `at` milliseconds UTC. */
export type Question = {
  stanza: string
  network: string
  server: string
  foreign: Foreign
  order: string
  at?: number
}
export type Foreign = { nick: string; account?: string; identity?: string }

export type Answer =
  | { action: 'deliver'; stanza: string; replaced: boolean }
  | { action: 'refuse'; why: 'policy'; rule: string; condition: string; text: Readonly<Record<string, string>> }
  | { action: 'refuse'; why: 'outage' }

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
  seal: { seal(text: string): string; open(sealed: string): string | null } | null
}
