// SPDX-License-Identifier: Apache-2.0
// What an operator is to know of addresses in rules: a name alone is a domain, and who writes one mostly means a person.
import type { Message } from '../../kit/text/catalogue.ts'
import type { Condition, Rule } from '../domain/rule.ts'

const MOST = 20

/** `hosts`: names alone that are meant as they stand. */
export function addressNotes(rules: readonly Rule[], hosts: ReadonlySet<string>): readonly Message[] {
  const names = new Set<string>()
  for (const { when } of rules) addNames(when, hosts, names)
  return [...names].slice(0, MOST).map((name) => ({ id: 'policy-note-address-name', args: { name } }))
}

function addNames(condition: Condition, hosts: ReadonlySet<string>, names: Set<string>): void {
  switch (condition.is) {
    case 'all':
    case 'any':
      for (const each of condition.of) addNames(each, hosts, names)
      return
    case 'not':
      addNames(condition.of, hosts, names)
      return
    case 'from':
    case 'to':
      for (const domain of condition.who.domains) if (isName(domain) && !hosts.has(domain)) names.add(domain)
  }
}

/** No dot, and no IPv6 address. */
function isName(domain: string): boolean {
  return !/[.:]/u.test(domain) && domain !== 'localhost'
}
