// SPDX-License-Identifier: Apache-2.0
// A network that does not exist, in memory: rooms, people who are not ours, and connections whose events can be held back, so that one is
// behind another. Whether it gives ids, and whether it repeats to its sender what he said, is for the test to say.
import { randomUUID } from 'node:crypto'
import {
  type Affiliation,
  type ForeignMessage,
  type Login,
  type Network,
  NetworkFault,
  type NetworkSession,
  type Occupant,
  type Outgoing,
  type PersonFound,
  type PersonWanted,
  type Reason,
  type Role,
  type RoomEvent,
  type RoomField,
  type Sent,
  type SessionEvents,
} from '../../../components/kit/transport/network.ts'

export type MadeUpOptions = { ids?: boolean; echo?: boolean; only?: string | null }

type Place = {
  members: Map<string, Occupant>
  subject: { subject: string; by: string; at: number }
  password: string | null
  banned: Set<string>
  form: Map<string, string>
}

export class MadeUpNet implements Network {
  readonly type = 'made-up'
  readonly only: string | null
  readonly places = new Map<string, Place>()
  readonly sessions: MadeUpSession[] = []
  /** What was done there, in words. */
  readonly done: string[] = []
  readonly ids: boolean
  readonly echo: boolean
  /** Nicks of people who are not ours. */
  readonly taken = new Set<string>()
  /** Under which account somebody is logged in there. */
  readonly accounts = new Map<string, string>()
  tellsAccounts = true
  /** It keeps how far people have read. */
  keepsRead = false
  /** What it says of people. */
  readonly about = new Map<string, Partial<Awaited<ReturnType<NetworkSession['about']>>>>()
  /** It says so only when this resolves. */
  aboutWaits: PromiseWithResolvers<void> | null = null
  /** The next one who does this is refused. */
  refusal: { what: string; reason: Reason; words?: string } | null = null
  /** A text goes line by line. The next one of several breaks off behind so many of them: so many of those are answered, before or after. */
  inLines = false
  breaks: { after: number; answered: number; reason: Reason; unsure: boolean } | null = null
  /** Tells the subject of a room before who is in it. */
  subjectFirst = false
  /** It tells who is in a room, and lets in who enters, only when this resolves; some of them a test tells before (`lists`). */
  listed: PromiseWithResolvers<void> | null = null
  /** Connections come up at once; otherwise a test lets them. */
  comesUp = true
  clock = () => Date.now()
  /** What it kept of a room, for those who ask. */
  readonly kept = new Map<string, ForeignMessage[]>()
  refusesHistory = false
  readonly searches = true
  /** Whom it finds, whoever is looked for. */
  readonly people: PersonFound[] = []
  /** How often reading was stopped, and whether it is. */
  holds = { times: 0, now: 0 }

  constructor({ ids = true, echo = true, only = null }: MadeUpOptions = {}) {
    this.ids = ids
    this.echo = echo
    this.only = only
  }

  refuses(network: string): string | null {
    return network.endsWith('.example') ? null : 'not that one'
  }

  isRoom(name: string): boolean {
    return name.startsWith('#')
  }

  key(_network: string, name: string): string {
    return name.toLowerCase()
  }

  wrongNick(_network: string, nick: string): string | null {
    return /^[a-z][^\s,]{0,30}$/i.test(nick) ? null : 'no such nick'
  }

  open(_network: string, owner: string, login: Login, events: SessionEvents): NetworkSession {
    const session = new MadeUpSession(this, owner, login.nick, events)
    this.sessions.push(session)
    if (this.comesUp) queueMicrotask(() => session.connect())
    return session
  }

  hold(): () => void {
    this.holds.times++
    this.holds.now++
    return () => this.holds.now--
  }

  place(room: string): Place {
    let place = this.places.get(room.toLowerCase())
    if (place === undefined) {
      place = {
        members: new Map(),
        subject: { subject: '', by: '', at: 0 },
        password: null,
        banned: new Set(),
        form: new Map([['muc#roomconfig_moderatedroom', '0']]),
      }
      this.places.set(room.toLowerCase(), place)
    }
    return place
  }

  /** Of those in the room, in the order of the connections. */
  *seated(room: string): Generator<MadeUpSession> {
    const { members } = this.place(room)
    for (const session of this.sessions)
      if (members.has(session.nick.toLowerCase()) && session.rooms.has(room.toLowerCase())) yield session
  }

  tellAll(room: string, event: RoomEvent, but?: MadeUpSession): void {
    for (const session of this.seated(room)) if (session !== but) session.tell((events) => events.room(room, event))
  }

  // People who are not ours

  comes(room: string, nick: string, more: Partial<Occupant> = {}): void {
    const occupant: Occupant = { nick, role: 'participant', affiliation: 'none', ...more }
    this.taken.add(nick.toLowerCase())
    this.place(room).members.set(nick.toLowerCase(), occupant)
    this.tellAll(room, { kind: 'joined', occupant })
  }

  goes(room: string, nick: string, reason = ''): void {
    this.place(room).members.delete(nick.toLowerCase())
    this.tellAll(room, { kind: 'left', nick, how: 'left', reason })
  }

  renames(room: string, from: string, to: string): void {
    const { members } = this.place(room)
    const before = members.get(from.toLowerCase())
    if (before === undefined) return
    members.delete(from.toLowerCase())
    members.set(to.toLowerCase(), { ...before, nick: to })
    this.taken.delete(from.toLowerCase())
    this.taken.add(to.toLowerCase())
    this.tellAll(room, { kind: 'renamed', from, to })
  }

  /** One of ours, who did not ask for it. */
  calls(nick: string, to: string): void {
    this.sessions.find((session) => session.nick === nick)?.isCalled(to)
  }

  says(room: string, nick: string, body: string, more: Partial<ForeignMessage> = {}): string | null {
    const id = this.ids ? randomUUID() : null
    this.tellAll(room, { kind: 'message', message: { id, nick, body, at: null, ...more } })
    return id
  }

  kicks(room: string, nick: string, by: string, reason: string, how: 'kicked' | 'banned' = 'kicked'): void {
    const session = [...this.seated(room)].find((one) => one.nick.toLowerCase() === nick.toLowerCase())
    this.tellAll(room, { kind: 'left', nick, how, by, reason }, session)
    this.place(room).members.delete(nick.toLowerCase())
    session?.rooms.delete(room.toLowerCase())
    session?.tell((events) => events.out(room, how, by, reason))
  }

  refuseIf(what: string): void {
    if (this.refusal?.what !== what) return
    const { reason, words = `no ${what}` } = this.refusal
    this.refusal = null
    throw new NetworkFault(reason, words)
  }
}

export class MadeUpSession implements NetworkSession {
  readonly net: MadeUpNet
  readonly owner: string
  readonly rooms = new Set<string>()
  nick: string
  isUp = false
  isEnded = false
  resyncs = 0
  readonly #events: SessionEvents
  #held: (() => void)[] | null = null

  constructor(net: MadeUpNet, owner: string, nick: string, events: SessionEvents) {
    this.net = net
    this.owner = owner
    this.nick = nick
    this.#events = events
  }

  /** Events wait until `flow`. */
  hold(): void {
    this.#held ??= []
  }

  /** Hands over so many of those that wait; all, and goes on, without a number. */
  flow(count = Number.POSITIVE_INFINITY): void {
    const held = this.#held ?? []
    if (count >= held.length) this.#held = count === Number.POSITIVE_INFINITY ? null : []
    for (const event of held.splice(0, count)) event()
  }

  get waiting(): number {
    return this.#held?.length ?? 0
  }

  tell(event: (events: SessionEvents) => void): void {
    if (this.#held === null) event(this.#events)
    else this.#held.push(() => event(this.#events))
  }

  /** After all that waits: an answer never overtakes what was told before it. */
  #after<T>(value: T): Promise<T> {
    return new Promise((resolve) => this.tell(() => resolve(value)))
  }

  connect(): void {
    if (this.isUp || this.isEnded) return
    if (this.net.taken.has(this.nick.toLowerCase())) {
      this.#events.down(new NetworkFault('nick-taken', 'in use'), null)
      return
    }
    this.isUp = true
    this.#events.up(this.nick)
  }

  /** A try to connect is in vain. */
  fails(reason: Reason, words: string, retryAt: number): void {
    this.#events.down(new NetworkFault(reason, words), retryAt)
  }

  cut(retryAt: number | null = 1, words = 'cut'): void {
    this.isUp = false
    for (const room of this.rooms) {
      this.net.place(room).members.delete(this.nick.toLowerCase())
      this.net.tellAll(room, { kind: 'left', nick: this.nick, how: 'offline', reason: 'gone' }, this)
    }
    this.rooms.clear()
    this.#held = null
    this.#events.down(new NetworkFault('down', words), retryAt)
  }

  #check(what: string): void {
    if (!this.isUp) throw new NetworkFault('down', '')
    this.net.refuseIf(what)
  }

  async enter(room: string, { password }: { password?: string }): Promise<void> {
    this.#check('enter')
    const place = this.net.place(room)
    if (place.password !== null && place.password !== password) throw new NetworkFault('password', '+k')
    if (place.banned.has(this.nick)) throw new NetworkFault('banned', '+b')
    const first = place.members.size === 0
    const self: Occupant = {
      nick: this.nick,
      role: first ? 'moderator' : 'participant',
      affiliation: first ? 'owner' : 'none',
    }
    place.members.set(this.nick.toLowerCase(), self)
    this.net.tellAll(room, { kind: 'joined', occupant: self })
    this.rooms.add(room.toLowerCase())
    if (this.net.listed !== null) await this.net.listed.promise
    if (!this.rooms.has(room.toLowerCase())) throw new NetworkFault(this.isUp ? 'not-there' : 'down', '')
    const occupants = [...place.members.values()]
    const subject = { ...place.subject }
    const list = () => this.tell((events) => events.room(room, { kind: 'occupants', occupants }))
    if (!this.net.subjectFirst) list()
    if (subject.subject !== '') this.tell((events) => events.room(room, { kind: 'subject', ...subject }))
    if (this.net.subjectFirst) list()
    return await this.#after(undefined)
  }

  /** Names some who are there while the list is still coming; of whom it does not know it makes up that they are. */
  lists(room: string, nicks: readonly string[]): void {
    const { members } = this.net.place(room)
    const occupants = nicks.map((nick): Occupant => {
      const known = members.get(nick.toLowerCase())
      return known ?? { nick, role: 'participant', affiliation: 'none' }
    })
    this.tell((events) => events.room(room, { kind: 'listing', occupants }))
  }

  async leave(room: string, text: string): Promise<void> {
    if (!this.isUp || !this.rooms.delete(room.toLowerCase())) return
    this.net.place(room).members.delete(this.nick.toLowerCase())
    this.net.done.push(`${this.nick} leaves ${room}: ${text}`)
    this.net.tellAll(room, { kind: 'left', nick: this.nick, how: 'left', reason: text })
    this.tell((events) => events.out(room, 'left'))
  }

  resync(room: string): void {
    this.resyncs++
    const occupants = [...this.net.place(room).members.values()]
    this.tell((events) => events.room(room, { kind: 'occupants', occupants }))
  }

  async say(
    target: { room: string } | { person: string },
    message: Outgoing,
    cut?: (parts: number) => void,
  ): Promise<Sent> {
    this.#check('say')
    if (this.net.inLines && 'room' in target && message.body.includes('\n')) return this.#inLines(target, message, cut)
    const id = this.net.ids ? randomUUID() : null
    const text = message.body
    if ('person' in target) {
      this.net.done.push(`${this.nick} to ${target.person}: ${text}`)
      return { ids: [id], at: null, confirmed: this.net.echo, body: text }
    }
    this.net.done.push(`${this.nick} in ${target.room}: ${JSON.stringify(message)}`)
    const told: ForeignMessage = {
      id,
      nick: this.nick,
      body: text,
      at: null,
      ...(message.replyTo?.id && { replyTo: message.replyTo.id }),
      ...(message.corrects?.id != null && { corrects: message.corrects.id }),
      ...(message.reaction?.to != null && { reaction: { to: message.reaction.to, emojis: message.reaction.emojis } }),
      ...(message.retracts?.id != null && { retracts: message.retracts.id }),
    }
    this.net.tellAll(target.room, { kind: 'message', message: told }, this.net.echo ? undefined : this)
    const sent = { ids: [id], at: null, confirmed: this.net.echo, body: text }
    return this.net.echo ? await this.#after(sent) : sent
  }

  async #inLines({ room }: { room: string }, { body }: Outgoing, cut?: (parts: number) => void): Promise<Sent> {
    const lines = body.split('\n')
    cut?.(lines.length)
    const { breaks } = this.net
    this.net.breaks = null
    const ids: (string | null)[] = []
    for (const line of lines.slice(0, breaks?.after)) {
      ids.push(this.net.ids ? randomUUID() : null)
      this.net.done.push(`${this.nick} in ${room}: ${line}`)
      const told: ForeignMessage = { id: ids.at(-1) ?? null, nick: this.nick, body: line, at: null }
      this.net.tellAll(room, { kind: 'message', message: told }, this.net.echo ? undefined : this)
      // Others may say something between them.
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (breaks === null) return await this.#after({ ids, at: null, confirmed: this.net.echo, body })
    const { answered: parts, reason, unsure } = breaks
    const went = lines.slice(0, parts).join('\n')
    const more = { parts, of: lines.length, body: went, ids: ids.slice(0, parts), unsure }
    throw new NetworkFault(reason, '', more)
  }

  typing(target: { room: string } | { person: string }, state: 'active' | 'paused' | 'done'): void {
    this.net.done.push(`${this.nick} typing ${state} ${'room' in target ? target.room : target.person}`)
  }

  get tellsAccounts(): boolean {
    return this.net.tellsAccounts
  }

  get keepsRead(): boolean {
    return this.net.keepsRead
  }

  markRead(target: { room: string } | { person: string }, at: number): void {
    this.net.done.push(`${this.nick} has read ${'room' in target ? target.room : target.person} up to ${at}`)
  }

  async rename(nick: string): Promise<void> {
    this.#check('rename')
    if (this.net.taken.has(nick.toLowerCase())) throw new NetworkFault('nick-taken', 'in use')
    this.isCalled(nick)
  }

  /** Whether he asked for it or not. */
  isCalled(nick: string): void {
    const from = this.nick
    for (const room of this.rooms) {
      const { members } = this.net.place(room)
      const before = members.get(from.toLowerCase())
      members.delete(from.toLowerCase())
      if (before !== undefined) members.set(nick.toLowerCase(), { ...before, nick })
    }
    this.nick = nick
    const told = new Set<MadeUpSession>()
    for (const room of this.rooms) {
      this.net.tellAll(room, { kind: 'renamed', from, to: nick })
      for (const session of this.net.seated(room)) told.add(session)
    }
    this.#events.nick(from, nick)
  }

  async subject(room: string, subject: string): Promise<void> {
    this.#check('subject')
    const place = this.net.place(room)
    place.subject = { subject, by: this.nick, at: this.net.clock() }
    this.net.tellAll(room, { kind: 'subject', ...place.subject })
  }

  async role(room: string, nick: string, role: Role | 'none', reason: string): Promise<void> {
    this.#check('role')
    if (role === 'none') {
      this.net.kicks(room, nick, this.nick, reason)
      return
    }
    const { members } = this.net.place(room)
    const before = members.get(nick.toLowerCase())
    if (before === undefined) throw new NetworkFault('no-such-person', '')
    const occupant = { ...before, role }
    members.set(nick.toLowerCase(), occupant)
    this.net.tellAll(room, { kind: 'changed', occupant, by: this.nick })
  }

  async affiliation(room: string, who: string, affiliation: Affiliation, reason: string): Promise<void> {
    this.#check('affiliation')
    const place = this.net.place(room)
    if (affiliation === 'outcast') {
      place.banned.add(who)
      if (place.members.has(who.toLowerCase())) this.net.kicks(room, who, this.nick, reason, 'banned')
    } else place.banned.delete(who)
  }

  async affiliated(room: string, affiliation: Affiliation): Promise<readonly { who: string }[]> {
    this.#check('affiliated')
    return affiliation === 'outcast' ? [...this.net.place(room).banned].map((who) => ({ who })) : []
  }

  async invite(room: string, nick: string): Promise<void> {
    this.#check('invite')
    this.net.done.push(`${this.nick} invites ${nick} to ${room}`)
  }

  async configuration(room: string): Promise<readonly RoomField[]> {
    this.#check('configuration')
    return [...this.net.place(room).form].map(([name, value]) => ({
      name,
      label: 'Moderated',
      type: 'boolean' as const,
      value,
    }))
  }

  async configure(room: string, values: Readonly<Record<string, string>>): Promise<void> {
    this.#check('configure')
    for (const [name, value] of Object.entries(values)) this.net.place(room).form.set(name, value)
    this.net.tellAll(room, { kind: 'configured' })
  }

  async *list(): AsyncGenerator<{ room: string; people: number; subject: string }> {
    this.#check('list')
    for (const [room, { members, subject }] of this.net.places)
      yield { room, people: members.size, subject: subject.subject }
  }

  async search(wanted: PersonWanted, most: number): Promise<readonly PersonFound[]> {
    this.#check('search')
    this.net.done.push(`${this.nick} looks for ${JSON.stringify(wanted)}`)
    return this.net.people.slice(0, most)
  }

  away(text: string | null): void {
    this.net.done.push(`${this.nick} away ${text}`)
  }

  watch(nick: string): void {
    this.net.done.push(`${this.nick} watches ${nick}`)
  }

  unwatch(nick: string): void {
    this.net.done.push(`${this.nick} watches ${nick} no more`)
  }

  async about(nick: string): ReturnType<NetworkSession['about']> {
    this.net.done.push(`${this.nick} asks about ${nick}`)
    await this.net.aboutWaits?.promise
    const account = this.net.accounts.get(nick)
    const known = this.net.about.get(nick)
    if (known === undefined && nick !== this.nick) throw new NetworkFault('no-such-person', nick)
    return { nick, role: 'participant', affiliation: 'none', ...(account === undefined ? {} : { account }), ...known }
  }

  history(room: string, _: number | null, most: number): Promise<readonly ForeignMessage[]> | null {
    const kept = this.net.kept.get(room.toLowerCase())
    if (kept !== undefined && this.net.refusesHistory) return Promise.reject(new NetworkFault('other', 'no history'))
    return kept === undefined ? null : this.#after(kept.slice(-most))
  }

  async raw(line: string): Promise<readonly string[]> {
    return [line]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isUp) this.cut(null)
    this.isEnded = true
  }

  get events(): SessionEvents {
    return this.#events
  }
}
