// SPDX-License-Identifier: Apache-2.0
// Rules that name other networks, and where these are.
import { type Condition, leavesOf, type Rule } from './rule.ts'

/** A transport: the kind of network and its domain, lower case. */
export type Reached = { network: string; domain: string }

/** Kinds of networks that a condition names. */
export function networksIn(condition: Condition): readonly string[] {
  return leavesOf(condition).flatMap((leaf) => (leaf.is === 'network' ? [...leaf.networks] : []))
}

/** The same rules in addresses alone, for helpers of servers: to them a network is the domain of its transport. */
export function byAddress(rules: readonly Rule[], transports: readonly Reached[]): readonly Rule[] {
  return rules.map((rule) =>
    networksIn(rule.when).length === 0 ? rule : { ...rule, when: addressed(rule.when, transports) },
  )
}

function addressed(condition: Condition, transports: readonly Reached[]): Condition {
  switch (condition.is) {
    case 'network': {
      const meant = transports.filter(({ network }) => condition.networks.has(network))
      const who = { bares: new Set<string>(), domains: new Set(meant.map(({ domain }) => domain)), globs: [] }
      return {
        is: 'any',
        of: [
          { is: 'to', who },
          { is: 'from', who },
        ],
      }
    }
    case 'all':
    case 'any':
      return { is: condition.is, of: condition.of.map((each) => addressed(each, transports)) }
    case 'not':
      return { is: 'not', of: addressed(condition.of, transports) }
    default:
      return condition
  }
}
