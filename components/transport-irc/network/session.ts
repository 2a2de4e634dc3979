// SPDX-License-Identifier: Apache-2.0
// What the parts of one connection share: what was said about the server, ourselves, channels and people.
import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../../kit/stream/stream.ts'
import { Asks } from './asks.ts'
import { Batches } from './batches.ts'
import { Bucket } from './bucket.ts'
import { type Channel, Channels, memberOf, type User, userOf } from './channels.ts'
import type {
  Attention,
  IrcEvents,
  IrcFacts,
  IrcFault,
  IrcLimits,
  IrcMember,
  IrcMessage,
  IrcSettings,
  IrcUser,
} from './irc.ts'
import type { Outbox } from './outbox.ts'
import { Splits } from './splits.ts'
import { type Encoding, encodingOf, UTF8 } from './wire/encoding.ts'
import { type Isupport, NOTHING_SAID, trueTokens, withTokens } from './wire/isupport.ts'

export type World = {
  clock: Clock
  /** Milliseconds UTC. */
  now: () => number
  /** 0 <= x < 1 */
  random: () => number
}

export const REAL_WORLD: World = { clock: systemClock, now: Date.now, random: Math.random }

export const DEFAULT_LIMITS: IrcLimits = {
  connectMs: 20_000,
  registerMs: 60_000,
  idleMs: 60_000,
  pongMs: 30_000,
  answerMs: 30_000,
  backoff: { firstMs: 1_000, mostMs: 300_000 },
  queue: 1_000,
  asked: 1_000,
  members: 20_000,
  bytesPerSecond: 8 * 1024 * 1024,
  pollMs: 60_000,
}

/** What we want to be in, over losses of the connection. */
export type Wanted = { name: string; key: string | undefined; attention: Attention }

/** Conversations of which it is known how far they are read. */
const MOST_READ = 1_000
/** So long after its first, QUITs of one netsplit are told together. */
const SPLIT_QUIET_MS = 250

export class Session {
  /** Others count from the next connection on. */
  settings: IrcSettings
  readonly limits: IrcLimits
  readonly world: World
  readonly events: Partial<IrcEvents>
  readonly counts = { linesIn: 0, linesOut: 0, skipped: 0, overlong: 0, malformed: 0, connects: 0 }
  readonly channels: Channels
  readonly asks: Asks
  readonly batches = new Batches()
  readonly splits: Splits<Channel, IrcMember>
  readonly wanted = new Map<string, Wanted>()
  /** Channels that did not let us in in time: who waited was told so, and when they do it all the same, we leave. */
  readonly unawaited = new Set<string>()
  /** Answers to history, by the key of their target, in the order of asking. */
  readonly histories = new Map<string, ((messages: readonly IrcMessage[]) => void)[]>()
  /** Bans that were set last, for telling a ban from a kick. */
  bans: { channel: Channel; mask: string; at: number }[] = []
  readonly ctcpReplies: Bucket
  encoding: Encoding
  isupport: Isupport = NOTHING_SAID
  caps: ReadonlyMap<string, string> = new Map()
  outbox: Outbox | null = null
  nick: string
  nickBytes: Buffer
  me: { user: string | null; host: string | null; account: string | null; away: string | null } = NOBODY
  isUp = false
  /** What the server calls itself (004). */
  software = ''
  #facts: IrcFacts | null = null
  /** By target, how far is read. */
  readonly #read = new Map<string, number>()
  /** What ERROR said. */
  farewell: IrcFault | null = null
  /** Names of people watched, and whether they are there as far as known. */
  readonly watched = new Map<string, { nick: string; online: boolean | null; away: string | null }>()

  constructor(settings: IrcSettings, events: Partial<IrcEvents>, world: World) {
    this.settings = settings
    this.events = events
    this.world = world
    this.limits = { ...DEFAULT_LIMITS, ...settings.limits }
    this.nick = settings.nick
    this.nickBytes = Buffer.from(settings.nick)
    this.encoding = this.#encoding()
    this.channels = new Channels(this.isupport, this.limits.members)
    this.ctcpReplies = new Bucket(3, 0.2, world.clock.now())
    this.asks = new Asks({
      clock: world.clock,
      answerMs: this.limits.answerMs,
      most: this.limits.asked,
      key: (name) => this.isupport.key(name),
      hasLabels: () => this.caps.has('labeled-response') && this.caps.has('batch'),
      outbox: () => this.outbox,
    })
    this.splits = new Splits({
      clock: world.clock,
      key: (nick) => this.isupport.key(nick),
      quietMs: SPLIT_QUIET_MS,
      split: (channel, nicks, servers) => this.tell('netsplit', channel, nicks, servers),
      join: (channel, members) => this.tell('netjoin', channel, this.asTheyAre(channel, members)),
    })
  }

  /** Members as they are now: ranks may have come since they joined. Who has gone again is left out. */
  asTheyAre(channel: Channel, members: readonly IrcMember[]): IrcMember[] {
    return members.flatMap(({ nick }) => channel.member(nick) ?? [])
  }

  tell<Name extends keyof IrcEvents>(name: Name, ...values: Parameters<IrcEvents[Name]>): void {
    const told = this.events[name] as ((...all: Parameters<IrcEvents[Name]>) => void) | undefined
    told?.call(this.events, ...values)
  }

  key(name: string): string {
    return this.isupport.key(name)
  }

  isOwn(nick: string): boolean {
    return nick === this.nick || this.key(nick) === this.key(this.nick)
  }

  /** True: farther than was known. */
  isRead(target: string, at: number): boolean {
    const key = this.key(target)
    if (at <= (this.#read.get(key) ?? 0)) return false
    this.#read.delete(key)
    this.#read.set(key, at)
    const [oldest] = this.#read.keys()
    if (this.#read.size > MOST_READ && oldest !== undefined) this.#read.delete(oldest)
    return true
  }

  isChannel(name: string): boolean {
    return name !== '' && this.isupport.channelTypes.includes(name[0] as string)
  }

  setNick(nick: string): void {
    this.nick = nick
    this.nickBytes = this.encoding.write(nick)
  }

  learnIsupport(tokens: readonly string[]): void {
    const mapping = this.isupport.tokens.get('CASEMAPPING')
    this.isupport = withTokens(this.isupport, trueTokens(tokens, this.software))
    this.channels.isupport = this.isupport
    this.factsChanged()
    if (this.isupport.utf8Only) this.encoding = UTF8
    if (this.isupport.tokens.get('CASEMAPPING') !== mapping) this.channels.rekey()
  }

  /** Made anew only when something of it has changed. */
  get facts(): IrcFacts {
    this.#facts ??= {
      ...this.isupport,
      isupport: this.isupport.tokens,
      caps: new Set(this.caps.keys()),
      monitor: this.isupport.monitor > 0,
    }
    return this.#facts
  }

  factsChanged(): void {
    this.#facts = null
  }

  /** As the server shows us, or the longest that it could be. */
  get mask(): string {
    const user = this.me.user ?? 'u'.repeat(this.isupport.userLength + 1)
    const host = this.me.host ?? 'h'.repeat(Math.max(63, this.isupport.hostLength))
    return `${this.nick}!${user}@${host}`
  }

  get self(): IrcUser {
    const { user, host, account, away } = this.me
    return {
      nick: this.nick,
      realname: this.settings.realname,
      ...(user === null ? {} : { user }),
      ...(host === null ? {} : { host }),
      ...(account === null || account === '' ? {} : { account }),
      ...(away === null ? {} : { away }),
    }
  }

  /** Channels whose members are kept and that keep this person. */
  around(user: User): Channel[] {
    return user.kept === 0 ? [] : this.channels.with(user)
  }

  /** Takes what is new about somebody; tells it if anybody can see a difference. */
  learn(
    user: User,
    news: { user?: string; host?: string; account?: string; realname?: string; away?: string | null },
  ): void {
    let isNew = false
    for (const field of ['user', 'host', 'account', 'realname', 'away'] as const) {
      const value = news[field]
      if (value === undefined || value === user[field]) continue
      // Where nothing was known, a login and being away are news; having neither, or a host, is not.
      isNew ||= user[field] !== null || ((field === 'account' || field === 'away') && value !== '')
      user[field] = value
    }
    if (!isNew) return
    const channels = this.around(user).filter((channel) => channel.complete)
    if (channels.length > 0) this.tell('changed', userOf(user), channels)
  }

  member(channel: Channel, user: User): IrcMember {
    return memberOf(user, channel.kept.get(user) ?? '')
  }

  nonce(): string {
    return randomBytes(18).toString('base64')
  }

  /** Everything the server said is forgotten; what we want stays. */
  reset(): void {
    this.isUp = false
    this.splits.clear()
    this.batches.clear()
    this.channels.clear()
    this.histories.clear()
    this.unawaited.clear()
    this.bans = []
    this.software = ''
    this.isupport = NOTHING_SAID
    this.channels.isupport = NOTHING_SAID
    this.caps = new Map()
    this.factsChanged()
    this.encoding = this.#encoding()
    this.setNick(this.settings.nick)
    this.me = NOBODY
    this.farewell = null
    for (const person of this.watched.values()) person.online = null
  }

  #encoding(): Encoding {
    const { encoding = 'utf-8', fallback } = this.settings
    const found = encodingOf(encoding, fallback)
    if (found === null) throw new RangeError(`unknown encoding: ${encoding}`)
    return found
  }
}

const NOBODY = { user: null, host: null, account: null, away: null }
