// SPDX-License-Identifier: Apache-2.0
// XEP-0045 §7.5: private messages. At a network a private message is one from person to person; it belongs to the room by whose occupant it
// was begun, as long as both are there.

import { MUC_USER } from '../../xep/muc.ts'
import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import type { StanzaOf } from '../../xmpp/stanza.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import { foreignOf } from '../asker/question.ts'
import { orRefusal, refusalOf } from '../faults.ts'
import { type ForeignMessage, NetworkFault } from '../network.ts'
import { writeLink } from './foreign.ts'
import type { House } from './house.ts'
import { isEncrypted, readReplaced, readSaid, writeTyping } from './reading.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { readerOf } from './seat.ts'
import type { RoomAddress } from './seating.ts'
import { newId } from './telling.ts'
import { writeLate } from './writing.ts'

/** Conversations of which it is known by which room they were begun. */
const KNOWN = 10_000

export class PrivateMessages {
  readonly #house: House
  readonly #rooms: Rooms
  /** (owner, network, nick) -> name of the room. */
  readonly #by = new Map<string, string>()

  constructor(house: House, rooms: Rooms) {
    this.#house = house
    this.#rooms = rooms
  }

  /** From a client to ROOM/nick. Rejects with the StanzaError that the sender gets. */
  async send(message: StanzaOf<'message'>, to: RoomAddress): Promise<void> {
    const { text } = this.#house
    const { room, seat } = this.#rooms.mustBeIn(to.network, to.name, message.from)
    const occupant = room.occupants.get(to.resource)
    if (occupant === null) throw new StanzaError('cancel', 'item-not-found', text.inAll('kit-transport-person-unknown'))
    if (isEncrypted(message.element))
      throw new StanzaError('modify', 'not-acceptable', text.inAll('kit-transport-encrypted'))
    const said = readSaid(message.element)
    if (said.kind === 'typing') seat.session.typing({ person: occupant.nick }, said.state)
    if (said.kind === 'typing' || said.kind === 'nothing' || said.kind === 'read') return
    if (said.kind !== 'say' || said.body === '')
      throw new StanzaError('cancel', 'feature-not-implemented', text.inAll('kit-transport-nothing-to-say'))
    if (seat.state !== 'in') throw refusalOf(new NetworkFault('down', ''), text)
    const key = this.#keyOf(seat.owner, to.network, occupant.nick)
    this.#by.delete(key)
    this.#by.set(key, room.name)
    if (this.#by.size > KNOWN)
      for (const oldest of this.#by.keys()) {
        this.#by.delete(oldest)
        break
      }
    const sent = await orRefusal(
      seat.session.say({ person: occupant.nick }, { body: said.body }),
      this.#house,
      readerOf({ room, seat }),
    )
    this.#house.heard(seat.owner, to.network, sent)
    this.#house.counts.messagesOut++
  }

  /** One to one from the network. False: it belongs to no room. */
  take(owner: string, network: string, message: ForeignMessage): boolean {
    const room = this.#roomOf(owner, network, message.nick)
    if (room === null) return false
    if (message.body !== '') void this.#tell(room, owner, message)
    return true
  }

  typing(owner: string, network: string, nick: string, state: 'active' | 'paused' | 'done'): boolean {
    const room = this.#roomOf(owner, network, nick)
    if (room === null) return false
    for (const client of room.clientsOf(owner))
      client.message(
        ` from='${client.face.escaped}/${escapeAttribute(nick)}' type='chat'>${writeTyping(state)}<x xmlns='${MUC_USER}'/></message>`,
      )
    return true
  }

  renamed(owner: string, network: string, from: string, to: string): void {
    const room = this.#by.get(this.#keyOf(owner, network, from))
    if (room === undefined) return
    this.#by.delete(this.#keyOf(owner, network, from))
    this.#by.set(this.#keyOf(owner, network, to), room)
  }

  async #tell(room: Room, owner: string, message: ForeignMessage): Promise<void> {
    const { asker, network, counts, settings, now } = this.#house
    const id = newId()
    const link = settings.linksAsFiles ? writeLink(message.body) : ''
    const payload = `<body>${escapeText(message.body)}</body>${link}`
    const from = (face: string) => ` from='${face}/${escapeAttribute(message.nick)}' type='chat' id='${id}'>`
    const behind = `<x xmlns='${MUC_USER}'/></message>`
    const answer = await asker.ask({
      stanza: `<message xmlns='jabber:client' to='${escapeAttribute(owner)}'${from(escapeAttribute(room.jid))}${payload}${behind}`,
      network: network.type,
      server: room.network,
      foreign: foreignOf(message),
      order: `${room.key}\0${owner}`,
      ...(message.at !== null && { at: message.at }),
    })
    if (answer.action === 'refuse' && answer.why === 'outage') {
      counts.withheld++
      return
    }
    const allowed = answer.action === 'refuse' ? null : answer.replaced ? readReplaced(answer.stanza)?.payload : payload
    if (allowed === null || allowed === undefined) {
      counts.refusedIn++
      // The room says so, to him alone.
      if (settings.noteRefused)
        room.telling.line('kit-transport-refused', { nick: message.nick }, room.clientsOf(owner))
      return
    }
    const late = writeLate(message.at, now())
    counts.messagesIn++
    for (const client of room.clientsOf(owner)) client.message(from(client.face.escaped) + allowed + late + behind)
  }

  #roomOf(owner: string, network: string, nick: string): Room | null {
    const name = this.#by.get(this.#keyOf(owner, network, nick))
    const room = name === undefined ? null : this.#rooms.of(network, name)
    if (room === null || room.occupants.get(nick) === null) return null
    for (const _ of room.clientsOf(owner)) return room
    return null
  }

  #keyOf(owner: string, network: string, nick: string): string {
    return `${owner}\0${network}\0${this.#house.network.key(network, nick)}`
  }
}
