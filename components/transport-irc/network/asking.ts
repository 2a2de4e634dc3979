// SPDX-License-Identifier: Apache-2.0
// Questions whose answer is more than yes or no.
import {
  IrcFault,
  type IrcMessage,
  type IrcUser,
  type ListedChannel,
  type MaskEntry,
  type PersonWanted,
  type Whois,
} from './irc.ts'
import type { Priority } from './outbox.ts'
import type { Session } from './session.ts'
import { type Line, readLine } from './wire/line.ts'
import { splitSigns } from './wire/modes.ts'

export async function whois(session: Session, nick: string): Promise<Whois> {
  try {
    // Its own server knows how long somebody has been idle.
    return await whoisAt(session, [nick, nick], nick)
  } catch (fault) {
    if (fault instanceof IrcFault && fault.code === '402') return whoisAt(session, [nick], nick)
    throw fault
  }
}

type Found = { -readonly [Field in keyof Whois]: Whois[Field] }

async function whoisAt(session: Session, params: readonly string[], nick: string): Promise<Whois> {
  const found: Found = { nick }
  const key = session.key(nick)
  let isThere = false
  await session.asks.ask({
    command: 'WHOIS',
    params,
    about: [nick],
    endsItself: true,
    read(line) {
      if (!/^(?:[23][0-9]{2}|671)$/.test(line.command) || session.key(line.params[1] ?? '') !== key) return null
      if (line.command === '318') return 'done'
      isThere ||= line.command === '311'
      readWhois(session, found, line)
      return 'taken'
    },
  })
  if (!isThere) throw new IrcFault('no-such-person', `${nick}: nobody of that name`, '401')
  return found
}

function readWhois(session: Session, found: Found, { command, params }: Line): void {
  const [, nick = '', third = '', fourth = ''] = params
  switch (command) {
    case '311':
      found.nick = nick
      found.user = third
      found.host = fourth
      found.realname = params.at(-1) ?? ''
      return
    case '312':
      found.server = third
      return
    case '313':
      found.operator = true
      return
    case '317':
      if (/^[0-9]{1,12}$/.test(third)) found.idleSeconds = Number(third)
      if (/^[0-9]{1,12}$/.test(fourth)) found.signedOnAt = Number(fourth) * 1000
      return
    case '319':
      found.channels = [
        ...(found.channels ?? []),
        ...third.split(' ').flatMap((name) => (name === '' ? [] : [splitSigns(session.isupport, name).rest])),
      ].slice(0, MOST_ROWS)
      return
    case '330':
      found.account = third
      return
    case '301':
      found.away = params.at(-1) ?? ''
      return
    case '671':
      found.secure = true
      return
  }
}

/** A server that never ends its answer fills no memory. */
const MOST_ROWS = 2_000

/** Rows of lists: bans 367, invitations 346, exceptions 348, quiets 728, automatic ranks 910, words 941, exemptions 954. */
const LIST_ROWS = new Set(['367', '346', '348', '728', '910', '941', '954', '386', '388'])

export async function masks(session: Session, channel: string, letter: string): Promise<MaskEntry[]> {
  const entries: MaskEntry[] = []
  const key = session.key(channel)
  await session.asks.ask({
    command: 'MODE',
    params: [channel, `+${letter}`],
    about: [channel],
    read({ command, params }) {
      if (!LIST_ROWS.has(command) || session.key(params[1] ?? '') !== key) return null
      const [mask = '', by, at] = command === '728' ? params.slice(3) : params.slice(2)
      const entry: MaskEntry = { mask }
      if (by !== undefined) entry.by = by.split('!')[0] ?? by
      if (at !== undefined && /^[0-9]{1,12}$/.test(at)) entry.at = Number(at) * 1000
      if (entries.length < MOST_ROWS) entries.push(entry)
      return 'taken'
    },
  })
  return entries
}

export async function modes(
  session: Session,
  channel: string,
  priority: Priority = 'normal',
): Promise<ReadonlyMap<string, string>> {
  await session.asks.ask({ command: 'MODE', params: [channel], about: [channel], priority })
  return new Map(session.channels.get(channel)?.modes)
}

export async function names(session: Session, channel: string): Promise<void> {
  const key = session.key(channel)
  await session.asks.ask({
    command: 'NAMES',
    params: [channel],
    about: [channel],
    endsItself: true,
    read: (line) => (line.command === '366' && session.key(line.params[1] ?? '') === key ? 'over' : null),
  })
}

/** Fields of WHOX in the order in which servers give them: channel, user, host, nick, flags, account, name. */
const WHOX = '%tcuhnfar,77'

export async function who(session: Session, channel: string): Promise<void> {
  const key = session.key(channel)
  await session.asks.ask({
    command: 'WHO',
    params: session.isupport.whox ? [channel, WHOX] : [channel],
    about: [channel],
    endsItself: true,
    priority: 'low',
    read({ command, params }) {
      if (command === '315') return session.key(params[1] ?? '') === key ? 'done' : null
      if (command === '352' && session.key(params[1] ?? '') === key) {
        const [, , user = '', host = '', , nick = '', flags = '', rest = ''] = params
        learnWho(session, nick, flags, { user, host, realname: rest.slice(rest.indexOf(' ') + 1) })
        return 'taken'
      }
      if (command !== '354' || params[1] !== '77' || session.key(params[2] ?? '') !== key) return null
      const [, , , user = '', host = '', nick = '', flags = '', account = '', realname = ''] = params
      learnWho(session, nick, flags, { user, host, realname, account: account === '0' ? '' : account })
      return 'taken'
    },
  })
}

function learnWho(
  session: Session,
  nick: string,
  flags: string,
  news: { user: string; host: string; realname: string; account?: string },
): void {
  const user = session.channels.user(nick)
  // WHO says that somebody is away, not why: a reason that is known stays.
  if (user !== null) session.learn(user, { ...news, away: flags.startsWith('G') ? (user.away ?? '') : null })
}

/** Letters by which WHOX is told what the pattern is of. */
const WHOX_OF = { nick: 'n', name: 'r', host: 'h' } as const

/** Those whom the server shows and who have all that is wanted. It compares one pattern; the rest is compared here. */
export async function search(session: Session, wanted: PersonWanted, most: number): Promise<IrcUser[]> {
  const [by] = (['nick', 'name', 'host'] as const).filter((one) => wanted[one] !== undefined)
  if (by === undefined) return []
  // What stands in a pattern for something else is looked for as any letter.
  const pattern = `*${(wanted[by] ?? '').slice(0, 100).replace(/[\s,*?:\0]+/g, '?')}*`
  const found: IrcUser[] = []
  await session.asks.ask({
    command: 'WHO',
    params: session.isupport.whox ? [pattern, WHOX_OF[by] + WHOX] : [pattern],
    about: [pattern],
    endsItself: true,
    priority: 'low',
    read(line) {
      if (line.command === '315') return session.key(line.params[1] ?? '') === session.key(pattern) ? 'done' : null
      const user = whoOf(line)
      if (user === null) return null
      if (found.length < most && has(session, user, wanted)) found.push(user)
      return 'taken'
    },
  })
  return found
}

function whoOf({ command, params }: Line): IrcUser | null {
  if (command === '352') {
    const [, , user = '', host = '', , nick = '', , rest = ''] = params
    return { nick, user, host, realname: rest.slice(rest.indexOf(' ') + 1) }
  }
  if (command !== '354' || params[1] !== '77') return null
  const [, , , user = '', host = '', nick = '', , , realname = ''] = params
  return { nick, user, host, realname }
}

function has(session: Session, { nick, user, host, realname = '' }: IrcUser, wanted: PersonWanted): boolean {
  const fits = (piece: string | undefined, text: string) =>
    piece === undefined || text.toLowerCase().includes(piece.trim().toLowerCase())
  const fitsNick = wanted.nick === undefined || session.key(nick).includes(session.key(wanted.nick.trim()))
  return fitsNick && fits(wanted.name, realname) && fits(wanted.host, `${user}@${host}`)
}

/** InspIRCd and UnrealIRCd write the modes before the topic. */
const SHOWN_MODES = /^\[\+[^\]]*\] ?/

/** Rows that wait to be read before the server has to wait. */
const ROWS_AHEAD = 500

export async function* list(
  session: Session,
  hold: () => () => void,
  signal: AbortSignal,
  mask?: string,
): AsyncIterable<ListedChannel> {
  const rows: ListedChannel[] = []
  let release: (() => void) | null = null
  let isOver = false
  let wake = Promise.withResolvers<void>()
  const asked = session.asks.ask({
    command: 'LIST',
    params: mask === undefined ? [] : [mask],
    about: [],
    endsItself: true,
    deadlineMs: 600_000,
    read({ command, params }) {
      if (command === '321') return 'taken'
      if (command === '323') return 'done'
      if (command !== '322') return null
      if (isOver) return 'taken'
      rows.push({
        name: params[1] ?? '',
        people: Number(params[2]) || 0,
        topic: (params[3] ?? '').replace(SHOWN_MODES, ''),
      })
      if (rows.length >= ROWS_AHEAD) release ??= hold()
      wake.resolve()
      return 'taken'
    },
  })
  const free = () => {
    release?.()
    release = null
  }
  const ended = asked.then(
    () => null,
    (fault: unknown) => fault,
  )
  let outcome: unknown
  let hasEnded = false
  void ended.then((fault) => {
    outcome = fault
    hasEnded = true
    wake.resolve()
  })
  const stop = () => wake.resolve()
  signal.addEventListener('abort', stop)
  try {
    while (!signal.aborted) {
      const ready = rows.splice(0)
      for (const row of ready) {
        yield row
        if (signal.aborted) return
      }
      free()
      if (rows.length > 0) continue
      if (hasEnded) {
        if (outcome !== null) throw outcome
        return
      }
      wake = Promise.withResolvers()
      await wake.promise
    }
  } finally {
    isOver = true
    free()
    signal.removeEventListener('abort', stop)
  }
}

/** Null: the server keeps nothing for us. */
export function history(
  session: Session,
  target: string,
  before: number | null,
  most: number,
): Promise<readonly IrcMessage[]> | null {
  if (!session.caps.has('draft/chathistory') || !session.caps.has('batch')) return null
  const limit = session.isupport.chathistory ?? 0
  const count = String(limit > 0 ? Math.min(limit, most) : most)
  const params =
    before === null
      ? ['LATEST', target, '*', count]
      : ['BEFORE', target, `timestamp=${new Date(before).toISOString()}`, count]
  return collect(session, target, params)
}

async function collect(session: Session, target: string, params: readonly string[]): Promise<readonly IrcMessage[]> {
  const key = session.key(target)
  let messages: readonly IrcMessage[] = []
  const take = (found: readonly IrcMessage[]) => {
    messages = found
  }
  const waiting = session.histories.get(key) ?? []
  session.histories.set(key, waiting)
  waiting.push(take)
  try {
    await session.asks.ask({ command: 'CHATHISTORY', params, about: [target] })
  } finally {
    const index = waiting.indexOf(take)
    if (index !== -1) waiting.splice(index, 1)
    if (waiting.length === 0 && session.histories.get(key) === waiting) session.histories.delete(key)
  }
  return messages
}

/** The lines with which a line was answered, as far as the server says which those are. */
export async function raw(session: Session, text: string): Promise<string[]> {
  const line = readLine(text)
  if (line === null || line.source !== '') throw new IrcFault('other', 'this is no line of IRC')
  const lines: string[] = []
  await session.asks.ask({
    command: line.command,
    params: line.params,
    ...(line.tags.size === 0 ? {} : { tags: line.tags }),
    about: [],
    wantsAll: true,
    read(answer, isLabelled) {
      if (!isLabelled && !/^[0-9]/.test(answer.command) && !['FAIL', 'WARN', 'NOTE'].includes(answer.command))
        return null
      if (lines.length < MOST_RAW && !(answer.command === 'BATCH')) lines.push(shown(answer))
      return 'seen'
    },
  })
  return lines
}

const MOST_RAW = 1_000

function shown({ source, command, params }: Line): string {
  return [
    ...(source === '' ? [] : [`:${source}`]),
    command,
    ...params.slice(0, -1),
    ...params.slice(-1).map((param) => `:${param}`),
  ].join(' ')
}
