// SPDX-License-Identifier: Apache-2.0
// All rooms, and who comes in and goes out.
import type { Element } from '../../xml/element.ts'
import { escapeAttribute } from '../../xml/writer.ts'
import { bareOf, normalJid, parseJid } from '../../xmpp/jid.ts'
import type { StanzaOf } from '../../xmpp/stanza.ts'
import { readError } from '../../xmpp/stanza.ts'
import { type Condition, StanzaError } from '../../xmpp/stanza-error.ts'
import { type Address, readAddress } from '../address.ts'
import { refusalOf, wordsOf } from '../faults.ts'
import { NetworkFault, type SessionEvents } from '../network.ts'
import { Client } from './client.ts'
import { type Entering, readEntering, welcome } from './entering.ts'
import type { House } from './house.ts'
import { type How, Room } from './room.ts'
import type { Seat } from './seat.ts'
import { STATUS, writeUnavailable } from './writing.ts'

export type RoomAddress = Extract<Address, { kind: 'room' }>

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

export class Rooms {
  readonly #house: House
  readonly #rooms = new Map<string, Room>()
  /** Rooms that somebody is about to enter, so that they do not go meanwhile. */
  readonly #pins = new Map<Room, number>()
  /** Who is on his way in, by seat; who is on his way out. */
  readonly #entering = new Map<string, Promise<Seat>>()
  readonly #leaving = new Map<string, Promise<void>>()
  readonly #counted = new Map<string, number>()
  readonly #idle = new Map<string, NodeJS.Timeout>()
  /** Clients that believe to be in a room, and are not: [client, room, nick]. */
  #stranded: (readonly [client: string, room: string, nick: string])[] = []
  #isClosing = false

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

  /** Where this client is in the room; null: it is not. */
  clientIn(network: string, name: string, jid: string): { room: Room; seat: Seat; client: Client } | null {
    const room = this.of(network, name)
    const seat = room?.seats.get(bareOf(jid))
    const client = seat?.clients.get(normalJid(jid))
    return room === null || seat === undefined || client === undefined || !client.isIn ? null : { room, seat, client }
  }

  // Presence

  presence(presence: StanzaOf<'presence'>, to: RoomAddress): void | Promise<void> {
    if (presence.type === 'unavailable') return this.#leaves(presence, to)
    if (presence.type !== 'available') {
      if (presence.type === 'probe') return
      throw new StanzaError('cancel', 'service-unavailable')
    }
    if (to.resource === '') throw new StanzaError('modify', 'jid-malformed', {}, { cause: 'no nick' })
    const { settings, now } = this.#house
    const entering = readEntering(presence.element, now(), settings.given)
    const found = this.clientIn(to.network, to.name, presence.from)
    if (entering !== null) return this.#enters(presence, to, entering)
    if (found === null)
      throw new StanzaError('cancel', 'not-acceptable', this.#house.text.inAll('kit-transport-not-in-room'))
    const { seat } = found
    this.#away(seat, presence.element)
    if (this.#house.network.key(to.network, to.resource) === this.#house.network.key(to.network, seat.shown)) return
    // A client that goes on writing the nick which it asked for, after the network gave another.
    if (to.resource === found.client.asked) return
    return this.#renames(seat, found.client, to)
  }

  async #renames(seat: Seat, client: Client, to: RoomAddress): Promise<void> {
    const wrong = this.#house.network.wrongNick(to.network, to.resource)
    if (wrong !== null) throw this.#refusal(new NetworkFault('nick-invalid', wrong))
    await this.#try(() => seat.session.rename(to.resource))
    client.asked = to.resource
  }

  #away(seat: Seat, presence: Element): void {
    const show = presence.getChildText('show')
    const isAway = show === 'away' || show === 'xa' || show === 'dnd'
    seat.session.away(isAway ? presence.getChildText('status')?.slice(0, 300) || show : null)
  }

  async #enters(presence: StanzaOf<'presence'>, to: RoomAddress, wanted: Entering): Promise<void> {
    const jid = normalJid(presence.from)
    if (parseJid(presence.from)?.resource === '')
      throw new StanzaError('modify', 'bad-request', {}, { cause: 'no resource' })
    const wrong = this.#house.network.wrongNick(to.network, to.resource)
    if (wrong !== null) throw this.#refusal(new NetworkFault('nick-invalid', wrong))
    const owner = bareOf(jid)
    const room = this.#roomFor(to)
    this.#pin(room, 1)
    try {
      await room.ready
      const seat = await this.#seatFor(
        room,
        owner,
        to,
        wanted.password,
        AbortSignal.timeout(this.#house.settings.enterWithinMs),
      )
      this.#attach(room, seat, presence, to, wanted)
      this.#house.counts.entered++
    } catch (error) {
      this.#house.counts.notEntered++
      throw this.#refusal(error)
    } finally {
      this.#pin(room, -1)
      this.#dispose(room)
    }
  }

  #attach(room: Room, seat: Seat, presence: StanzaOf<'presence'>, to: RoomAddress, wanted: Entering): void {
    const { settings, text } = this.#house
    const jid = normalJid(presence.from)
    const before = seat.clients.get(jid)
    if (before === undefined && seat.clients.size >= settings.clientsPerSeat)
      throw new StanzaError('wait', 'resource-constraint', text.inAll('kit-transport-too-many-clients'))
    // Who enters once more has forgotten all it was told (§7.2.2).
    before?.drop()
    if (seat.linger !== null) clearTimeout(seat.linger)
    seat.linger = null
    const client = new Client({
      jid: presence.from,
      language: presence.language,
      face: room.face(bareOf(presence.to)),
      asked: to.resource,
      link: this.#house.link,
      most: settings.perClient,
      overrun: (one) => {
        this.#house.counts.overBound++
        this.#loses(room, seat, one)
      },
    })
    seat.clients.set(jid, client)
    this.#keep(room, seat)
    this.#house.asker.occupant(room.jid, seat.shown, presence.from, 'joined')
    room.order.say(() => {
      if (!client.isGone) welcome(room, seat, client, wanted.history)
    })
  }

  // Seats

  async #seatFor(
    room: Room,
    owner: string,
    to: RoomAddress,
    password: string | undefined,
    signal: AbortSignal,
  ): Promise<Seat> {
    const key = `${room.key}\0${owner}`
    await this.#leaving.get(key)
    const found = room.seats.get(owner)
    if (found !== undefined && found.state !== 'entering') return found
    const coming = this.#entering.get(key)
    if (coming !== undefined) return await coming
    const entering = this.#sit(room, owner, to, password, signal).finally(() => this.#entering.delete(key))
    this.#entering.set(key, entering)
    return await entering
  }

  async #sit(
    room: Room,
    owner: string,
    to: RoomAddress,
    password: string | undefined,
    signal: AbortSignal,
  ): Promise<Seat> {
    const { sessions, settings, text, network } = this.#house
    const held = this.#counted.get(owner) ?? 0
    if (held >= settings.roomsPerPerson)
      throw new StanzaError('wait', 'resource-constraint', text.inAll('kit-transport-too-many-rooms'))
    this.#counted.set(owner, held + 1)
    let seat: Seat | null = null
    try {
      await sessions.open(owner, to.network, to.resource)
      const session = await sessions.up(owner, to.network, signal)
      const others = [...this.#rooms.values()].some((one) => one.network === to.network && one.seats.has(owner))
      const isOther = network.key(to.network, session.nick) !== network.key(to.network, to.resource)
      // A nick is the network's, not the room's: who is elsewhere already keeps his, and is told (210).
      if (isOther && !others) await session.rename(to.resource)
      seat = {
        owner,
        session,
        state: 'entering',
        shown: session.nick,
        password,
        clients: new Map(),
        from: null,
        self: null,
        isToldOut: false,
        echoes: null,
        saying: Promise.resolve(),
        looking: 0,
        linger: null,
      }
      room.seats.set(owner, seat)
      room.renick()
      await withinSignal(session.enter(room.name, room.entering(seat)), signal)
      room.sits(seat)
      return seat
    } catch (error) {
      if (seat !== null) {
        const gone = seat
        room.away(gone)
        room.seats.delete(owner)
        room.renick()
        if (!(error instanceof NetworkFault)) void gone.session.leave(room.name, '').catch(() => {})
      }
      this.#uncount(owner)
      throw error
    }
  }

  /** He is out for good: of the room, and of what is kept. */
  #unseat(room: Room, seat: Seat): void {
    if (seat.linger !== null) clearTimeout(seat.linger)
    seat.linger = null
    if (room.seats.get(seat.owner) !== seat) return
    room.seats.delete(seat.owner)
    room.renick()
    this.#uncount(seat.owner)
    this.#house.history.dropSeat({ owner: seat.owner, network: room.network, key: room.key })
    this.#dispose(room)
    this.#idleSoon(seat.owner, room.network)
  }

  #uncount(owner: string): void {
    const left = (this.#counted.get(owner) ?? 1) - 1
    if (left <= 0) this.#counted.delete(owner)
    else this.#counted.set(owner, left)
  }

  /** Gives the seat up at the network too. */
  #stand(room: Room, seat: Seat, text: string): Promise<void> {
    const key = `${room.key}\0${seat.owner}`
    const isThere = seat.state === 'in'
    const left = isThere
      ? seat.session.leave(room.name, text).catch((error: unknown) => this.#leftNot(error))
      : Promise.resolve()
    if (isThere) {
      this.#leaving.set(key, left)
      void left.finally(() => this.#leaving.delete(key))
    }
    room.away(seat, left)
    room.left(seat.shown, 'left')
    this.#unseat(room, seat)
    return left
  }

  #leftNot(error: unknown): void {
    if (!(error instanceof NetworkFault)) this.#house.log.error('a room was not left', { error })
  }

  /** The rooms somebody is in. */
  roomsOf(owner: string) {
    const mine = []
    for (const room of this.#rooms.values()) {
      const seat = room.seats.get(owner)
      if (seat === undefined) continue
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
    this.#tellOut(room, seat, [], text)
    await this.#stand(room, seat, text)
  }

  /** Out of all rooms of a network, before the connection is ended. */
  async leaveAll(owner: string, network: string, text: string): Promise<void> {
    await Promise.all(
      [...this.#rooms.values()]
        .filter((room) => room.network === network)
        .map((room) => this.leave(owner, network, room.name, text)),
    )
  }

  #leaves(presence: StanzaOf<'presence'>, to: RoomAddress): void {
    const room = this.of(to.network, to.name)
    const seat = room?.seats.get(bareOf(presence.from))
    const client = seat?.clients.get(normalJid(presence.from))
    // §7.14: from somebody who is not in the room it says nothing.
    if (room === null || seat === undefined || client === undefined) return
    const self = room.selfOf(seat)
    const item = { role: 'none', affiliation: self.affiliation } as const
    const rest = writeUnavailable(client.face.escaped, seat.shown, item, [STATUS.self], undefined, self.id)
    client.presence(rest)
    this.#forget(room, seat, client)
    this.#perhapsStand(room, seat, presence.element.getChildText('status') ?? '')
  }

  /** Who has no client any more goes, unless he stays. */
  #perhapsStand(room: Room, seat: Seat, text: string): void {
    if (seat.clients.size > 0) return
    if (this.#house.settings.stays(seat.owner, room.network, room.name)) return
    void this.#stand(room, seat, text)
  }

  #forget(room: Room, seat: Seat, client: Client): void {
    client.drop()
    if (seat.clients.get(normalJid(client.jid)) === client) seat.clients.delete(normalJid(client.jid))
    this.#house.asker.occupant(room.jid, seat.shown, client.jid, 'left')
    this.#keep(room, seat)
  }

  /** A client that cannot be reached, or no longer be told the truth. */
  #loses(room: Room, seat: Seat, client: Client): void {
    const words = this.#house.text.say('kit-transport-lost-touch', client.language)
    const self = room.selfOf(seat)
    const item = { role: 'none', affiliation: self.affiliation } as const
    const rest = writeUnavailable(
      client.face.escaped,
      seat.shown,
      item,
      [STATUS.self, STATUS.kicked, STATUS.technical],
      words,
      self.id,
    )
    client.drop()
    this.#house.link()?.send(`<presence to='${escapeAttribute(client.jid)}'${rest}`)
    this.#forget(room, seat, client)
    this.#perhapsStand(room, seat, words)
  }

  /** Errors of what was sent to a client: it is gone, and must not stay as a ghost. */
  bounced(stanza: StanzaOf<'message' | 'presence'>): void {
    const to = readAddress(stanza.to, this.#house.domain, this.#house.network)
    if (to?.kind !== 'room') return
    if (!GONE.has(readError(stanza.element).condition)) return
    const room = this.of(to.network, to.name)
    const seat = room?.seats.get(bareOf(stanza.from))
    const client = seat?.clients.get(normalJid(stanza.from))
    if (room === null || seat === undefined || client === undefined) return
    this.#house.counts.ghosts++
    this.#loses(room, seat, client)
  }

  // What the connections tell

  sessionEvents(owner: string, network: string): Pick<SessionEvents, 'up' | 'down' | 'room' | 'out'> {
    const mine = (): { room: Room; seat: Seat }[] =>
      [...this.#rooms.values()].flatMap((room) => {
        const seat = room.network === network ? room.seats.get(owner) : undefined
        return seat === undefined ? [] : [{ room, seat }]
      })
    return {
      up: () => {
        for (const { room, seat } of mine()) if (seat.state === 'lost') void this.#enterAgain(room, seat)
      },
      down: (fault, retryAt) => {
        for (const { room, seat } of mine()) {
          if (seat.state === 'in') room.away(seat)
          if (seat.state !== 'entering') seat.state = 'lost'
          if (retryAt === null && seat.state === 'lost') this.#dropLost(room, seat, fault)
        }
      },
      room: (name, event) => {
        const room = this.of(network, name)
        const seat = room?.seats.get(owner)
        if (room !== null && seat !== undefined) room.take(seat, event)
      },
      out: (name, how, by, reason) => {
        const room = this.of(network, name)
        const seat = room?.seats.get(owner)
        if (room !== null && seat !== undefined && seat.state !== 'entering') this.#out(room, seat, how, by, reason)
      },
    }
  }

  /** The network took him out. */
  #out(room: Room, seat: Seat, how: How, by?: string, reason?: string): void {
    const wasDriver = room.course.driver === seat.owner
    room.away(seat)
    // Nobody else could tell the others.
    if (wasDriver || !seat.isToldOut) room.left(seat.shown, how, by, reason)
    const isTold = seat.isToldOut
    room.order.say(() => {
      if (isTold) for (const client of [...seat.clients.values()]) this.#forget(room, seat, client)
      else this.#tellOut(room, seat, [], reason ?? '')
      this.#unseat(room, seat)
    })
  }

  async #enterAgain(room: Room, seat: Seat): Promise<void> {
    seat.from = null
    seat.isToldOut = false
    seat.state = 'entering'
    try {
      await seat.session.enter(room.name, room.entering(seat))
      room.sits(seat)
    } catch (error) {
      if (room.seats.get(seat.owner) !== seat) return
      seat.state = 'lost'
      // The connection went once more: there will be another try.
      if (error instanceof NetworkFault && error.reason === 'down') return
      this.#dropLost(room, seat, error instanceof NetworkFault ? error : new NetworkFault('other', ''))
      if (!(error instanceof NetworkFault)) this.#house.log.error('a room was not entered again', { error })
    }
  }

  #dropLost(room: Room, seat: Seat, fault: NetworkFault): void {
    room.left(seat.shown, 'offline')
    const words = wordsOf(fault, this.#house.text)
    this.#tellOut(room, seat, [STATUS.technical], (language) => words[this.#house.text.nearest(language)] ?? '')
    this.#unseat(room, seat)
  }

  /** §9.1.1: tells his clients that they are out, and forgets them. */
  #tellOut(room: Room, seat: Seat, codes: readonly number[], text: string | ((language: string) => string)): void {
    const self = room.selfOf(seat)
    const item = { role: 'none', affiliation: self.affiliation } as const
    for (const client of [...seat.clients.values()]) {
      const words = typeof text === 'string' ? text : text(client.language)
      client.presence(writeUnavailable(client.face.escaped, seat.shown, item, [STATUS.self, ...codes], words, self.id))
      this.#forget(room, seat, client)
    }
  }

  // The link to the XMPP server, start and end

  /** Nobody is told anything any more: all clients have to enter again. The seats wait for them for a while. */
  linkDown(): void {
    for (const room of this.#rooms.values())
      for (const seat of room.seats.values()) {
        for (const client of [...seat.clients.values()]) {
          if (this.#stranded.length < STRANDED_MOST) this.#stranded.push([client.jid, client.face.jid, seat.shown])
          client.drop()
          seat.clients.delete(normalJid(client.jid))
        }
        if (seat.linger !== null || this.#isClosing) continue
        seat.linger = setTimeout(() => {
          seat.linger = null
          this.#keep(room, seat)
          this.#perhapsStand(room, seat, '')
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
      for (let mine = waiting.shift(); mine !== undefined && !this.#isClosing; mine = waiting.shift())
        for (const seat of mine)
          try {
            await this.#resumeSeat(seat)
          } catch (error) {
            log.warn('a room was not entered again', { network: seat.network, error: this.#refusal(error).condition })
          }
    }
    await Promise.all(Array.from({ length: RESUMED_AT_ONCE }, work))
  }

  async #resumeSeat(stored: Awaited<ReturnType<House['history']['seats']>>[number]): Promise<void> {
    const { owner, network, room: name, nick } = stored
    const password = stored.password === null ? undefined : (this.#house.seal?.open(stored.password) ?? undefined)
    const to: RoomAddress = { kind: 'room', network, name, resource: nick }
    const room = this.#roomFor(to)
    this.#pin(room, 1)
    try {
      await room.ready
      const seat = await this.#seatFor(
        room,
        owner,
        to,
        password,
        AbortSignal.timeout(this.#house.settings.enterWithinMs),
      )
      this.#keep(room, seat)
    } finally {
      this.#pin(room, -1)
      this.#dispose(room)
    }
  }

  /** Says goodbye; those who stay are kept, and enter again at the next start. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#isClosing = true
    const leaving: Promise<void>[] = []
    const { text, settings } = this.#house
    for (const room of [...this.#rooms.values()])
      for (const seat of [...room.seats.values()]) {
        this.#tellOut(room, seat, [STATUS.stopping], (language) => text.say('kit-transport-stopping', language))
        if (!settings.stays(seat.owner, room.network, room.name))
          leaving.push(this.#stand(room, seat, text.say('kit-transport-stopping', undefined)))
      }
    await withinSignal(
      Promise.all(leaving).then(() => {}),
      signal,
    ).catch(() => {})
    for (const timer of this.#idle.values()) clearTimeout(timer)
    for (const room of this.#rooms.values()) {
      for (const seat of room.seats.values()) if (seat.linger !== null) clearTimeout(seat.linger)
      room.close()
    }
    this.#rooms.clear()
  }

  // The rest

  #roomFor(to: RoomAddress): Room {
    const key = this.#keyOf(to.network, to.name)
    let room = this.#rooms.get(key)
    if (room !== undefined) return room
    if (this.#isClosing || this.#rooms.size >= this.#house.settings.rooms)
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
    if (this.#isClosing || this.#idle.has(key)) return
    const timer = setTimeout(() => {
      this.#idle.delete(key)
      if ([...this.#rooms.values()].some((room) => room.network === network && room.seats.has(owner))) return
      if (this.#house.settings.keeps(owner, network)) return
      this.#house.sessions
        .close(owner, network, '')
        .catch((error: unknown) => this.#house.log.error('a connection was not ended', { error }))
    }, this.#house.settings.idleMs)
    timer.unref()
    this.#idle.set(key, timer)
  }

  #keep(room: Room, seat: Seat): void {
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

  #keyOf(network: string, name: string): string {
    return `${network}\0${this.#house.network.key(network, name)}`
  }

  #refusal(error: unknown): StanzaError {
    return refusalOf(error, this.#house.text)
  }

  async #try<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.#refusal(error)
    }
  }
}

/** What does not settle in time is a fault of the network's, and goes on without anybody listening. */
function withinSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new NetworkFault('timeout', ''))
    if (signal.aborted) late()
    signal.addEventListener('abort', late, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late))
  })
}
