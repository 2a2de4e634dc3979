// SPDX-License-Identifier: Apache-2.0
// XEP-0106: JID Escaping (1.1.1)

/** §4.2. */
const UNSAFE = /[ "&'/:<>@]/g
/** A backslash that would read as the beginning of one of the sequences. */
const SEQUENCE = /\\(?=20|22|26|27|2f|3a|3c|3e|40|5c)/gi
const ESCAPED = /\\(20|22|26|27|2f|3a|3c|3e|40|5c)/gi

/** A name of another network as a localpart. */
export function escapeNode(name: string): string {
  return name
    .replace(SEQUENCE, '\\5c')
    .replace(UNSAFE, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** The name that a localpart stands for. A backslash that begins no sequence stands for itself. */
export function unescapeNode(local: string): string {
  return local.replace(ESCAPED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}
