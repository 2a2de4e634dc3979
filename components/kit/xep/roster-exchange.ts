// SPDX-License-Identifier: Apache-2.0
// XEP-0144: Roster Item Exchange (1.1.1)
import { escapeAttribute, escapeText } from '../xml/writer.ts'

export const ROSTER_EXCHANGE = 'http://jabber.org/protocol/rosterx'

export type Suggested = { action: 'add' | 'delete'; jid: string; name: string; groups: readonly string[] }

/** §3: of a message to a client that says it knows this. */
export function writeRosterExchange(items: readonly Suggested[]): string {
  const written = items.map(({ action, jid, name, groups }) => {
    const inside = groups.map((group) => `<group>${escapeText(group)}</group>`).join('')
    return `<item action='${action}' jid='${escapeAttribute(jid)}' name='${escapeAttribute(name)}'>${inside}</item>`
  })
  return `<x xmlns='${ROSTER_EXCHANGE}'>${written.join('')}</x>`
}
