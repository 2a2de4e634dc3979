// SPDX-License-Identifier: Apache-2.0
// One order of messages out of many copies: several of our people are in one room of a network, each with a connection of his own, and
// every one of them sees every message. One seat drives: what it sees, in its order, is what the room tells. What the others see is
// compared with it, so that nothing is lost or doubled when another seat begins to drive.
import type { ForeignMessage } from '../network.ts'

export type CourseOptions = {
  now(): number
  /** What another seat has seen and the driver has not for this long is told all the same. Default 2 s. */
  lateMs?: number
  /** A message without an id is taken for the copy of one like it for so long. Default 30 s. */
  alikeMs?: number
  /** Messages of which it is known that they were told; what a seat has seen ahead of the driver. Default 1,024 each. */
  most?: number
}

type Seat = {
  /** Told messages from here on are seen by this seat too; Infinity: not known yet. */
  from: number
  /** Of messages without an id: which told one its last sighting was. */
  readonly last: Map<string, number>
  ahead: Sighting[]
}
type Sighting = { key: string; at: number; message: ForeignMessage }

export type Taken = { tell: readonly ForeignMessage[]; driver: string | null; changed: boolean }

export class Course {
  readonly #options: Required<CourseOptions>
  readonly #seats = new Map<string, Seat>()
  #driver: string | null = null
  /** Ring of the keys of what was told, and when; `#base` is the number of its first. */
  #told: string[] = []
  #toldAt: number[] = []
  #base = 0
  /** Of what was told those with an id, each of which is told once; of the others where. */
  readonly #ids = new Set<string>()
  readonly #places = new Map<string, number[]>()
  #driverSawAt = 0
  /** Spares the look at every seat for each message. */
  #mayBeAhead = false
  /** Copies that were not told again. */
  doubles = 0
  /** Sightings that were let go because a seat was too far ahead. */
  overBound = 0

  constructor(options: CourseOptions) {
    this.#options = { lateMs: 2000, alikeMs: 30_000, most: 1024, ...options }
  }

  get driver(): string | null {
    return this.#driver
  }

  /** Whether some seat has seen what is not told yet. */
  get isAhead(): boolean {
    if (!this.#mayBeAhead) return false
    for (const seat of this.#seats.values()) if (seat.ahead.length > 0) return true
    this.#mayBeAhead = false
    return false
  }

  has(seat: string): boolean {
    return this.#seats.has(seat)
  }

  /** Whether some seat has seen this one, as far as that is remembered. */
  wasSeen(key: string): boolean {
    if (this.#ids.has(key) || this.#places.has(key)) return true
    for (const { ahead } of this.#seats.values()) if (ahead.some((one) => one.key === key)) return true
    return false
  }

  /** The place behind all that was told. */
  get place(): number {
    return this.#base + this.#told.length
  }

  /** A seat is in the room. `from`: the place at which the driver saw it come in, where it has. True: it drives now. */
  enter(seat: string, from: number | null): boolean {
    this.#seats.set(seat, { from: from ?? Number.POSITIVE_INFINITY, last: new Map(), ahead: [] })
    if (this.#driver !== null) return false
    this.#seats.set(seat, { from: this.place, last: new Map(), ahead: [] })
    this.#driver = seat
    this.#driverSawAt = this.#options.now()
    return true
  }

  /** The driver saw this seat come in: from here on both see the same. */
  joined(seat: string): void {
    const known = this.#seats.get(seat)
    if (known !== undefined && known.from === Number.POSITIVE_INFINITY) known.from = this.place
  }

  /** A seat is out, or its connection down. If it drove, the next one does, and what that has seen ahead is told. */
  leave(seat: string): Taken {
    this.#seats.delete(seat)
    if (this.#driver !== seat) return { tell: [], driver: this.#driver, changed: false }
    const next = this.#seats.keys().next()
    if (!next.done) return this.drive(next.value)
    this.#driver = null
    return { tell: [], driver: null, changed: true }
  }

  drive(seat: string): Taken {
    const known = this.#seats.get(seat) as Seat
    this.#driver = seat
    this.#driverSawAt = this.#options.now()
    // Who has not been seen coming in by the driver before will not be any more: its own stream is the measure now.
    if (known.from === Number.POSITIVE_INFINITY) known.from = this.place
    const tell = this.#tellAhead(known, known.ahead.length)
    return { tell, driver: seat, changed: true }
  }

  /** A seat's connection gave a message: true, it is to be told now. */
  saw(id: string, message: ForeignMessage, key: string): boolean {
    const seat = this.#seats.get(id)
    if (seat === undefined) return false
    const now = this.#options.now()
    if (id === this.#driver) this.#driverSawAt = now
    if (this.#wasTold(seat, message, key, now)) {
      if (id === this.#driver) this.doubles++
      return false
    }
    if (id === this.#driver) {
      this.#tell(seat, message, key, now)
      return true
    }
    seat.ahead.push({ key, at: now, message })
    this.#mayBeAhead = true
    if (seat.ahead.length > this.#options.most) {
      this.#catchUp(seat, now)
      if (seat.ahead.length > this.#options.most) {
        seat.ahead.shift()
        this.overBound++
      }
    }
    return false
  }

  /** What is late is told out of turn. Where the driver has seen nothing at all meanwhile, the one who is ahead drives. */
  late(): Taken {
    const now = this.#options.now()
    const tell: ForeignMessage[] = []
    for (const [id, seat] of this.#seats) {
      if (id === this.#driver) continue
      this.#catchUp(seat, now)
      const head = seat.ahead[0]
      if (head === undefined || now - head.at < this.#options.lateMs) continue
      if (this.#driverSawAt < head.at) return this.drive(id)
      const late = seat.ahead.findIndex(({ at }) => now - at < this.#options.lateMs)
      tell.push(...this.#tellAhead(seat, late === -1 ? seat.ahead.length : late))
    }
    return { tell, driver: this.#driver, changed: false }
  }

  #tellAhead(seat: Seat, count: number): ForeignMessage[] {
    const now = this.#options.now()
    const tell: ForeignMessage[] = []
    for (const { key, message } of seat.ahead.splice(0, count))
      if (!this.#wasTold(seat, message, key, now)) {
        this.#tell(seat, message, key, now)
        tell.push(message)
      }
    return tell
  }

  #catchUp(seat: Seat, now: number): void {
    let behind = 0
    for (const { key, message } of seat.ahead) {
      if (!this.#wasTold(seat, message, key, now)) break
      behind++
    }
    if (behind > 0) seat.ahead.splice(0, behind)
  }

  /** Whether this sighting is a copy of what was told. Of messages without an id each told one answers for one sighting. */
  #wasTold(seat: Seat, message: ForeignMessage, key: string, now: number): boolean {
    if (message.id !== null) return this.#ids.has(key)
    const places = this.#places.get(key)
    if (places === undefined) return false
    const after = Math.max(seat.from, (seat.last.get(key) ?? -1) + 1)
    const since = now - this.#options.alikeMs
    const place = places.find((one) => one >= after && (this.#toldAt[one - this.#base] ?? 0) >= since)
    if (place === undefined) return false
    seat.last.set(key, place)
    return true
  }

  #tell(seat: Seat, { id }: ForeignMessage, key: string, at: number): void {
    const place = this.place
    this.#told.push(key)
    this.#toldAt.push(at)
    if (id !== null) this.#ids.add(key)
    else {
      const places = this.#places.get(key)
      if (places === undefined) this.#places.set(key, [place])
      else places.push(place)
      seat.last.set(key, place)
    }
    if (this.#told.length >= 2 * this.#options.most) this.#forget()
  }

  /** Drops the older half, all at once: moving the ring for each message would cost more than the message. */
  #forget(): void {
    const gone = this.#told.splice(0, this.#options.most)
    this.#toldAt.splice(0, gone.length)
    this.#base += gone.length
    for (const key of gone) {
      if (this.#ids.delete(key)) continue
      const places = this.#places.get(key)
      if (places === undefined) continue
      places.shift()
      if (places.length === 0) this.#places.delete(key)
    }
    for (const seat of this.#seats.values())
      for (const [key, place] of seat.last) if (place < this.#base) seat.last.delete(key)
  }
}
