// SPDX-License-Identifier: Apache-2.0
// Who enters a large room is told of people while the network still lists them: the server carries them to him meanwhile. Nobody else is
// told, and the room knows nothing of it: the whole list, when it is there, is the truth, and what was told here and is not true any more
// is put right then (`others`). So an entering that fails leaves nothing behind.
import type { Occupant } from '../network.ts'
import type { Client, Link } from './client.ts'
import { looksAlike, type Rest, type ShownOccupant, writeAvailable, writeUnavailable } from './writing.ts'

export type ListingOptions = {
  key(nick: string): string
  shownAs(occupant: Occupant): ShownOccupant
  link(): Link | null
  /** Occupants that are shown of a room. */
  most: number
}

/** The first so many of those who are listed. `isLost`: what was written of them may never have come. */
type Told = { count: number; isLost: boolean; isOver: boolean; readonly rests: Iterator<Rest> }

export class Listing {
  readonly #options: ListingOptions
  readonly #listed: ShownOccupant[] = []
  readonly #byKey = new Map<string, ShownOccupant>()
  readonly #clients = new Map<Client, Told>()

  constructor(options: ListingOptions) {
    this.#options = options
  }

  /** One more client of who enters. */
  add(client: Client): void {
    const told: Told = { count: 0, isLost: false, isOver: false, rests: { next: () => this.#next(client, told) } }
    this.#clients.set(client, told)
    if (this.#listed.length > 0) client.presences(told.rests)
  }

  /** The network named some. `own`: the nick of who enters, whose presence comes behind all others (XEP-0045 §7.1). */
  take(occupants: readonly Occupant[], own: string): void {
    const { key, shownAs, most, link } = this.#options
    const ownKey = key(own)
    const before = this.#listed.length
    for (const one of occupants) {
      if (this.#listed.length >= most) break
      const nick = key(one.nick)
      // Why somebody is away has to be asked about.
      if (one.away !== undefined || nick === ownKey || this.#byKey.has(nick)) continue
      const shown = shownAs(one)
      this.#byKey.set(nick, shown)
      this.#listed.push(shown)
    }
    if (this.#listed.length === before) return
    for (const [client, { rests }] of this.#clients) client.presences(rests)
    link()?.flush?.()
  }

  /** As he was listed; null: he was not. */
  get(key: string): ShownOccupant | null {
    return this.#byKey.get(key) ?? null
  }

  /** The link went, and perhaps what was written to it: that is told anew. */
  lose(): void {
    for (const told of this.#clients.values()) told.isLost = true
  }

  /**
   * What this client is to be told yet: that people are not there whom it was told of, or not under a nick written so, and all the others,
   * as they are. `self`: the nick of who enters, whose own presence says it all.
   */
  others(client: Client, all: Iterable<readonly [string, ShownOccupant]>, self: string): Generator<Rest> {
    const { people, isLost } = this.#end(client)
    const gone = new Set(people)
    const ownKey = this.#options.key(self)
    const own = this.#byKey.get(ownKey)
    if (own?.nick === self) gone.delete(own)
    const others: ShownOccupant[] = []
    for (const [key, one] of all) {
      if (key === ownKey) continue
      const before = this.#byKey.get(key)
      const isTold = before?.nick === one.nick && gone.delete(before) && !isLost
      if (!isTold || (before !== one && !looksAlike(before, one))) others.push(one)
    }
    return this.#rests(client, gone, others)
  }

  /**
   * It does not come in. Those whom it was told of go before it is told so: clients keep them beyond an error (Conversations and slixmpp do),
   * and would show at the next try who is not there any more.
   */
  takeBack(client: Client): void {
    const { people } = this.#end(client)
    if (people.length > 0) client.presences(this.#rests(client, people, []))
  }

  /** Nobody is told anything any more. */
  close(): void {
    for (const client of this.#clients.keys()) client.drop()
    this.#clients.clear()
  }

  *#rests(client: Client, gone: Iterable<ShownOccupant>, others: Iterable<ShownOccupant>): Generator<Rest> {
    const { escaped } = client.face
    for (const { nick, id } of gone)
      yield writeUnavailable(escaped, nick, { role: 'none', affiliation: 'none' }, [], undefined, id)
    for (const one of others) yield writeAvailable(escaped, one)
  }

  #next(client: Client, told: Told): IteratorResult<Rest> {
    const one = told.isOver ? undefined : this.#listed[told.count]
    if (one === undefined) return { done: true, value: undefined }
    told.count++
    return { done: false, value: writeAvailable(client.face.escaped, one) }
  }

  #end(client: Client): { people: readonly ShownOccupant[]; isLost: boolean } {
    const told = this.#clients.get(client)
    if (told === undefined) return { people: [], isLost: false }
    this.#clients.delete(client)
    told.isOver = true
    return { people: this.#listed.slice(0, told.count), isLost: told.isLost }
  }
}
