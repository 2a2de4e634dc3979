// SPDX-License-Identifier: Apache-2.0
// What is known of channels and people. People are kept once however many channels they share with us, and only those of channels
// whose members somebody wants to know.
import type { Attention, IrcChannel, IrcMember, IrcUser } from './irc.ts'
import type { Isupport } from './wire/isupport.ts'
import { type ModeChange, rankedSigns } from './wire/modes.ts'

/** Null: not known. `account` '' and `away` null: known to have none. */
export class User {
  nick: string
  user: string | null = null
  host: string | null = null
  account: string | null = null
  realname: string | null = null
  away: string | null = null
  /** Channels that keep this person. */
  kept = 0

  constructor(nick: string) {
    this.nick = nick
  }
}

export class Channel implements IrcChannel {
  name: string
  attention: Attention
  complete = false
  topic: { text: string; by?: string; at?: number } | null = null
  createdAt: number | null = null
  key: string | undefined
  readonly modes = new Map<string, string>()
  knowsModes = false
  readonly kept = new Map<User, string>()
  /** Members that the list named since it was last asked for; null: no list is under way. */
  named: Set<User> | null = null
  /** Those of them that nobody was told of while the first list comes. */
  untold: User[] = []
  readonly #find: (nick: string) => User | null

  constructor(name: string, attention: Attention, find: (nick: string) => User | null) {
    this.name = name
    this.attention = attention
    this.#find = find
  }

  get size(): number {
    return this.kept.size
  }

  *members(): Iterable<IrcMember> {
    for (const [user, prefixes] of this.kept) yield memberOf(user, prefixes)
  }

  member(nick: string): IrcMember | null {
    const user = this.#find(nick)
    const prefixes = user === null ? undefined : this.kept.get(user)
    return user === null || prefixes === undefined ? null : memberOf(user, prefixes)
  }
}

export class Channels {
  isupport: Isupport
  readonly #most: number
  /** Members of all channels together. */
  #kept = 0
  readonly #channels = new Map<string, Channel>()
  readonly #users = new Map<string, User>()
  #attentive = 0

  /** `most`: members kept of one channel. */
  constructor(isupport: Isupport, most: number) {
    this.isupport = isupport
    this.#most = most
  }

  /** How many channels keep their members. */
  get attentive(): number {
    return this.#attentive
  }

  all(): Iterable<Channel> {
    return this.#channels.values()
  }

  get(name: string): Channel | null {
    return this.#channels.get(this.isupport.key(name)) ?? null
  }

  user(nick: string): User | null {
    return this.#users.get(this.isupport.key(nick)) ?? null
  }

  /** Null: no name, or in more than anybody is in. */
  enter(name: string, attention: Attention): Channel | null {
    this.leave(name)
    if (name.length > LONGEST || this.#channels.size >= MOST_CHANNELS) return null
    const channel = new Channel(kept(name), attention, (nick) => this.user(nick))
    this.#channels.set(this.isupport.key(name), channel)
    if (attention === 'all') this.#attentive += 1
    return channel
  }

  leave(name: string): Channel | null {
    const channel = this.get(name)
    if (channel === null) return null
    this.#forget(channel)
    if (channel.attention === 'all') this.#attentive -= 1
    this.#channels.delete(this.isupport.key(name))
    return channel
  }

  attend(channel: Channel, attention: Attention): void {
    if (channel.attention === attention) return
    channel.attention = attention
    this.#attentive += attention === 'all' ? 1 : -1
    channel.complete = false
    channel.knowsModes = false
    if (attention === 'messages') this.#forget(channel)
  }

  /** Null: this channel keeps no members, or has as many as it may. */
  add(channel: Channel, nick: string, prefixes: string): User | null {
    if (channel.attention !== 'all' || nick.length > LONGEST) return null
    const key = this.isupport.key(nick)
    let user = this.#users.get(key)
    if (user === undefined || !channel.kept.has(user)) {
      if (channel.kept.size >= this.#most || this.#kept >= this.#most * 5) return null
      if (user === undefined) {
        user = new User(kept(nick))
        this.#users.set(key, user)
      }
      user.kept += 1
      this.#kept += 1
    }
    channel.kept.set(user, prefixes)
    channel.named?.add(user)
    return user
  }

  /** False: nobody of that name was kept there. */
  remove(channel: Channel, nick: string): boolean {
    const user = this.user(nick)
    if (user === null || !channel.kept.delete(user)) return false
    this.#release(user)
    return true
  }

  /** Out of all channels; gives those that kept this person. */
  removeEverywhere(nick: string): { user: User; channels: Channel[] } | null {
    const user = this.user(nick)
    if (user === null) return null
    const channels = this.with(user)
    for (const channel of channels) {
      channel.kept.delete(user)
      this.#release(user)
    }
    return { user, channels }
  }

  with(user: User): Channel[] {
    return [...this.#channels.values()].filter((channel) => channel.kept.has(user))
  }

  rename(from: string, to: string): User | null {
    const user = this.user(from)
    if (user === null) return null
    this.#users.delete(this.isupport.key(from))
    // Whoever had that name without our knowing has gone unseen.
    this.removeEverywhere(to)
    user.nick = kept(to)
    this.#users.set(this.isupport.key(to), user)
    return user
  }

  /** NAMES begins: who is not named by its end is no longer there. */
  listBegins(channel: Channel): Set<User> {
    channel.named ??= new Set()
    return channel.named
  }

  listEnds(channel: Channel): void {
    const { named } = channel
    channel.named = null
    channel.untold = []
    channel.complete = true
    if (named === null) return
    for (const user of [...channel.kept.keys()]) {
      if (named.has(user)) continue
      channel.kept.delete(user)
      this.#release(user)
    }
  }

  /** Keeps a change of mode; gives the member whose rank it changed. */
  change(channel: Channel, change: ModeChange): User | null {
    const { ranks, modes } = this.isupport
    if (ranks.some((rank) => rank.letter === change.letter)) {
      const user = change.parameter === null ? null : this.user(change.parameter)
      const signs = user === null ? undefined : channel.kept.get(user)
      if (user === null || signs === undefined) return null
      channel.kept.set(user, rankedSigns(this.isupport, signs, change))
      return user
    }
    if (modes.list.includes(change.letter)) return null
    if (change.sign === '-') channel.modes.delete(change.letter)
    else if (channel.modes.size < MOST_MODES) channel.modes.set(change.letter, change.parameter ?? '')
    if (change.letter === 'k') channel.key = change.sign === '+' ? (change.parameter ?? undefined) : undefined
    return null
  }

  clear(): void {
    this.#channels.clear()
    this.#users.clear()
    this.#attentive = 0
    this.#kept = 0
  }

  /** CASEMAPPING may become known after the first names. */
  rekey(): void {
    const channels = [...this.#channels.values()]
    const users = [...this.#users.values()]
    this.#channels.clear()
    this.#users.clear()
    for (const channel of channels) this.#channels.set(this.isupport.key(channel.name), channel)
    for (const user of users) this.#users.set(this.isupport.key(user.nick), user)
  }

  #forget(channel: Channel): void {
    for (const user of channel.kept.keys()) this.#release(user)
    channel.kept.clear()
    channel.named = null
    channel.untold = []
  }

  #release(user: User): void {
    user.kept -= 1
    this.#kept -= 1
    if (user.kept <= 0) this.#users.delete(this.isupport.key(user.nick))
  }
}

export function userOf(user: User): IrcUser {
  const shown: { -readonly [Field in keyof IrcUser]: IrcUser[Field] } = { nick: user.nick }
  if (user.user !== null) shown.user = user.user
  if (user.host !== null) shown.host = user.host
  if (user.account !== null && user.account !== '') shown.account = user.account
  if (user.realname !== null) shown.realname = user.realname
  if (user.away !== null) shown.away = user.away
  return shown
}

export function memberOf(user: User, prefixes: string): IrcMember {
  return { ...userOf(user), prefixes }
}

/** A copy that does not hold the whole line in memory that it was cut from; no server means more than that much. */
export function kept(text: string): string {
  return text.length < 13 ? text : Buffer.from(text.slice(0, LONGEST_KEPT)).toString()
}

const LONGEST_KEPT = 1_000
/** Of a name. */
const LONGEST = 300
const MOST_CHANNELS = 2_000
const MOST_MODES = 100
