// SPDX-License-Identifier: Apache-2.0
// Stanzas and questions as the helper writes them, for all tests of policy.

import type { Element } from '../../components/kit/xml/element.ts'
import { parse } from '../../components/kit/xml/parse.ts'
import { readAddressPattern } from '../../components/policy/domain/address-pattern.ts'
import { type Decision, decide } from '../../components/policy/domain/decide.ts'
import type { RuleSet } from '../../components/policy/domain/rule.ts'
import type { Screened } from '../../components/policy/domain/screened.ts'
import { readScreened } from '../../components/policy/protocol/screened.ts'
import { readRules } from '../../components/policy/rules/rule-file.ts'

export const SOURCE = '9d0c5f0c9d0c5f0c9d0c5f0c9d0c5f0c'
export const AT = '2026-11-22T10:00:00.123Z'

/** A stanza with the namespace and addresses that the helper stamps. */
export function stanza(xml: string): Element {
  return parse(xml.replace(/^<(message|presence|iq)/u, "<$1 xmlns='jabber:client'"))
}

export const chat = (inside: string, to = 'bob@corp.example') =>
  stanza(`<message from='alice@corp.example/desk' to='${to}' type='chat' id='m1'>${inside}</message>`)

export function screened(element: Element, direction: 'sent' | 'received' = 'sent'): Screened {
  const ask = { n: 1, try: 1, direction, via: 'c2s' as const, at: AT, spooled: false, raw: 'x' }
  const rooms = readAddressPattern('rooms.*')
  if ('wrong' in rooms) throw new Error(rooms.wrong)
  return readScreened(ask, element, 'corp.example', [rooms])
}

export function rules(yaml: string): RuleSet {
  const read = readRules(Buffer.from(yaml))
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  return read.set
}

/** One rule with this condition that refuses; everything else is allowed. */
export function refusing(when: string): RuleSet {
  return rules(`version: 1\notherwise: allow\nrules:\n  - id: r\n    when: ${when}\n    then: refuse\n`)
}

export function judge(element: Element, set: RuleSet, direction: 'sent' | 'received' = 'sent'): Decision {
  return decide(screened(element, direction), set)
}
