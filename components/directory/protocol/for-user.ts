// SPDX-License-Identifier: Apache-2.0
// What the helper does for a user from inside the server: deploy/servers/DIRECTORY.md §8.
import { writeSubmitted } from '../../kit/xep/data-forms.ts'
import { VCARD_TEMP } from '../../kit/xep/vcard-temp.ts'
import type { Element } from '../../kit/xml/element.ts'
import { escapeAttribute } from '../../kit/xml/writer.ts'
import { DIRECTORY } from './state.ts'

const PUBLISH_OPTIONS = 'http://jabber.org/protocol/pubsub#publish-options'

/** A node of the user's PEP; `id` of an item. `jid` is bare. */
export type Place = { jid: string; node: string; id: string }

/** `options`: what the node must be like, XEP-0060 §7.1.5; it is made so where it is missing. */
export function writePublish(place: Place, payload: string, options?: Readonly<Record<string, string>>): string {
  const form = options === undefined ? '' : `<options>${writeSubmitted(PUBLISH_OPTIONS, options)}</options>`
  return `<publish xmlns='${DIRECTORY}'${attributes(place)}>${form}${payload}</publish>`
}

export function writeRetract(place: Place): string {
  return `<retract xmlns='${DIRECTORY}'${attributes(place)}/>`
}

/** Without `id` the newest `max` items. */
export function writeRead(place: Omit<Place, 'id'> & { id?: string; max?: number }): string {
  return `<read xmlns='${DIRECTORY}'${attributes(place)}/>`
}

export type Item = { id: string; payload: Element | null }

/** Of the result of a read. */
export function readItems(iq: Element): Item[] {
  const items = iq.getChild('read', DIRECTORY)?.getChildren('item', DIRECTORY) ?? []
  return items.map((item) => ({ id: item.attrs.id ?? '', payload: item.getChildElements()[0] ?? null }))
}

/** With a card: it replaces the one that is there. */
export function writeCard(jid: string, vcard = ''): string {
  return `<vcard xmlns='${DIRECTORY}'${attributes({ jid })}>${vcard}</vcard>`
}

export function readCard(iq: Element): Element | null {
  return iq.getChild('vcard', DIRECTORY)?.getChild('vCard', VCARD_TEMP) ?? null
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}='${escapeAttribute(String(value))}'`)
    .join('')
}
