// SPDX-License-Identifier: Apache-2.0
// What a connection tells, in the words of rooms and people.
import type { ForeignMessage, Occupant, RoomEvent, SessionEvents } from '../../kit/transport/network.ts'
import type { IrcChannel, IrcConnection, IrcEvents, IrcMember, IrcMessage, IrcUser } from '../network/irc.ts'
import { toStyled } from '../network/wire/formatting.ts'
import { networkFault } from './fault.ts'
import { occupantOf } from './ranks.ts'
import { Recent } from './recent.ts'

const MOST_REACTED = 1_000
/** In a channel with more members nobody is asked for accounts and hosts, which would be as many lines. */
const WHO_MOST = 300

export type Counted = 'message' | 'netsplit' | 'reconnected'

export type Told = SessionEvents & {
  /** Something came or went: what idle people are measured by, and metrics. */
  counted(what: Counted): void
}

/** `connection` is given when it is there: events come later than its making. */
export function openTelling(connection: () => IrcConnection, events: Told): IrcEvents {
  /** Channels of which a subject was told since they were entered. */
  const subjects = new Set<string>()
  /** Emojis by channel, message and nick. */
  const reacted = new Recent<readonly string[]>(MOST_REACTED)
  let wasUp = false

  const room = (channel: string, event: RoomEvent) => events.room(channel, event)
  const key = (name: string) => connection().key(name)
  const isModerated = (channel: IrcChannel) => channel.modes.has('m')
  const occupant = (channel: IrcChannel, member: IrcMember): Occupant =>
    occupantOf(member, connection().facts.ranks, isModerated(channel))
  const everybody = (channel: IrcChannel): RoomEvent => {
    const { ranks } = connection().facts
    const moderated = isModerated(channel)
    const occupants: Occupant[] = []
    for (const member of channel.members()) occupants.push(occupantOf(member, ranks, moderated))
    return { kind: 'occupants', occupants }
  }
  /** No server tells the flags of a channel by itself to who enters it. */
  const modesOf = async ({ name }: IrcChannel) => {
    await connection().modes(name, 'low')
    const channel = connection().channel(name)
    // Those without a rank may not speak then, and were told of as if they might.
    if (channel?.attention === 'all' && channel.complete && isModerated(channel)) room(name, everybody(channel))
  }
  const subject = (channel: IrcChannel | string, text: string, by: string | null, at: number | null) => {
    const name = typeof channel === 'string' ? channel : channel.name
    subjects.add(key(name))
    room(name, {
      kind: 'subject',
      subject: toStyled(text),
      ...(by === null ? {} : { by }),
      ...(at === null ? {} : { at }),
    })
  }

  return {
    up(nick) {
      subjects.clear()
      if (wasUp) events.counted('reconnected')
      wasUp = true
      events.up(nick)
    },
    down: (fault, retryAt) => events.down(networkFault(fault), retryAt),
    nick: (from, to) => events.nick(from, to),
    entered(channel) {
      subjects.delete(key(channel))
    },
    listing: (channel, members) =>
      room(channel.name, { kind: 'listing', occupants: members.map((member) => occupant(channel, member)) }),
    names(channel) {
      room(channel.name, everybody(channel))
      if (!subjects.has(key(channel.name))) {
        const { text = '', by = null, at = null } = channel.topic ?? {}
        subject(channel, text, by, at)
      }
      if (channel.attention !== 'all') return
      void modesOf(channel).catch(ignore)
      if (channel.size <= WHO_MOST) void connection().who(channel.name).catch(ignore)
    },
    join: (channel, member) => room(channel.name, { kind: 'joined', occupant: occupant(channel, member) }),
    part: (channel, nick, reason) => room(channel.name, { kind: 'left', nick, how: 'left', ...said(reason) }),
    kick: (channel, nick, by, reason, banned) =>
      room(channel.name, {
        kind: 'left',
        nick,
        how: banned ? 'banned' : 'kicked',
        by,
        ...said(reason),
      }),
    quit(user, reason, channels) {
      for (const { name } of channels) room(name, { kind: 'left', nick: user.nick, how: 'offline', ...said(reason) })
    },
    netsplit(channel, nicks, servers) {
      events.counted('netsplit')
      room(channel.name, { kind: 'parted', nicks, reason: servers })
    },
    netjoin: (channel, members) =>
      room(channel.name, { kind: 'rejoined', occupants: members.map((member) => occupant(channel, member)) }),
    renamed(from, to, channels) {
      for (const { name } of channels) room(name, { kind: 'renamed', from, to })
      events.renamed(from, to)
    },
    changed(user, channels) {
      for (const channel of channels) {
        const member = channel.member(user.nick)
        if (member !== null) room(channel.name, { kind: 'changed', occupant: occupant(channel, member) })
      }
    },
    ranked: (channel, member, by) => room(channel.name, { kind: 'changed', occupant: occupant(channel, member), by }),
    mode(channel, changes) {
      const { facts } = connection()
      const isFlag = (letter: string) =>
        !facts.modes.list.includes(letter) && !facts.ranks.some((one) => one.letter === letter)
      if (!changes.some(({ letter }) => isFlag(letter))) return
      // Whether those without a rank may speak is their role.
      if (changes.some(({ letter }) => letter === 'm') && channel.attention === 'all' && channel.complete)
        room(channel.name, everybody(channel))
      room(channel.name, { kind: 'configured' })
    },
    topic(channel, text, by, at) {
      // What comes before the list of members is told behind it.
      if (channel.complete) subject(channel, text, by, at)
    },
    kept: (channel, messages) => room(channel, { kind: 'kept', messages: messages.map(foreign) }),
    message(message) {
      if (message.historic) {
        // Of a channel it is told as what was kept.
        if (message.isChannel || message.from.isServer) return
        const kept: ForeignMessage = { ...foreign(message), kept: true }
        if (message.own) events.reflected(message.target, kept)
        else events.message(kept)
        return
      }
      events.counted('message')
      if (message.isChannel) {
        room(message.target, { kind: 'message', message: foreign(message) })
        return
      }
      // What somebody says one to one comes back to him as a confirmation, unless he said it elsewhere.
      if (message.own) {
        if (message.elsewhere) events.reflected(message.target, foreign(message))
        return
      }
      if (message.from.isServer) events.said(toStyled(message.text), 'info')
      else events.message(foreign(message))
    },
    reaction(reaction) {
      if (reaction.historic) return
      const place = `${key(reaction.isChannel ? reaction.target : reaction.from.nick)} ${key(reaction.from.nick)} ${reaction.to}`
      const before = reacted.get(place) ?? []
      const emojis = reaction.removed
        ? before.filter((one) => one !== reaction.text)
        : [...before.filter((one) => one !== reaction.text), reaction.text].slice(-20)
      reacted.set(place, emojis)
      const message: ForeignMessage = {
        id: reaction.id,
        at: reaction.at,
        body: '',
        ...whoOf(reaction.from, reaction.account),
        reaction: { to: reaction.to, emojis },
      }
      if (reaction.isChannel) room(reaction.target, { kind: 'message', message })
      else if (!reaction.own) events.message(message)
    },
    redacted(target, id, by, reason) {
      const message: ForeignMessage = {
        id: null,
        at: null,
        body: '',
        nick: by,
        retracts: id,
        ...(reason === '' ? {} : { moderated: { by, reason } }),
      }
      if (connection().isChannel(target)) room(target, { kind: 'message', message })
      else events.message(message)
    },
    typing(target, nick, state) {
      if (connection().isChannel(target)) room(target, { kind: 'typing', nick, state })
      else events.typing(nick, state)
    },
    out(channel, how, by, reason) {
      subjects.delete(key(channel))
      subjects.delete(key(channel))
      events.out(channel, OUT[how], by ?? undefined, reason === '' ? undefined : reason)
    },
    read: (target, at) => events.read(connection().isChannel(target) ? { room: target } : { person: target }, at),
    invited: (channel, by) => events.invited(channel, by),
    inviting() {
      // Nothing in a room shows it (XEP-0045 tells only who is invited).
    },
    presence: (nick, { online, away }) => events.presence(nick, { online, ...(away === undefined ? {} : { away }) }),
    said: (text, kind, _, by) => events.said(toStyled(text), kind === 'info' ? 'info' : 'error', by),
  }
}

const OUT = { part: 'left', kick: 'kicked', banned: 'banned' } as const

/** A message of somebody, in a room or to us. */
export function foreign(message: IrcMessage): ForeignMessage {
  const text = toStyled(message.text)
  return {
    id: message.id,
    at: message.at,
    body: message.kind === 'action' ? `/me ${text}` : text,
    ...whoOf(message.from, message.account),
    ...(message.kind === 'notice' ? { notice: true } : {}),
    ...(message.status === '' ? {} : { narrow: true }),
    ...(message.elsewhere ? { elsewhere: true } : {}),
    ...(message.replyTo === undefined ? {} : { replyTo: message.replyTo }),
  }
}

function whoOf(
  { nick, user, host, account }: IrcUser,
  tagged: string | undefined,
): Pick<ForeignMessage, 'nick' | 'account' | 'identity'> {
  const known = tagged ?? account
  return {
    nick,
    ...(known === undefined ? {} : { account: known }),
    ...(user === undefined || host === undefined ? {} : { identity: `${nick}!${user}@${host}` }),
  }
}

function said(reason: string): { reason?: string } {
  return reason === '' ? {} : { reason: toStyled(reason) }
}

/** What could not be asked is not known; the connection has told why. */
function ignore(): void {}
