// SPDX-License-Identifier: Apache-2.0
// What a room is about, as the network says: told in the order of what is said, and asked about where nobody of ours set it.
import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import type { RoomEvent } from '../network.ts'
import type { Client, Face } from './client.ts'
import type { House } from './house.ts'
import type { Occupants } from './occupants.ts'
import type { Order } from './order.ts'
import type { Seat } from './seat.ts'
import { writeGroupchat } from './writing.ts'

type Said = Readonly<{ subject: string; by: string; at: number }>

/** What a room is to its subject. */
type Place = {
  readonly jid: string
  readonly name: string
  readonly order: Order
  readonly occupants: Pick<Occupants, 'get'>
  clients(): Iterable<Client>
  seatOf(nick: string): Seat | null
  mayRead(stanza: string, who: { nick: string; account?: string; identity?: string }): Promise<boolean>
}

export class Subject {
  readonly #house: House
  readonly #at: Place
  #now: Said = { subject: '', by: '', at: 0 }

  constructor(house: House, at: Place) {
    this.#house = house
    this.#at = at
  }

  get now(): Said {
    return this.#now
  }

  set({ subject, by = '', at }: Extract<RoomEvent, { kind: 'subject' }>): void {
    const room = this.#at
    if (this.#now.subject === subject && this.#now.by === by) return
    const set = { subject, by, at: at ?? this.#house.now() }
    this.#now = set
    const tell = () => {
      for (const client of room.clients()) client.message(this.write(client.face, set, false))
    }
    if (subject === '' || (by !== '' && room.seatOf(by) !== null)) {
      room.order.say(tell)
      return
    }
    const xml = this.write({ jid: room.jid, escaped: escapeAttribute(room.jid) }, set, false)
    const who = room.occupants.get(by) ?? { nick: by === '' ? room.name : by }
    room.order.hold(
      room.mayRead(`<message xmlns='jabber:client' to='${escapeAttribute(room.jid)}'${xml}`, who).then((may) => () => {
        if (!may && this.#now === set) this.#now = { subject: '', by: '', at: set.at }
        if (may) tell()
      }),
    )
  }

  /** XEP-0045 §7.2.15: who set it stands in the address, when stands in the delay. */
  write(face: Face, { subject, by, at }: Said, isOld: boolean): string {
    const payload = `<subject>${escapeText(subject)}</subject>`
    const nick = by === '' ? null : by
    return writeGroupchat(face.escaped, nick, {
      id: '',
      mid: '',
      payload,
      occupant: null,
      at: isOld && at > 0 ? at : null,
    })
  }
}
