// SPDX-License-Identifier: Apache-2.0
// A rule set of the size that the benches ask for: made-up terms that look like words, expressions, and people kept apart.
import { oneOf, type Random, randomFrom } from './disguises.ts'

export const TERMS = 10_000
export const PATTERNS = 50

/** 200 rules with those terms, which stand in a file beside them; the load of the gate bench holds none of them. */
export function gateRules(): string {
  return rulesOf(TERMS_FILE, 200 - PATTERNS - 2)
}

const TERMS_FILE = 'terms.txt'

/** What stands beside the rules, by name: a term a line. */
export function gateRuleFiles(): Record<string, string> {
  return { [TERMS_FILE]: `${madeUpTerms(randomFrom(7)).join('\n')}\n` }
}

export function madeUpTerms(random: Random): string[] {
  return Array.from({ length: TERMS }, () => madeUp(random))
}

/**
 * A rule file without its version: a list of terms (or the name of their file), expressions, and `walls` rules that keep two people apart. Half of the expressions
 * begin with a fixed text, half are numbers in shapes that any message could hold.
 */
export function rulesOf(terms: readonly string[] | string, walls = 0): string {
  const patterns = Array.from({ length: PATTERNS }, (_, index) =>
    index % 2 === 0 ? `(?i)case-${index}-\\d{4,}` : `\\b\\d{${3 + (index % 9)}}-[A-Z]{${1 + (index % 4)}}\\d{2}\\b`,
  )
  const apart = Array.from(
    { length: walls },
    (_, index) =>
      `  - { id: w${index}, when: { from: [trader${index}@corp.example], to: [analyst${index}@corp.example] }, then: refuse }\n`,
  )
  return `otherwise: allow
lexicons: { terms: ${typeof terms === 'string' ? terms : `[${terms.map((term) => `"${term}"`).join(', ')}]`} }
rules:
  - { id: mail, when: { kind: invitation, to: elsewhere.example }, then: refuse }
${apart.join('')}  - { id: terms, when: { direction: sent, lexicon: terms }, then: refuse }
${patterns.map((pattern, index) => `  - { id: p${index}, when: { regex: '${pattern}' }, then: { tag: number } }`).join('\n')}
`
}

const SYLLABLES =
  'ba be bi bo da de di fo ga ge ha in ka la le li lo ma me mi na ne no or pa ra re ri ro sa se si so sta ta te ti to tra tu un va ver vi wa'.split(
    ' ',
  )
function madeUp(random: Random): string {
  const word = Array.from({ length: 3 + Math.floor(random() * 3) }, () => oneOf(SYLLABLES, random)).join('')
  return random() < 0.1 ? `${word} ${oneOf(SYLLABLES, random)}${oneOf(SYLLABLES, random)}` : word
}
