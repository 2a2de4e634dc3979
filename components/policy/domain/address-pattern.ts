// SPDX-License-Identifier: Apache-2.0
// Whom a rule means: `alice@corp.example`, `corp.example` (everybody there), `*@corp.example`, `*.partner.example`, `bot-*@*`.
import { bareOf } from '../../kit/xmpp/jid.ts'

export type AddressPattern =
  | { bare: string }
  | { domain: string }
  | { glob: readonly string[]; over: 'bare' | 'domain' }

/** Many patterns, the plain ones to be looked up at once. */
export type Audience = {
  bares: ReadonlySet<string>
  domains: ReadonlySet<string>
  globs: readonly (AddressPattern & { over: 'bare' | 'domain' })[]
}

/** Reads one pattern; `wrong` is the id of the text that says what is wanted instead. */
export function readAddressPattern(text: string): AddressPattern | { wrong: string } {
  const said = text.trim()
  if (said.includes('/')) return { wrong: 'policy-wanted-bare-address' }
  const pattern = bareOf(said)
  if (pattern === '') return { wrong: 'policy-wanted-pattern' }
  if (/[\s<>"'&]/u.test(pattern)) return { wrong: 'policy-wanted-plain-address' }
  const parts = pattern.split('@')
  if (parts.length > 2 || parts.includes('')) return { wrong: 'policy-wanted-address' }
  if (pattern.includes('*')) return { glob: pattern.split('*'), over: parts.length === 2 ? 'bare' : 'domain' }
  return parts.length === 2 ? { bare: pattern } : { domain: pattern }
}

export function gatherAudience(patterns: readonly AddressPattern[]): Audience {
  return {
    bares: new Set(patterns.flatMap((pattern) => ('bare' in pattern ? [pattern.bare] : []))),
    domains: new Set(patterns.flatMap((pattern) => ('domain' in pattern ? [pattern.domain] : []))),
    globs: patterns.filter((pattern) => 'glob' in pattern),
  }
}

export function domainOf(bare: string): string {
  return bare.slice(bare.indexOf('@') + 1)
}

/** Whether a bare JID, as bareOf gives it, is one of the audience. */
export function isAmong(bare: string, audience: Audience): boolean {
  if (audience.bares.has(bare)) return true
  if (audience.domains.size > 0 && audience.domains.has(domainOf(bare))) return true
  return audience.globs.length > 0 && isMeant(bare, audience.globs)
}

/** Whether a bare JID, as bareOf gives it, is meant by one of the patterns. */
export function isMeant(bare: string, patterns: readonly AddressPattern[]): boolean {
  const domain = domainOf(bare)
  return patterns.some((pattern) => {
    if ('bare' in pattern) return pattern.bare === bare
    if ('domain' in pattern) return pattern.domain === domain
    return fits(pattern.over === 'bare' ? bare : domain, pattern.glob)
  })
}

/** `pieces` are what stands between the stars. Linear: after the first piece, the leftmost fit of each piece is as good as any. */
function fits(text: string, pieces: readonly string[]): boolean {
  const first = pieces[0] ?? ''
  const last = pieces[pieces.length - 1] ?? ''
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
  const end = text.length - last.length
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at)
    if (found < 0 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}
