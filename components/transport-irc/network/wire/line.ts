// SPDX-License-Identifier: Apache-2.0
// One line of IRC (RFC 1459 §2.3.1, IRCv3 message-tags), between text and its parts.
import { readTags, writeTags } from './tags.ts'

export type Line = {
  tags: ReadonlyMap<string, string>
  /** `nick!user@host`, or a server; empty where there is none. */
  source: string
  /** In capitals. */
  command: string
  params: readonly string[]
}

const NO_TAGS: ReadonlyMap<string, string> = new Map()
/** A command is letters or three digits; anything else is no IRC. */
const COMMAND = /^(?:[A-Z]+|[0-9]{3})$/

/** Null: this is no line of IRC. CR, LF and NUL inside never reach a part. */
export function readLine(whole: string): Line | null {
  const text = STOPS.test(whole) ? whole.replace(ALL_STOPS, '') : whole
  let at = 0
  let tags = NO_TAGS
  if (text.startsWith('@')) {
    const end = text.indexOf(' ')
    if (end === -1) return null
    tags = readTags(text.slice(1, end))
    at = behindSpaces(text, end)
  } else at = behindSpaces(text, 0)
  let source = ''
  if (text.charCodeAt(at) === COLON) {
    const end = text.indexOf(' ', at)
    if (end === -1) return null
    source = text.slice(at + 1, end)
    at = behindSpaces(text, end)
  }
  const end = text.indexOf(' ', at)
  const command = (end === -1 ? text.slice(at) : text.slice(at, end)).toUpperCase()
  if (!COMMAND.test(command)) return null
  return { tags, source, command, params: end === -1 ? [] : readParams(text, end) }
}

/**
 * The line without its end. Throws a RangeError for what cannot be said in a line: an end of line or NUL anywhere, and a space, nothing at
 * all, or a colon at the start in any parameter but the last.
 */
export function writeLine(command: string, params: readonly string[] = [], tags?: ReadonlyMap<string, string>): string {
  let line = command
  params.forEach((param, index) => {
    const bare = param !== '' && !param.includes(' ') && param.charCodeAt(0) !== COLON
    if (!bare && index < params.length - 1)
      throw new RangeError('a parameter cannot be empty, hold a space or start with a colon')
    line += bare ? ` ${param}` : ` :${param}`
  })
  if (STOPS.test(line)) throw new RangeError('a line cannot hold an end of line or NUL')
  return tags === undefined || tags.size === 0 ? line : `@${writeTags(tags)} ${line}`
}

/** Whether text can be sent as a line as it stands. */
export function isOneLine(text: string): boolean {
  return text !== '' && !STOPS.test(text)
}

/** `nick!user@host`, any of the last two missing. A server has a dot and neither. */
export function readSource(source: string): { nick: string; user?: string; host?: string; isServer: boolean } {
  const bang = source.indexOf('!')
  const at = source.indexOf('@', bang + 1)
  if (bang === -1 && at === -1) return { nick: source, isServer: source === '' || source.includes('.') }
  const nick = source.slice(0, bang === -1 ? at : bang)
  const parts: { nick: string; user?: string; host?: string; isServer: boolean } = { nick, isServer: false }
  if (bang !== -1) parts.user = source.slice(bang + 1, at === -1 ? undefined : at)
  if (at !== -1) parts.host = source.slice(at + 1)
  return parts
}

const COLON = 58
const SPACE = 32
const STOPS = /[\r\n\0]/
const ALL_STOPS = /[\r\n\0]/g

function readParams(text: string, from: number): string[] {
  const params: string[] = []
  let at = behindSpaces(text, from)
  while (at < text.length) {
    if (text.charCodeAt(at) === COLON) {
      params.push(text.slice(at + 1))
      break
    }
    const end = text.indexOf(' ', at)
    if (end === -1) {
      params.push(text.slice(at))
      break
    }
    params.push(text.slice(at, end))
    at = behindSpaces(text, end)
  }
  return params
}

function behindSpaces(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) === SPACE) at += 1
  return at
}
