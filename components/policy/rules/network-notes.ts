// SPDX-License-Identifier: Apache-2.0
// What an operator is to know of rules that name other networks.
import type { Message } from '../../kit/text/catalogue.ts'
import { networksIn, type Reached } from '../domain/networks.ts'
import type { Rule } from '../domain/rule.ts'

/** Networks to which no transport goes: perhaps misspelt, perhaps yet to come. */
export function networkNotes(rules: readonly Rule[], transports: readonly Reached[]): readonly Message[] {
  const known = new Set(transports.map(({ network }) => network))
  const unknown = new Set(rules.flatMap(({ when }) => networksIn(when)).filter((network) => !known.has(network)))
  return [...unknown].slice(0, 20).map((network) => ({ id: 'policy-note-network-unknown', args: { network } }))
}
