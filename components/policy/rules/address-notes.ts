// SPDX-License-Identifier: Apache-2.0
// What an operator is to know of addresses in rules: a name alone is a domain, and who writes one mostly means a person.
import type { Message } from '../../kit/text/catalogue.ts'
import { leavesOf, type Rule } from '../domain/rule.ts'

const MOST = 20

/** `hosts`: names alone that are meant as they stand. */
export function addressNotes(rules: readonly Rule[], hosts: ReadonlySet<string>): readonly Message[] {
  const leaves = rules.flatMap(({ when }) => leavesOf(when))
  const domains = leaves.flatMap((leaf) => (leaf.is === 'from' || leaf.is === 'to' ? [...leaf.who.domains] : []))
  const names = new Set(domains.filter((domain) => isName(domain) && !hosts.has(domain)))
  return [...names].slice(0, MOST).map((name) => ({ id: 'policy-note-address-name', args: { name } }))
}

/** No dot, and no IPv6 address. */
function isName(domain: string): boolean {
  return !/[.:]/u.test(domain) && domain !== 'localhost'
}
