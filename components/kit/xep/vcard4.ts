// SPDX-License-Identifier: Apache-2.0
// XEP-0292: vCard4 Over XMPP (0.12.0)
// The properties as RFC 6351 writes them.
import { escapeText } from '../xml/writer.ts'
import type { Card } from './vcard-temp.ts'

/** The node of a person's PEP (§4.1), and the namespace of what stands there. */
export const VCARD4_NODE = 'urn:xmpp:vcard4'
export const VCARD4 = 'urn:ietf:params:xml:ns:vcard-4.0'

/** The element. The photo is not part of it: it would be sent with each change of a number (XEP-0084 has it). */
export function writeVcard4(card: Card): string {
  const { mail = [], phone = [], company = '', units = [], given = '', family = '' } = card
  const organisation = [company, ...units].map(text).join('')
  return [
    `<vcard xmlns='${VCARD4}'>`,
    property('fn', card.name),
    given === '' && family === '' ? '' : `<n>${component('surname', family)}${component('given', given)}</n>`,
    property('nickname', card.nick),
    ...phone.map((number) => typed('tel', ['work', 'voice'], `<uri>${escapeText(telephone(number))}</uri>`)),
    ...mail.map((address, index) => typed('email', ['work'], text(address), index === 0)),
    card.jid === undefined ? '' : typed('impp', ['work'], `<uri>${escapeText(`xmpp:${forUri(card.jid)}`)}</uri>`),
    property('title', card.title),
    property('role', card.role),
    organisation === '' ? '' : typed('org', ['work'], company === '' ? `<text/>${organisation}` : organisation),
    card.office === undefined || card.office === '' ? '' : typed('adr', ['work'], component('ext', card.office)),
    card.url === undefined || card.url === '' ? '' : `<url><uri>${escapeText(card.url)}</uri></url>`,
    property('note', card.note),
    '</vcard>',
  ].join('')
}

/** RFC 3966: visual separators are hyphens, dots and brackets; blanks and slashes are not. */
function telephone(number: string): string {
  const plain = number.trim().replace(/[\s/]+/g, '-')
  return /^\+?[0-9().*#-]+$/.test(plain) ? `tel:${plain}` : `tel:${encodeURIComponent(plain)}`
}

/** RFC 5122 §2.7: what a path may not hold as it is. */
function forUri(jid: string): string {
  return jid.split('@').map(encodeURIComponent).join('@')
}

function typed(name: string, types: readonly string[], inside: string, preferred = false): string {
  const pref = preferred ? '<pref><integer>1</integer></pref>' : ''
  return `<${name}><parameters><type>${types.map(text).join('')}</type>${pref}</parameters>${inside}</${name}>`
}

function property(name: string, value = ''): string {
  return value === '' ? '' : `<${name}>${text(value)}</${name}>`
}

function component(name: string, value: string): string {
  return `<${name}>${escapeText(value)}</${name}>`
}

function text(value: string): string {
  return value === '' ? '' : `<text>${escapeText(value)}</text>`
}
