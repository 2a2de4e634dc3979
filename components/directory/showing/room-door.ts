// SPDX-License-Identifier: Apache-2.0
// Going into a room for a moment: to make it, and to say what it is about. Everything else an owner does from outside.
import { randomBytes } from 'node:crypto'
import { ENTERING, MUC_USER, OWN_PRESENCE, ROOM_MADE, readStatus, writeSubject } from '../../kit/xep/muc.ts'
import type { Element } from '../../kit/xml/element.ts'
import { escapeAttribute } from '../../kit/xml/writer.ts'
import { bareOf, domainOf, normalJid } from '../../kit/xmpp/jid.ts'
import { readError } from '../../kit/xmpp/stanza.ts'
import { StanzaError } from '../../kit/xmpp/stanza-error.ts'
import { unlessAborted } from './waiting.ts'

export type Entered = { isNew: boolean; affiliation: string }

export type RoomDoor = {
  /** True: the stanza was a room's word to one who is in it; it goes no further. */
  take(element: Element): boolean
  /** Rejects with the StanzaError of the room, or remote-server-timeout. */
  enter(room: string): Promise<Entered>
  /** Must be in the room. `fence`: a question to the room; its answer shows that the subject was taken, of which a room may say nothing. */
  subject(room: string, subject: string, fence: () => Promise<unknown>): Promise<void>
  leave(room: string): void
}

/** The name in the room, and the resource of who is in it. */
const NICK = 'directory'
const WITHIN_MS = 15_000

type Waiting = { resolve(element: Element): void; reject(error: StanzaError): void; wants(element: Element): boolean }

/** `service`: domain of the rooms. */
export function openRoomDoor(
  domain: string,
  service: string,
  signal: AbortSignal,
  send: (xml: string) => boolean,
): RoomDoor {
  const me = `${domain}/${NICK}`
  const waiting = new Map<string, Waiting>()
  /** Under which name we are in a room. */
  const nicks = new Map<string, string>()
  return {
    take(element) {
      const { from = '', to = '', type } = element.attrs
      if (element.getName() === 'iq' || normalJid(to) !== me || domainOf(from) !== service) return false
      const one = waiting.get(bareOf(from))
      if (one === undefined) return true
      if (type === 'error') one.reject(readError(element))
      else if (one.wants(element)) one.resolve(element)
      return true
    },
    async enter(room) {
      const told = await enterAs(room, NICK).catch((error: unknown) => {
        if (!isTaken(error)) throw error
        // Nobody keeps us out by taking our name.
        return enterAs(room, `${NICK} ${randomBytes(4).toString('hex')}`)
      })
      const affiliation = told?.getChild('x', MUC_USER)?.getChild('item', MUC_USER)?.attrs.affiliation ?? 'none'
      return { isNew: told !== null && readStatus(told).includes(ROOM_MADE), affiliation }
    },
    async subject(room, subject, fence) {
      const message = `<message type='groupchat' from='${escapeAttribute(me)}' to='${escapeAttribute(room)}'>${writeSubject(subject)}</message>`
      await expect(room, message, () => false, fence)
    },
    leave(room) {
      send(presence(room, nicks.get(room) ?? NICK, '', " type='unavailable'"))
      nicks.delete(room)
    },
  }

  function enterAs(room: string, nick: string): Promise<Element | null> {
    nicks.set(room, nick)
    return expect(room, presence(room, nick, ENTERING), (element) => {
      return element.getName() === 'presence' && readStatus(element).includes(OWN_PRESENCE)
    })
  }

  function presence(room: string, nick: string, inside: string, type = ''): string {
    return `<presence${type} from='${escapeAttribute(me)}' to='${escapeAttribute(`${room}/${nick}`)}'>${inside}</presence>`
  }

  /** One thing at a time in a room. */
  async function expect(
    room: string,
    xml: string,
    wants: Waiting['wants'],
    fence?: () => Promise<unknown>,
  ): Promise<Element | null> {
    const { promise, resolve, reject } = Promise.withResolvers<Element | null>()
    const key = bareOf(room)
    waiting.set(key, { resolve, reject, wants })
    const late = setTimeout(
      () => reject(new StanzaError('wait', 'remote-server-timeout', {}, { cause: 'the room did not answer' })),
      WITHIN_MS,
    )
    late.unref()
    try {
      if (!send(xml)) throw new StanzaError('wait', 'recipient-unavailable', {}, { cause: 'the stream is down' })
      fence?.().then(() => resolve(null), reject)
      return await unlessAborted(promise, signal)
    } finally {
      clearTimeout(late)
      waiting.delete(key)
    }
  }
}

/** XEP-0045 §7.2.8: somebody is called so there. */
function isTaken(error: unknown): boolean {
  return error instanceof StanzaError && error.condition === 'conflict'
}
