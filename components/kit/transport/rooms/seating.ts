// SPDX-License-Identifier: Apache-2.0
// The rooms that somebody of ours is in, and his seat there: taken, given up, taken away, lost with a connection and taken again.
import { escapeAttribute } from '../../xml/writer.ts'
import { normalJid } from '../../xmpp/jid.ts'
import { StanzaError } from '../../xmpp/stanza-error.ts'
import type { Address } from '../address.ts'
import { wordsOf } from '../faults.ts'
import { NetworkFault, type NetworkSession, type SessionEvents } from '../network.ts'
import type { Client } from './client.ts'
import type { House } from './house.ts'
import type { Listing } from './listing.ts'
import { type How, writePutOut } from './occupants.ts'
import { Room } from './room.ts'
import { newSeat, type Seat } from './seat.ts'
import { withinSignal } from './within.ts'
import { type Rest, STATUS, writeUnavailable } from './writing.ts'

export type RoomAddress = Extract<Address, { kind: 'room' }>

/** `listing`: whom the client was told of already, while the room was entered for it. */
export type Taken<Who> = { room: Room; seat: Seat; client: Who; listing: Listing | null }

/** Who wants to be in a room, under which nick, and until when. */
type Wish = { owner: string; to: RoomAddress; password: string | undefined; signal: AbortSignal }

export class Seating {
  readonly #house: House
  readonly #rooms = new Map<string, Room>()
  /** By owner: the rooms in which he has a seat, or is about to. */
  readonly #mine = new Map<string, Set<Room>>()
  /** Rooms that somebody is about to enter, so that they do not go meanwhile. */
  readonly #pins = new Map<Room, number>()
  /** Who is on his way in, by seat; who is on his way out. */
  readonly #entering = new Map<string, { seat: Promise<Seat>; listing: Listing }>()
  readonly #leaving = new Map<string, Promise<void>>()
  readonly #idle = new Map<string, NodeJS.Timeout>()
  isClosing = false

  constructor(house: House) {
    this.#house = house
  }

  all(): Iterable<Room> {
    return this.#rooms.values()
  }

  /** The room, where somebody of ours is in it. */
  of(network: string, name: string): Room | null {
    return this.#rooms.get(this.#keyOf(network, name)) ?? null
  }

  /** His rooms at a network, or everywhere, and his seats there. */
  *seatsOf(owner: string, network?: string): Generator<{ room: Room; seat: Seat }> {
    for (const room of [...(this.#mine.get(owner) ?? [])]) {
      const seat = network === undefined || room.network === network ? room.seats.get(owner) : undefined
      if (seat !== undefined) yield { room, seat }
    }
  }

  /** In how many rooms of a network he is, or is about to be. */
  #countOf(owner: string, network: string): number {
    let count = 0
    for (const room of this.#mine.get(owner) ?? []) if (room.network === network) count++
    return count
  }

  /**
   * His seat in the room, for which he enters it where he has none; this client of his is told of people while he does. Rejects with a
   * StanzaError or a NetworkFault.
   */
  async take<Who extends Client | null>(
    owner: string,
    to: RoomAddress,
    password: string | undefined,
    clientOf: (room: Room) => Who,
  ): Promise<Taken<Who>> {
    const room = this.#roomFor(to)
    const signal = AbortSignal.timeout(this.#house.settings.enterWithinMs)
    this.#pin(room, 1)
    try {
      await room.ready
      const client = clientOf(room)
      return { room, client, ...(await this.#seatFor(room, { owner, to, password, signal }, client)) }
    } finally {
      // Whoever has a seat holds the room himself.
      this.#pin(room, -1)
      this.#dispose(room)
    }
  }

  async #seatFor(room: Room, wish: Wish, client: Client | null): Promise<{ seat: Seat; listing: Listing | null }> {
    const { owner } = wish
    const key = `${room.key}\0${owner}`
    await this.#leaving.get(key)
    // Also one that is being entered again: what has changed meanwhile is shown then.
    const found = this.#entering.has(key) ? undefined : room.seats.get(owner)
    if (found !== undefined) return { seat: found, listing: null }
    const { seat, listing } = this.#entering.get(key) ?? this.#enter(key, room, wish)
    if (client !== null) listing.add(client)
    try {
      return { seat: await seat, listing }
    } catch (error) {
      if (client !== null) listing.takeBack(client)
      throw error
    }
  }

  #enter(key: string, room: Room, wish: Wish): { seat: Promise<Seat>; listing: Listing } {
    const listing = room.occupants.listing()
    const seat = this.#sit(room, wish, listing).finally(() => this.#entering.delete(key))
    const entering = { seat, listing }
    this.#entering.set(key, entering)
    return entering
  }

  /** The link to the XMPP server went. */
  linkDown(): void {
    for (const { listing } of this.#entering.values()) listing.lose()
  }

  async #sit(room: Room, { owner, to, password, signal }: Wish, listing: Listing): Promise<Seat> {
    const { settings, text } = this.#house
    const others = this.#countOf(owner, room.network)
    if (others >= settings.roomsPerPerson)
      throw new StanzaError('wait', 'resource-constraint', text.inAll('kit-transport-too-many-rooms'))
    this.#count(room, owner)
    let seat: Seat | null = null
    try {
      const session = await this.#connect(owner, to, others > 0, signal)
      seat = newSeat(owner, session, password, listing)
      room.seats.set(owner, seat)
      room.renick()
      await withinSignal(session.enter(room.name, room.entering(seat)), signal)
      if (room.seats.get(owner) !== seat) throw new NetworkFault('not-there', '')
      room.sits(seat)
      seat.listing = null
      return seat
    } catch (error) {
      if (seat === null) this.#uncount(room, owner)
      else if (room.seats.get(owner) === seat) {
        room.away(seat)
        room.seats.delete(owner)
        room.renick()
        this.#uncount(room, owner)
        // The network may still let him in, after he has been told that it did not.
        if (signal.aborted) seat.session.leave(room.name, '').catch((late: unknown) => this.#leftNot(late))
      }
      this.#idleSoon(owner, room.network)
      throw error
    }
  }

  /** His connection, up, with the nick that he wants where he is in no other room. */
  async #connect(owner: string, to: RoomAddress, isElsewhere: boolean, signal: AbortSignal): Promise<NetworkSession> {
    const { sessions, network } = this.#house
    await sessions.open(owner, to.network, to.resource)
    const session = await sessions.up(owner, to.network, signal)
    const isOther = network.key(to.network, session.nick) !== network.key(to.network, to.resource)
    // A nick is the network's, not the room's: who is elsewhere already keeps his, and is told (210).
    if (isOther && !isElsewhere) await withinSignal(session.rename(to.resource), signal)
    return session
  }

  /** He is out for good: of the room, and of what is kept. */
  unseat(room: Room, seat: Seat): void {
    if (seat.linger !== null) clearTimeout(seat.linger)
    seat.linger = null
    if (room.seats.get(seat.owner) !== seat) return
    room.seats.delete(seat.owner)
    room.renick()
    this.#uncount(room, seat.owner)
    this.#house.history.dropSeat({ owner: seat.owner, network: room.network, key: room.key })
    this.#dispose(room)
    this.#idleSoon(seat.owner, room.network)
  }

  #count(room: Room, owner: string): void {
    this.#mine.set(owner, (this.#mine.get(owner) ?? new Set()).add(room))
  }

  #uncount(room: Room, owner: string): void {
    const mine = this.#mine.get(owner)
    if (mine?.delete(room) === true && mine.size === 0) this.#mine.delete(owner)
  }

  /** Gives the seat up at the network too. */
  stand(room: Room, seat: Seat, text: string): Promise<void> {
    const key = `${room.key}\0${seat.owner}`
    const isThere = seat.state !== 'lost'
    const left = isThere
      ? seat.session.leave(room.name, text).catch((error: unknown) => this.#leftNot(error))
      : Promise.resolve()
    if (isThere) {
      this.#leaving.set(key, left)
      void left.finally(() => this.#leaving.delete(key))
    }
    room.away(seat, left)
    room.occupants.left(seat.shown, 'left')
    this.unseat(room, seat)
    return left
  }

  #leftNot(error: unknown): void {
    if (!(error instanceof NetworkFault)) this.#house.log.error('a room was not left', { error })
  }

  /** Who has no client any more goes, unless he stays. */
  perhapsStand(room: Room, seat: Seat, text: string): void {
    if (seat.clients.size > 0) return
    if (this.#house.settings.stays(seat.owner, room.network, room.name)) return
    void this.stand(room, seat, text)
  }

  forget(room: Room, seat: Seat, client: Client): void {
    client.drop()
    if (seat.clients.get(normalJid(client.jid)) === client) seat.clients.delete(normalJid(client.jid))
    room.report(seat)
    this.keep(room, seat)
  }

  /** §9.1.1: tells his clients that they are out, and forgets them. */
  tellOut(room: Room, seat: Seat, codes: readonly number[], text: string | ((language: string) => string)): void {
    for (const client of [...seat.clients.values()]) {
      client.presence(writeOut(room, seat, client, codes, typeof text === 'string' ? text : text(client.language)))
      this.forget(room, seat, client)
    }
  }

  // What the connections tell

  sessionEvents(owner: string, network: string): Pick<SessionEvents, 'up' | 'down' | 'room' | 'out' | 'read'> {
    return {
      up: () => {
        for (const { room, seat } of this.seatsOf(owner, network))
          if (seat.state === 'lost' && !this.#leaving.has(`${room.key}\0${owner}`)) void this.#enterAgain(room, seat)
      },
      down: (fault, retryAt) => {
        for (const { room, seat } of this.seatsOf(owner, network)) {
          // Who is on his way in for the first time is told by the refusal of it.
          if (this.#entering.has(`${room.key}\0${owner}`)) continue
          if (seat.state === 'in') room.away(seat)
          seat.state = 'lost'
          seat.tries++
          if (retryAt === null) this.#dropLost(room, seat, fault)
        }
      },
      read: (target, at) => {
        const room = 'room' in target ? this.of(network, target.room) : null
        if (room?.seats.has(owner) === true) room.readUpTo(owner, at)
      },
      room: (name, event) => {
        const room = this.of(network, name)
        const seat = room?.seats.get(owner)
        if (room !== null && seat !== undefined) room.take(seat, event)
      },
      out: (name, how, by, reason) => {
        const room = this.of(network, name)
        const seat = room?.seats.get(owner)
        if (room !== null && seat?.state === 'in') this.#out(room, seat, how, by, reason)
      },
    }
  }

  /** The network took him out. */
  #out(room: Room, seat: Seat, how: How, by?: string, reason?: string): void {
    const wasDriver = room.course.driver === seat.owner
    room.away(seat)
    seat.state = 'lost'
    // Nobody else could tell the others.
    if (wasDriver || !seat.isToldOut) room.occupants.left(seat.shown, how, by, reason)
    const isTold = seat.isToldOut
    // Who wants to come in again meanwhile comes in afterwards.
    const key = `${room.key}\0${seat.owner}`
    const gone = Promise.withResolvers<void>()
    this.#leaving.set(key, gone.promise)
    const finish = (why: string | undefined) => {
      for (const client of [...seat.clients.values()]) {
        if (!isTold) client.presence(writePutOut(client.face.escaped, seat, how, by, why))
        this.forget(room, seat, client)
      }
      this.unseat(room, seat)
      if (this.#leaving.get(key) === gone.promise) this.#leaving.delete(key)
      gone.resolve()
    }
    // What everybody reads was asked about once for all.
    if (isTold || reason === undefined || reason === '' || seat.clients.size === 0)
      room.order.say(() => finish(undefined))
    else this.#askWhy(room, seat, { how, by, reason }, finish)
  }

  /** Only he reads it. */
  #askWhy(
    room: Room,
    seat: Seat,
    { how, by, reason }: { how: How; by: string | undefined; reason: string },
    finish: (why: string | undefined) => void,
  ): void {
    const to = escapeAttribute(seat.owner)
    const xml = writePutOut(escapeAttribute(room.jid), seat, how, by, reason)
    const who = by === undefined ? { nick: room.network } : (room.occupants.get(by) ?? { nick: by })
    const may = room.mayRead(`<presence xmlns='jabber:client' to='${to}'${xml}`, who)
    room.order.hold(may.then((yes) => () => finish(yes ? reason : undefined)))
  }

  async #enterAgain(room: Room, seat: Seat): Promise<void> {
    seat.from = null
    seat.isToldOut = false
    seat.state = 'entering'
    const tried = ++seat.tries
    /** Meanwhile he has left, or the connection went once more: there will be another try. */
    const isOver = () => room.seats.get(seat.owner) !== seat || seat.tries !== tried
    try {
      await seat.session.enter(room.name, room.entering(seat))
      if (!isOver()) room.sits(seat)
    } catch (error) {
      if (isOver()) return
      seat.state = 'lost'
      if (error instanceof NetworkFault && error.reason === 'down') return
      this.#dropLost(room, seat, error instanceof NetworkFault ? error : new NetworkFault('other', ''))
      if (!(error instanceof NetworkFault)) this.#house.log.error('a room was not entered again', { error })
    }
  }

  #dropLost(room: Room, seat: Seat, fault: NetworkFault): void {
    const { text, words } = this.#house
    const { tries } = seat
    const drop = (heard: NetworkFault) => {
      // He may have come in again meanwhile.
      if (room.seats.get(seat.owner) !== seat || seat.state !== 'lost' || seat.tries !== tries) return
      room.occupants.left(seat.shown, 'offline')
      const said = wordsOf(heard, text)
      this.tellOut(room, seat, [STATUS.technical], (language) => said[text.nearest(language)] ?? '')
      this.unseat(room, seat)
    }
    if (fault.isReadable || fault.message === '' || seat.clients.size === 0) drop(fault)
    else room.order.hold(words.heard(seat.owner, room.network, fault).then((heard) => () => drop(heard)))
  }

  // The rest

  /** For the next start. */
  keep(room: Room, seat: Seat): void {
    if (room.seats.get(seat.owner) !== seat) return
    const { history, seal } = this.#house
    history.keepSeat({
      owner: seat.owner,
      network: room.network,
      key: room.key,
      room: room.name,
      nick: seat.shown,
      password: seat.password === undefined || seal === null ? null : seal.seal(seat.password),
      clients: [...seat.clients.values()].map((client) => [client.jid, client.face.jid] as const),
    })
  }

  #roomFor(to: RoomAddress): Room {
    const key = this.#keyOf(to.network, to.name)
    let room = this.#rooms.get(key)
    if (room !== undefined) return room
    if (this.isClosing || this.#rooms.size >= this.#house.settings.rooms)
      throw new StanzaError('wait', 'resource-constraint', this.#house.text.inAll('kit-transport-too-much'))
    room = new Room(this.#house, to.network, to.name)
    this.#rooms.set(key, room)
    return room
  }

  #dispose(room: Room): void {
    if (room.seats.size > 0 || (this.#pins.get(room) ?? 0) > 0 || this.#rooms.get(room.key) !== room) return
    this.#rooms.delete(room.key)
    room.close()
  }

  #pin(room: Room, by: number): void {
    const pins = (this.#pins.get(room) ?? 0) + by
    if (pins <= 0) this.#pins.delete(room)
    else this.#pins.set(room, pins)
  }

  /** A connection without rooms is ended after a while, unless somebody else needs it. */
  #idleSoon(owner: string, network: string): void {
    const key = `${owner}\0${network}`
    if (this.isClosing || this.#idle.has(key) || this.#countOf(owner, network) > 0) return
    const timer = setTimeout(() => {
      this.#idle.delete(key)
      if (this.#countOf(owner, network) > 0 || this.#house.settings.keeps(owner, network)) return
      this.#house.sessions
        .close(owner, network, '')
        .catch((error: unknown) => this.#house.log.error('a connection was not ended', { error }))
    }, this.#house.settings.idleMs)
    timer.unref()
    this.#idle.set(key, timer)
  }

  close(): void {
    for (const { listing } of this.#entering.values()) listing.close()
    for (const timer of this.#idle.values()) clearTimeout(timer)
    for (const room of this.#rooms.values()) {
      for (const seat of room.seats.values()) if (seat.linger !== null) clearTimeout(seat.linger)
      room.close()
    }
    this.#rooms.clear()
    this.#mine.clear()
  }

  #keyOf(network: string, name: string): string {
    return `${network} ${this.#house.network.key(network, name)}`
  }
}

/** What one of his clients is told when it is out. */
export function writeOut(room: Room, seat: Seat, client: Client, codes: readonly number[], text?: string): Rest {
  const { affiliation, id } = room.occupants.selfOf(seat)
  const item = { role: 'none', affiliation } as const
  return writeUnavailable(client.face.escaped, seat.shown, item, [STATUS.self, ...codes], text, id)
}
