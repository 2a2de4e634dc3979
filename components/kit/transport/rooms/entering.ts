// SPDX-License-Identifier: Apache-2.0
// XEP-0045 §7.2: what a client asks for when it enters, and what it is told then, in the order of §7.1: who is there, itself, what was
// said, the subject.

import { timeOf } from '../../xep/mam.ts'
import { MUC } from '../../xep/muc.ts'
import type { Element } from '../../xml/element.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { StoredMessage } from '../history/operations.ts'
import type { Client } from './client.ts'
import type { Listing } from './listing.ts'
import type { Room } from './room.ts'
import type { Seat } from './seat.ts'
import { type Rest, type ShownOccupant, STATUS, writeAvailable } from './writing.ts'

export type WantedHistory = { stanzas: number; characters: number; since: number }

export type Entering = { password: string | undefined; history: WantedHistory }

/** Null: this is no wish to enter. Throws StanzaError: bad-request. */
export function readEntering(presence: Element, now: number, given: number): Entering | null {
  const x = presence.getChild('x', MUC)
  if (x === undefined) return null
  const history = x.getChild('history', MUC)
  const seconds = wholeOf(history, 'seconds')
  const since = history?.attrs.since === undefined ? 0 : timeOf(history.attrs.since)
  return {
    password: x.getChild('password', MUC)?.getText() || undefined,
    history: {
      // Who bounds it in another way gets as much as is remembered.
      stanzas: wholeOf(history, 'maxstanzas') ?? (history === undefined ? given : Number.MAX_SAFE_INTEGER),
      characters: wholeOf(history, 'maxchars') ?? Number.MAX_SAFE_INTEGER,
      since: Math.max(since, seconds === undefined ? 0 : now - seconds * 1000),
    },
  }
}

function wholeOf(history: Element | undefined, name: string): number | undefined {
  const text = history?.attrs[name]
  if (text === undefined) return undefined
  if (!/^\d{1,12}$/.test(text))
    throw new StanzaError('modify', 'bad-request', {}, { cause: `${name} is a whole number` })
  return Number(text)
}

/**
 * Tells one client all of it, but for whom it was told of while the network listed them. From the first stanza on, whatever the room tells
 * comes behind.
 */
export function welcome(room: Room, seat: Seat, client: Client, wanted: WantedHistory, listing: Listing | null): void {
  const self = room.occupants.selfOf(seat)
  const face = client.face.escaped
  client.isIn = true
  client.presences(
    listing === null ? othersOf(room, self, face) : listing.others(client, room.occupants.entries(), self.nick),
  )
  const codes: number[] = [STATUS.self]
  if (self.nick !== client.asked) codes.push(STATUS.nickGiven)
  client.presence(writeAvailable(face, self, codes))
  for (const rest of historyOf(room, wanted, face)) client.message(rest)
  client.message(room.subject.write(client.face, true))
}

function othersOf(room: Room, self: ShownOccupant, face: string): Iterator<Rest> {
  const others = [...room.occupants.all()]
  return (function* () {
    for (const one of others) if (one.nick !== self.nick) yield writeAvailable(face, one)
  })()
}

/** §7.2.13: the newest that fit. */
function historyOf(room: Room, { stanzas, characters, since }: WantedHistory, face: string): string[] {
  const rests: string[] = []
  let left = characters
  const recent: readonly StoredMessage[] = room.telling.recent
  for (let at = recent.length - 1; at >= 0 && rests.length < stanzas; at--) {
    const message = recent[at] as StoredMessage
    if (message.at < since) break
    const rest = room.telling.writeOld(message, face)
    left -= rest.length
    if (left < 0) break
    rests.push(rest)
  }
  return rests.reverse()
}
