// SPDX-License-Identifier: Apache-2.0
// A rule set as plain data, which goes from one process or thread to another, and opened to judge by.
import type { RuleSet } from '../domain/rule.ts'
import { indexRules } from '../domain/rule-index.ts'
import { type MatcherData, openMatcher } from '../matching/matcher.ts'

export type RuleData = Pick<RuleSet, 'rules' | 'otherwise' | 'groups' | 'needsPeople' | 'walls'> & {
  matcher: MatcherData
}

export function openRuleSet({ matcher: data, ...plain }: RuleData): RuleSet {
  const matcher = openMatcher(data)
  return { ...plain, matcher, index: indexRules(plain.rules, matcher) }
}
