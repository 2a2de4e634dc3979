// SPDX-License-Identifier: Apache-2.0
// RFC 4514: distinguished names as text. Parsed, never split at commas; compared in one spelling (RFC 4518 for values).

/** One relative name; several pairs where it is joined by +. */
export type Rdn = readonly Pair[]
/** `hex`: the value stands as #hex of its BER form, for types that have no text form. */
export type Pair = { type: string; value: string; hex?: boolean }

/** RFC 4514 §3 names these types by both; the longer names are those of RFC 4519. */
const SAME_TYPE: Readonly<Record<string, string>> = {
  '2.5.4.3': 'cn',
  commonname: 'cn',
  '2.5.4.4': 'sn',
  surname: 'sn',
  '2.5.4.6': 'c',
  countryname: 'c',
  '2.5.4.7': 'l',
  localityname: 'l',
  '2.5.4.8': 'st',
  stateorprovincename: 'st',
  '2.5.4.9': 'street',
  streetaddress: 'street',
  '2.5.4.10': 'o',
  organizationname: 'o',
  '2.5.4.11': 'ou',
  organizationalunitname: 'ou',
  '0.9.2342.19200300.100.1.1': 'uid',
  userid: 'uid',
  '0.9.2342.19200300.100.1.25': 'dc',
  domaincomponent: 'dc',
}

/** What most DNs look like: nothing escaped, no alias, no space where it would not count. Only lower case is left to do. */
const PLAIN = /^(?:(?:cn|uid|ou|dc|o)=[\w.@'()/:-]+(?: [\w.@'()/:-]+)*(?:,(?!$)|$))+$/i

/**
 * The one spelling in which two names of the same entry are equal: types by their short name, values without regard to case, width
 * (NFKC) and surplus spaces, pairs of one RDN sorted. Null when the text is no DN. Types that a server compares by case are not told apart.
 */
export function normalDn(text: string): string | null {
  if (PLAIN.test(text)) return text.toLowerCase()
  const rdns = parseDn(text)
  if (rdns === null) return null
  return rdns.map((rdn) => rdn.map(normalPair).sort().join('+')).join(',')
}

/** Whether the first is the second or stands below it; both as normalDn gives them. */
export function isWithin(dn: string, base: string): boolean {
  return base === '' || dn === base || dn.endsWith(`,${base}`)
}

/** Null when the text is no DN. The empty text is the root: no RDN. Spaces around separators are taken, as RFC 2253 §4 asks. */
export function parseDn(text: string): readonly Rdn[] | null {
  if (text.trim() === '') return []
  const rdns: Pair[][] = []
  let pairs: Pair[] = []
  for (let at = 0; ; ) {
    const pair = readPair(text, at)
    if (pair === null) return null
    pairs.push(pair.pair)
    const separator = text[pair.end]
    if (separator !== '+') {
      rdns.push(pairs)
      pairs = []
    }
    if (separator === undefined) return rdns
    at = pair.end + 1
  }
}

/** The text of a DN, RFC 4514 §2: only what must be escaped is. */
export function formatDn(rdns: readonly Rdn[]): string {
  return rdns.map((rdn) => rdn.map(formatPair).join('+')).join(',')
}

function formatPair({ type, value, hex }: Pair): string {
  return `${type}=${hex === true ? `#${value}` : escaped(value)}`
}

function normalPair({ type, value, hex }: Pair): string {
  const lower = type.toLowerCase()
  const same = SAME_TYPE[lower] ?? lower
  if (hex === true) return `${same}=#${value.toLowerCase()}`
  return `${same}=${escaped(value.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim())}`
}

function escaped(value: string): string {
  let text = value.replace(/[\\",+;<>]/g, '\\$&').replaceAll('\0', '\\00')
  if (value.length > 1 && value.endsWith(' ')) text = `${text.slice(0, -1)}\\ `
  return value.startsWith(' ') || value.startsWith('#') ? `\\${text}` : text
}

const TYPE = / *([a-z][a-z0-9-]*|(?:oid\.)?\d+(?:\.\d+)*) *= */iy
const HEX = /#((?:[0-9a-f]{2})+) *(?=[,;+]|$)/iy
const QUOTED = /"((?:[^"\\]|\\[\s\S])*)" *(?=[,;+]|$)/y
const BARE = /(?:[^,;+\\"<>\0]|\\[\s\S])*/y

function readPair(text: string, at: number): { pair: Pair; end: number } | null {
  const named = matchAt(TYPE, text, at)
  if (named === null) return null
  const type = (named[1] ?? '').replace(/^oid\./i, '')
  const from = at + named[0].length
  const hex = matchAt(HEX, text, from)
  if (hex !== null) return { pair: { type, value: hex[1] ?? '', hex: true }, end: from + hex[0].length }
  if (text[from] === '#') return null
  const quoted = matchAt(QUOTED, text, from)
  const [whole, inner] = quoted === null ? bareAt(text, from) : [quoted[0], quoted[1] ?? '']
  const end = from + whole.length
  if (end < text.length && !',;+'.includes(text[end] ?? '')) return null
  const value = unescaped(inner)
  return value === null ? null : { pair: { type, value }, end }
}

/** A value without quotes: its trailing spaces belong to the separator unless the last is escaped. */
function bareAt(text: string, from: number): [string, string] {
  const whole = matchAt(BARE, text, from)?.[0] ?? ''
  const cut = whole.replace(/ +$/, '')
  return [whole, endsInEscape(cut) && cut.length < whole.length ? whole.slice(0, cut.length + 1) : cut]
}

function endsInEscape(text: string): boolean {
  return (/\\*$/.exec(text)?.[0].length ?? 0) % 2 === 1
}

/** Backslash and two hex digits are one octet of UTF-8, backslash and anything else is that character. Null when the octets are no UTF-8. */
function unescaped(text: string): string | null {
  if (!text.includes('\\')) return text
  try {
    return text.replace(/(?:\\[0-9a-f]{2})+|\\([\s\S])/gi, (run: string, one: string | undefined) =>
      one === undefined ? decodeURIComponent(run.replaceAll('\\', '%')) : one,
    )
  } catch {
    return null
  }
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}
