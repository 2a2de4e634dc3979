// SPDX-License-Identifier: Apache-2.0
// A rule set as plain data, which goes from one process or thread to another, and opened to judge by.
import type { Rule, RuleSet } from '../domain/rule.ts'
import { indexRules } from '../domain/rule-index.ts'
import { type MatcherData, openMatcher } from '../matching/matcher.ts'

export type RuleData = { rules: readonly Rule[]; otherwise: 'allow' | 'refuse'; matcher: MatcherData }

export function openRuleSet({ rules, otherwise, matcher: data }: RuleData): RuleSet {
  const matcher = openMatcher(data)
  return { rules, otherwise, matcher, index: indexRules(rules, matcher) }
}
