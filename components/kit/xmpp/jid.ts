// SPDX-License-Identifier: Apache-2.0
// Addresses, RFC 7622. Servers have already prepared what they route (PRECIS); here lengths and forbidden characters are checked,
// and ASCII letters of localpart and domain are lower-cased where addresses are compared.

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

/** localpart@domain (or domain) of an address, lower-cased for comparison. Of a text that is no address: that text's start. */
export function bareOf(address: string): string {
  const slash = address.indexOf('/')
  return lower(slash === -1 ? address : address.slice(0, slash))
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

/** The address as it is compared: bare part lower-cased, resource as it stands. */
export function normalJid(address: string): string {
  const slash = address.indexOf('/')
  return slash === -1 ? lower(address) : lower(address.slice(0, slash)) + address.slice(slash)
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

/** ASCII only, on purpose: what lies beyond has been folded by the server, and folding twice could join two people. */
function lower(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (run) => run.toLowerCase()) : text
}
