// SPDX-License-Identifier: Apache-2.0
// What of a rule set holds while policy is away: which rules close an open host, and what earlier rules let pass before them.
import { isAmong } from './address-pattern.ts'
import { isAboutPeople } from './people.ts'
import { type Condition, leavesOf, type Rule } from './rule.ts'

/**
 * The first row decides whose condition is met: `allow` where it certainly holds, `closed` where it may hold. Nobody reads texts
 * there, or knows who people are, so a condition on them is never certain, and always possible.
 */
export type OutageRow = { do: 'allow'; when: Condition } | { do: 'closed'; rule: string; when: Condition }

/** The rows of a rule set, in its order. Of `allow` only what can make a difference. */
export function outageRows(rules: readonly Rule[]): readonly OutageRow[] {
  const rows: OutageRow[] = []
  let closed = 0
  for (const { id, when, then, closed: closes } of rules) {
    if (closes) {
      rows.push({ do: 'closed', rule: id, when: isSometimesNot(when) ? when : { is: 'always' } })
      closed = rows.length
      if (!isSometimesNot(when)) break
    }
    if (then.do !== 'allow' || !isSometimesSure(when)) continue
    rows.push({ do: 'allow', when })
    if (when.is === 'always') break
  }
  return rows.slice(0, closed)
}

/** Whether something has a say in it that nobody knows in an outage: texts, and who people are. */
export function dependsOnUnread(condition: Condition): boolean {
  return leavesOf(condition).some((leaf) => leaf.is === 'words' || leaf.is === 'regex' || isAboutPeople(leaf))
}

/** The rule that closes all of a host in an outage but what earlier rules allow; null: none does. */
export function closesAll(rows: readonly OutageRow[], host: string): string | null {
  for (const row of rows) {
    const when = at(host, row.when)
    if (row.do === 'allow' && isSometimesSure(when) && !isSometimesNot(when)) return null
    if (row.do === 'closed' && !isSometimesNot(when)) return row.rule
  }
  return null
}

/** Whether anybody could tell, without texts, that the condition does not hold. */
function isSometimesNot(condition: Condition): boolean {
  switch (condition.is) {
    case 'always':
    case 'words':
    case 'regex':
      return false
    case 'kind':
      return !STANZAS.every((kind) => condition.kinds.includes(kind))
    case 'all':
      return condition.of.some(isSometimesNot)
    case 'any':
      return condition.of.every(isSometimesNot)
    case 'not':
      return isSometimesSure(condition.of)
    default:
      return !isAboutPeople(condition)
  }
}

/** Whether anybody could tell, without texts, that the condition holds. */
function isSometimesSure(condition: Condition): boolean {
  switch (condition.is) {
    case 'words':
    case 'regex':
      return false
    case 'all':
      return condition.of.every(isSometimesSure)
    case 'any':
      return condition.of.some(isSometimesSure)
    case 'not':
      return isSometimesNot(condition.of)
    default:
      return !isAboutPeople(condition)
  }
}

/** Every stanza is one of them. */
const STANZAS = ['message', 'presence', 'iq'] as const

/** The condition as it is at one host. */
function at(host: string, condition: Condition): Condition {
  switch (condition.is) {
    case 'host':
      return isAmong(host, condition.hosts) ? { is: 'always' } : { is: 'any', of: [] }
    case 'all':
    case 'any':
      return { is: condition.is, of: condition.of.map((each) => at(host, each)) }
    case 'not':
      return { is: 'not', of: at(host, condition.of) }
    default:
      return condition
  }
}
