// SPDX-License-Identifier: Apache-2.0
// One room of a network with all our people in it. Each has a seat, which is his own connection's place there; one seat drives (course.ts),
// and only its events change what everybody is shown.
import { MUC_USER } from '../../xep/muc.ts'
import { escapeAttribute } from '../../xml/writer.ts'
import { writeAddress } from '../address.ts'
import { foreignOf } from '../asker/question.ts'
import { type Attention, type ForeignMessage, NetworkFault, type Occupant, type RoomEvent } from '../network.ts'
import type { Client, Face } from './client.ts'
import { Course, type Taken } from './course.ts'
import type { House } from './house.ts'
import { KEPT_MOST } from './kept.ts'
import { LookOut } from './look-out.ts'
import { Occupants } from './occupants.ts'
import { Order } from './order.ts'
import type { Seat } from './seat.ts'
import { Subject } from './subject.ts'
import { Telling } from './telling.ts'
import { withinSignal } from './within.ts'
import { STATUS } from './writing.ts'

const SWEEP_MS = 500
const LATE_MS = 2000
/** So long a copy of what is already placed is still known for one. */
const COPY_MS = 30_000
/** So long a copy of what its sender was told to have failed is still known for one. */
const GIVEN_UP_MS = 600_000
/** A list of occupants that was asked for and has not come: the next seat is asked. */
const RESYNC_MS = 20_000

/** So long is waited for what the network kept; what is said meanwhile comes behind it. */
const KEPT_MS = 5000

export class Room {
  readonly network: string
  readonly name: string
  readonly key: string
  readonly jid: string
  readonly seats = new Map<string, Seat>()
  readonly order: Order
  readonly telling: Telling
  readonly course: Course
  readonly occupants: Occupants
  readonly subject: Subject
  readonly #house: House
  readonly #faces = new Map<string, Face>()
  readonly #byNick = new Map<string, Seat>()
  readonly #lookOut: LookOut
  /** Since when the driver's list of occupants is awaited; its events about them say nothing until then. */
  #resyncSince: number | null = null
  #sweep: NodeJS.Timeout | null = null
  /** Filled from the store before anybody is in. */
  readonly ready: Promise<void>

  constructor(house: House, network: string, name: string) {
    this.#house = house
    this.network = network
    this.name = name
    // A network's name holds no blank.
    this.key = `${network} ${house.network.key(network, name)}`
    this.jid = writeAddress(house.domain, house.network, network, name)
    this.order = new Order(house.settings.perRoom)
    this.course = new Course({ now: house.now, lateMs: LATE_MS })
    this.occupants = new Occupants(house, this)
    this.telling = new Telling(house, this, this.order)
    this.subject = new Subject(house, this)
    this.#lookOut = new LookOut(house, this)
    this.ready = house.history.recent(this.key, house.settings.given).then(
      (recent) => this.telling.remember(recent),
      (error: unknown) => house.log.warn('history could not be asked', { error }),
    )
  }

  get driver(): Seat | null {
    return this.course.driver === null ? null : (this.seats.get(this.course.driver) ?? null)
  }

  get keepsRead(): boolean {
    return this.driver?.session.keepsRead === true
  }

  occupantIdOf(nick: string, account?: string): string {
    return this.occupants.idOf(nick, account)
  }

  clients(): readonly Client[] {
    const all: Client[] = []
    for (const seat of this.seats.values()) addThoseIn(all, seat)
    return all
  }

  clientsOf(owner: string): readonly Client[] {
    const all: Client[] = []
    const seat = this.seats.get(owner)
    if (seat !== undefined) addThoseIn(all, seat)
    return all
  }

  face(jid: string): Face {
    let face = this.#faces.get(jid)
    if (face === undefined) {
      face = { jid, escaped: escapeAttribute(jid) }
      if (this.#faces.size < 100) this.#faces.set(jid, face)
    }
    return face
  }

  /** Which of our people is shown under this nick. */
  seatOf(nick: string): Seat | null {
    return this.#byNick.get(this.#key(nick)) ?? null
  }

  /** Somebody of ours came, went, or is shown under another nick. */
  renick(): void {
    this.#byNick.clear()
    for (const seat of this.seats.values()) {
      this.#byNick.set(this.#key(seat.shown), seat)
      this.report(seat)
    }
  }

  /** Who of ours can read what is said, for walls and records: once for a person, by the name under which he is shown. */
  report(seat: Seat): void {
    const { asker } = this.#house
    const now = seat.clients.size === 0 ? null : seat.shown
    const before = seat.reported
    if (now === before) return
    seat.reported = now
    if (before !== null) asker.occupant(this.jid, before, seat.owner, 'left')
    if (now !== null) asker.occupant(this.jid, now, seat.owner, 'joined')
  }

  /** How a seat enters: who does not drive need not be told who comes and goes. */
  entering(seat: Seat): { password?: string; attend?: Attention } {
    const attend = this.course.driver === null ? 'all' : 'messages'
    return { ...(seat.password !== undefined && { password: seat.password }), ...(seat.session.attend && { attend }) }
  }

  /** The network said that he is in. Whose connection told no list does not drive, or asks for one now. */
  sits(seat: Seat): void {
    if (seat.state === 'lost' || this.course.has(seat.owner)) return
    this.#isIn(seat)
    if (!this.course.enter(seat.owner, seat.from)) return
    this.#askKept(seat)
    this.#takesOver(seat)
  }

  /** He is the first of ours who is there: what was said before is what nobody of ours has seen. */
  #askKept(seat: Seat): void {
    const asked = seat.session.history(this.name, null, KEPT_MOST)
    if (asked === null) return
    const nothing = (error: unknown) => {
      if (!(error instanceof NetworkFault)) this.#house.log.error('what the network kept was not read', { error })
      return []
    }
    this.telling.tellKept(withinSignal(asked, AbortSignal.timeout(KEPT_MS)).catch(nothing), this.#isSeen)
  }

  readonly #isSeen = (message: ForeignMessage) => message.id !== null && this.course.wasSeen(this.#keyOf(message))

  #isIn(seat: Seat): void {
    seat.state = 'in'
    this.#lookOut.meet(seat.owner)
    // Whose clients are there already is shown under another nick at its place in the order, as all are.
    if (seat.clients.size === 0) seat.shown = seat.session.nick
    this.renick()
  }

  // What the connections tell

  take(seat: Seat, event: RoomEvent): void {
    // Whose connection is down, or who is out, has nothing to tell.
    if (seat.state === 'lost') return
    if (event.kind === 'message') this.#saw(seat, event.message)
    else if (event.kind === 'kept') this.#toldKept(seat, event.messages)
    else if (event.kind === 'listing') seat.listing?.take(event.occupants, seat.session.nick)
    else if (event.kind === 'occupants') this.#listed(seat, event.occupants)
    // A network may tell the subject before the list, with which the first one begins to drive.
    else if (event.kind === 'subject' && this.course.driver === null) this.subject.take(event)
    else if (this.course.driver === seat.owner) this.#follow(event)
  }

  #toldKept(seat: Seat, messages: readonly ForeignMessage[]): void {
    this.sits(seat)
    // Where somebody else of ours was there already, it was heard.
    if (this.course.driver === seat.owner) this.telling.tellKept(Promise.resolve(messages), this.#isSeen)
  }

  /** Of the one who drives. */
  #follow(event: Exclude<RoomEvent, { kind: 'message' | 'listing' | 'occupants' | 'kept' }>): void {
    if (event.kind === 'subject') this.subject.take(event)
    else if (event.kind === 'typing') this.#typing(event)
    else if (event.kind === 'configured') this.#configured()
    else if (event.kind === 'renamed') this.#renamed(event)
    // The list that is awaited knows it all.
    else if (this.#resyncSince === null) this.#people(event)
  }

  #renamed({ from, to }: Extract<RoomEvent, { kind: 'renamed' }>): void {
    this.telling.says.renamed(this.#key(from), this.#key(to))
    if (this.#resyncSince === null) this.occupants.renamed(from, to)
  }

  #people(
    event: Exclude<
      RoomEvent,
      { kind: 'message' | 'listing' | 'occupants' | 'kept' | 'subject' | 'typing' | 'configured' | 'renamed' }
    >,
  ): void {
    switch (event.kind) {
      case 'joined':
        this.occupants.joined(event.occupant)
        break
      case 'rejoined':
        for (const one of event.occupants) this.occupants.joined(one)
        break
      case 'left':
        this.occupants.left(event.nick, event.how, event.by, event.reason)
        break
      case 'parted':
        this.occupants.parted(event.nicks, event.reason)
        break
      case 'changed':
        this.occupants.changed(event.occupant)
    }
  }

  #saw(seat: Seat, message: ForeignMessage): void {
    if (message.narrow === true) {
      this.telling.tellForeign(message, seat.owner)
      return
    }
    // Who hears what is said is in.
    this.sits(seat)
    const nick = this.#key(message.nick)
    const driver = this.driver
    // Where the network repeats nothing to its sender, what he says was put into the order when it was written.
    if (driver !== null && driver !== seat && driver.echoes === false && nick === this.#key(driver.shown)) return
    const doubles = this.course.doubles
    if (this.course.saw(seat.owner, message, this.#keyOf(message))) this.#tell(message)
    this.#house.counts.doubles += this.course.doubles - doubles
    if (this.course.isAhead) this.sweepSoon()
  }

  #keyOf(message: ForeignMessage): string {
    if (message.id !== null) return `i ${message.id}`
    const kind = message.reaction
      ? `r ${message.reaction.to} ${message.reaction.emojis.join(' ')}`
      : (message.retracts ?? '')
    return `n ${this.#key(message.nick)}\0${kind}\0${message.body}`
  }

  #tell(message: ForeignMessage): void {
    const nick = this.#key(message.nick)
    const say = message.elsewhere === true ? null : this.telling.says.match(nick, message)
    if (say === null && !this.#byNick.has(nick)) this.#lookOut.look(message)
    // What nobody said here under the nick of one of ours he said himself, elsewhere.
    if (say === null) this.telling.tellForeign(message, null, this.#byNick.get(nick)?.owner ?? null)
    else this.telling.seen(say, message)
  }

  /** The seat of a connection that is in the room on its own account, with the list as that connection got it. */
  #listed(seat: Seat, occupants: readonly Occupant[]): void {
    if (!this.course.has(seat.owner)) {
      this.#isIn(seat)
      if (this.course.enter(seat.owner, seat.from)) this.#askKept(seat)
      else {
        const own = occupants.find((one) => this.#key(one.nick) === this.#key(seat.session.nick))
        if (own !== undefined) seat.self = own
        // Several came at once, when nobody drove yet: one who keeps the list is enough.
        seat.session.attend?.(this.name, 'messages')
        return
      }
      seat.from = 0
    }
    if (this.course.driver !== seat.owner) return
    this.#resyncSince = null
    this.occupants.compare(occupants, seat.listing)
  }

  #typing({ nick, state }: Extract<RoomEvent, { kind: 'typing' }>): void {
    this.telling.typing(nick, state, this.seatOf(nick)?.owner ?? null)
  }

  #configured(): void {
    this.order.say(() => {
      for (const client of this.clients())
        client.message(
          ` from='${client.face.escaped}' type='groupchat'><x xmlns='${MUC_USER}'><status code='${STATUS.configured}'/></x></message>`,
        )
    })
  }

  /** At another program of his. */
  readUpTo(owner: string, at: number): void {
    const newest = this.telling.recent.findLast((one) => one.at <= at)
    if (newest === undefined) return
    const isBehind = async (id: string) => {
      const other = await this.telling.find(id)
      return other === null ? null : other.at < newest.at
    }
    this.#house.read(owner, { jid: this.jid, id: newest.id, isBehind })
  }

  // Seats

  /** The seat is no more in the room, or its connection down. Another may drive from now on. */
  away(seat: Seat, after: Promise<unknown> = Promise.resolve()): void {
    seat.from = null
    this.#drive(this.course.leave(seat.owner), after)
  }

  /** `after`: the new driver's list is asked for only then, so that it no longer names who is just leaving. */
  #drive({ tell, driver, changed }: Taken, after: Promise<unknown>): void {
    for (const message of tell) this.#tell(message)
    if (!changed || driver === null) {
      if (driver === null) this.#resyncSince = null
      return
    }
    this.#house.counts.driverChanges++
    const seat = this.seats.get(driver)
    if (seat !== undefined) this.#takesOver(seat, after)
    for (const one of this.seats.values())
      if (one !== seat && one.state === 'in') one.session.attend?.(this.name, 'messages')
  }

  #takesOver(seat: Seat, after: Promise<unknown> = Promise.resolve()): void {
    seat.from = 0
    this.#resyncSince = this.#house.now()
    const ask = () => {
      if (this.course.driver === seat.owner) this.#askWho(seat)
    }
    void after.then(ask, ask)
    this.sweepSoon()
  }

  #askWho(seat: Seat): void {
    if (seat.session.attend === undefined) seat.session.resync(this.name)
    else seat.session.attend(this.name, 'all')
  }

  /** Looks after what is late, as long as there is something. */
  sweepSoon(): void {
    if (this.#sweep !== null) return
    this.#sweep = setTimeout(() => {
      this.#sweep = null
      const now = this.#house.now()
      this.#drive(this.course.late(), Promise.resolve())
      for (const say of this.telling.says.due(now - LATE_MS, now - COPY_MS, now - GIVEN_UP_MS))
        this.telling.placeSay(say)
      if (this.#resyncSince !== null && now - this.#resyncSince > RESYNC_MS) this.#resyncAgain(now)
      if (this.course.isAhead || !this.telling.says.isEmpty || this.#resyncSince !== null) this.sweepSoon()
    }, SWEEP_MS)
    this.#sweep.unref()
  }

  #resyncAgain(now: number): void {
    this.#resyncSince = now
    const { driver } = this
    if (driver !== null) this.#askWho(driver)
  }

  close(): void {
    if (this.#sweep !== null) clearTimeout(this.#sweep)
    this.#sweep = null
    this.telling.close()
    for (const seat of this.seats.values()) for (const client of seat.clients.values()) client.drop()
  }

  async mayRead(stanza: string, who: { nick: string; account?: string; identity?: string }): Promise<boolean> {
    const { asker, network } = this.#house
    const foreign = foreignOf(who)
    const answer = await asker.ask({ stanza, network: network.type, server: this.network, foreign, order: this.key })
    return answer.action === 'deliver' && !answer.replaced
  }

  #key(nick: string): string {
    return this.#house.network.key(this.network, nick)
  }
}

function addThoseIn(all: Client[], seat: Seat): void {
  for (const client of seat.clients.values()) if (client.isIn) all.push(client)
}
