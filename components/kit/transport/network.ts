// SPDX-License-Identifier: Apache-2.0
// What a transport asks of the network it carries to, and what the network tells it. An adapter fulfils this; it knows nothing of XMPP,
// and what stands above it knows nothing of the network.

/** XEP-0045 §5.1, §5.2: what people are in a room, whatever the network calls it. */
export type Role = 'moderator' | 'participant' | 'visitor'
export type Affiliation = 'owner' | 'admin' | 'member' | 'none' | 'outcast'

/** Somebody in a room of the network. Nicks are compared by `Network.key`. */
export type Occupant = {
  nick: string
  role: Role
  affiliation: Affiliation
  /** Login at the network, where it says so: two nicks with one account are one person. */
  account?: string
  /** As the network shows who it is (nick!user@host); for records and for those who may know. */
  identity?: string
  /** Ranks that role and affiliation do not tell apart (XEP-0317). */
  hats?: readonly string[]
  /** Absent: there. */
  away?: string
  name?: string
}

/** `body` is styled as XEP-0393, `/me ` as XEP-0245. */
export type ForeignMessage = {
  /** Unique in the network; null where it gives none. */
  id: string | null
  nick: string
  account?: string
  identity?: string
  body: string
  /** Milliseconds UTC, by the network's clock. */
  at: number | null
  /** Automatic: never answered automatically. */
  notice?: true
  /** One to one: the network kept it and tells it now, perhaps not for the first time. */
  kept?: true
  /** Our own, and said at another program with the same account there: `say` gave nothing of it. */
  elsewhere?: true
  /** Only some of the room can read it, such as its operators: shown to those whose connection got it, and to nobody else. */
  narrow?: true
  /** Ids of the network. */
  replyTo?: string
  /** `emojis`: all that this person gives to that message now. */
  reaction?: { to: string; emojis: readonly string[] }
  corrects?: string
  retracts?: string
  /** By somebody with the right to, of another's. */
  moderated?: { by: string; reason: string }
}

export type RoomEvent =
  /** Some of those who are there, told to who enters while the list is still coming: `occupants` follows, and alone is the truth. */
  | { kind: 'listing'; occupants: readonly Occupant[] }
  /** Everybody who is there: the end of entering, or asked for by `resync`. */
  | { kind: 'occupants'; occupants: readonly Occupant[] }
  | { kind: 'joined'; occupant: Occupant }
  | { kind: 'left'; nick: string; how: 'left' | 'kicked' | 'banned' | 'offline'; by?: string; reason?: string }
  /** Many at once, because two parts of the network lost each other; one event, not many. */
  | { kind: 'parted'; nicks: readonly string[]; reason: string }
  | { kind: 'rejoined'; occupants: readonly Occupant[] }
  | { kind: 'renamed'; from: string; to: string }
  | { kind: 'changed'; occupant: Occupant; by?: string }
  | { kind: 'subject'; subject: string; by?: string; at?: number }
  | { kind: 'message'; message: ForeignMessage }
  /** What was said before and the network kept, told on entering without having been asked for (`history`); oldest first. */
  | { kind: 'kept'; messages: readonly ForeignMessage[] }
  | { kind: 'typing'; nick: string; state: 'active' | 'paused' | 'done' }
  /** What the configuration form shows: names are the adapter's, see `RoomForm`. */
  | { kind: 'configured' }

/**
 * What one of our people's connections tells, in the order in which the network said it. `room` is a name as the network writes it.
 * Where the network repeats to its sender what he said, that is a message event like any other, under our own nick: it is the place of
 * the message in the room's order. Where it repeats nothing, there is none, and `say` alone tells.
 */
export type SessionEvents = {
  up(nick: string): void
  /** `retryAt`: milliseconds UTC; null: not before somebody asks. */
  down(fault: NetworkFault, retryAt: number | null): void
  /** The network changed our nick, asked or not. */
  nick(from: string, to: string): void
  room(room: string, event: RoomEvent): void
  /** We are no longer in it, whatever the reason. */
  out(room: string, how: 'left' | 'kicked' | 'banned' | 'offline', by?: string, reason?: string): void
  invited(room: string, by: string): void
  /** One to one. */
  message(message: ForeignMessage): void
  /** One to one, said by this person himself at another program with the same account there. */
  reflected(to: string, message: ForeignMessage): void
  typing(nick: string, state: 'active' | 'paused' | 'done'): void
  /** All up to then is read: this person said so at another program of his. Milliseconds UTC, by the network's clock. */
  read(target: Target, at: number): void
  presence(nick: string, presence: { online: boolean; away?: string }): void
  renamed(from: string, to: string): void
  /** What the network's own servers say to this person. `by`: somebody else, whose words they pass on. */
  said(text: string, kind: 'info' | 'error', by?: string): void
}

export const REASONS = [
  'password',
  'banned',
  'members-only',
  'full',
  'too-many',
  'no-such-room',
  'no-such-person',
  'nick-taken',
  'nick-invalid',
  'nick-reserved',
  'not-allowed',
  'not-there',
  'too-long',
  'unreadable',
  'unsupported',
  'down',
  'login',
  /** The network lets nobody in from here: a password it wants of everybody is wrong, or the place is not welcome. */
  'access',
  'protection',
  'timeout',
  'busy',
  'other',
] as const
export type Reason = (typeof REASONS)[number]

/**
 * What there is of it all the same. `parts`: so many of `of` parts of a text went; `body`: those, as the others read it. `unsure`: it was
 * handed over and not answered, so more of it may have gone, or go yet.
 */
export type Carried = { parts: number; of: number; body: string; ids: readonly (string | null)[]; unsure: boolean }

const NOTHING: Carried = { parts: 0, of: 1, body: '', ids: [], unsure: false }

/** What the network refused; `message` is in its words, which are asked about before anybody reads them. */
export class NetworkFault extends Error {
  readonly reason: Reason
  readonly carried: Carried
  /** Its words are ours, or were asked about. */
  readonly isReadable: boolean = false
  constructor(reason: Reason, message: string, carried: Partial<Carried> = {}) {
    super(message)
    this.reason = reason
    this.carried = { ...NOTHING, ...carried }
  }

  /** In words of ours, or in such as were asked about. */
  static readable(reason: Reason, message: string, carried: Partial<Carried> = {}): NetworkFault {
    return Object.assign(new NetworkFault(reason, message, carried), { isReadable: true })
  }

  /** With other words about what there is of it. */
  with(carried: Carried): NetworkFault {
    const { reason, message, isReadable } = this
    return Object.assign(new NetworkFault(reason, message, carried), { isReadable })
  }
}

export type Target = { room: string } | { person: string }

export type Outgoing = {
  body: string
  replyTo?: { id: string | null; nick: string; quote: string }
  corrects?: { id: string | null; before: string }
  reaction?: { to: string | null; emojis: readonly string[]; quote: string }
  /** `reason`: why it is taken back, where a moderator does. */
  retracts?: { id: string | null; reason?: string }
}

/**
 * `ids`: one for each part the text was cut into, null where the network gives none. `confirmed`: the network said it has it.
 * `body`: as the others read it, the parts joined by line breaks.
 */
export type Sent = { ids: readonly (string | null)[]; at: number | null; confirmed: boolean; body: string }

export type Listed = { room: string; people: number; subject: string }

/** Pieces of what the network shows of people, each of which has to fit; which case letters have says nothing. */
export type PersonWanted = { nick?: string; name?: string; host?: string }
/** `host`: user and place, as the network shows them. */
export type PersonFound = { nick: string; name?: string; host?: string }

/** Field by field what the owner's form shows (XEP-0045 §10.2). `name` is a muc#roomconfig_ name where there is one. */
export type RoomField = {
  name: string
  label: string
  type: 'boolean' | 'text-single' | 'text-private' | 'list-single'
  value: string
  options?: readonly string[]
}

/** XEP-0045 §4.2. `isSubjectFree`: everybody in it may set the subject. */
export type RoomKind = {
  isModerated: boolean
  isForMembers: boolean
  hasPassword: boolean
  isHidden: boolean
  isSubjectFree: boolean
}

/** How much of a room somebody wants to be told: many connections of ours see the same room. */
export type Attention = 'all' | 'messages'

/** One of our people on one network: one connection there, shared by all his clients. All reject with a NetworkFault. */
export type NetworkSession = AsyncDisposable & {
  readonly nick: string
  readonly isUp: boolean
  /** Resolves when the room said that we are in; `occupants` and `subject` were told before. */
  enter(room: string, options: { password?: string; attend?: Attention }): Promise<void>
  /**
   * Where it is there, `resync` is never called: 'all' asks for the whole list of occupants, and tells of them from then on; with
   * 'messages' only messages, being out and the own nick are told, and `enter` tells neither occupants nor subject.
   */
  attend?(room: string, what: Attention): void
  leave(room: string, text: string): Promise<void>
  /** Asks for the whole list of occupants anew; `occupants` follows, in its place among the other events. */
  resync(room: string): void
  /**
   * Resolves when the network has it (`confirmed`), or when it was written where the network never says. In the order of the calls. A text
   * goes in parts; what does not fit whole where it waits is refused whole. `cut`: told how many, before the first of them goes.
   */
  say(target: Target, message: Outgoing, cut?: (parts: number) => void): Promise<Sent>
  typing(target: Target, state: 'active' | 'paused' | 'done'): void
  /** The network says of everybody who speaks whether he is logged in. */
  readonly tellsAccounts?: boolean
  /** The network keeps how far somebody has read, for his own programs. */
  readonly keepsRead?: boolean
  /** All up to then is read; `at` as a message had it. */
  markRead?(target: Target, at: number): void
  /**
   * What people of this network type as an order to their program, such as words behind a slash. Resolves with what is to be shown to who gave
   * it, a line each. Null: these are words to be said.
   */
  order?(room: string, text: string): Promise<readonly string[]> | null
  rename(nick: string): Promise<void>
  subject(room: string, subject: string): Promise<void>
  role(room: string, nick: string, role: Role | 'none', reason: string): Promise<void>
  affiliation(room: string, who: string, affiliation: Affiliation, reason: string): Promise<void>
  /** Those with this affiliation whom the network lists (bans are masks). */
  affiliated(room: string, affiliation: Affiliation): Promise<readonly { who: string; by?: string; at?: number }[]>
  invite(room: string, nick: string): Promise<void>
  configuration(room: string): Promise<readonly RoomField[]>
  /** As far as the network has said so; null: not yet. Asks nothing. */
  kind?(room: string): RoomKind | null
  configure(room: string, values: Readonly<Record<string, string>>): Promise<void>
  list(signal: AbortSignal): AsyncIterable<Listed>
  /** At most `most` of those whom the network shows. */
  search?(wanted: PersonWanted, most: number): Promise<readonly PersonFound[]>
  /** Null: back. */
  away(text: string | null): void
  watch(nick: string): void
  unwatch(nick: string): void
  about(
    nick: string,
  ): Promise<Occupant & { server?: string; idleSeconds?: number; signedOnAt?: number; rooms?: readonly string[] }>
  /** What the network kept of a room, newest last; null: this network keeps nothing. */
  history(room: string, before: number | null, most: number): Promise<readonly ForeignMessage[]> | null
  /** A line in the network's own language; for operators. */
  raw(line: string): Promise<readonly string[]>
}

/** How somebody of ours logs in. */
export type Login = {
  nick: string
  account?: string
  secret?: string
  certificate?: { key: string; cert: string }
  name?: string
  afterwards?: readonly string[]
}

/** The kind of network, and the networks that may be reached. */
export type Network = {
  /** XEP-0100: of the disco identity `gateway/TYPE`. */
  readonly type: string
  /** The network that a name without one means, or null. */
  readonly only: string | null
  /** Why this network may not be used; null: it may. */
  refuses(network: string): string | null
  isRoom(name: string): boolean
  /** For comparing names of rooms and people there. */
  key(network: string, name: string): string
  /** Why this cannot be a name there; null: it can. */
  wrongNick(network: string, nick: string): string | null
  /** Nothing more is read from the network until the function given is called: what comes in cannot be kept as fast. */
  hold?(): () => void
  /** Its people can be searched for. */
  readonly searches?: boolean
  /** Connects in its own time and comes back by itself; what happens is told to `events`. */
  open(network: string, owner: string, login: Login, events: SessionEvents): NetworkSession
}
