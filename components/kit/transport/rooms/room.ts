// SPDX-License-Identifier: Apache-2.0
// One room of a network with all our people in it. Each has a seat, which is his own connection's place there; one seat drives (course.ts),
// and only its events change what everybody is shown.
import { escapeAttribute, escapeText } from '../../xml/writer.ts'
import { writeAddress } from '../address.ts'
import type { Attention, ForeignMessage, Occupant, RoomEvent } from '../network.ts'
import type { Client, Face } from './client.ts'
import { Course, type Taken } from './course.ts'
import type { House } from './house.ts'
import { Order } from './order.ts'
import type { Seat } from './seat.ts'
import { foreignOf, Telling } from './telling.ts'
import { occupantId, type ShownOccupant, STATUS, writeAvailable, writeGroupchat, writeUnavailable } from './writing.ts'

export type How = 'left' | 'kicked' | 'banned' | 'offline'

const SWEEP_MS = 500
const LATE_MS = 2000
/** So long a copy of what is already placed is still known for one. */
const COPY_MS = 30_000
/** A list of occupants that was asked for and has not come: the next seat is asked. */
const RESYNC_MS = 20_000

export class Room {
  readonly network: string
  readonly name: string
  readonly key: string
  readonly jid: string
  readonly seats = new Map<string, Seat>()
  readonly order: Order
  readonly telling: Telling
  readonly course: Course
  readonly #house: House
  readonly #occupants = new Map<string, ShownOccupant>()
  readonly #faces = new Map<string, Face>()
  readonly #byNick = new Map<string, Seat>()
  #subject: { subject: string; by: string; at: number } = { subject: '', by: '', at: 0 }
  /** Since when the driver's list of occupants is awaited; its events about them say nothing until then. */
  #resyncSince: number | null = null
  #sweep: NodeJS.Timeout | null = null
  /** Filled from the store before anybody is in. */
  readonly ready: Promise<void>

  constructor(house: House, network: string, name: string) {
    this.#house = house
    this.network = network
    this.name = name
    this.key = `${network}\0${house.network.key(network, name)}`
    this.jid = writeAddress(house.domain, house.network, network, name)
    this.order = new Order(house.settings.perRoom)
    this.course = new Course({ now: house.now, lateMs: LATE_MS })
    this.telling = new Telling(house, this, this.order)
    this.ready = house.history.recent(this.key, house.settings.given).then(
      (recent) => this.telling.remember(recent),
      (error: unknown) => house.log.warn('history could not be asked', { error }),
    )
  }

  get subject() {
    return this.#subject
  }

  get occupantCount(): number {
    return this.#occupants.size
  }

  get driver(): Seat | null {
    return this.course.driver === null ? null : (this.seats.get(this.course.driver) ?? null)
  }

  occupants(): IterableIterator<ShownOccupant> {
    return this.#occupants.values()
  }

  occupant(nick: string): ShownOccupant | null {
    return this.#occupants.get(this.#key(nick)) ?? null
  }

  *clients(): Generator<Client> {
    for (const seat of this.seats.values()) for (const client of seat.clients.values()) if (client.isIn) yield client
  }

  *clientsOf(owner: string): Generator<Client> {
    for (const client of this.seats.get(owner)?.clients.values() ?? []) if (client.isIn) yield client
  }

  /** XEP-0421. Of those who are there it is known already. */
  occupantIdOf(nick: string, account?: string): string {
    const known = this.occupant(nick)
    if (known !== null && (account === undefined || account === known.account)) return known.id
    return this.#idOf(nick, account)
  }

  /** By the login where the network tells it, else by the nick. */
  #idOf(nick: string, account: string | undefined): string {
    const who = account === undefined ? `nick ${this.#key(nick)}` : `account ${account}`
    return occupantId(this.#house.occupantKey, this.key, who)
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
    for (const seat of this.seats.values()) this.#byNick.set(this.#key(seat.shown), seat)
  }

  /** How a seat enters: who does not drive need not be told who comes and goes. */
  entering(seat: Seat): { password?: string; attend?: Attention } {
    const attend = this.course.driver === null ? 'all' : 'messages'
    return { ...(seat.password !== undefined && { password: seat.password }), ...(seat.session.attend && { attend }) }
  }

  /** The network said that he is in. Whose connection told no list does not drive, or asks for one now. */
  sits(seat: Seat): void {
    if (this.course.has(seat.owner)) return
    this.#isIn(seat)
    if (this.course.enter(seat.owner, seat.from)) this.#takesOver(seat)
  }

  #isIn(seat: Seat): void {
    seat.state = 'in'
    // Whose clients are there already is shown under another nick at its place in the order, as all are.
    if (seat.clients.size === 0) seat.shown = seat.session.nick
    this.renick()
  }

  // What the connections tell

  take(seat: Seat, event: RoomEvent): void {
    if (event.kind === 'message') this.#saw(seat, event.message)
    else if (event.kind === 'occupants') this.#listed(seat, event.occupants)
    else if (this.course.driver === seat.owner) this.#follow(event)
  }

  /** Of the one who drives. */
  #follow(event: Exclude<RoomEvent, { kind: 'message' | 'occupants' }>): void {
    if (event.kind === 'subject') this.#setSubject(event)
    else if (event.kind === 'typing') this.#typing(event)
    else if (event.kind === 'configured') this.#configured()
    // The list that is awaited knows it all.
    else if (this.#resyncSince === null) this.#people(event)
  }

  #people(event: Exclude<RoomEvent, { kind: 'message' | 'occupants' | 'subject' | 'typing' | 'configured' }>): void {
    switch (event.kind) {
      case 'joined':
        this.#joined(event.occupant)
        break
      case 'rejoined':
        for (const one of event.occupants) this.#joined(one)
        break
      case 'left':
        this.left(event.nick, event.how, event.by, event.reason)
        break
      case 'parted':
        this.#parted(event.nicks, event.reason)
        break
      case 'renamed':
        this.#renamed(event.from, event.to)
        break
      case 'changed':
        this.#changed(event.occupant)
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
    const kind = message.reaction
      ? `r ${message.reaction.to} ${message.reaction.emojis.join(' ')}`
      : (message.retracts ?? '')
    const key = message.id === null ? `n ${nick}\0${kind}\0${message.body}` : `i ${message.id}`
    const doubles = this.course.doubles
    if (this.course.saw(seat.owner, message, key)) this.#tell(message)
    this.#house.counts.doubles += this.course.doubles - doubles
    if (this.course.isAhead) this.sweepSoon()
  }

  #tell(message: ForeignMessage): void {
    const say = this.telling.says.match(this.#key(message.nick), message)
    if (say === null) this.telling.tellForeign(message, null)
    else this.telling.placeSay(say)
  }

  /** The seat of a connection that is in the room on its own account, with the list as that connection got it. */
  #listed(seat: Seat, occupants: readonly Occupant[]): void {
    if (!this.course.has(seat.owner)) {
      this.#isIn(seat)
      if (!this.course.enter(seat.owner, seat.from)) {
        const own = occupants.find((one) => this.#key(one.nick) === this.#key(seat.session.nick))
        if (own !== undefined) seat.self = own
        return
      }
      seat.from = 0
    }
    if (this.course.driver !== seat.owner) return
    this.#resyncSince = null
    this.#compare(occupants)
  }

  /** Shows what is different. */
  #compare(list: readonly Occupant[]): void {
    const { occupants: most } = this.#house.settings
    if (list.length > most) this.#house.counts.overBound++
    const now = new Map(list.slice(0, most).map((one) => [this.#key(one.nick), one]))
    for (const seat of this.seats.values()) {
      const nick = seat.session.nick
      if (seat.state === 'in' && this.#key(nick) !== this.#key(seat.shown) && now.has(this.#key(nick)))
        this.#renamed(seat.shown, nick)
    }
    for (const [key, old] of [...this.#occupants]) if (!now.has(key)) this.left(old.nick, 'offline')
    for (const one of now.values()) this.#joined(one)
  }

  #joined(occupant: Occupant): void {
    const key = this.#key(occupant.nick)
    const before = this.#occupants.get(key)
    const seat = this.#enteringSeatOf(key)
    if (seat !== null) {
      seat.from = this.course.place
      this.course.joined(seat.owner)
      if (this.#key(seat.shown) !== key) this.#shownAnew(seat, occupant.nick)
    }
    if (before !== undefined) {
      this.#changed(occupant)
      return
    }
    if (this.#occupants.size >= this.#house.settings.occupants) {
      this.#house.counts.overBound++
      return
    }
    const shown = this.#shownAs(occupant)
    this.#occupants.set(key, shown)
    this.#showAvailable(shown)
  }

  /** Who came back under another nick: only his own clients still know the old one. */
  #shownAnew(seat: Seat, nick: string): void {
    const before = this.selfOf(seat)
    seat.shown = nick
    this.renick()
    this.order.say(() => {
      const item = { role: before.role, affiliation: before.affiliation, nick }
      for (const client of this.clientsOf(seat.owner))
        client.presence(
          writeUnavailable(client.face.escaped, before.nick, item, [STATUS.renamed, STATUS.self], undefined, before.id),
        )
    })
  }

  #changed(occupant: Occupant): void {
    const key = this.#key(occupant.nick)
    const before = this.#occupants.get(key)
    if (before === undefined) {
      this.#joined(occupant)
      return
    }
    const shown = this.#shownAs(occupant)
    this.#occupants.set(key, shown)
    if (!looksAlike(before, shown)) this.#showAvailable(shown)
  }

  left(nick: string, how: How, by?: string, reason?: string): void {
    const gone = this.#occupants.get(this.#key(nick))
    if (gone === undefined) return
    this.#occupants.delete(this.#key(nick))
    const seat = this.seatOf(nick)
    if (seat !== null) seat.isToldOut = how === 'kicked' || how === 'banned'
    // Those of ours who only left, or were cut off, hear it from their own connection.
    const own = seat !== null && !seat.isToldOut ? seat : null
    const show = (text: string | undefined) => this.#showGone(gone, how, by, text, own)
    const isSilent = reason === undefined || reason === '' || own !== null || !this.#isHeard()
    // Our own people's words were asked about on their way here.
    if (isSilent || (by !== undefined && this.seatOf(by) !== null)) {
      this.order.say(() => show(isSilent ? undefined : reason))
      return
    }
    const said = how === 'left' || how === 'offline' ? reason : undefined
    const room = escapeAttribute(this.jid)
    const xml = writeUnavailable(room, gone.nick, outItem(how, by, reason), outCodes(how), said, gone.id)
    const who = by === undefined ? gone : (this.occupant(by) ?? { nick: by })
    const may = this.#mayRead(`<presence xmlns='jabber:client' to='${room}'${xml}`, who)
    this.order.hold(may.then((yes) => () => show(yes ? reason : undefined)))
  }

  #showGone(
    gone: ShownOccupant,
    how: How,
    by: string | undefined,
    reason: string | undefined,
    butNot: Seat | null,
  ): void {
    const said = how === 'left' || how === 'offline' ? reason : undefined
    const write = (client: Client, codes: readonly number[]) =>
      writeUnavailable(client.face.escaped, gone.nick, outItem(how, by, reason), codes, said, gone.id)
    this.#show(gone.nick, write, outCodes(how), butNot)
  }

  #parted(nicks: readonly string[], reason: string): void {
    const gone: ShownOccupant[] = []
    for (const nick of nicks) {
      const key = this.#key(nick)
      const one = this.#occupants.get(key)
      if (one === undefined || this.seatOf(nick) !== null) continue
      this.#occupants.delete(key)
      gone.push(one)
    }
    this.order.say(() => {
      const clients = new Map<Face, Client[]>()
      for (const client of this.clients()) {
        const mine = clients.get(client.face)
        if (mine === undefined) clients.set(client.face, [client])
        else mine.push(client)
      }
      for (const [face, mine] of clients) {
        const rests = gone.map((one) =>
          writeUnavailable(face.escaped, one.nick, outItem('offline'), [], reason, one.id),
        )
        for (const client of mine) client.presences(rests[Symbol.iterator]())
      }
    })
  }

  #renamed(from: string, to: string): void {
    const before = this.#occupants.get(this.#key(from))
    if (before === undefined) return
    const seat = this.seatOf(from)
    if (seat !== null) seat.shown = to
    this.renick()
    const after = this.#shownAs({ ...before, nick: to })
    this.#occupants.delete(this.#key(from))
    this.#occupants.set(this.#key(to), after)
    this.order.say(() => {
      for (const client of this.clients()) {
        const own = seat?.clients.has(client.jid) ? [STATUS.self] : []
        const item = { role: before.role, affiliation: before.affiliation, nick: to }
        client.presence(
          writeUnavailable(client.face.escaped, from, item, [STATUS.renamed, ...own], undefined, before.id),
        )
        client.presence(writeAvailable(client.face.escaped, after, own))
      }
    })
  }

  #setSubject({ subject, by = '', at }: Extract<RoomEvent, { kind: 'subject' }>): void {
    const now = this.#subject
    if (now.subject === subject && now.by === by) return
    const set = { subject, by, at: at ?? this.#house.now() }
    this.#subject = set
    const tell = () => {
      for (const client of this.clients()) client.message(this.writeSubject(client.face, set, false))
    }
    if (subject === '' || (by !== '' && this.seatOf(by) !== null)) {
      this.order.say(tell)
      return
    }
    const xml = this.writeSubject({ jid: this.jid, escaped: escapeAttribute(this.jid) }, set, false)
    const who = this.occupant(by) ?? { nick: by === '' ? this.name : by }
    this.order.hold(
      this.#mayRead(`<message xmlns='jabber:client' to='${escapeAttribute(this.jid)}'${xml}`, who).then((may) => () => {
        if (!may && this.#subject === set) this.#subject = { subject: '', by: '', at: set.at }
        if (may) tell()
      }),
    )
  }

  /** §7.2.15: who set it stands in the address, when stands in the delay. */
  writeSubject(face: Face, { subject, by, at }: { subject: string; by: string; at: number }, isOld: boolean): string {
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

  #typing({ nick, state }: Extract<RoomEvent, { kind: 'typing' }>): void {
    this.telling.typing(nick, state, this.seatOf(nick)?.owner ?? null)
  }

  #configured(): void {
    this.order.say(() => {
      for (const client of this.clients())
        client.message(
          ` from='${client.face.escaped}' type='groupchat'><x xmlns='http://jabber.org/protocol/muc#user'><status code='${STATUS.configured}'/></x></message>`,
        )
    })
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
      for (const say of this.telling.says.due(now - LATE_MS, now - COPY_MS)) this.telling.placeSay(say)
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

  // Showing

  /** As everybody is shown; of ourselves what the own connection knows, until the driver has seen it. */
  selfOf(seat: Seat): ShownOccupant {
    const known = this.#occupants.get(this.#key(seat.shown))
    if (known !== undefined) return known
    return this.#shownAs({ ...(seat.self ?? { role: 'participant', affiliation: 'none' }), nick: seat.shown })
  }

  #showAvailable(occupant: ShownOccupant): void {
    this.#show(occupant.nick, (client, codes) => writeAvailable(client.face.escaped, occupant, codes), [], null)
  }

  /** To everybody, with 110 to those whose own it is. Made once for all who write the room alike. */
  #show(
    nick: string,
    write: (client: Client, codes: readonly number[]) => string,
    codes: readonly number[],
    butNot: Seat | null,
  ): void {
    const own = this.seatOf(nick)
    this.order.say(() => {
      let face: Face | null = null
      let rest = ''
      for (const seat of this.seats.values()) {
        if (seat === butNot) continue
        for (const client of seat.clients.values()) {
          if (!client.isIn) continue
          if (seat === own) client.presence(write(client, [STATUS.self, ...codes]))
          else {
            if (client.face !== face) {
              face = client.face
              rest = write(client, codes)
            }
            client.presence(rest)
          }
        }
      }
    })
  }

  #isHeard(): boolean {
    for (const _ of this.clients()) return true
    return false
  }

  async #mayRead(stanza: string, who: { nick: string; account?: string; identity?: string }): Promise<boolean> {
    const { asker, network } = this.#house
    const foreign = foreignOf(who)
    const answer = await asker.ask({ stanza, network: network.type, server: this.network, foreign, order: this.key })
    return answer.action === 'deliver' && !answer.replaced
  }

  #enteringSeatOf(key: string): Seat | null {
    for (const seat of this.seats.values()) if (seat.from === null && this.#key(seat.session.nick) === key) return seat
    return null
  }

  #shownAs(occupant: Occupant): ShownOccupant {
    const { nick, role, affiliation, account, identity, hats, away } = occupant
    return {
      nick,
      role,
      affiliation,
      account,
      identity,
      hats,
      away,
      id: this.#idOf(nick, account),
    } as ShownOccupant
  }

  #key(nick: string): string {
    return this.#house.network.key(this.network, nick)
  }
}

function looksAlike(one: ShownOccupant, other: ShownOccupant): boolean {
  return (
    one.nick === other.nick &&
    one.role === other.role &&
    one.affiliation === other.affiliation &&
    one.id === other.id &&
    (one.away === undefined) === (other.away === undefined) &&
    (one.hats ?? []).join('\0') === (other.hats ?? []).join('\0')
  )
}

function outItem(how: How, by?: string, reason?: string) {
  const isMade = how === 'kicked' || how === 'banned'
  return {
    role: 'none',
    affiliation: how === 'banned' ? 'outcast' : 'none',
    ...(isMade && by !== undefined && { actor: by }),
    ...(isMade && reason !== undefined && { reason }),
  } as const
}

function outCodes(how: How): readonly number[] {
  if (how === 'kicked') return [STATUS.kicked]
  return how === 'banned' ? [STATUS.banned] : []
}
