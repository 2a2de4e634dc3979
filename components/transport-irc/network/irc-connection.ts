// SPDX-License-Identifier: Apache-2.0
// One person's connection to one IRC network: the door to all of network/.
import * as accounts from './accounts.ts'
import * as asking from './asking.ts'
import { userOf } from './channels.ts'
import {
  type Attention,
  type IrcChannel,
  type IrcConnection,
  type IrcEvents,
  type IrcFacts,
  IrcFault,
  type IrcMessage,
  type IrcSettings,
  type IrcUser,
  type ListedChannel,
  type MaskEntry,
  type PersonWanted,
  type SayOptions,
  type SignedUp,
  type Spoken,
  type Whois,
} from './irc.ts'
import { Link } from './link.ts'
import { learnOf, noImplicitNames } from './reading.ts'
import { REAL_WORLD, Session, type World } from './session.ts'
import * as speaking from './speaking.ts'
import { Watching } from './watching.ts'
import { readSource } from './wire/line.ts'
import { readModes, writeModes } from './wire/modes.ts'
import { roomForText, splitText } from './wire/split.ts'
import { wrongSettings } from './wrong-settings.ts'

/** Connects in its own time and comes back by itself. Throws a RangeError for settings with which nothing may be opened. */
export function openIrcConnection(
  settings: IrcSettings,
  events: Partial<IrcEvents>,
  world: Partial<World> = {},
): IrcConnection {
  const wrong = wrongSettings(settings)
  if (wrong !== null) throw new RangeError(wrong)
  const connection = new Connection(settings, events, { ...REAL_WORLD, ...world })
  connection.connect()
  return connection
}

/** IRCv3 typing: `active` is said again no sooner. */
const TYPING_MS = 3_000
const MOST_TYPING = 100

class Connection implements IrcConnection {
  readonly #session: Session
  readonly #link: Link
  readonly #watching: Watching
  readonly #joining = new Map<string, Promise<void>>()
  readonly #typing = new Map<string, { state: string; at: number }>()
  #wantedAway: string | null = null
  #cancelRegain: (() => void) | null = null

  constructor(settings: IrcSettings, events: Partial<IrcEvents>, world: World) {
    this.#session = new Session(settings, events, world)
    this.#watching = new Watching(this.#session)
    this.#link = new Link(this.#session, { up: () => this.#up(), down: () => this.#down() })
  }

  get isUp(): boolean {
    return this.#session.isUp
  }

  get nick(): string {
    return this.#session.nick
  }

  get self(): IrcUser {
    return this.#session.self
  }

  get facts(): IrcFacts {
    return this.#session.facts
  }

  get ends() {
    return this.#link.ends
  }

  get counts() {
    return this.#session.counts
  }

  key(name: string): string {
    return this.#session.key(name)
  }

  isChannel(name: string): boolean {
    return this.#session.isChannel(name)
  }

  channel(name: string): IrcChannel | null {
    return this.#session.channels.get(name)
  }

  channels(): Iterable<IrcChannel> {
    return this.#session.channels.all()
  }

  user(nick: string): IrcUser | null {
    const user = this.#session.channels.user(nick)
    return user === null ? null : userOf(user)
  }

  connect(): void {
    this.#link.connect()
  }

  settle(settings: IrcSettings): void {
    const wrong = wrongSettings(settings)
    if (wrong !== null) throw new RangeError(wrong)
    this.#session.settings = settings
    this.#link.connect()
  }

  hold(): () => void {
    return this.#link.hold()
  }

  join(channel: string, options: { key?: string; attention?: Attention } = {}): Promise<void> {
    const session = this.#session
    const key = session.key(channel)
    const under = this.#joining.get(key)
    if (under !== undefined) return under
    const attention = options.attention ?? 'all'
    if (!session.isUp) return Promise.reject(notUp())
    if (!session.isChannel(channel) || /[\s,\0]/.test(channel))
      return Promise.reject(new IrcFault('no-such-room', `${channel}: no name of a channel`))
    const before = session.wanted.get(key)
    session.wanted.set(key, { name: channel, key: options.key ?? before?.key, attention })
    session.unawaited.delete(key)
    const there = session.channels.get(channel)
    if (there !== null) {
      this.attend(channel, attention)
      return Promise.resolve()
    }
    const joined = this.#join(channel, options.key, key, attention)
    this.#joining.set(key, joined)
    const forget = () => {
      if (this.#joining.get(key) === joined) this.#joining.delete(key)
    }
    joined.then(forget, (fault: unknown) => {
      forget()
      // A loss is no refusal: we still want to be in.
      if (!(fault instanceof IrcFault) || fault.reason === 'down' || session.channels.get(channel) !== null) return
      session.wanted.delete(key)
      if (fault.unsure) session.unawaited.add(key)
    })
    return joined
  }

  async #join(channel: string, password: string | undefined, key: string, attention: Attention): Promise<void> {
    const session = this.#session
    const untilNames = attention === 'all' || !noImplicitNames(session)
    await session.asks.ask({
      command: 'JOIN',
      params: password === undefined ? [channel] : [channel, password],
      about: [channel],
      endsItself: true,
      read({ command, source, params }) {
        if (command === '366') return session.key(params[1] ?? '') === key ? 'over' : null
        if (command !== 'JOIN' || untilNames || session.key(params[0] ?? '') !== key) return null
        return session.isOwn(readSource(source).nick) ? 'over' : null
      },
    })
    if (session.channels.get(channel) === null) throw new IrcFault('other', `${channel}: the server did not let us in`)
  }

  attend(name: string, attention: Attention): void {
    const session = this.#session
    const channel = session.channels.get(name)
    const wanted = session.wanted.get(session.key(name))
    if (wanted !== undefined) wanted.attention = attention
    if (channel === null || channel.attention === attention) return
    session.channels.attend(channel, attention)
    // Asked for and not waited for: `names` tells the end.
    if (attention === 'all')
      this.names(name).catch((fault: Error) => session.tell('said', fault.message, 'error', 'NAMES'))
  }

  async part(channel: string, text = ''): Promise<void> {
    const session = this.#session
    const key = session.key(channel)
    session.wanted.delete(key)
    await session.asks.ask({
      command: 'PART',
      params: text === '' ? [channel] : [channel, this.#fitting(text, 'PART', channel)],
      about: [channel],
      read: ({ command, source, params }) =>
        command === 'PART' && session.key(params[0] ?? '') === key && session.isOwn(readSource(source).nick)
          ? 'over'
          : null,
    })
  }

  async names(channel: string): Promise<void> {
    await asking.names(this.#session, channel)
  }

  who(channel: string): Promise<void> {
    return asking.who(this.#session, channel)
  }

  say(target: string, text: string, options?: SayOptions): Promise<Spoken> {
    if (!this.#session.isUp) return Promise.reject(notUp())
    this.#typing.delete(this.#session.key(target))
    return speaking.say(this.#session, target, text, options)
  }

  tag(target: string, tags: Readonly<Record<string, string>>): boolean {
    return speaking.tag(this.#session, target, tags)
  }

  typing(target: string, state: 'active' | 'paused' | 'done'): boolean {
    const key = this.key(target)
    const now = this.#session.world.clock.now()
    const last = this.#typing.get(key)
    if (last !== undefined && last.state === state && (state !== 'active' || now - last.at < TYPING_MS)) return true
    if (last === undefined && state !== 'active') return true
    if (!this.tag(target, { '+typing': state })) return false
    if (state === 'done') this.#typing.delete(key)
    else if (this.#typing.size < MOST_TYPING || last !== undefined) this.#typing.set(key, { state, at: now })
    return true
  }

  signUp(account: string, email: string | null, password: string): Promise<SignedUp> {
    return this.#session.isUp ? accounts.signUp(this.#session, account, email, password) : Promise.reject(notUp())
  }

  confirm(account: string, code: string): Promise<SignedUp> {
    return this.#session.isUp ? accounts.confirm(this.#session, account, code) : Promise.reject(notUp())
  }

  markRead(target: string, at: number): boolean {
    return speaking.markRead(this.#session, target, at)
  }

  async react(target: string, to: string, text: string, remove = false): Promise<boolean> {
    return speaking.react(this.#session, target, to, text, remove)
  }

  async redact(target: string, id: string, reason = ''): Promise<void> {
    if (!this.#session.caps.has('draft/message-redaction'))
      throw new IrcFault('unsupported', 'the server takes nothing back')
    await this.#session.asks.ask({
      command: 'REDACT',
      params: reason === '' ? [target, id] : [target, id, this.#fitting(reason, 'REDACT', `${target} ${id}`)],
      about: [target, id],
    })
  }

  async setNick(nick: string): Promise<void> {
    const session = this.#session
    this.#cancelRegain?.()
    this.#cancelRegain = null
    await session.asks.ask({
      command: 'NICK',
      params: [nick],
      about: [nick],
      read: ({ command, source }, isLabelled) =>
        command === 'NICK' && (isLabelled || session.isOwn(readSource(source).nick)) ? 'over' : null,
    })
  }

  async topic(channel: string, text: string): Promise<void> {
    if (Buffer.byteLength(text) > this.#session.isupport.topicLength)
      throw new IrcFault('too-long', `a topic has room for ${this.#session.isupport.topicLength} bytes`)
    await this.#session.asks.ask({
      command: 'TOPIC',
      params: [channel, text.replace(/\s*\n\s*/g, ' ')],
      about: [channel],
    })
  }

  async mode(target: string, changes: string, ...parameters: string[]): Promise<void> {
    const session = this.#session
    const asked = writeModes(readModes(session.isupport, changes, parameters), session.isupport.modesAtOnce).map(
      (params) =>
        session.asks.ask({ command: 'MODE', params: [target, ...params], about: [target, ...params.slice(1)] }),
    )
    await Promise.allSettled(asked)
    await Promise.all(asked)
  }

  modes(channel: string, priority?: 'low'): Promise<ReadonlyMap<string, string>> {
    return asking.modes(this.#session, channel, priority)
  }

  masks(channel: string, letter: string): Promise<readonly MaskEntry[]> {
    return asking.masks(this.#session, channel, letter)
  }

  async kick(channel: string, nick: string, reason = ''): Promise<void> {
    const params =
      reason === '' ? [channel, nick] : [channel, nick, this.#fitting(reason, 'KICK', `${channel} ${nick}`)]
    await this.#session.asks.ask({ command: 'KICK', params, about: [channel, nick] })
  }

  async invite(channel: string, nick: string): Promise<void> {
    await this.#session.asks.ask({ command: 'INVITE', params: [nick, channel], about: [channel, nick] })
  }

  whois(nick: string): Promise<Whois> {
    return asking.whois(this.#session, nick)
  }

  list(signal: AbortSignal, mask?: string): AsyncIterable<ListedChannel> {
    return asking.list(this.#session, () => this.hold(), signal, mask)
  }

  search(wanted: PersonWanted, most: number): Promise<readonly IrcUser[]> {
    return asking.search(this.#session, wanted, most)
  }

  /** Each room may ask for it: a line of its own for each would keep all else waiting. */
  async away(text: string | null): Promise<void> {
    const before = this.#wantedAway
    if (text === before) return
    this.#wantedAway = text
    if (!this.#session.isUp) return
    try {
      await this.#away(text)
    } catch (fault) {
      // What was refused can be asked for again; after a loss it is said by itself.
      const isLost = fault instanceof IrcFault && fault.reason === 'down'
      if (!isLost && this.#wantedAway === text) this.#wantedAway = before
      throw fault
    }
  }

  async #away(text: string | null): Promise<void> {
    // An empty reason would mean: back.
    const params = text === null ? [] : [this.#fitting(text.trim() === '' ? 'away' : text, 'AWAY', '')]
    await this.#session.asks.ask({
      command: 'AWAY',
      params,
      about: [],
      read: ({ command }) => (command === '306' || command === '305' ? 'over' : null),
    })
    // No server says it to ourselves (away-notify), and who of ours shares a channel may see it by this connection alone.
    learnOf(this.#session, this.#session.nick, { away: params[0] ?? null })
  }

  watch(nick: string): void {
    this.#watching.watch(nick)
  }

  unwatch(nick: string): void {
    this.#watching.unwatch(nick)
  }

  history(target: string, before: number | null, most: number): Promise<readonly IrcMessage[]> | null {
    return asking.history(this.#session, target, before, most)
  }

  raw(line: string): Promise<readonly string[]> {
    return asking.raw(this.#session, line)
  }

  async quit(text = ''): Promise<void> {
    this.#cancelRegain?.()
    this.#watching.stop()
    await this.#link.quit(text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.quit()
  }

  #up(): void {
    const session = this.#session
    for (const line of session.settings.afterwards ?? []) session.outbox?.send(line)
    this.#watching.start()
    if (this.#wantedAway !== null) this.#unheard(this.#away(this.#wantedAway))
    session.tell('up', session.nick)
    if (session.settings.rejoin !== false)
      for (const { name, key, attention } of [...session.wanted.values()])
        this.#unheard(this.join(name, { attention, ...(key === undefined ? {} : { key }) }), name)
    if (session.key(session.nick) !== session.key(session.settings.nick)) this.#regain()
  }

  #down(): void {
    this.#watching.stop()
    this.#cancelRegain?.()
    this.#cancelRegain = null
    this.#typing.clear()
    if (this.#session.settings.rejoin === false) this.#session.wanted.clear()
  }

  /** The nick we wanted was taken, perhaps by our own lost connection: tried again now and then until we have it or want another. */
  #regain(): void {
    const { world, limits, settings, asks } = this.#session
    this.#cancelRegain = world.clock.after(limits.pollMs, () => {
      this.#cancelRegain = null
      if (!this.#session.isUp || this.#session.isOwn(settings.nick)) return
      asks.ask({ command: 'NICK', params: [settings.nick], about: [settings.nick], priority: 'low' }).then(
        () => undefined,
        () => this.#regain(),
      )
    })
  }

  /** Nobody waits for it: a refusal is said. */
  #unheard(asked: Promise<void>, channel?: string): void {
    asked.catch((fault: unknown) => {
      if (!(fault instanceof IrcFault) || fault.reason === 'down') return
      this.#session.tell(
        'said',
        channel === undefined ? fault.message : `${channel}: ${fault.message}`,
        'error',
        fault.code,
      )
    })
  }

  /** Reasons are cut to what a line holds; they are no message. */
  #fitting(text: string, command: string, target: string): string {
    const { isupport, mask, encoding } = this.#session
    const most = roomForText(isupport.lineLength, mask, command, target)
    // No letter takes less than a byte.
    const line = text.slice(0, most + 1).replace(/[\r\n\0]+/g, ' ')
    return splitText(line, most, encoding.sizeOf)[0] ?? ''
  }
}

function notUp(): IrcFault {
  return new IrcFault('down', 'not connected to the network')
}
