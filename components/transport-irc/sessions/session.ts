// SPDX-License-Identifier: Apache-2.0
// One of our people on one network.
import type { Affiliation, NetworkSession, Role } from '../../kit/transport/network.ts'
import { NetworkFault } from '../../kit/transport/network.ts'
import type { IrcChannel, IrcConnection } from '../network/irc.ts'
import { fromStyled, toStyled, withoutCodes } from '../network/wire/formatting.ts'
import { faultOf, orFault } from './fault.ts'
import { fieldsOf, kindOf, modesOf } from './form.ts'
import { isMask } from './masks.ts'
import { obeyMode, readModeOrder } from './mode-order.ts'
import { changesToAffiliation, changesToRole, occupantOf, standingOf } from './ranks.ts'
import { openSaying, type SayingWords } from './saying.ts'
import { foreign } from './telling.ts'

export type SessionOptions = {
  connection: IrcConnection
  words: SayingWords & { label(id: string): string }
  /** Why this channel may not be entered; null: it may. */
  refuses(channel: string): string | null
  most: { rooms: number }
  /** As a connection knows it that keeps its members: this one, or that of somebody else of ours; null: none does. */
  known(channel: string): IrcChannel | null
  /** Whenever the person does something there. */
  active(): void
  ended(): void
}

export function openSession({
  connection,
  words,
  refuses,
  most,
  known,
  active,
  ended,
}: SessionOptions): NetworkSession {
  const speak = openSaying(connection, words)
  const prefixesOf = (room: string, nick: string) => known(room)?.member(nick)?.prefixes ?? ''
  const isModerated = (room: string) => known(room)?.modes.has('m') ?? false
  const isIn = (room: string, nick: string) => known(room)?.member(nick) != null
  let isOver = false

  return {
    get nick() {
      return connection.nick
    },
    get isUp() {
      return connection.isUp
    },
    async enter(room, { password, attend }) {
      active()
      const why = refuses(room)
      if (why !== null) throw NetworkFault.readable('not-allowed', why)
      const held = [...connection.channels()]
      if (held.length >= most.rooms && connection.channel(room) === null)
        throw NetworkFault.readable('too-many', String(most.rooms))
      await orFault(
        connection.join(room, {
          ...(password === undefined ? {} : { key: password }),
          ...(attend === undefined ? {} : { attention: attend }),
        }),
      )
    },
    attend: (room, what) => connection.attend(room, what),
    leave: (room, text) => orFault(connection.part(room, text)),
    resync(room) {
      // When it is down everything is told anew once it is up.
      connection.names(room).catch(heeded)
    },
    say(target, message, cut) {
      active()
      return orFault(speak(target, message, cut))
    },
    typing: (target, state) => void connection.typing('room' in target ? target.room : target.person, state),
    get tellsAccounts() {
      return connection.facts.caps.has('account-tag')
    },
    get keepsRead() {
      return connection.facts.caps.has('draft/read-marker')
    },
    markRead: (target, at) => void connection.markRead('room' in target ? target.room : target.person, at),
    order(room, text) {
      const said = readModeOrder(text)
      if (said === null) return null
      active()
      return orFault(obeyMode(connection, room, said))
    },
    rename: (nick) => orFault(connection.setNick(nick)),
    subject: (room, subject) => orFault(connection.topic(room, fromStyled(subject.replace(/\s*\n\s*/g, ' ')))),
    role: (room, nick, role, reason) => orFault(setRole(room, nick, role, reason)),
    affiliation: (room, who, affiliation, reason) => orFault(setAffiliation(room, who, affiliation, reason)),
    affiliated: (room, affiliation) => orFault(affiliated(room, affiliation)),
    invite: (room, nick) => orFault(connection.invite(room, nick)),
    configuration: async (room) => fieldsOf(await orFault(connection.modes(room)), connection.facts, words.label),
    kind(room) {
      const channel = known(room)
      return channel?.knowsModes === true ? kindOf(channel.modes) : null
    },
    async configure(room, values) {
      const modes = await orFault(connection.modes(room))
      const { changes, parameters } = modesOf(values, modes, connection.facts)
      if (changes !== '') await orFault(connection.mode(room, changes, ...parameters))
    },
    async *list(signal) {
      try {
        for await (const { name, people, topic } of connection.list(signal))
          yield { room: name, people, subject: toStyled(topic) }
      } catch (error) {
        if (signal.aborted) throw error
        throw faultOf(error)
      }
    },
    async search(wanted, most) {
      const found = await orFault(connection.search(wanted, most))
      return found.map(({ nick, user = '', host = '', realname = '' }) => ({
        nick,
        name: withoutCodes(realname),
        host: `${user}@${host}`,
      }))
    },
    away(text) {
      connection.away(text).catch(heeded)
    },
    watch: (nick) => connection.watch(nick),
    unwatch: (nick) => connection.unwatch(nick),
    async about(nick) {
      const { server, idleSeconds, signedOnAt, channels, ...person } = await orFault(connection.whois(nick))
      return {
        ...occupantOf({ ...person, prefixes: '' }, connection.facts.ranks, false),
        ...(person.realname === undefined ? {} : { name: withoutCodes(person.realname) }),
        ...(server === undefined ? {} : { server }),
        ...(idleSeconds === undefined ? {} : { idleSeconds }),
        ...(signedOnAt === undefined ? {} : { signedOnAt }),
        ...(channels === undefined ? {} : { rooms: channels.map(bareChannel) }),
      }
    },
    history(room, before, count) {
      const kept = connection.history(room, before, count)
      return kept === null ? null : orFault(kept).then((messages) => messages.map(foreign))
    },
    raw: (line) => orFault(connection.raw(line)),
    async [Symbol.asyncDispose]() {
      if (isOver) return
      isOver = true
      try {
        await connection.quit()
      } finally {
        await connection[Symbol.asyncDispose]()
        ended()
      }
    },
  }

  /** The signs that may stand before a channel in WHOIS. */
  function bareChannel(name: string): string {
    let at = 0
    while (at < name.length - 1 && !connection.isChannel(name.slice(at))) at++
    return name.slice(at).replace(/^[@%+~&!]+(?=[#&])/, '')
  }

  async function setRole(room: string, nick: string, role: Role | 'none', reason: string): Promise<void> {
    if (role === 'none') return connection.kick(room, nick, reason)
    const changes = changesToRole(role, prefixesOf(room, nick), connection.facts.ranks, isModerated(room))
    if (changes === null) throw NetworkFault.readable('unsupported', role)
    await change(room, nick, changes)
  }

  async function setAffiliation(room: string, who: string, affiliation: Affiliation, reason: string): Promise<void> {
    if (affiliation === 'outcast') {
      await connection.mode(room, '+b', maskOf(room, who))
      if (!isMask(who) && isIn(room, who)) await connection.kick(room, who, reason)
      return
    }
    const listed = await bansOf(room, who, affiliation === 'none')
    if (listed.length > 0) {
      await connection.mode(room, `-${'b'.repeat(listed.length)}`, ...listed)
      if (affiliation === 'none') return
    }
    if (isMask(who)) throw NetworkFault.readable('no-such-person', who)
    const changes = changesToAffiliation(affiliation, prefixesOf(room, who), connection.facts.ranks)
    await change(room, who, changes)
  }

  /** Entries of the list of bans that mean this person or are this mask. */
  async function bansOf(room: string, who: string, isAsked: boolean): Promise<string[]> {
    if (!isAsked) return []
    if (!isMask(who) && isIn(room, who) && prefixesOf(room, who) !== '') return []
    const wanted = new Set([who, maskOf(room, who)].map((one) => connection.key(one)))
    const masks = await connection.masks(room, 'b')
    return masks.map(({ mask }) => mask).filter((mask) => wanted.has(connection.key(mask)))
  }

  /** Whoever comes from there, where that is known: a nick is changed in a moment. */
  function maskOf(room: string, who: string): string {
    if (isMask(who)) return who
    const user = known(room)?.member(who) ?? connection.user(who)
    return user?.host === undefined || user.user === undefined ? `${who}!*@*` : `*!${user.user}@${user.host}`
  }

  async function change(room: string, nick: string, changes: readonly string[]): Promise<void> {
    if (changes.length === 0) return
    await connection.mode(room, changes.join(''), ...changes.map(() => nick))
  }

  async function affiliated(room: string, affiliation: Affiliation) {
    if (affiliation === 'outcast') {
      const masks = await connection.masks(room, 'b')
      return masks.map(({ mask, by, at }) => ({
        who: mask,
        ...(by === undefined ? {} : { by }),
        ...(at === undefined ? {} : { at }),
      }))
    }
    if (affiliation === 'none') return []
    const members = known(room)?.members() ?? []
    return [...members]
      .filter(({ prefixes }) => standingOf(prefixes, connection.facts.ranks, false).affiliation === affiliation)
      .map(({ nick }) => ({ who: nick }))
  }
}

/** What was refused or lost, where nobody waits for it; anything else is a fault of ours. */
function heeded(error: unknown): void {
  faultOf(error)
}
