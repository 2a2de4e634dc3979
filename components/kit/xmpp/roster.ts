// SPDX-License-Identifier: Apache-2.0
// Rosters, RFC 6121 §2: items as values.
import type { Element } from '../xml/element.ts'
import { escapeAttribute, escapeText } from '../xml/writer.ts'
import { parseJid } from './jid.ts'
import { NS } from './namespaces.ts'

const SUBSCRIPTIONS = ['none', 'to', 'from', 'both'] as const
export type Subscription = (typeof SUBSCRIPTIONS)[number]

/** `name` is '' where the item has none; `ask`: a subscription is requested and not answered. */
export type RosterItem = {
  jid: string
  name: string
  subscription: Subscription
  ask: boolean
  groups: readonly string[]
}

/** What is to be stored of one contact; `subscription` counts only where a privileged sender sets it. */
export type RosterChange =
  | { jid: string; name?: string; groups?: readonly string[]; subscription?: Subscription }
  | { jid: string; subscription: 'remove' }

/** `item: null` with `jid`: the contact is gone. */
export type RosterPush = { jid: string; item: RosterItem | null }

export const ROSTER_QUERY = `<query xmlns='${NS.roster}'/>`

/** Items of a `query`; what is no item, or has no valid address, is left out. */
export function readRoster(query: Element): RosterItem[] {
  return readPush(query).flatMap(({ item }) => (item === null ? [] : [item]))
}

/** §2.1.6: as readRoster, with those that are removed. */
export function readPush(query: Element): RosterPush[] {
  return query.getChildElements().flatMap((child): RosterPush[] => {
    const { jid, name = '', subscription, ask } = child.attrs
    if (!child.is('item', NS.roster) || jid === undefined || parseJid(jid) === null) return []
    if (subscription === 'remove') return [{ jid, item: null }]
    const groups = child
      .getChildElements()
      .filter((one) => one.is('group', NS.roster))
      .map((one) => one.getText())
    const known = SUBSCRIPTIONS.find((one) => one === subscription) ?? 'none'
    return [{ jid, item: { jid, name, subscription: known, ask: ask === 'subscribe', groups: [...new Set(groups)] } }]
  })
}

/** The `query` of a roster set; §2.3.3: it has exactly one item, and no group twice. */
export function writeChange(change: RosterChange): string {
  const { jid, name, groups, subscription } = { name: undefined, groups: [], subscription: undefined, ...change }
  const given = { jid, name, subscription }
  const attributes = Object.entries(given).map(([key, value]) =>
    value === undefined ? '' : ` ${key}='${escapeAttribute(value)}'`,
  )
  const inside = [...new Set(groups)]
    .filter((group) => group !== '')
    .map((group) => `<group>${escapeText(group)}</group>`)
  return `<query xmlns='${NS.roster}'><item${attributes.join('')}>${inside.join('')}</item></query>`
}
