// SPDX-License-Identifier: Apache-2.0
// Clients in rooms: they enter, leave, vanish, lose the link; and what becomes of all of them at a start and at an end.
import type { Element } from '../../xml/element.ts'
import { escapeAttribute } from '../../xml/writer.ts'
import { bareOf, normalJid, parseJid } from '../../xmpp/jid.ts'
import { readError, type StanzaOf } from '../../xmpp/stanza.ts'
import { type Condition, StanzaError } from '../../xmpp/stanza-error.ts'
import { readAddress } from '../address.ts'
import { orRefusal, refusalOf, refuse } from '../faults.ts'
import type { StoredSeat } from '../history/operations.ts'
import { NetworkFault, type Occupant } from '../network.ts'
import { Client } from './client.ts'
import { type Entering, readEntering, welcome } from './entering.ts'
import type { House } from './house.ts'
import type { Room } from './room.ts'
import type { Seat } from './seat.ts'
import { type RoomAddress, Seating, type Taken, writeOut } from './seating.ts'
import { LEAVING_MS, withinSignal } from './within.ts'
import { STATUS, writeUnavailable } from './writing.ts'

/** Conditions of an error that mean: this client is not there any more. */
const GONE: ReadonlySet<Condition> = new Set<Condition>([
  'gone',
  'item-not-found',
  'jid-malformed',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
])

/** Our people who are entered again at a start, side by side. */
const RESUMED_AT_ONCE = 10
/** Clients that are told after the link comes back that they are out. */
const STRANDED_MOST = 100_000

type Place = { room: Room; seat: Seat; client: Client }

export class Rooms {
  readonly #house: House
  readonly seating: Seating
  /** Clients that believe to be in a room, and are not: [client, room, nick]. */
  #stranded: (readonly [client: string, room: string, nick: string])[] = []

  constructor(house: House) {
    this.#house = house
    this.seating = new Seating(house)
  }

  all(): Iterable<Room> {
    return this.seating.all()
  }

  /** The room, where somebody of ours is in it. */
  of(network: string, name: string): Room | null {
    return this.seating.of(network, name)
  }

  /** Somebody who is in a room with one of ours. */
  whoIs(network: string, nick: string): Occupant | null {
    for (const room of this.all()) {
      const one = room.network === network ? room.occupants.get(nick) : null
      if (one !== null) return one
    }
    return null
  }

  /** Where this client is in the room; null: it is not. */
  clientIn(network: string, name: string, jid: string): Place | null {
    const place = this.#placeOf(network, name, jid)
    return place?.client.isIn === true ? place : null
  }

  /** The same; who is not in the room is refused. */
  mustBeIn(network: string, name: string, jid: string): Place {
    const place = this.clientIn(network, name, jid)
    if (place !== null) return place
    throw new StanzaError('cancel', 'not-acceptable', this.#house.text.inAll('kit-transport-not-in-room'))
  }

  /** Where this client is, also while it is not told yet that it is in. */
  #placeOf(network: string, name: string, jid: string): Place | null {
    const room = this.of(network, name)
    const seat = room?.seats.get(bareOf(jid))
    const client = seat?.clients.get(normalJid(jid))
    return room === null || seat === undefined || client === undefined ? null : { room, seat, client }
  }

  presence(presence: StanzaOf<'presence'>, to: RoomAddress): void | Promise<void> {
    if (presence.type === 'unavailable') return this.#leaves(presence, to)
    if (presence.type !== 'available') {
      if (presence.type === 'probe') return
      throw new StanzaError('cancel', 'service-unavailable')
    }
    if (to.resource === '') throw new StanzaError('modify', 'jid-malformed', {}, { cause: 'no nick' })
    const { settings, now } = this.#house
    const entering = readEntering(presence.element, now(), settings.given)
    if (entering !== null) return this.#enters(presence, to, entering)
    const found = this.mustBeIn(to.network, to.name, presence.from)
    const { seat } = found
    this.#away(seat, to.network, presence.element)
    if (this.#house.network.key(to.network, to.resource) === this.#house.network.key(to.network, seat.shown)) return
    // A client that goes on writing the nick which it asked for, after the network gave another.
    if (to.resource === found.client.asked) return
    return this.#renames(seat, found.client, to)
  }

  async #renames(seat: Seat, client: Client, to: RoomAddress): Promise<void> {
    const wrong = this.#house.network.wrongNick(to.network, to.resource)
    if (wrong !== null) throw this.#refusal(NetworkFault.readable('nick-invalid', wrong))
    const reader = { owner: seat.owner, network: to.network }
    const before = client.asked
    // Before the network shows it: what it shows that nobody asked for was given.
    client.asked = to.resource
    try {
      await orRefusal(seat.session.rename(to.resource), this.#house, reader)
    } catch (error) {
      if (client.asked === to.resource) client.asked = before
      throw error
    }
  }

  #away(seat: Seat, network: string, presence: Element): void {
    const show = presence.getChildText('show')
    const isAway = show === 'away' || show === 'xa' || show === 'dnd'
    const text = isAway ? presence.getChildText('status')?.slice(0, 300) || show : null
    this.#house.awayTexts.said(seat.owner, network, text)
    seat.session.away(text)
  }

  async #enters(presence: StanzaOf<'presence'>, to: RoomAddress, wanted: Entering): Promise<void> {
    const { network, counts } = this.#house
    if (parseJid(presence.from)?.resource === '')
      throw new StanzaError('modify', 'bad-request', {}, { cause: 'no resource' })
    const wrong = network.wrongNick(to.network, to.resource)
    if (wrong !== null) throw this.#refusal(NetworkFault.readable('nick-invalid', wrong))
    const owner = bareOf(presence.from)
    try {
      const clientOf = (room: Room) => this.#newClient(room, presence, to)
      this.#attach(await this.seating.take(owner, to, wanted.password, clientOf), wanted)
      counts.entered++
    } catch (error) {
      counts.notEntered++
      throw await refuse(error, this.#house, { owner, network: to.network })
    }
  }

  #newClient(room: Room, presence: StanzaOf<'presence'>, to: RoomAddress): Client {
    const { link, settings, counts } = this.#house
    return new Client({
      jid: presence.from,
      owner: bareOf(presence.from),
      language: presence.language,
      face: room.face(bareOf(presence.to)),
      asked: to.resource,
      link,
      most: settings.perClient,
      overrun: (one) => {
        counts.overBound++
        const place = this.#placeOf(room.network, room.name, one.jid)
        if (place?.client === one) this.#loses(place.room, place.seat, one)
      },
    })
  }

  #attach({ room, seat, client, listing }: Taken<Client>, wanted: Entering): void {
    const { settings, text } = this.#house
    const jid = normalJid(client.jid)
    const before = seat.clients.get(jid)
    if (before === undefined && seat.clients.size >= settings.clientsPerSeat) {
      listing?.takeBack(client)
      throw new StanzaError('wait', 'resource-constraint', text.inAll('kit-transport-too-many-clients'))
    }
    // Who enters once more has forgotten all it was told (§7.2.2).
    before?.drop()
    if (seat.linger !== null) clearTimeout(seat.linger)
    seat.linger = null
    seat.clients.set(jid, client)
    this.seating.keep(room, seat)
    room.report(seat)
    const { network, name } = room
    this.#house.entered(seat.owner, { network, name, jid: room.jid, nick: seat.shown })
    room.order.say(() => {
      if (!client.isGone) welcome(room, seat, client, wanted.history, listing)
    })
  }

  /** The rooms somebody is in. */
  roomsOf(owner: string) {
    const mine = []
    for (const { room, seat } of this.seating.seatsOf(owner)) {
      const { network, name, jid } = room
      mine.push({ network, room: name, jid, nick: seat.shown, clients: seat.clients.size, state: seat.state })
    }
    return mine
  }

  /** Takes him out of a room, whatever his clients want. */
  async leave(owner: string, network: string, name: string, text: string): Promise<void> {
    const room = this.of(network, name)
    const seat = room?.seats.get(owner)
    if (room === null || seat === undefined) return
    this.seating.tellOut(room, seat, [], text)
    await this.seating.stand(room, seat, text)
  }

  /** Out of all rooms of a network, before the connection is ended. */
  async leaveAll(owner: string, network: string, text: string): Promise<void> {
    const mine = [...this.seating.seatsOf(owner, network)]
    await Promise.all(mine.map(({ room }) => this.leave(owner, network, room.name, text)))
  }

  #leaves(presence: StanzaOf<'presence'>, to: RoomAddress): void {
    const place = this.#placeOf(to.network, to.name, presence.from)
    // §7.14: from somebody who is not in the room it says nothing.
    if (place === null) return
    const { room, seat, client } = place
    client.presence(writeOut(room, seat, client, []))
    this.seating.forget(room, seat, client)
    this.seating.perhapsStand(room, seat, presence.element.getChildText('status') ?? '')
  }

  /** A client that cannot be reached, or no longer be told the truth. */
  #loses(room: Room, seat: Seat, client: Client): void {
    const words = this.#house.text.say('kit-transport-lost-touch', client.language)
    const rest = writeOut(room, seat, client, [STATUS.kicked, STATUS.technical], words)
    client.drop()
    this.#house.link()?.send(`<presence to='${escapeAttribute(client.jid)}'${rest}`)
    this.seating.forget(room, seat, client)
    this.seating.perhapsStand(room, seat, words)
  }

  /** Errors of what was sent to a client: it is gone, and must not stay as a ghost. */
  bounced(stanza: StanzaOf<'message' | 'presence'>): void {
    const to = readAddress(stanza.to, this.#house.domain, this.#house.network)
    if (to?.kind !== 'room') return
    if (!GONE.has(readError(stanza.element).condition)) return
    const place = this.#placeOf(to.network, to.name, stanza.from)
    if (place === null) return
    this.#house.counts.ghosts++
    this.#loses(place.room, place.seat, place.client)
  }

  // The link to the XMPP server, start and end

  /** Nobody is told anything any more: all clients have to enter again. The seats wait for them for a while. */
  linkDown(): void {
    this.seating.linkDown()
    for (const room of this.all())
      for (const seat of room.seats.values()) {
        for (const client of [...seat.clients.values()]) {
          if (this.#stranded.length < STRANDED_MOST) this.#stranded.push([client.jid, client.face.jid, seat.shown])
          client.drop()
          seat.clients.delete(normalJid(client.jid))
        }
        room.report(seat)
        if (seat.linger !== null || this.seating.isClosing) continue
        seat.linger = setTimeout(() => {
          seat.linger = null
          this.seating.keep(room, seat)
          this.seating.perhapsStand(room, seat, '')
        }, this.#house.settings.lingerMs)
        seat.linger.unref()
      }
  }

  linkUp(): void {
    const stranded = this.#stranded
    this.#stranded = []
    for (const [client, room, nick] of stranded) this.#tellStranded(client, room, nick)
  }

  #tellStranded(client: string, room: string, nick: string): void {
    const words = this.#house.text.say('kit-transport-link-lost', undefined)
    const item = { role: 'none', affiliation: 'none' } as const
    const rest = writeUnavailable(escapeAttribute(room), nick, item, [STATUS.self, STATUS.stopping], words, null)
    this.#house.link()?.send(`<presence to='${escapeAttribute(client)}'${rest}`)
  }

  /** After a start: who was in a room is told that he is not, and who stays enters again. */
  async resume(): Promise<void> {
    const { history, settings, log, network } = this.#house
    const seats = await history.seats()
    const staying = new Map<string, (typeof seats)[number][]>()
    for (const seat of seats) {
      for (const [client, room] of seat.clients) this.#tellStranded(client, room, seat.nick)
      if (!settings.stays(seat.owner, seat.network, seat.room) || network.refuses(seat.network) !== null) {
        history.dropSeat(seat)
        continue
      }
      const key = `${seat.owner}\0${seat.network}`
      staying.set(key, [...(staying.get(key) ?? []), seat])
    }
    const waiting = [...staying.values()]
    const work = async () => {
      for (let mine = waiting.shift(); mine !== undefined && !this.seating.isClosing; mine = waiting.shift())
        for (const seat of mine)
          try {
            await this.#resumeSeat(seat)
          } catch (error) {
            log.warn('a room was not entered again', { network: seat.network, error: this.#refusal(error).condition })
          }
    }
    await Promise.all(Array.from({ length: RESUMED_AT_ONCE }, work))
  }

  async #resumeSeat({ owner, network, room: name, nick, password: sealed }: StoredSeat): Promise<void> {
    const password = sealed === null ? undefined : (this.#house.seal?.open(sealed) ?? undefined)
    const to: RoomAddress = { kind: 'room', network, name, resource: nick }
    const { room, seat } = await this.seating.take(owner, to, password, () => null)
    this.seating.keep(room, seat)
  }

  /** Says goodbye; those who stay are kept, and enter again at the next start. */
  async drain(signal: AbortSignal): Promise<void> {
    this.seating.isClosing = true
    const leaving: Promise<void>[] = []
    const { text, settings } = this.#house
    for (const room of [...this.all()])
      for (const seat of [...room.seats.values()]) {
        this.seating.tellOut(room, seat, [STATUS.stopping], (language) => text.say('kit-transport-stopping', language))
        if (!settings.stays(seat.owner, room.network, room.name))
          leaving.push(this.seating.stand(room, seat, text.say('kit-transport-stopping', undefined)))
      }
    await withinSignal(
      Promise.all(leaving).then(() => {}),
      AbortSignal.any([signal, AbortSignal.timeout(LEAVING_MS)]),
    ).catch(() => {})
    this.seating.close()
  }

  #refusal(error: unknown): StanzaError {
    return refusalOf(error, this.#house.text)
  }
}
