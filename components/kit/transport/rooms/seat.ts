// SPDX-License-Identifier: Apache-2.0
import type { NetworkSession, Occupant } from '../network.ts'
import type { Client } from './client.ts'
import type { Listing } from './listing.ts'

/** One of our people in one room, by his own connection. */
export type Seat = {
  readonly owner: string
  readonly session: NetworkSession
  /** Entering: not in yet. Lost: his connection is down, and he enters again when it is up. */
  state: 'entering' | 'in' | 'lost'
  /** His nick as everybody is shown it: changes at its place in the room's order. */
  shown: string
  /** The name under which the rules were told that he is there; null: they know of nobody. */
  reported: string | null
  readonly password: string | undefined
  readonly clients: Map<string, Client>
  /** The place at which the driver saw him come in. */
  from: number | null
  /** Whom he was told of while he entered for the first time; null: that is over. */
  listing: Listing | null
  /** As his own connection saw him come in. */
  self: Occupant | null
  /** Everybody, he too, was told that he is out. */
  isToldOut: boolean
  /** Whether the network repeats to him what he says; null: he has said nothing yet. */
  echoes: boolean | null
  /** Keeps what he says in order, where something has to be looked up first. */
  saying: Promise<unknown>
  /** How many are being looked up. */
  looking: number
  /** How often his connection went, or he entered again: what was begun before it is over. */
  tries: number
  /** Has no clients any more; leaves when this fires. */
  linger: NodeJS.Timeout | null
}

/** Of who is about to enter. */
export function newSeat(owner: string, session: NetworkSession, password: string | undefined, listing: Listing): Seat {
  return {
    owner,
    session,
    state: 'entering',
    shown: session.nick,
    reported: null,
    password,
    clients: new Map(),
    from: null,
    listing,
    self: null,
    isToldOut: false,
    echoes: null,
    saying: Promise.resolve(),
    looking: 0,
    linger: null,
    tries: 0,
  }
}

/** Who reads what the network answers to what he does there. */
export function readerOf({ room, seat }: { room: { network: string }; seat: Seat }): {
  owner: string
  network: string
} {
  return { owner: seat.owner, network: room.network }
}
