// SPDX-License-Identifier: Apache-2.0
// Whether people are there: by MONITOR, and for those that it has no room for, or where there is none, by asking now and then.
import type { Session } from './session.ts'

/** USERHOST takes five names. */
const AT_ONCE = 5
/** Bytes of names in one MONITOR. */
const LONGEST = 400

export class Watching {
  readonly #session: Session
  #added: string[] = []
  #removed: string[] = []
  #isDue = false
  /** Keys that MONITOR holds. */
  readonly #monitored = new Set<string>()
  #cancel: (() => void) | null = null

  constructor(session: Session) {
    this.#session = session
  }

  watch(nick: string): void {
    const key = this.#session.key(nick)
    if (this.#session.watched.has(key)) return
    this.#session.watched.set(key, { nick, online: null, away: null })
    this.#added.push(nick)
    this.#soon()
  }

  unwatch(nick: string): void {
    if (!this.#session.watched.delete(this.#session.key(nick))) return
    this.#removed.push(nick)
    this.#soon()
  }

  /** Registered: everybody watched is said anew. */
  start(): void {
    this.stop()
    this.#removed = []
    const people = [...this.#session.watched.values()]
    // CASEMAPPING is known only now.
    this.#session.watched.clear()
    for (const person of people) this.#session.watched.set(this.#session.key(person.nick), person)
    this.#added = people.map(({ nick }) => nick)
    this.#flush()
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
    this.#monitored.clear()
  }

  /** Many at once become few lines. */
  #soon(): void {
    if (this.#isDue) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      this.#flush()
    })
  }

  #flush(): void {
    const session = this.#session
    if (!session.isUp) return
    const removed = this.#removed.filter((nick) => this.#monitored.delete(session.key(nick)))
    const added = this.#added.filter((nick) => {
      const key = session.key(nick)
      if (!session.watched.has(key) || this.#monitored.has(key) || this.#monitored.size >= session.isupport.monitor)
        return false
      this.#monitored.add(key)
      return true
    })
    this.#removed = []
    this.#added = []
    this.#send('-', removed)
    this.#send('+', added)
    if (session.watched.size > this.#monitored.size && this.#cancel === null) this.#poll()
  }

  #send(sign: string, nicks: readonly string[]): void {
    let names: string[] = []
    const end = () => {
      if (names.length > 0) this.#session.outbox?.send(`MONITOR ${sign} ${names.join(',')}`, 'low')
      names = []
    }
    for (const nick of nicks) {
      if (names.join(',').length + nick.length > LONGEST) end()
      names.push(nick)
    }
    end()
  }

  #poll(): void {
    const session = this.#session
    const nicks = [...session.watched].filter(([key]) => !this.#monitored.has(key)).map(([, { nick }]) => nick)
    if (nicks.length === 0) {
      this.#cancel = null
      return
    }
    for (let at = 0; at < nicks.length; at += AT_ONCE) this.#ask(nicks.slice(at, at + AT_ONCE))
    this.#cancel = session.world.clock.after(session.limits.pollMs, () => this.#poll())
  }

  #ask(nicks: readonly string[]): void {
    const session = this.#session
    const asked = session.asks.ask({
      command: 'USERHOST',
      params: nicks,
      about: [],
      priority: 'low',
      endsItself: true,
      read: ({ command, params }) => {
        if (command !== '302') return null
        const there = new Map<string, boolean>()
        for (const part of (params.at(-1) ?? '').split(' ')) {
          const found = /^([^=*]+)\*?=([+-])/.exec(part)
          if (found !== null) there.set(session.key(found[1] ?? ''), found[2] === '-')
        }
        // An answer to somebody else's question names others.
        if (there.size > 0 && !nicks.some((nick) => there.has(session.key(nick)))) return null
        for (const nick of nicks) this.#learn(nick, there.get(session.key(nick)))
        return 'done'
      },
    })
    // Asked again with the next round: the loss of the connection or a full queue is told elsewhere.
    asked.catch(() => undefined)
  }

  #learn(nick: string, isAway: boolean | undefined): void {
    const person = this.#session.watched.get(this.#session.key(nick))
    if (person === undefined) return
    const online = isAway !== undefined
    const away = isAway === true ? (person.away ?? '') : null
    if (person.online === online && person.away === away) return
    person.online = online
    person.away = away
    this.#session.tell('presence', person.nick, { online, ...(away === null ? {} : { away }) })
  }
}
