// SPDX-License-Identifier: Apache-2.0
// Names of a room that look like those of colleagues, or of others in it: said once of each name that says something.
import type { Mistakable } from '../lookalikes.ts'
import type { ForeignMessage } from '../network.ts'
import type { House } from './house.ts'
import type { Occupants } from './occupants.ts'
import type { Order } from './order.ts'
import type { Seat } from './seat.ts'
import type { Telling } from './telling.ts'

/** What it sees of the room. */
type Room = {
  readonly network: string
  readonly occupants: Occupants
  readonly driver: Seat | null
  readonly order: Order
  readonly telling: Telling
  seatOf(nick: string): Seat | null
}

/** Names of which it is known whom they look like. */
const LOOKED_MOST = 5_000

export class LookOut {
  readonly #house: House
  readonly #room: Room
  /** Names that were compared with the others. */
  readonly #looked = new Set<string>()
  /** Who of ours has been here. */
  readonly #met = new Set<string>()

  constructor(house: House, room: Room) {
    this.#house = house
    this.#room = room
  }

  /** With somebody new of ours all are compared again. */
  meet(owner: string): void {
    if (!this.#met.has(owner)) this.#looked.clear()
    if (this.#met.size < LOOKED_MOST) this.#met.add(owner)
  }

  look({ nick, account = this.#room.occupants.get(nick)?.account }: ForeignMessage): void {
    const { network, occupants, driver, order, telling } = this.#room
    const key = this.#house.network.key(network, nick)
    if (this.#looked.has(key)) return
    if (this.#looked.size >= LOOKED_MOST) this.#looked.clear()
    this.#looked.add(key)
    const here = [...occupants.all()].map((one) => one.nick)
    const tellsAccounts = driver?.session.tellsAccounts === true
    const who = { network, nick, tellsAccounts, here, ...(account && { account }) }
    this.#house.lookalikes.look(who).then(
      (found) => {
        if (found !== null) order.say(() => telling.line(...wordsFor(nick, found, this.#room.seatOf(found.other))))
      },
      (error: unknown) => this.#house.log.error('names could not be compared', { error }),
    )
  }
}

/** Line and words of it. `seat`: of ours, who bears the other name. */
export function wordsFor(
  nick: string,
  { kind, other }: Mistakable,
  seat: unknown,
): [id: string, args: { nick: string; other: string }] {
  const isOurs = kind === 'colleague' || seat !== null
  if (kind === 'unproven') return ['kit-transport-not-proven', { nick, other }]
  return [isOurs ? 'kit-transport-looks-like-ours' : 'kit-transport-looks-like', { nick, other }]
}
