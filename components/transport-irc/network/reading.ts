// SPDX-License-Identifier: Apache-2.0
// Lines of a server that is up, each into what is known and what is told.
import { type Channel, kept, type User, userOf } from './channels.ts'
import type { IrcMember } from './irc.ts'
import { type Context, tellMessage, tellRedacted, tellTags } from './messages.ts'
import { readRefusal } from './replies.ts'
import type { Session } from './session.ts'
import { isSplit } from './splits.ts'
import { type Line, readSource, writeLine } from './wire/line.ts'
import { fitsMask } from './wire/mask.ts'
import { readModes, splitSigns } from './wire/modes.ts'
import { readTime } from './wire/tags.ts'

type Reader = (session: Session, line: Line, context: Context) => void

const READERS: Readonly<Record<string, Reader>> = {
  PRIVMSG: tellMessage,
  NOTICE: tellMessage,
  TAGMSG: tellTags,
  REDACT: tellRedacted,
  MARKREAD: tellRead,
  JOIN: (session, line) => {
    const joined = readJoin(session, line)
    if (joined === null) return
    const { channel, member } = joined
    if (!session.splits.back(channel, member.nick, member)) session.tell('join', channel, member)
  },
  PART: readPart,
  KICK: readKick,
  QUIT: readQuit,
  NICK: readNick,
  MODE: readMode,
  TOPIC: readTopic,
  INVITE: readInvite,
  AWAY: (session, line) => {
    const { nick } = readSource(line.source)
    const away = line.params[0] === undefined || line.params[0] === '' ? null : kept(line.params[0])
    learnOf(session, nick, { away })
    tellWatched(session, nick, away)
  },
  ACCOUNT: (session, line) => {
    const { nick } = readSource(line.source)
    const account = accountOf(line.params[0])
    if (session.isOwn(nick)) session.me = { ...session.me, account }
    learnOf(session, nick, { account })
  },
  CHGHOST: (session, line) => {
    const [user = '', host = ''] = line.params
    const { nick } = readSource(line.source)
    if (session.isOwn(nick)) session.me = { ...session.me, user, host }
    learnOf(session, nick, { user: kept(user), host: kept(host) })
  },
  SETNAME: (session, line) => learnOf(session, readSource(line.source).nick, { realname: kept(line.params[0] ?? '') }),
  FAIL: (session, line) => tellStandard(session, line, 'error'),
  WARN: (session, line) => tellStandard(session, line, 'warning'),
  NOTE: (session, line) => tellStandard(session, line, 'info'),
  WALLOPS: (session, line) => {
    const { nick, isServer } = readSource(line.source)
    session.tell('said', line.params.at(-1) ?? '', 'info', 'WALLOPS', ...(isServer ? [] : [nick]))
  },
  '305': (session) => {
    session.me = { ...session.me, away: null }
  },
  '324': (session, line) => {
    const channel = session.channels.get(line.params[1] ?? '')
    if (channel === null) return
    channel.modes.clear()
    channel.knowsModes = true
    for (const change of readModes(session.isupport, line.params[2] ?? '', line.params.slice(3)))
      session.channels.change(channel, change)
  },
  '329': (session, line) => {
    const channel = session.channels.get(line.params[1] ?? '')
    if (channel !== null) channel.createdAt = secondsOf(line.params[2])
  },
  '331': () => undefined,
  '332': (session, line) => {
    const channel = session.channels.get(line.params[1] ?? '')
    if (channel !== null) channel.topic = { text: kept(line.params[2] ?? '') }
  },
  '333': readTopicSetter,
  '353': readNames,
  '366': readNamesEnd,
  '396': (session, line) => {
    const shown = line.params[1] ?? ''
    const at = shown.indexOf('@')
    session.me = {
      ...session.me,
      host: at === -1 ? shown : shown.slice(at + 1),
      ...(at > 0 ? { user: shown.slice(0, at) } : {}),
    }
  },
  '730': (session, line) => readMonitor(session, line, true),
  '731': (session, line) => readMonitor(session, line, false),
}

/** What everybody is told at the start, and ends of lists that somebody asked for and no longer waits for. */
const UNSAID =
  /^(?:00[1-9]|25[0-5]|26[56]|042|318|315|319|31[1-7]|321|322|323|352|354|367|368|348|349|346|347|728|729|372|375|376|422|306|307|330|335|338|341|344|345|671|732|733|276|301|302|303|900|901|903)$/

export function readLineOfServer(session: Session, line: Line, context: Context): void {
  const reader = READERS[line.command]
  if (reader !== undefined) {
    reader(session, line, context)
    return
  }
  if (!/^[0-9]/.test(line.command) || UNSAID.test(line.command)) return
  const refusal = readRefusal(line)
  const text = line.params.slice(1).join(' ')
  session.tell('said', text, refusal === null ? 'info' : 'error', line.command)
}

/** A batch that is one event. True: it was. */
export function readSplit(
  session: Session,
  type: string,
  servers: string,
  lines: readonly Line[],
  context: Context,
): boolean {
  if (type !== 'netsplit' && type !== 'netjoin') return false
  session.splits.tell()
  const gone = new Map<Channel, string[]>()
  const back = new Map<Channel, IrcMember[]>()
  for (const line of lines) {
    if (type === 'netsplit' && line.command === 'QUIT') {
      const { nick } = readSource(line.source)
      for (const channel of session.channels.removeEverywhere(nick)?.channels ?? []) grouped(gone, channel).push(nick)
      session.splits.remember(nick)
    } else if (type === 'netjoin' && line.command === 'JOIN') {
      const joined = readJoin(session, line)
      if (joined !== null) grouped(back, joined.channel).push(joined.member)
    } else readLineOfServer(session, line, context)
  }
  for (const [channel, nicks] of gone) session.tell('netsplit', channel, nicks, servers)
  for (const [channel, members] of back) session.tell('netjoin', channel, session.asTheyAre(channel, members))
  return true
}

function grouped<Value>(groups: Map<Channel, Value[]>, channel: Channel): Value[] {
  let group = groups.get(channel)
  if (group === undefined) {
    group = []
    groups.set(channel, group)
  }
  return group
}

/** Null: our own, or of a channel that keeps no members. */
function readJoin(session: Session, line: Line): { channel: Channel; member: IrcMember } | null {
  const [name = '', account, realname] = line.params
  const { nick, user, host } = readSource(line.source)
  if (session.isOwn(nick)) {
    session.me = { ...session.me, ...(user === undefined ? {} : { user }), ...(host === undefined ? {} : { host }) }
    if (account !== undefined) session.me = { ...session.me, account: accountOf(account) }
    enter(session, name)
    return null
  }
  const channel = session.channels.get(name)
  if (channel === null) return null
  const person = session.channels.add(channel, nick, '')
  if (person === null) return null
  if (user !== undefined) person.user = kept(user)
  if (host !== undefined) person.host = kept(host)
  if (account !== undefined) person.account = accountOf(account)
  if (realname !== undefined) person.realname = kept(realname)
  return { channel, member: session.member(channel, person) }
}

function enter(session: Session, name: string): void {
  // What nobody asked for is not wanted: after a loss it is not entered again.
  const key = session.key(name)
  const wanted = session.wanted.get(key)
  const channel = session.channels.enter(name, wanted?.attention ?? 'all')
  if (channel === null) return
  if (session.unawaited.delete(key) && wanted === undefined) {
    session.outbox?.send(writeLine('PART', [name]))
    return
  }
  session.tell('entered', channel.name)
  if (channel.attention === 'all' && noImplicitNames(session)) session.outbox?.send(`NAMES ${channel.name}`)
}

export function noImplicitNames({ caps }: Session): boolean {
  return caps.has('no-implicit-names') || caps.has('draft/no-implicit-names')
}

function readPart(session: Session, line: Line): void {
  const [name = '', reason = ''] = line.params
  const { nick } = readSource(line.source)
  if (session.isOwn(nick)) {
    leave(session, name, 'part', null, reason)
    return
  }
  const channel = session.channels.get(name)
  if (channel === null) return
  session.splits.tell()
  if (session.channels.remove(channel, nick)) session.tell('part', channel, nick, reason)
}

function readKick(session: Session, line: Line): void {
  const [name = '', nick = '', reason = ''] = line.params
  const by = readSource(line.source).nick
  const channel = session.channels.get(name)
  if (channel === null) return
  const person = session.isOwn(nick) ? null : session.channels.user(nick)
  const banned = wasBanned(session, channel, nick, person)
  if (session.isOwn(nick)) {
    leave(session, name, banned ? 'banned' : 'kick', by, reason)
    return
  }
  session.splits.tell()
  if (session.channels.remove(channel, nick)) session.tell('kick', channel, nick, by, reason, banned)
}

function leave(
  session: Session,
  name: string,
  how: 'part' | 'kick' | 'banned',
  by: string | null,
  reason: string,
): void {
  session.wanted.delete(session.key(name))
  const channel = session.channels.leave(name)
  if (channel !== null) session.tell('out', channel.name, how, by, reason)
}

function readQuit(session: Session, line: Line): void {
  const { nick } = readSource(line.source)
  const reason = line.params[0] ?? ''
  if (session.isOwn(nick)) return
  const left = session.channels.removeEverywhere(nick)
  if (left === null || left.channels.length === 0) return
  if (isSplit(reason)) {
    for (const channel of left.channels) session.splits.gone(channel, nick, reason)
    return
  }
  session.splits.tell()
  session.tell('quit', userOf(left.user), reason, left.channels)
}

function readNick(session: Session, line: Line, { label }: Context): void {
  const { nick } = readSource(line.source)
  const to = line.params[0] ?? ''
  if (to === '') return
  session.splits.tell()
  // A label is on answers to ourselves alone; InspIRCd then shows us under the new name already.
  const own = label !== null || session.isOwn(nick)
  const from = own ? session.nick : nick
  const user = session.channels.rename(from, to)
  if (own) {
    session.setNick(kept(to))
    session.tell('nick', from, to)
  }
  const channels = user === null ? [] : session.around(user)
  if (channels.length > 0 || own || session.watched.has(session.key(from))) session.tell('renamed', from, to, channels)
}

function readMode(session: Session, line: Line): void {
  const [name = '', letters = '', ...params] = line.params
  const channel = session.channels.get(name)
  if (channel === null || (channel.attention !== 'all' && !letters.includes('b'))) return
  const changes = readModes(session.isupport, letters, params)
  if (channel.attention !== 'all') {
    // Why we are put out is told also to who hears nothing else.
    for (const { sign, letter, parameter } of changes)
      if (letter === 'b' && sign === '+' && parameter !== null) rememberBan(session, channel, parameter)
    return
  }
  session.splits.tell()
  const by = readSource(line.source).nick
  const ranked = new Set<User>()
  for (const change of changes) {
    const user = session.channels.change(channel, change)
    if (user !== null) ranked.add(user)
    if (change.letter === 'b' && change.sign === '+' && change.parameter !== null)
      rememberBan(session, channel, change.parameter)
  }
  const wanted = session.wanted.get(session.key(name))
  if (wanted !== undefined && channel.key !== undefined) wanted.key = channel.key
  for (const user of ranked) session.tell('ranked', channel, session.member(channel, user), by)
  session.tell('mode', channel, changes, by)
}

function readTopic(session: Session, line: Line): void {
  const [name = '', text = ''] = line.params
  const channel = session.channels.get(name)
  if (channel === null) return
  const by = readSource(line.source).nick
  const at = session.world.now()
  channel.topic = text === '' ? null : { text: kept(text), by: kept(by), at }
  if (channel.attention === 'all') session.tell('topic', channel, text, by, at)
}

function readTopicSetter(session: Session, line: Line): void {
  const channel = session.channels.get(line.params[1] ?? '')
  if (channel === null || channel.topic === null) return
  const by = kept(readSource(line.params[2] ?? '').nick)
  const at = secondsOf(line.params[3])
  channel.topic = { text: channel.topic.text, by, ...(at === null ? {} : { at }) }
  if (channel.attention === 'all') session.tell('topic', channel, channel.topic.text, by, at)
}

function readInvite(session: Session, line: Line): void {
  const [nick = '', name = ''] = line.params
  const by = readSource(line.source).nick
  if (session.isOwn(nick)) {
    session.tell('invited', name, by)
    return
  }
  const channel = session.channels.get(name)
  if (channel?.attention === 'all') session.tell('inviting', channel, nick, by)
}

/** So many members are told together while the list comes: the first soon, then as many as were told before. What is left the whole list tells. */
const LISTED_AT_ONCE = { least: 50, most: 400 }

function readNames(session: Session, line: Line): void {
  const channel = session.channels.get(line.params[2] ?? '')
  if (channel === null || channel.attention !== 'all') return
  const named = session.channels.listBegins(channel)
  for (const name of (line.params[3] ?? '').split(' ')) {
    if (name === '') continue
    const { signs, rest } = splitSigns(session.isupport, name)
    const { nick, user, host } = readSource(rest)
    const known = named.size
    const person = session.channels.add(channel, nick, signs)
    if (person === null) continue
    if (user !== undefined) person.user = kept(user)
    if (host !== undefined) person.host = kept(host)
    if (named.size > known && !channel.complete) channel.untold.push(person)
  }
  const { least, most } = LISTED_AT_ONCE
  if (channel.untold.length < Math.min(most, Math.max(least, named.size / 2))) return
  const members = channel.untold.splice(0).filter((person) => channel.kept.has(person))
  session.tell(
    'listing',
    channel,
    members.map((person) => session.member(channel, person)),
  )
}

function readNamesEnd(session: Session, line: Line): void {
  const channel = session.channels.get(line.params[1] ?? '')
  if (channel === null || channel.attention !== 'all') return
  session.channels.listEnds(channel)
  session.tell('names', channel)
}

function readMonitor(session: Session, line: Line, online: boolean): void {
  for (const target of (line.params[1] ?? '').split(',')) {
    const person = session.watched.get(session.key(readSource(target).nick))
    if (person === undefined || person.online === online) continue
    person.online = online
    person.away = null
    session.tell('presence', person.nick, { online })
  }
}

function tellWatched(session: Session, nick: string, away: string | null): void {
  const person = session.watched.get(session.key(nick))
  if (person === undefined) return
  person.online = true
  person.away = away
  session.tell('presence', person.nick, { online: true, ...(away === null ? {} : { away }) })
}

export function learnOf(session: Session, nick: string, news: Parameters<Session['learn']>[1]): void {
  if (session.isOwn(nick) && news.away !== undefined) session.me = { ...session.me, away: news.away }
  const user = session.channels.user(nick)
  if (user !== null) session.learn(user, news)
}

/** `*`: nothing is read yet. */
function tellRead(session: Session, { params: [target = '', said = ''] }: Line): void {
  const at = said.startsWith('timestamp=') ? readTime(said.slice('timestamp='.length)) : null
  if (target !== '' && at !== null && session.isRead(target, at)) session.tell('read', target, at)
}

/** `FAIL command code context… :text` (IRCv3 standard-replies). */
function tellStandard(session: Session, line: Line, kind: 'error' | 'warning' | 'info'): void {
  // Nobody asked for it who could read the refusal.
  if (line.params[0] === 'MARKREAD') return
  session.tell('said', line.params.at(-1) ?? '', kind, line.params[1] ?? line.command)
}

const BAN_MS = 10_000
const MOST_BANS = 50

function rememberBan(session: Session, channel: Channel, mask: string): void {
  session.bans.push({ channel, mask: session.key(mask), at: session.world.clock.now() })
  if (session.bans.length > MOST_BANS) session.bans.shift()
}

function wasBanned(session: Session, channel: Channel, nick: string, person: User | null): boolean {
  const since = session.world.clock.now() - BAN_MS
  const { user, host } = session.isOwn(nick) ? session.me : { user: person?.user ?? null, host: person?.host ?? null }
  const mask = session.key(`${nick}!${user ?? '?'}@${host ?? '?'}`)
  return session.bans.some((ban) => ban.channel === channel && ban.at >= since && fitsMask(ban.mask, mask))
}

function accountOf(account: string | undefined): string {
  return account === undefined || account === '*' || account === '0' ? '' : kept(account)
}

function secondsOf(text: string | undefined): number | null {
  return text !== undefined && /^[0-9]{1,12}$/.test(text) ? Number(text) * 1000 : null
}
