// SPDX-License-Identifier: Apache-2.0
// What a server says of itself in 005 (ISUPPORT), and what holds where it says nothing (RFC 1459, Modern IRC).
import { keyBy } from './casemapping.ts'

export type Rank = { letter: string; sign: string }

/** Immutable: made anew for each 005. */
export type Isupport = {
  tokens: ReadonlyMap<string, string>
  key: (name: string) => string
  network: string | null
  nickLength: number
  channelTypes: string
  statusSigns: string
  ranks: readonly Rank[]
  modes: { list: string; always: string; onSet: string; flag: string }
  /** Changes with a parameter in one MODE. */
  modesAtOnce: number
  /** Bytes of a line with its end. */
  lineLength: number
  topicLength: number
  userLength: number
  hostLength: number
  /** Names that MONITOR takes; 0: none, Infinity: as many as one likes. */
  monitor: number
  whox: boolean
  utf8Only: boolean
  /** Messages that CHATHISTORY gives at once; 0: as many as one likes; null: not said. */
  chathistory: number | null
}

/** Most tokens kept: a hostile server is not to fill the memory. */
const MOST_TOKENS = 500
const LONGEST = 1_000
/** Of a nick, a user or a host, in bytes. */
const LONGEST_NAME = 255
const LONGEST_LINE = 8_192
/** Of a list of names or messages. */
const MOST_ROWS = 100_000

export const NOTHING_SAID: Isupport = readIsupport(new Map())

/** What a server says is the same for all who are connected to it: they share one value, and it is read once. */
const known = { after: new WeakMap<Isupport, Map<string, Isupport>>(), count: 0 }
/** A server that says something new each time fills this, and it begins anew. */
const MOST_KNOWN = 500

/** The tokens of one more 005: without our nick before, and the words for people behind. */
export function withTokens(before: Isupport, tokens: readonly string[]): Isupport {
  const text = Buffer.from(tokens.join(' ')).toString()
  const found = known.after.get(before)?.get(text)
  if (found !== undefined) return found
  if (known.count >= MOST_KNOWN) {
    known.after = new WeakMap()
    known.count = 0
  }
  const read = readTokens(before, tokens)
  const after = known.after.get(before) ?? new Map<string, Isupport>()
  known.after.set(before, after)
  after.set(text, read)
  known.count += 1
  return read
}

/** InspIRCd calls its mapping rfc1459 and knows ~ and ^ apart (github.com/inspircd/inspircd/issues/1017): two channels are not to be one here. */
export function trueTokens(tokens: readonly string[], software: string): readonly string[] {
  if (!/^InspIRCd-/.test(software)) return tokens
  return tokens.map((token) => (token === 'CASEMAPPING=rfc1459' ? 'CASEMAPPING=rfc1459-strict' : token))
}

function readTokens(before: Isupport, tokens: readonly string[]): Isupport {
  const all = new Map(before.tokens)
  for (const token of tokens) {
    if (token.startsWith('-')) {
      all.delete(token.slice(1).toUpperCase())
      continue
    }
    const equals = token.indexOf('=')
    const name = (equals === -1 ? token : token.slice(0, equals)).toUpperCase()
    if (name !== '' && (all.size < MOST_TOKENS || all.has(name)))
      all.set(name, equals === -1 ? '' : unescaped(token.slice(equals + 1, equals + LONGEST)))
  }
  return readIsupport(all)
}

function readIsupport(tokens: ReadonlyMap<string, string>): Isupport {
  const [list = '', always = '', onSet = '', flag = ''] = (tokens.get('CHANMODES') ?? 'b,k,l,imnpst').split(',')
  return {
    tokens,
    key: keyBy(tokens.get('CASEMAPPING') ?? 'rfc1459'),
    network: tokens.get('NETWORK') ?? null,
    nickLength: length(tokens, 'NICKLEN', 9, LONGEST_NAME),
    channelTypes: tokens.get('CHANTYPES') ?? '#&',
    statusSigns: tokens.get('STATUSMSG') ?? '',
    ranks: readRanks(tokens.get('PREFIX') ?? '(ov)@+'),
    modes: { list, always, onSet, flag },
    modesAtOnce: tokens.get('MODES') === '' ? 20 : length(tokens, 'MODES', 3, 20),
    lineLength: Math.max(512, length(tokens, 'LINELEN', 512, LONGEST_LINE)),
    topicLength: length(tokens, 'TOPICLEN', 390, LONGEST_LINE),
    userLength: length(tokens, 'USERLEN', 12, LONGEST_NAME),
    hostLength: length(tokens, 'HOSTLEN', 64, LONGEST_NAME),
    monitor: !tokens.has('MONITOR')
      ? 0
      : tokens.get('MONITOR') === ''
        ? Number.POSITIVE_INFINITY
        : length(tokens, 'MONITOR', 0),
    whox: tokens.has('WHOX'),
    utf8Only: tokens.has('UTF8ONLY'),
    chathistory: tokens.has('CHATHISTORY')
      ? length(tokens, 'CHATHISTORY', 0)
      : tokens.has('DRAFT/CHATHISTORY')
        ? length(tokens, 'DRAFT/CHATHISTORY', 0)
        : null,
  }
}

/** `(qaohv)~&@%+` */
function readRanks(value: string): Rank[] {
  const found = /^\(([^)]*)\)(.*)$/.exec(value)
  if (found === null) return []
  const [, letters = '', signs = ''] = found
  return [...letters].flatMap((letter, index) => (signs[index] === undefined ? [] : [{ letter, sign: signs[index] }]))
}

/** A number that a server names is believed up to what it may cost here. */
function length(tokens: ReadonlyMap<string, string>, name: string, otherwise: number, most = MOST_ROWS): number {
  const value = tokens.get(name)
  return value !== undefined && /^[0-9]{1,9}$/.test(value) ? Math.min(most, Number(value)) : otherwise
}

/** `\x20` and its like. */
function unescaped(value: string): string {
  return value.replace(/\\x([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
