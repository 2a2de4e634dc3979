// SPDX-License-Identifier: Apache-2.0
// Names of people on a network as they can stand in an address. A server closes a component's stream at an address that is none, and with it
// the link of everybody; on a network people are called what they like, and a hostile server says what it likes.
import { hash } from 'node:crypto'
import type { ForeignMessage, Occupant, RoomEvent, SessionEvents } from './network.ts'

/** Nearly every nick. */
const PLAIN = /^[!-~]{1,100}$/
/** What both resourceprep (RFC 3920 appendix B) and PRECIS let through; of white space the blank alone. */
const FITS = /^[ \p{L}\p{M}\p{N}\p{P}\p{S}]+$/u
/** Mapped to nothing, or forbidden though a letter, mark or symbol (RFC 3454 tables B.1, C.6, C.7, C.8). */
const NEVER = /\p{Default_Ignorable_Code_Point}|[\u0340\u0341\u2ff0-\u2ffb\ufff9-\uffff]/u
/** Written from the right: RFC 3454 §6 wants such a letter at both ends, and none of the others. */
const FROM_RIGHT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/u
const ALL_FROM_RIGHT =
  /^(?=\p{L})[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc](?:[^\p{L}]|[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc])*$/u
const MOST_BYTES = 1_000

/** The same where it can be a resource, else one of its own that can: what is left of it, and a mark by which two stay two. */
export function shownNick(nick: string): string {
  if (PLAIN.test(nick)) return nick
  if (canStand(nick)) return nick
  return `${nick.replace(/[^!-~]/gu, '_').slice(0, 40)}~${hash('sha256', nick, 'hex').slice(0, 8)}`
}

function canStand(nick: string): boolean {
  if (!FITS.test(nick) || NEVER.test(nick) || Buffer.byteLength(nick) > MOST_BYTES) return false
  return !FROM_RIGHT.test(nick) || (ALL_FROM_RIGHT.test(nick) && /\p{L}\p{M}*$/u.test(nick))
}

/** The events of a session with every name in them as it is shown. */
export function withShownNicks(events: SessionEvents): SessionEvents {
  return {
    up: (nick) => events.up(shownNick(nick)),
    down: (fault, retryAt) => events.down(fault, retryAt),
    nick: (from, to) => events.nick(shownNick(from), shownNick(to)),
    room: (room, event) => events.room(room, ofRoom(event)),
    out: (room, how, by, reason) => events.out(room, how, maybe(by), reason),
    invited: (room, by) => events.invited(room, shownNick(by)),
    message: (message) => events.message(ofMessage(message)),
    reflected: (to, message) => events.reflected(shownNick(to), ofMessage(message)),
    typing: (nick, state) => events.typing(shownNick(nick), state),
    read: (target, at) => events.read('room' in target ? target : { person: shownNick(target.person) }, at),
    presence: (nick, presence) => events.presence(shownNick(nick), presence),
    renamed: (from, to) => events.renamed(shownNick(from), shownNick(to)),
    said: (text, kind, by) => events.said(text, kind, maybe(by)),
  }
}

function ofRoom(event: RoomEvent): RoomEvent {
  switch (event.kind) {
    case 'occupants':
    case 'rejoined':
      return { ...event, occupants: event.occupants.map(ofOccupant) }
    case 'joined':
      return { ...event, occupant: ofOccupant(event.occupant) }
    case 'changed':
      return { ...event, occupant: ofOccupant(event.occupant), ...by(event.by) }
    case 'left':
      return { ...event, nick: shownNick(event.nick), ...by(event.by) }
    case 'parted':
      return { ...event, nicks: event.nicks.map(shownNick) }
    case 'renamed':
      return { ...event, from: shownNick(event.from), to: shownNick(event.to) }
    case 'subject':
      return { ...event, ...by(event.by) }
    case 'typing':
      return { ...event, nick: shownNick(event.nick) }
    case 'message': {
      const message = ofMessage(event.message)
      return message === event.message ? event : { kind: 'message', message }
    }
    default:
      return event
  }
}

function ofOccupant(occupant: Occupant): Occupant {
  const nick = shownNick(occupant.nick)
  return nick === occupant.nick ? occupant : { ...occupant, nick }
}

function ofMessage(message: ForeignMessage): ForeignMessage {
  const nick = shownNick(message.nick)
  const { moderated } = message
  if (nick === message.nick && moderated === undefined) return message
  return { ...message, nick, ...(moderated && { moderated: { ...moderated, by: shownNick(moderated.by) } }) }
}

function by(nick: string | undefined): { by?: string } {
  return nick === undefined ? {} : { by: shownNick(nick) }
}

function maybe(nick: string | undefined): string | undefined {
  return nick === undefined ? undefined : shownNick(nick)
}
