// SPDX-License-Identifier: Apache-2.0
// What an operator is to know of rules with `on_outage: closed`: where they close more than they seem to say.
import type { Message } from '../../kit/text/catalogue.ts'
import type { AddressPattern } from '../domain/address-pattern.ts'
import { closesAll, dependsOnUnread, outageRows } from '../domain/outage-rules.ts'
import type { Rule } from '../domain/rule.ts'
import { writeRows } from '../protocol/outage-rules.ts'

/** `bytes`: as many as one stanza to a helper may have. */
export function outageNotes(
  rules: readonly Rule[],
  hosts: ReadonlySet<string>,
  rooms: readonly AddressPattern[],
  bytes: number,
): readonly Message[] {
  const rows = outageRows(rules)
  const { reduced } = writeRows(rows, rooms, bytes)
  if (reduced.by === 'everything') return [{ id: 'policy-note-outage-full' }]
  const closing = Map.groupBy(hosts, (host) => closesAll(rows, host))
  const all = [...closing].flatMap(([rule, at]) =>
    rule === null ? [] : [{ id: 'policy-note-outage-all', args: { hosts: listed(at), rule } }],
  )
  const named = new Set(closing.keys())
  const reading = rules.filter(({ id, when, closed }) => closed && dependsOnUnread(when) && !named.has(id))
  return [
    ...all,
    ...(reading.length > 0
      ? [{ id: 'policy-note-outage-texts', args: { rules: listed(reading.map(({ id }) => id)) } }]
      : []),
    ...(reduced.by === 'nothing' ? [] : [{ id: 'policy-note-outage-exceptions' }]),
    ...(reduced.by === 'addresses'
      ? [{ id: 'policy-note-outage-addresses', args: { most: String(reduced.addresses) } }]
      : []),
  ]
}

const NAMED = 10

function listed(names: readonly string[]): string | Message {
  const first = names.slice(0, NAMED).join(', ')
  const more = names.length - NAMED
  return more > 0 ? { id: 'policy-and-more', args: { names: first, more: String(more) } } : first
}
