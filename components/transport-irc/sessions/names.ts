// SPDX-License-Identifier: Apache-2.0
// What somebody is called on a network who has said nothing of it.
import { unescapeNode } from '../../kit/xep/jid-escaping.ts'
import { localOf } from '../../kit/xmpp/jid.ts'

/** {local} becomes the first part of the address. */
export function fill(template: string, owner: string): string {
  return template.replaceAll('{local}', unescapeNode(localOf(owner)))
}

/** What may be a nick everywhere: letters, digits and a few signs, none of the latter two in front. */
export function nickFrom(template: string, owner: string, most: number): string {
  const plain = plainLetters(fill(template, owner))
    .replace(/[^A-Za-z0-9[\]\\`_^{|}-]/g, '_')
    .replace(/^[-0-9]+/, '')
    .slice(0, most)
  return /[A-Za-z0-9]/.test(plain) ? plain : `user${plain}`.slice(0, most)
}

const USER_MOST = 10

/** The user name, of the letters that every server takes. */
export function userFrom(template: string, owner: string): string {
  const plain = plainLetters(fill(template, owner))
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '')
    .replace(/^[-_]+/, '')
  return plain.slice(0, USER_MOST) || 'user'
}

/** Letters without what stands above and below them. */
function plainLetters(text: string): string {
  return text.replaceAll('ß', 'ss').normalize('NFKD').replace(/\p{M}/gu, '')
}
