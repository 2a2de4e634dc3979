// SPDX-License-Identifier: Apache-2.0
// Who stands in which room: what the helpers tell of occupants, and joins that were allowed and not told of yet. A wall that asks for it
// after a restart gets the same answer: with walls, it is on disk before the helper's report is acknowledged (policy/standing-kept.ts).
import { bareOf, domainOf } from '../../kit/xmpp/jid.ts'
import type { Screen } from '../domain/screen.ts'
import type { Standing } from '../domain/walls.ts'

/** A change to be kept: `jid` null where he left; `source`: the run of the helper that told. */
export type Moved = { host: string; room: string; nick: string; jid: string | null; source: string }
/**
 * `source`: the run of the helper that told of all who came since the rooms stood empty. `services`: it tells of all room services of the
 * host, whatever their domains, as on ejabberd; else only of rooms at the host itself.
 */
export type Known = { host: string; source: string; services: boolean }
export type Told = { moved: readonly Moved[]; known: readonly Known[]; emptied: readonly string[] }

type There = { jid: string; source: string }

/** An allowed join of which nothing is told was none: a password, a ban, a nick that was taken. */
const EXPECTED_MS = 60_000
/** Of all rooms together. */
const OCCUPANTS_MAX = 500_000

export class Rooms implements Standing {
  /** By room and nick. */
  readonly #rooms = new Map<string, { host: string; nicks: Map<string, There> }>()
  readonly #expected = new Map<string, Map<string, { jid: string; until: number }>>()
  readonly #known = new Map<string, Known>()
  /** The host of a room service, as far as it has told of a room there. */
  readonly #services = new Map<string, string>()
  readonly #now: () => number
  #count = 0

  constructor(now: () => number) {
    this.#now = now
  }

  inside(room: string): Iterable<string> | null {
    if (!this.knows(domainOf(room))) return null
    const there = [...(this.#rooms.get(room)?.nicks.values() ?? [])].map(({ jid }) => jid)
    return [...there, ...this.#coming(room)]
  }

  called(room: string, nick: string): string | null {
    if (!this.knows(domainOf(room))) return null
    return this.#rooms.get(room)?.nicks.get(nick)?.jid ?? null
  }

  isRoom(bare: string): boolean {
    return this.#rooms.has(bare) || this.#expected.has(bare)
  }

  /** Whether all who stand in the rooms of this domain are known. */
  knows(domain: string): boolean {
    if (this.#known.has(domain) || this.#known.has(this.#services.get(domain) ?? '')) return true
    for (const { host, services } of this.#known.values()) if (services && domain.endsWith(`.${host}`)) return true
    return false
  }

  /** Joins that are waited for, of all rooms. */
  get expected(): number {
    return [...this.#expected.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** A join was allowed: until the helper tells of it, he may be there. */
  expect(room: string, nick: string, jid: string): void {
    const there = this.#expected.get(room) ?? new Map<string, { jid: string; until: number }>()
    // What is over goes first, in each room: who joins again and again under other nicks is not to fill the memory.
    there.delete(`${jid}/${nick}`)
    there.set(`${jid}/${nick}`, { jid, until: this.#now() + EXPECTED_MS })
    for (const [key, { until }] of there) {
      if (until > this.#now()) break
      there.delete(key)
    }
    this.#expected.delete(room)
    this.#expected.set(room, there)
    // The one that was touched longest ago goes first.
    for (const [old, all] of this.#expected) {
      if ([...all.values()].every(({ until }) => until <= this.#now())) this.#expected.delete(old)
      else break
    }
  }

  /** What a screen tells; null: nothing of it. */
  heard(host: string, { source, done, reports }: Pick<Screen<unknown>, 'source' | 'done' | 'reports'>): Told | null {
    const moved: Moved[] = []
    const known: Known[] = []
    const emptied: string[] = []
    for (const report of reports) {
      if (report.report === 'source') {
        for (const each of report.hosts) {
          const name = each.toLowerCase()
          const before = this.#known.get(name)
          if (before?.source === source) continue
          // The first that we hear of at all: only one that has asked nothing yet can have nobody in its rooms.
          if (before === undefined && done !== 0) continue
          emptied.push(name)
          this.#empty(name, source)
          const services = /^ejabberd/iu.test(report.software)
          this.#known.set(name, { host: name, source, services })
          known.push({ host: name, source, services })
        }
      } else if (report.report === 'occupant') {
        const room = bareOf(report.room)
        const jid = report.event === 'joined' ? bareOf(report.jid) : null
        const one: Moved = { host, room, nick: report.nick, jid, source }
        if (this.#move(one)) moved.push(one)
      }
    }
    return moved.length + known.length > 0 ? { moved, known, emptied } : null
  }

  /** As it was kept. */
  restore(known: Iterable<Known>, moved: Iterable<Moved>): void {
    for (const one of known) this.#known.set(one.host, one)
    for (const one of moved) this.#move(one)
  }

  *all(): Iterable<Moved> {
    for (const [room, { host, nicks }] of this.#rooms)
      for (const [nick, { jid, source }] of nicks) yield { host, room, nick, jid, source }
  }

  allKnown(): readonly Known[] {
    return [...this.#known.values()]
  }

  #move({ host, room, nick, jid, source }: Moved): boolean {
    const domain = domainOf(room)
    if (domain !== host) {
      if (this.#known.get(host)?.services !== true || this.#known.has(domain)) return false
      this.#services.set(domain, host)
    }
    const nicks = this.#rooms.get(room)?.nicks
    const before = nicks?.get(nick)
    if (jid === null) {
      if (before === undefined || nicks === undefined) return false
      nicks.delete(nick)
      if (nicks.size === 0) this.#rooms.delete(room)
      this.#count -= 1
      return true
    }
    this.#expected.get(room)?.delete(`${jid}/${nick}`)
    if (before?.jid === jid && before.source === source) return false
    if (before === undefined) this.#count += 1
    // Who is in its rooms is not known any more.
    if (this.#count > OCCUPANTS_MAX) this.#known.delete(host)
    if (nicks) nicks.set(nick, { jid, source })
    else this.#rooms.set(room, { host, nicks: new Map([[nick, { jid, source }]]) })
    return true
  }

  /**
   * The rooms of another run begin empty; what this run has told already, before its announcement came, holds. Perhaps only the helper was
   * loaded again: it tells of those who are there, and until that has come they count.
   */
  #empty(host: string, source: string): void {
    for (const [room, { host: of, nicks }] of this.#rooms) {
      if (of !== host) continue
      for (const [nick, there] of nicks) {
        if (there.source === source) continue
        nicks.delete(nick)
        this.#count -= 1
        this.expect(room, nick, there.jid)
      }
      if (nicks.size === 0) this.#rooms.delete(room)
    }
  }

  #coming(room: string): readonly string[] {
    const expected = this.#expected.get(room)
    if (expected === undefined) return []
    const now = this.#now()
    return [...expected.values()].filter(({ until }) => until > now).map(({ jid }) => jid)
  }
}
