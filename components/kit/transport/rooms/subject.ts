// SPDX-License-Identifier: Apache-2.0
// The subject of a room (XEP-0045 §8.1). Ours alone, set here and just now, was asked about on its way: whatever else the network says, under
// whose name it may be, is asked about before anybody reads it.
import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import { foreignOf } from '../asker/question.ts'
import type { RoomEvent } from '../network.ts'
import type { Client, Face } from './client.ts'
import type { House } from './house.ts'
import type { Occupants } from './occupants.ts'
import type { Order } from './order.ts'
import type { Seat } from './seat.ts'
import type { Telling } from './telling.ts'
import { writeGroupchat } from './writing.ts'

/** What it sees of the room. */
type Room = {
  readonly network: string
  readonly name: string
  readonly key: string
  readonly jid: string
  readonly occupants: Occupants
  readonly order: Order
  readonly telling: Telling
  seatOf(nick: string): Seat | null
  clients(): Iterable<Client>
}

type Told = { subject: string; by: string; at: number }
type Own = { owner: string; words: string; at: number }

/** So long it may take until the room tells what one of ours has set, and so long a subject counts as set just now. */
const LIVE_MS = 60_000
/** Set by ours and not told yet: more are asked about like anybody else's. */
const SET_MOST = 20
const NONE: Told = { subject: '', by: '', at: 0 }

export class Subject {
  readonly #house: House
  readonly #room: Room
  /** As the network told it last. */
  #last: Told = NONE
  #shown: Told = NONE
  #set: Own[] = []

  constructor(house: House, room: Room) {
    this.#house = house
    this.#room = room
  }

  /** As everybody may read it. */
  get shown(): Readonly<Told> {
    return this.#shown
  }

  /** By one of ours. Rejects with a NetworkFault. */
  async set(seat: Seat, words: string): Promise<void> {
    const set: Own = { owner: seat.owner, words, at: this.#house.now() }
    this.#set.push(set)
    if (this.#set.length > SET_MOST) this.#set.shift()
    try {
      await seat.session.subject(this.#room.name, words)
    } catch (error) {
      this.#set = this.#set.filter((one) => one !== set)
      throw error
    }
  }

  take({ subject, by = '', at }: Extract<RoomEvent, { kind: 'subject' }>): void {
    const last = this.#last
    if (last.subject === subject && last.by === by) return
    const told: Told = { subject, by, at: at ?? this.#house.now() }
    this.#last = told
    if (subject === '' || this.#isOurs(told)) this.#room.order.say(() => this.#show(told))
    else this.#room.order.hold(this.#ask(told))
  }

  /** §7.2.15: who set it stands in the address, when stands in the delay. */
  write(face: Face, isOld: boolean): string {
    return writeSubject(face.escaped, this.#shown, isOld)
  }

  #show(told: Told): void {
    this.#shown = told
    for (const client of this.#room.clients()) client.message(this.write(client.face, false))
  }

  /** A network may cut it, and sees to blanks in its own way. */
  #isOurs({ subject, by }: Told): boolean {
    const owner = by === '' ? undefined : this.#room.seatOf(by)?.owner
    if (owner === undefined) return false
    const since = this.#house.now() - LIVE_MS
    this.#set = this.#set.filter((one) => one.at >= since)
    const index = this.#set.findIndex((one) => one.owner === owner && plain(one.words).startsWith(plain(subject)))
    if (index === -1) return false
    this.#set.splice(index, 1)
    return true
  }

  async #ask(told: Told): Promise<() => void> {
    const { asker, network, now } = this.#house
    const room = this.#room
    const { by } = told
    // Who set it long ago need not be who is called so today; nor is it one of ours, who did not set it here.
    const isNow = now() - told.at < LIVE_MS && room.seatOf(by) === null
    const who = (isNow ? room.occupants.get(by) : null) ?? { nick: by === '' ? room.name : by }
    const answer = await asker.ask({
      stanza: `<message xmlns='jabber:client' to='${escapeAttribute(room.jid)}'${writeSubject(escapeAttribute(room.jid), told, false)}`,
      network: network.type,
      server: room.network,
      foreign: foreignOf(who),
      order: room.key,
    })
    if (answer.action === 'deliver' && !answer.replaced) return () => this.#show(told)
    const isOutage = answer.action === 'refuse' && answer.why === 'outage'
    return () => {
      // What nobody could be asked about is asked about when the network tells it again.
      if (isOutage && this.#last === told) this.#last = NONE
      this.#shown = { ...NONE, at: told.at }
      if (isOutage) room.telling.withhold()
      else room.telling.refused(who.nick)
    }
  }
}

function writeSubject(room: string, { subject, by, at }: Told, isOld: boolean): string {
  const payload = `<subject>${escapeText(subject)}</subject>`
  const stamp = isOld && at > 0 ? at : null
  return writeGroupchat(room, by === '' ? null : by, { id: '', mid: '', payload, occupant: null, at: stamp })
}

function plain(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
