// SPDX-License-Identifier: Apache-2.0
// Addresses, RFC 7622. Lengths and forbidden characters are checked; where addresses are compared, each is brought into one spelling
// (preparedBare below), because clients, rules and what stands inside a stanza spell one address in many ways.
import { domainToUnicode } from 'node:url'

/** `local` and `resource` are '' where absent. */
export type Jid = { local: string; domain: string; resource: string }

const PART_BYTES = 1023
/** RFC 7622 §3.3.1, and what the PRECIS IdentifierClass leaves out: controls, spaces. */
const NOT_IN_LOCAL = /["&'/:<>@\s\p{Cc}\p{Cs}]/u
const NOT_IN_DOMAIN = /["&'/<>@\s\p{Cc}\p{Cs}]/u
/** The OpaqueString class allows spaces, never controls. */
const NOT_IN_RESOURCE = /[\p{Cc}\p{Cs}]/u
const PLAIN_DOMAIN = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i
const BRACKETED = /^\[[0-9a-f:.]+\]$/i

/** The parts of an address as they stand; null where it is none. The first / ends the bare address, the first @ before it the localpart. */
export function parseJid(text: string): Jid | null {
  const slash = text.indexOf('/')
  const bare = slash === -1 ? text : text.slice(0, slash)
  const resource = slash === -1 ? '' : text.slice(slash + 1)
  const at = bare.indexOf('@')
  const local = at === -1 ? '' : bare.slice(0, at)
  const domain = bare.slice(at + 1)
  if (at === 0 || !isDomain(domain)) return null
  if (slash !== -1 && !isPart(resource, NOT_IN_RESOURCE)) return null
  if (at !== -1 && !isPart(local, NOT_IN_LOCAL)) return null
  return { local, domain, resource }
}

export function formatJid({ local, domain, resource }: Jid): string {
  return (local === '' ? '' : `${local}@`) + domain + (resource === '' ? '' : `/${resource}`)
}

/** localpart@domain (or domain) of an address, prepared for comparison. Of a text that is no address: that text's start. */
export function bareOf(address: string): string {
  const slash = address.indexOf('/')
  return preparedBare(slash === -1 ? address : address.slice(0, slash))
}

export function domainOf(address: string): string {
  const bare = bareOf(address)
  return bare.slice(bare.indexOf('@') + 1)
}

/** '' where there is none. */
export function localOf(address: string): string {
  const bare = bareOf(address)
  return bare.slice(0, Math.max(0, bare.indexOf('@')))
}

/** '' where there is none; resources keep their case. */
export function resourceOf(address: string): string {
  const slash = address.indexOf('/')
  return slash === -1 ? '' : address.slice(slash + 1)
}

/** The address as it is compared: bare part prepared, resource as it stands. */
export function normalJid(address: string): string {
  const slash = address.indexOf('/')
  return slash === -1 ? bareOf(address) : bareOf(address) + address.slice(slash)
}

export function sameBare(one: string, other: string): boolean {
  return bareOf(one) === bareOf(other)
}

export function sameJid(one: string, other: string): boolean {
  return normalJid(one) === normalJid(other)
}

function isPart(part: string, forbidden: RegExp): boolean {
  return part !== '' && fits(part) && !forbidden.test(part)
}

function isDomain(domain: string): boolean {
  if (domain === '' || !fits(domain)) return false
  if (PLAIN_DOMAIN.test(domain) || BRACKETED.test(domain)) return true
  // Internationalised labels (U-labels) or what a server made of them: no empty label, no forbidden character.
  return !NOT_IN_DOMAIN.test(domain) && /[^\0-\x7f]/.test(domain) && !/^\.|\.\./.test(domain)
}

function fits(part: string): boolean {
  return part.length <= PART_BYTES && (part.length * 3 <= PART_BYTES || Buffer.byteLength(part) <= PART_BYTES)
}

/** Lower-case ASCII; nearly every address, so it is looked at first. */
const PREPARED = /^[!-@[-~]*$/

/**
 * The one spelling of a bare address: what RFC 3920 (stringprep, as Prosody and ejabberd have it) or RFC 7622 (PRECIS) would make
 * the same is the same here. Where the two differ (ß and ss, ς and σ) it is the same too: of a rule or a search, one person too many
 * is seen, one too few is not.
 */
function preparedBare(bare: string): string {
  if (PREPARED.test(bare) && !bare.endsWith('.') && !bare.includes('xn--')) return bare
  const at = bare.indexOf('@')
  const domain = preparedDomain(bare.slice(at + 1))
  if (at === -1) return domain
  const local = bare.slice(0, at)
  const folded = fold(local)
  // A server refuses what only becomes a separator here; it must not become another address.
  return `${NOT_IN_LOCAL.test(folded) ? local : folded}@${domain}`
}

/** Labels as they are read, without the dot of the root. */
function preparedDomain(domain: string): string {
  const folded = fold(domain).replaceAll('\u3002', '.').replace(/\.$/, '')
  if (PREPARED.test(folded) && !folded.includes('xn--')) return folded
  const decoded = domainToUnicode(folded)
  return decoded === '' ? folded : fold(decoded)
}

/** RFC 3454 table B.1: what is commonly mapped to nothing, with the other characters that nobody sees. */
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu

/** RFC 3454 table B.2: folding with NFKC. Character by character, because what stands beside a sigma must not matter. */
function fold(text: string): string {
  let folded = ''
  for (const character of text.replace(UNSEEN, '').normalize('NFKC')) folded += foldOne(character)
  return folded.normalize('NFKC')
}

function foldOne(character: string): string {
  // The dotless i is a letter of its own; as a capital it would be I.
  return character === '\u0131' ? character : character.toLowerCase().toUpperCase().toLowerCase()
}
