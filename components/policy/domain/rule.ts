// SPDX-License-Identifier: Apache-2.0
// A rule set as it is in force: an ordered list; the first `allow` or `refuse` that fits ends the walk, `replace` changes
// the message and the walk goes on.
import type { Direction } from '../../kit/facts/facts.ts'
import type { AddressPattern } from './address-pattern.ts'
import type { Kind } from './screened.ts'

export type Condition =
  | { is: 'always' }
  | { is: 'all' | 'any'; of: readonly Condition[] }
  | { is: 'not'; of: Condition }
  | { is: 'direction'; direction: Direction }
  | { is: 'from' | 'to'; who: readonly AddressPattern[] }
  | { is: 'room'; room: boolean }
  | { is: 'room-named'; rooms: readonly AddressPattern[] }
  | { is: 'kind'; kinds: readonly Kind[] }
  /** One of the words of this list stands in one of the texts. `list` is its number in the finder of the rule set. */
  | { is: 'words'; list: number }

/** Texts by language tag; null: the suite's own text in each of its languages. */
export type Texts = Readonly<Record<string, string>> | null

export type Action =
  | { do: 'allow' }
  | { do: 'refuse'; condition: string | null; text: Texts }
  /** The words found are masked: one character stands for each character, a longer mask for the whole word. */
  | { do: 'replace'; mask: string; text: Texts }

export type Rule = { id: string; when: Condition; then: Action }

/** A word of list `list` stands at [start, end) of the text, in UTF-16 units. */
export type Hit = { list: number; start: number; end: number }

/** Finds the words of all lists of a rule set in one pass over a text. */
export type WordFinder = (text: string) => readonly Hit[]

export type RuleSet = {
  rules: readonly Rule[]
  otherwise: 'allow' | 'refuse'
  find: WordFinder
}

/** Ids that stand in verdicts without being a rule's, so no rule may have them. */
export const RESERVED_IDS = ['otherwise', 'unreadable', 'fault', 'too-large'] as const
