// SPDX-License-Identifier: Apache-2.0
// Who is in a room, as everybody is shown it: each change is told at its place in the room's order.
import { escapeAttribute } from '../../xml/writer.ts'
import type { Occupant } from '../network.ts'
import type { Client, Face } from './client.ts'
import type { Course } from './course.ts'
import type { House } from './house.ts'
import { Listing } from './listing.ts'
import type { Order } from './order.ts'
import type { Seat } from './seat.ts'
import {
  hasSameHats,
  looksAlike,
  occupantId,
  type Rest,
  type ShownOccupant,
  STATUS,
  writeAvailable,
  writeUnavailable,
} from './writing.ts'

export type How = 'left' | 'kicked' | 'banned' | 'offline'

/** The room that they are in. */
export type Place = {
  readonly network: string
  readonly key: string
  readonly jid: string
  readonly seats: ReadonlyMap<string, Seat>
  readonly order: Order
  readonly course: Course
  clients(): Iterable<Client>
  clientsOf(owner: string): Iterable<Client>
  /** Which of our people is shown under this nick. */
  seatOf(nick: string): Seat | null
  /** Somebody of ours is shown under another nick. */
  renick(): void
  /** Whether the rules let our people read it. */
  mayRead(stanza: string, who: { nick: string; account?: string; identity?: string }): Promise<boolean>
}

export class Occupants {
  readonly #house: House
  readonly #at: Place
  readonly #known = new Map<string, ShownOccupant>()

  constructor(house: House, at: Place) {
    this.#house = house
    this.#at = at
  }

  get size(): number {
    return this.#known.size
  }

  all(): IterableIterator<ShownOccupant> {
    return this.#known.values()
  }

  /** The same, by what names are compared by. */
  entries(): IterableIterator<readonly [string, ShownOccupant]> {
    return this.#known.entries()
  }

  /** For who is about to enter. */
  listing(): Listing {
    const { settings, link } = this.#house
    const key = (nick: string) => this.#key(nick)
    return new Listing({ key, shownAs: (one) => this.#shownAs(one), link, most: settings.occupants })
  }

  get(nick: string): ShownOccupant | null {
    return this.#known.get(this.#key(nick)) ?? null
  }

  /** XEP-0421. Of those who are there it is known already. */
  idOf(nick: string, account?: string): string {
    const known = this.get(nick)
    if (known !== null && (account === undefined || account === known.account)) return known.id
    return this.#madeId(nick, account)
  }

  /** By the login where the network tells it, else by the nick. */
  #madeId(nick: string, account: string | undefined): string {
    const who = account === undefined ? `nick ${this.#key(nick)}` : `account ${account}`
    return occupantId(this.#house.occupantKey, this.#at.key, who)
  }

  /** As everybody is shown; of ourselves what the own connection knows, until the driver has seen it. */
  selfOf(seat: Seat): ShownOccupant {
    const known = this.#known.get(this.#key(seat.shown))
    if (known !== undefined) return known
    return this.#shownAs({ ...(seat.self ?? { role: 'participant', affiliation: 'none' }), nick: seat.shown })
  }

  /** Shows what is different. `listing`: of whom the one was told already whose list it is. */
  compare(list: readonly Occupant[], listing: Listing | null): void {
    const { occupants: most } = this.#house.settings
    if (list.length > most) this.#house.counts.overBound++
    const now = new Map<string, Occupant>()
    for (const one of list.length > most ? list.slice(0, most) : list) now.set(this.#key(one.nick), one)
    for (const seat of this.#at.seats.values()) {
      const nick = seat.session.nick
      if (seat.state === 'in' && this.#key(nick) !== this.#key(seat.shown) && now.has(this.#key(nick)))
        this.renamed(seat.shown, nick)
    }
    for (const [key, old] of [...this.#known]) if (!now.has(key)) this.left(old.nick, 'offline')
    for (const [key, one] of now) this.#joined(key, one, listing?.get(key) ?? null)
  }

  joined(occupant: Occupant): void {
    this.#joined(this.#key(occupant.nick), occupant, null)
  }

  #joined(key: string, occupant: Occupant, listed: ShownOccupant | null): void {
    const before = this.#known.get(key)
    const seat = this.#enteringSeatOf(key)
    let isAnew = false
    if (seat !== null) {
      seat.from = this.#at.course.place
      this.#at.course.joined(seat.owner)
      isAnew = this.#key(seat.shown) !== key
      if (isAnew) this.#shownAnew(seat, occupant.nick)
    }
    if (before !== undefined) {
      this.changed(occupant)
      return
    }
    if (this.#known.size >= this.#house.settings.occupants) {
      this.#house.counts.overBound++
      return
    }
    const shown = listed !== null && isAsShown(listed, occupant) ? listed : this.#shownAs(occupant)
    this.#known.set(key, shown)
    const text = this.#awayTextOf(occupant, shown)
    this.#showAvailable(shown, isAnew)
    if (typeof text === 'string') return
    void text.then((may) => {
      const now = this.#known.get(key)
      if (may !== '' && now?.away === may) this.#showAvailable(now)
    })
  }

  /** Who came back under another nick: only his own clients still know the old one. */
  #shownAnew(seat: Seat, nick: string): void {
    const before = this.selfOf(seat)
    seat.shown = nick
    this.#at.renick()
    this.#at.order.say(() => {
      const item = { role: before.role, affiliation: before.affiliation, nick }
      for (const client of this.#at.clientsOf(seat.owner))
        client.presence(
          writeUnavailable(client.face.escaped, before.nick, item, [STATUS.renamed, STATUS.self], undefined, before.id),
        )
    })
  }

  changed(occupant: Occupant): void {
    const key = this.#key(occupant.nick)
    const before = this.#known.get(key)
    if (before === undefined) {
      this.joined(occupant)
      return
    }
    if (isAsShown(before, occupant)) return
    const shown = this.#shownAs(occupant)
    this.#known.set(key, shown)
    const text = this.#awayTextOf(occupant, shown)
    const isAlike = looksAlike(before, shown)
    const show = () => {
      if (!isAlike || before.away !== shown.away) this.#showAvailable(shown)
    }
    if (typeof text === 'string') show()
    else this.#at.order.hold(text.then(() => show))
  }

  left(nick: string, how: How, by?: string, reason?: string): void {
    const gone = this.#known.get(this.#key(nick))
    if (gone === undefined) return
    this.#known.delete(this.#key(nick))
    const seat = this.#at.seatOf(nick)
    if (seat !== null) seat.isToldOut = how === 'kicked' || how === 'banned'
    // Those of ours who only left, or were cut off, hear it from their own connection.
    const own = seat !== null && !seat.isToldOut ? seat : null
    const show = (text: string | undefined) => this.#showGone(gone, how, by, text, own)
    const isSilent = reason === undefined || reason === '' || own !== null || !this.#isHeard()
    // Our own people's words were asked about on their way here.
    if (isSilent || (by !== undefined && this.#at.seatOf(by) !== null)) {
      this.#at.order.say(() => show(isSilent ? undefined : reason))
      return
    }
    const said = how === 'left' || how === 'offline' ? reason : undefined
    const room = escapeAttribute(this.#at.jid)
    const xml = writeUnavailable(room, gone.nick, outItem(how, by, reason), outCodes(how), said, gone.id)
    const who = by === undefined ? gone : (this.get(by) ?? { nick: by })
    const may = this.#at.mayRead(`<presence xmlns='jabber:client' to='${room}'${xml}`, who)
    this.#at.order.hold(may.then((yes) => () => show(yes ? reason : undefined)))
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

  /** Many at once. */
  parted(nicks: readonly string[], reason: string): void {
    const gone: ShownOccupant[] = []
    for (const nick of nicks) {
      const one = this.get(nick)
      if (one === null || this.#at.seatOf(nick) !== null) continue
      this.#known.delete(this.#key(nick))
      gone.push(one)
    }
    this.#at.order.say(() => {
      let face: Face | null = null
      let rests: string[] = []
      for (const client of this.#at.clients()) {
        if (client.face !== face) {
          face = client.face
          const { escaped } = face
          rests = gone.map((one) => writeUnavailable(escaped, one.nick, outItem('offline'), [], reason, one.id))
        }
        for (const rest of rests) client.presence(rest)
      }
    })
  }

  renamed(from: string, to: string): void {
    const before = this.get(from)
    if (before === null) return
    const seat = this.#at.seatOf(from)
    if (seat !== null) seat.shown = to
    this.#at.renick()
    const after = { ...this.#shownAs({ ...before, nick: to }), away: before.away } as ShownOccupant
    this.#known.delete(this.#key(from))
    this.#known.set(this.#key(to), after)
    const item = { role: before.role, affiliation: before.affiliation, nick: to }
    this.#at.order.say(() => {
      // What was asked about before him is answered by now.
      if (before.away !== undefined) after.away = before.away
      for (const client of this.#at.clients()) {
        const { escaped } = client.face
        const own = seat !== null && seat.owner === client.owner ? [STATUS.self] : []
        client.presence(writeUnavailable(escaped, from, item, [STATUS.renamed, ...own], undefined, before.id))
        client.presence(writeAvailable(escaped, after, own.length === 0 ? own : namedCodes(client, to)))
      }
    })
  }

  /** Puts what may be shown of why he is away into what is shown, now or when it is known. */
  #awayTextOf({ nick, account, identity, away = '' }: Occupant, shown: ShownOccupant): string | Promise<string> {
    if (away === '') return ''
    const { awayTexts } = this.#house
    const seat = this.#at.seatOf(nick)
    const { network, jid } = this.#at
    const isSaid = seat?.state === 'in' && awayTexts.isSaid(seat.owner, network, away)
    const who = { nick, ...(account && { account }), ...(identity && { identity }) }
    const text = isSaid
      ? away
      : awayTexts.read(network, { ...who, text: away, place: { from: `${jid}/${nick}`, to: jid } })
    if (typeof text === 'string') {
      if (text !== '') shown.away = text
      return text
    }
    return text.then((may) => {
      if (may !== '') shown.away = may
      return may
    })
  }

  /** `isAnew`: his own clients know him by another nick. */
  #showAvailable(occupant: ShownOccupant, isAnew = false): void {
    // Who comes later is told of all who are there.
    if (!this.#hasClients()) return
    const codesFor = (client: Client, codes: readonly number[]) =>
      isAnew && codes.includes(STATUS.self) ? namedCodes(client, occupant.nick) : codes
    const write = (client: Client, codes: readonly number[]) =>
      writeAvailable(client.face.escaped, occupant, codesFor(client, codes))
    this.#show(occupant.nick, write, [], null)
  }

  /** To everybody, with 110 to those whose own it is. Made once for all who write the room alike. */
  #show(
    nick: string,
    write: (client: Client, codes: readonly number[]) => string,
    codes: readonly number[],
    butNot: Seat | null,
  ): void {
    const own = this.#at.seatOf(nick)
    this.#at.order.say(() => {
      let face: Face | null = null
      let rest = ''
      for (const seat of this.#at.seats.values()) {
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

  /** Also such as are still waiting to be told that they are in. */
  #hasClients(): boolean {
    for (const seat of this.#at.seats.values()) if (seat.clients.size > 0) return true
    return false
  }

  #isHeard(): boolean {
    for (const _ of this.#at.clients()) return true
    return false
  }

  #enteringSeatOf(key: string): Seat | null {
    for (const seat of this.#at.seats.values())
      if (seat.from === null && this.#key(seat.session.nick) === key) return seat
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
      // Why he is it was not asked about yet.
      away: away === undefined ? undefined : '',
      id: this.#madeId(nick, account),
    } as ShownOccupant
  }

  #key(nick: string): string {
    return this.#house.network.key(this.#at.network, nick)
  }
}

/** As he is shown already: nothing about him is new. Whether why he is away is new has to be asked. */
function isAsShown(shown: ShownOccupant, one: Occupant): boolean {
  return (
    shown.nick === one.nick &&
    shown.role === one.role &&
    shown.affiliation === one.affiliation &&
    shown.account === one.account &&
    shown.identity === one.identity &&
    shown.away === undefined &&
    one.away === undefined &&
    hasSameHats(shown, one)
  )
}

/** §8.2, §9.1: what his clients are told when the network has put him out. */
export function writePutOut(
  room: string,
  seat: Seat,
  how: How,
  by: string | undefined,
  reason: string | undefined,
): Rest {
  const said = how === 'left' || how === 'offline' ? reason : undefined
  return writeUnavailable(room, seat.shown, outItem(how, by, reason), [STATUS.self, ...outCodes(how)], said, null)
}

/** §15.6.2: of a self-presence under another nick. Who did not ask for it is told that it was given (210), and has it from now on. */
function namedCodes(client: Client, nick: string): readonly number[] {
  if (client.asked === nick) return [STATUS.self]
  client.asked = nick
  return [STATUS.self, STATUS.nickGiven]
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
