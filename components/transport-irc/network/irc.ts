// SPDX-License-Identifier: Apache-2.0
// What a connection to an IRC network is asked, and what it tells. Channels and nicks are written as the server writes them and are
// compared by `key`. Texts are raw: formatting codes inside, CTCP taken apart.

import type { ModeChange } from './wire/modes.ts'

/** `sts`: the clear connection serves only to learn of TLS (IRCv3 STS); without a policy it is given up. `plain` honours one too. */
export type IrcServer = {
  host: string
  port: number
  tls: 'tls' | 'sts' | 'plain'
  /** SHA-256 of the certificate or of its public key (SPKI), hex or base64: one of them must fit, and no authority is asked. */
  pins?: readonly string[]
}

export type SaslMechanism = 'SCRAM-SHA-256' | 'PLAIN' | 'EXTERNAL'

export type IrcSasl = {
  account: string
  secret?: string
  /**
   * In this order, as far as the server offers them. Default: EXTERNAL with a certificate, SCRAM-SHA-256, and PLAIN over TLS alone and not where
   * SCRAM was seen before. PLAIN hands the password over: who names it here lets it be said, in clear text too.
   */
  mechanisms?: readonly SaslMechanism[]
  /** Whether this network has let somebody in by SCRAM: it is not tried with less from then on. */
  scram?: { wasSeen(): boolean; isSeen(): void }
  /** No way on without it. */
  required: boolean
}

/** Tokens: `burst` at most at once, `perSecond` come anew. A line costs one, and one more for each 512 bytes. */
export type FloodControl = { burst: number; perSecond: number }

/** IRCv3 STS: where TLS is at home; `until` in milliseconds UTC. */
export type StsPolicy = { port: number; until: number }
export type StsStore = { read(host: string): StsPolicy | null; write(host: string, policy: StsPolicy | null): void }

export type IrcSettings = {
  /** Tried in turn. TLS and `plain` are never mixed: that would be a fall-back to clear text. */
  servers: readonly IrcServer[]
  nick: string
  user: string
  realname: string
  password?: string
  sasl?: IrcSasl
  /** PEM; for EXTERNAL and CertFP. */
  certificate?: { key: string; cert: string }
  /** PEM; instead of the authorities of the system. */
  ca?: string
  /** A label of the WHATWG encoding standard; default utf-8. What is no UTF-8 is then read as `fallback` (default windows-1252). */
  encoding?: string
  fallback?: string
  webirc?: { password: string; gateway: string; host: string; address: string; secure?: boolean }
  localAddress?: string
  /** Default: a burst of 10, one a second. */
  flood?: FloodControl
  /** Lines sent after login, before channels are joined, such as a log-in at services. */
  afterwards?: readonly string[]
  /** Channels that were joined are joined again after a loss; default true. */
  rejoin?: boolean
  sts?: StsStore
  /** What CTCP VERSION is answered with; absent: not answered. */
  version?: string
  limits?: Partial<IrcLimits>
}

/** Of a connection that is there. */
export type Ends = { localAddress: string; localPort: number; remoteAddress: string; remotePort: number; tls: boolean }

/** Bounds of time in milliseconds, of rows in number. */
export type IrcLimits = {
  connectMs: number
  registerMs: number
  /** Nothing heard for so long: PING; nothing for `pongMs` more: lost. */
  idleMs: number
  pongMs: number
  /** An answer from when its question was written. */
  answerMs: number
  backoff: { firstMs: number; mostMs: number }
  /** Lines that wait to be written. */
  queue: number
  /** Questions without an answer. */
  asked: number
  /** Members of one channel that are kept; more are not told one by one. */
  members: number
  /** Bytes read in a second; more waits at the server. */
  bytesPerSecond: number
  /** How often somebody watched is asked about where there is no MONITOR. */
  pollMs: number
}

export type IrcReason =
  | 'password'
  | 'banned'
  | 'members-only'
  | 'full'
  | 'too-many'
  | 'no-such-room'
  | 'no-such-person'
  | 'nick-taken'
  | 'nick-invalid'
  | 'nick-reserved'
  | 'not-allowed'
  | 'not-there'
  | 'too-long'
  | 'unreadable'
  | 'unsupported'
  | 'down'
  | 'login'
  | 'access'
  | 'protection'
  | 'timeout'
  | 'busy'
  | 'other'

/** A refusal in the server's words. `code`: a numeric, the code of a FAIL, or the reason where we say it ourselves. */
export class IrcFault extends Error {
  readonly reason: IrcReason
  readonly code: string
  /** It was written and not answered: perhaps it was carried out, or will be. */
  readonly unsure: boolean
  /** What went of a text that was cut, of so many parts. */
  went: { ids: readonly (string | null)[]; parts: readonly string[]; of: number } | null = null
  /** Its words are the server's, not ours. */
  isSaid = false
  constructor(reason: IrcReason, message: string, code: string = reason, unsure = false) {
    super(message)
    this.reason = reason
    this.code = code
    this.unsure = unsure
  }

  /** In the words of the server. */
  static said(reason: IrcReason, message: string, code: string, unsure = false): IrcFault {
    const fault = new IrcFault(reason, message, code, unsure)
    fault.isSaid = true
    return fault
  }
}

export type IrcUser = {
  readonly nick: string
  readonly user?: string
  readonly host?: string
  /** Absent: not logged in, or not told. */
  readonly account?: string
  readonly realname?: string
  /** Absent: there. */
  readonly away?: string
}

export type PersonWanted = { nick?: string; name?: string; host?: string }

/** `prefixes`: signs such as `@+`, highest first. */
export type IrcMember = IrcUser & { readonly prefixes: string }

/** `all`: members are kept and every event told. `messages`: messages, and what befalls ourselves; anything else costs next to nothing. */
export type Attention = 'all' | 'messages'

export type IrcChannel = {
  readonly name: string
  readonly attention: Attention
  /** The list is whole: NAMES has ended. */
  readonly complete: boolean
  readonly size: number
  members(): Iterable<IrcMember>
  member(nick: string): IrcMember | null
  /** Null: none, or not told yet. */
  readonly topic: { text: string; by?: string; at?: number } | null
  /** Flags and their parameter ('' where there is none), without lists and ranks. */
  readonly modes: ReadonlyMap<string, string>
  /** The server was asked for them and has told. */
  readonly knowsModes: boolean
  readonly createdAt: number | null
}

export type IrcMessage = {
  kind: 'privmsg' | 'notice' | 'action'
  /** Somebody, or a server (`isServer`). */
  from: IrcUser & { isServer: boolean }
  /** Our own: an echo, or said at another client of the same account. */
  own: boolean
  /** Our own, and said by no `say` of ours: by another client of the same account, behind a bouncer or a server that lets several in. */
  elsewhere: boolean
  /** Label of our line, where the echo bears it. */
  label: string | null
  /** The channel without its status prefix, or the nick it went to. */
  target: string
  isChannel: boolean
  /** Such as `@`: only those with this rank or above can read it. */
  status: string
  /** Lines of a multi-line message are parted by \n. */
  text: string
  id: string | null
  /** Milliseconds UTC, by the server's clock. */
  at: number | null
  account?: string
  /** Id of the message that this one answers. */
  replyTo?: string
  /** Part of what the server kept, not said now. */
  historic: boolean
  tags: ReadonlyMap<string, string>
}

export type IrcReaction = Omit<IrcMessage, 'elsewhere' | 'kind' | 'text' | 'replyTo'> & {
  to: string
  text: string
  removed: boolean
}

export type IrcEvents = {
  /** Registered: capabilities, limits and nick are known. Channels that are joined again follow. */
  up(nick: string): void
  /** `retryAt`: milliseconds UTC; null: not before `connect()`. */
  down(fault: IrcFault, retryAt: number | null): void
  /** Our own; `renamed` is told as well. */
  nick(from: string, to: string): void
  /** We are in; the list of members may follow. */
  entered(channel: string): void
  /** Members that the list named while it is not whole yet; not all of them, and each once. `names` follows, with those as well. */
  listing(channel: IrcChannel, members: readonly IrcMember[]): void
  /** The list of members is whole: after entering, after `names`, after `attend(channel, 'all')`. */
  names(channel: IrcChannel): void
  join(channel: IrcChannel, member: IrcMember): void
  part(channel: IrcChannel, nick: string, reason: string): void
  /** `banned`: a ban that fits was set just before. */
  kick(channel: IrcChannel, nick: string, by: string, reason: string, banned: boolean): void
  /** `channels`: those with attention `all` that the person was in; likewise below. */
  quit(user: IrcUser, reason: string, channels: readonly IrcChannel[]): void
  netsplit(channel: IrcChannel, nicks: readonly string[], servers: string): void
  netjoin(channel: IrcChannel, members: readonly IrcMember[]): void
  renamed(from: string, to: string, channels: readonly IrcChannel[]): void
  /** Away, account, host, name: one of them is new. */
  changed(user: IrcUser, channels: readonly IrcChannel[]): void
  /** Ranks of a member after MODE. */
  ranked(channel: IrcChannel, member: IrcMember, by: string): void
  mode(channel: IrcChannel, changes: readonly ModeChange[], by: string): void
  topic(channel: IrcChannel, text: string, by: string | null, at: number | null): void
  message(message: IrcMessage): void
  /** What the server kept of a channel, told without having been asked for (a batch on entering); oldest first. */
  kept(channel: string, messages: readonly IrcMessage[]): void
  reaction(reaction: IrcReaction): void
  redacted(target: string, id: string, by: string, reason: string): void
  /** `target` is a channel or ourselves. */
  typing(target: string, nick: string, state: 'active' | 'paused' | 'done'): void
  /** All up to then is read: said at another client of the same account (draft/read-marker). */
  read(target: string, at: number): void
  /** We are no longer in; `banned` where that is known. After a loss of the connection only `down` is told. */
  out(channel: string, how: 'part' | 'kick' | 'banned', by: string | null, reason: string): void
  invited(channel: string, by: string): void
  /** invite-notify: somebody else was. */
  inviting(channel: IrcChannel, nick: string, by: string): void
  /** Of somebody watched. */
  presence(nick: string, presence: { online: boolean; away?: string; account?: string }): void
  /** What servers say to us and nothing above took: notices, standard replies, numerics. `by`: somebody whose words they pass on. */
  said(text: string, kind: 'info' | 'warning' | 'error', code: string, by?: string): void
}

/** `by`: how it was confirmed. A fence is a PING behind the line, whose answer shows that the line was read and not refused. */
export type Spoken = {
  ids: readonly (string | null)[]
  at: number | null
  by: 'echo' | 'label' | 'fence'
  parts: readonly string[]
}

export type SayOptions = {
  kind?: 'privmsg' | 'notice' | 'action'
  /** Status prefix such as `@`. */
  status?: string
  replyTo?: string
  /** Client-only tags (`+…`); left out where the server takes none. */
  tags?: Readonly<Record<string, string>>
  /** Told into how many parts the text was cut, before the first of them goes. */
  cut?: (parts: number) => void
}

export type Whois = IrcUser & {
  server?: string
  idleSeconds?: number
  signedOnAt?: number
  channels?: readonly string[]
  operator?: boolean
  secure?: boolean
}

/** What the services of a network said about an account that somebody wants. `text` is in their words. */
export type SignedUp = { account: string; wantsCode: boolean; text: string }

export type ListedChannel = { name: string; people: number; topic: string }
export type MaskEntry = { mask: string; by?: string; at?: number }

/** What the server said of itself. */
export type IrcFacts = {
  readonly caps: ReadonlySet<string>
  /** Every token of ISUPPORT, values unescaped. */
  readonly isupport: ReadonlyMap<string, string>
  readonly network: string | null
  readonly nickLength: number
  readonly channelTypes: string
  /** Letters and signs of ranks, highest first. */
  readonly ranks: readonly { letter: string; sign: string }[]
  readonly statusSigns: string
  readonly modes: { list: string; always: string; onSet: string; flag: string }
  readonly lineLength: number
  readonly topicLength: number
  readonly monitor: boolean
}

/**
 * One connection to one network, which comes back by itself. Commands are carried out in the order of the calls and reject with an
 * `IrcFault`; while it is down all of them reject with `down`.
 */
export type IrcConnection = AsyncDisposable & {
  readonly isUp: boolean
  readonly nick: string
  /** Of ourselves, as far as the server told. */
  readonly self: IrcUser
  readonly facts: IrcFacts
  /** Local address and port of both ends, while connected: for identd and records. */
  readonly ends: Ends | null
  key(name: string): string
  isChannel(name: string): boolean
  channel(name: string): IrcChannel | null
  channels(): Iterable<IrcChannel>
  /** Somebody known from a channel with attention `all`. */
  user(nick: string): IrcUser | null
  /** Tries at once, if it waits or has given up. */
  connect(): void
  /** Other settings, from the next connection on; while there is none, that is tried at once. Throws as `openIrcConnection` does. */
  settle(settings: IrcSettings): void
  /** Resolves when the list of names has ended (with attention `messages`: when we are in); `entered`, `topic`, `names` came before. */
  join(channel: string, options?: { key?: string; attention?: Attention }): Promise<void>
  attend(channel: string, attention: Attention): void
  part(channel: string, text?: string): Promise<void>
  /** Asks for the members anew; `names` follows. */
  names(channel: string): Promise<void>
  /** WHO (WHOX where offered): accounts, hosts, away of all members; `changed` for each difference. */
  who(channel: string): Promise<void>
  say(target: string, text: string, options?: SayOptions): Promise<Spoken>
  /** A message of tags only; does nothing where the server takes none (false). Not confirmed. */
  tag(target: string, tags: Readonly<Record<string, string>>): boolean
  typing(target: string, state: 'active' | 'paused' | 'done'): boolean
  /** False: the server takes none. */
  /** How far we have read (draft/read-marker). False: the server keeps no such. */
  markRead(target: string, at: number): boolean
  react(target: string, to: string, text: string, remove?: boolean): Promise<boolean>
  redact(target: string, id: string, reason?: string): Promise<void>
  setNick(nick: string): Promise<void>
  topic(channel: string, text: string): Promise<void>
  /** `mode('#c', '+o-v', 'a', 'b')`; as many lines as the server needs. */
  mode(target: string, changes: string, ...parameters: string[]): Promise<void>
  /** Flags of the channel, asked for; `low`: when nothing else waits to be said. */
  modes(channel: string, priority?: 'low'): Promise<ReadonlyMap<string, string>>
  /** Entries of a list mode such as b, e, I, q. */
  masks(channel: string, letter: string): Promise<readonly MaskEntry[]>
  kick(channel: string, nick: string, reason?: string): Promise<void>
  invite(channel: string, nick: string): Promise<void>
  whois(nick: string): Promise<Whois>
  /** One list at a time; `mask` as the server understands it. */
  list(signal: AbortSignal, mask?: string): AsyncIterable<ListedChannel>
  /** Null: back. */
  away(text: string | null): Promise<void>
  watch(nick: string): void
  unwatch(nick: string): void
  /** Oldest first; `before` in milliseconds UTC, null: the newest. Null: the server keeps none. */
  history(target: string, before: number | null, most: number): Promise<readonly IrcMessage[]> | null
  /** People whom the server shows, with all that is wanted somewhere in it. */
  search(wanted: PersonWanted, most: number): Promise<readonly IrcUser[]>
  /** A line as it is; gives the lines it was answered with. */
  raw(line: string): Promise<readonly string[]>
  /** An account with the services (draft/account-registration); with `wantsCode` it is only there after `confirm`. */
  signUp(account: string, email: string | null, password: string): Promise<SignedUp>
  confirm(account: string, code: string): Promise<SignedUp>
  /** Nothing more is read until the function given is called: back-pressure. */
  hold(): () => void
  /** Counts since the start: lines in and out, what was over a bound. */
  readonly counts: Readonly<{
    linesIn: number
    linesOut: number
    skipped: number
    overlong: number
    malformed: number
    connects: number
  }>
  /** QUIT; nothing is told afterwards. */
  quit(text?: string): Promise<void>
}
