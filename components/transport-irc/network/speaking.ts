// SPDX-License-Identifier: Apache-2.0
// What we say: cut to what a line holds, and confirmed by the server's echo, its label or a fence.
import { IrcFault, type SayOptions, type Spoken } from './irc.ts'
import { splitTarget } from './messages.ts'
import type { Session } from './session.ts'
import { writeCtcp } from './wire/ctcp.ts'
import { openCodes } from './wire/formatting.ts'
import { type Line, readSource, writeLine } from './wire/line.ts'
import { roomForText, splitText } from './wire/split.ts'
import { readTime, writeTags } from './wire/tags.ts'

type Part = { text: string; isAction: boolean }
type Confirmed = { id: string | null; at: number | null; by: Spoken['by'] }

/** Bytes of tags that a server takes from a client (message-tags). */
const MOST_TAGS = 4094

export async function say(session: Session, target: string, text: string, options: SayOptions = {}): Promise<Spoken> {
  const { kind = 'privmsg', status = '' } = options
  const command = kind === 'notice' ? 'NOTICE' : 'PRIVMSG'
  const to = status + target
  const tags =
    options.tags === undefined && options.replyTo === undefined
      ? NO_TAGS
      : clientTags(session, {
          ...options.tags,
          ...(options.replyTo === undefined ? {} : { '+draft/reply': options.replyTo }),
        })
  if (tags.size > 0 && Buffer.byteLength(writeTags(tags)) > MOST_TAGS)
    throw new IrcFault('too-long', 'the tags are too long')
  const lines = ENDS.test(text) ? text.replaceAll('\0', '').split(/\r\n|\r|\n/) : [text]
  const room = roomForText(session.isupport.lineLength, session.mask, command, to)
  const sizeOf = (part: string) => session.encoding.sizeOf(part)
  const multiline = kind === 'action' ? null : asMultiline(session, command, to, lines, room, sizeOf, tags)
  if (multiline !== null) {
    options.cut?.(1)
    const confirmed = await ask(session, command, to, lines.join('\n'), multiline)
    return { ids: [confirmed.id], at: confirmed.at, by: confirmed.by, parts: [text] }
  }
  const [only = ''] = lines
  if (lines.length === 1 && kind !== 'action' && only !== '' && sizeOf(only) <= room - MOST_CODES) {
    const { id, at, by } = await ask(session, command, to, only, { command, params: [to, only], tags, behind: [] })
    return { ids: [id], at, by, parts: lines }
  }
  const parts = lines.flatMap((line, index): Part[] => {
    const isAction = kind === 'action' && index === 0
    if (line === '' && !isAction) return []
    const most = isAction ? room - writeCtcp('ACTION', '.').length + 1 : room
    return reopened(splitText(line, most - MOST_CODES, sizeOf)).map((part) => ({ text: part, isAction }))
  })
  if (parts.length === 0) throw new IrcFault('other', 'nothing to say')
  const full = session.asks.isFullFor(parts.length)
  if (full !== null) throw full
  options.cut?.(parts.length)
  let isOver = false
  // All are asked before the first answer is waited for: nobody else's words come between.
  const asked = parts.map(({ text: part, isAction }, index) => {
    const said = isAction ? writeCtcp('ACTION', part) : part
    const one = ask(session, command, to, said, {
      command,
      params: [to, said],
      tags: index === 0 ? tags : NO_TAGS,
      behind: [],
      ...(parts.length === 1 ? {} : { isOver: () => isOver }),
    })
    // What still waits behind a part that was refused would be a text with a hole.
    if (parts.length > 1)
      one.catch(() => {
        isOver = true
      })
    return one
  })
  const confirmed = asked.length === 1 ? await Promise.all(asked) : await allOf(asked, parts)
  return {
    ids: confirmed.map(({ id }) => id),
    at: confirmed[0]?.at ?? null,
    by: confirmed[0]?.by ?? 'fence',
    parts: parts.map((part) => part.text),
  }
}

/** Rejects with the first refusal, and with what went all the same. */
async function allOf(asked: readonly Promise<Confirmed>[], parts: readonly Part[]): Promise<Confirmed[]> {
  const ended = await Promise.allSettled(asked)
  const faults = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const went = ended.flatMap((one, at) =>
    one.status === 'rejected' ? [] : [{ ...one.value, part: parts[at] as Part }],
  )
  const [first] = faults
  if (first === undefined) return went
  if (!(first instanceof IrcFault)) throw first
  const unsure = faults.some((fault) => fault instanceof IrcFault && fault.unsure)
  const fault = new IrcFault(first.reason, first.message, first.code, unsure)
  fault.isSaid = first.isSaid
  fault.went = { ids: went.map(({ id }) => id), parts: went.map(({ part }) => part.text), of: parts.length }
  throw fault
}

/** Tags alone, not confirmed. False: the server takes none, or has no room now. */
export function tag(session: Session, target: string, given: Readonly<Record<string, string>>): boolean {
  if (session.outbox === null || !session.isUp || !session.caps.has('message-tags')) return false
  const tags = clientTags(session, given)
  if (tags.size === 0) return false
  return session.outbox.send(writeLine('TAGMSG', [target], tags), 'low')
}

/** It goes forward only, and what is known already is not said again. */
export function markRead(session: Session, target: string, at: number): boolean {
  if (session.outbox === null || !session.isUp || !session.caps.has('draft/read-marker')) return false
  if (session.isRead(target, at))
    session.outbox.send(writeLine('MARKREAD', [target, `timestamp=${new Date(at).toISOString()}`]), 'low')
  return true
}

export async function react(
  session: Session,
  target: string,
  to: string,
  text: string,
  remove: boolean,
): Promise<boolean> {
  const tags = clientTags(session, { '+draft/reply': to, [remove ? '+draft/unreact' : '+draft/react']: text })
  if (tags.size < 2) return false
  if (Buffer.byteLength(writeTags(tags)) > MOST_TAGS) throw new IrcFault('too-long', 'the tags are too long')
  await session.asks.ask({ command: 'TAGMSG', params: [target], tags, about: [target] })
  return true
}

/** Of those given, what the server passes on (message-tags, ISUPPORT CLIENTTAGDENY). */
export function clientTags(session: Session, given: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const names = Object.keys(given)
  if (names.length === 0 || !session.caps.has('message-tags')) return NO_TAGS
  const denied = (session.isupport.tokens.get('CLIENTTAGDENY') ?? '').split(',')
  const passes = (name: string) => {
    const bare = name.replace(/^\+/, '')
    return denied.includes('*') ? denied.includes(`-${bare}`) : !denied.includes(bare)
  }
  return new Map(Object.entries(given).filter(([name]) => passes(name)))
}

const NO_TAGS: ReadonlyMap<string, string> = new Map()
/** What no line can hold. */
const ENDS = /[\0\r\n]/

/** Bytes for codes that a part opens again. */
const MOST_CODES = 6

/** What was bold at the end of a line is bold in the next. */
function reopened(parts: readonly string[]): readonly string[] {
  if (parts.length < 2) return parts
  let open = ''
  return parts.map((part) => {
    const whole = open + part
    open = openCodes(whole)
    return whole
  })
}

type Asked = {
  command: string
  params: readonly string[]
  tags: ReadonlyMap<string, string>
  behind: readonly string[]
  isOver?: () => boolean
}

async function ask(session: Session, command: string, to: string, text: string, asked: Asked): Promise<Confirmed> {
  let echo: Line | null = null
  let label: string | null = null
  const key = session.key(to)
  const ended = await session.asks.ask(
    {
      ...asked,
      staysKnown: true,
      about: [to, splitTarget(session, to).target],
      read(line, isLabelled) {
        if (line.command !== command || (label !== null && !isLabelled)) return null
        if (!session.isOwn(readSource(line.source).nick) || session.key(line.params[0] ?? '') !== key) return null
        // Without a label the words have to be ours: what the server changed is confirmed by the fence.
        if (!isLabelled && line.params[1] !== text) return null
        echo = line
        return 'over'
      },
    },
    (given) => {
      label = given
    },
  )
  const tags = (echo as Line | null)?.tags
  return { id: tags?.get('msgid') ?? null, at: readTime(tags?.get('time')), by: ended === 'read' ? 'echo' : ended }
}

/** One message of several lines (draft/multiline), where it is offered and within its limits; null: not needed or not possible. */
function asMultiline(
  session: Session,
  command: string,
  to: string,
  lines: readonly string[],
  room: number,
  sizeOf: (text: string) => number,
  tags: ReadonlyMap<string, string>,
): Asked | null {
  const limits = session.caps.get('draft/multiline')
  if (limits === undefined || !session.caps.has('batch') || lines.every((line) => line === '')) return null
  const pieces = lines.flatMap((line) =>
    splitText(line, room, sizeOf).map((text, index) => ({ text, continues: index > 0 })),
  )
  if (pieces.length < 2) return null
  const most = (name: string, otherwise: number) =>
    Number(new RegExp(`(?:^|,)${name}=([0-9]+)`).exec(limits)?.[1] ?? otherwise)
  if (pieces.length > most('max-lines', 24)) return null
  if (sizeOf(lines.join('\n')) > most('max-bytes', 4096)) return null
  const ref = `m${session.counts.linesOut.toString(36)}`
  return {
    command: 'BATCH',
    params: [`+${ref}`, 'draft/multiline', to],
    tags,
    behind: [
      ...pieces.map(({ text, continues }) =>
        writeLine(
          command,
          [to, text],
          new Map([['batch', ref], ...(continues ? [['draft/multiline-concat', ''] as const] : [])]),
        ),
      ),
      `BATCH -${ref}`,
    ],
  }
}
