// SPDX-License-Identifier: Apache-2.0
// XEP-0106: JID Escaping (1.1.1): from the attributes of an entry to an address.
import { bareOf, domainOf, parseJid } from '../../kit/xmpp/jid.ts'

/** '{uid}@corp.example', taken apart: text and names of attributes (lower case) in turns, text first. */
export type JidTemplate = { text: string; pieces: readonly string[]; attributes: readonly string[] }

/** Why an entry has no address: an attribute is not there, what comes out is none, or its domain is not one of ours. */
export type NoAddress =
  | { wrong: 'no-attribute'; attribute: string }
  | { wrong: 'bad-address'; address: string }
  | { wrong: 'other-host'; address: string }

const PIECE = /\{([a-z][a-z0-9;-]*)\}/i

/** Null where the text is no template: braces that hold no name of an attribute, or no attribute at all. */
export function readJidTemplate(text: string): JidTemplate | null {
  const pieces = text.split(PIECE)
  const attributes = pieces.filter((_, at) => at % 2 === 1).map((name) => name.toLowerCase())
  if (attributes.length === 0 || pieces.some((piece, at) => at % 2 === 0 && /[{}]/.test(piece))) return null
  if (pieces.filter((piece, at) => at % 2 === 0 && piece.includes('@')).length > 1) return null
  return { text, pieces: pieces.map((piece, at) => (at % 2 === 1 ? piece.toLowerCase() : piece)), attributes }
}

/** True where the template names a host itself, and that is none of these: nobody would have an address. */
export function leadsElsewhere({ text }: JidTemplate, hosts: readonly string[]): boolean {
  const host = text.slice(text.indexOf('@') + 1)
  return text.includes('@') && !host.includes('{') && !hosts.includes(domainOf(host))
}

/**
 * The bare address in the spelling in which addresses are compared. What attributes give for the part before the @ is escaped; a
 * template without an @ takes that of the attribute ('{mail}').
 */
export function addressOf(
  { pieces, text }: JidTemplate,
  attributes: Readonly<Record<string, string>>,
  hosts: ReadonlySet<string>,
): { jid: string } | NoAddress {
  const ownAt = text.includes('@')
  let address = ''
  for (const [at, piece] of pieces.entries()) {
    if (at % 2 === 0) {
      address += piece
      continue
    }
    const value = (Object.hasOwn(attributes, piece) ? attributes[piece] : undefined)?.trim() ?? ''
    if (value === '') return { wrong: 'no-attribute', attribute: piece }
    const inLocal = ownAt && !address.includes('@')
    address += inLocal ? escapeLocal(value) : ownAt ? value : escapedBeforeAt(value)
  }
  const jid = bareOf(address)
  const parsed = address.includes('/') ? null : parseJid(jid)
  if (parsed === null || parsed.local === '' || parsed.resource !== '' || !/^[^\s]+$/.test(jid))
    return { wrong: 'bad-address', address }
  return hosts.has(parsed.domain) ? { jid } : { wrong: 'other-host', address: jid }
}

/** §4.2: the characters, and the backslash only where what follows would be read as an escape. No space at either end. */
export function escapeLocal(text: string): string {
  return text.replace(/[ "&'/:<>@]|\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)/gi, (character) => {
    return `\\${character.charCodeAt(0).toString(16)}`
  })
}

function escapedBeforeAt(value: string): string {
  const at = value.lastIndexOf('@')
  return at === -1 ? escapeLocal(value) : `${escapeLocal(value.slice(0, at))}${value.slice(at)}`
}
