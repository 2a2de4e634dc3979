// SPDX-License-Identifier: Apache-2.0
// A rule set as it is in force: an ordered list; the first `allow` or `refuse` that fits ends the walk, `replace` changes
// the message and the walk goes on, and so it does where a rule only tags or says what is recorded.
import type { Direction, Recorded } from '../../kit/facts/facts.ts'
import type { Audience } from './address-pattern.ts'
import type { Kind, Screened } from './screened.ts'
import type { Wall } from './wall.ts'

export type Condition =
  | { is: 'always' }
  | { is: 'all' | 'any'; of: readonly Condition[] }
  | { is: 'not'; of: Condition }
  | { is: 'direction'; direction: Direction }
  | { is: 'host'; hosts: Audience }
  | { is: 'from' | 'to'; who: Audience }
  /** Kinds of other networks, such as irc: it comes from one of them, or goes to one. */
  | { is: 'network'; networks: ReadonlySet<string> }
  | { is: 'room'; room: boolean }
  | { is: 'room-named'; rooms: Audience }
  | { is: 'kind'; kinds: readonly Kind[] }
  /** A term of one of these lists stands in one of the texts. Lists and patterns are numbers in the matcher of the rule set. */
  | { is: 'words'; lists: readonly number[] }
  | { is: 'regex'; patterns: readonly number[] }
  /** Names for comparison (nameKey), of groups or of departments. */
  | { is: 'from.group' | 'to.group' | 'from.department' | 'to.department'; names: ReadonlySet<string> }
  /** `names` null: any group. */
  | { is: 'same.group'; names: ReadonlySet<string> | null; same: boolean }
  | { is: 'is-external'; external: boolean }

/** What others are made of. */
export type Leaf = Exclude<Condition, { is: 'all' | 'any' | 'not' }>

/** All that a condition is made of, as it stands, whether under a `not` or not. */
export function leavesOf(condition: Condition): readonly Leaf[] {
  switch (condition.is) {
    case 'all':
    case 'any':
      return condition.of.flatMap(leavesOf)
    case 'not':
      return leavesOf(condition.of)
    default:
      return [condition]
  }
}

/** Texts by language tag; null: the suite's own text in each of its languages. */
export type Texts = Readonly<Record<string, string>> | null

export type Action =
  | { do: 'allow' }
  | { do: 'refuse'; condition: string | null; text: Texts }
  /** What was found is masked: one character stands for each character, a longer mask for the whole. */
  | { do: 'replace'; mask: string; text: Texts }
  /** Nothing but its tags and what it says of the record. */
  | { do: 'tag' }

export type Rule = {
  id: string
  when: Condition
  then: Action
  tags: readonly string[]
  /** Null: as the first rule says that holds and says it; without one, the content. */
  record: Recorded | null
  /** What cannot be decided is refused where this rule could hold, whatever the host says of an outage. */
  closed: boolean
}

/** [start, end) of a text, in UTF-16 units. */
export type Span = { start: number; end: number }

export type Hit = Span & { term: number }

/** What the terms of all lists find in one text. `more`: not every place is named in `hits`. */
export type Finding = { lists: ReadonlySet<number>; hits: readonly Hit[]; more: boolean }

/** Looks for the terms and patterns of a rule set, in the text as it stands and in its normalised views. */
export type Matcher = {
  /** All terms of all lists in one pass. */
  find(text: string): Finding
  isIn(term: number, list: number): boolean
  /** The list without which this pattern cannot fit; null: it is one of the standing ones. */
  need(pattern: number): number | null
  /** Which of the standing patterns fit. */
  standing(text: string): readonly number[]
  fits(pattern: number, text: string): boolean
  /** Where, at most `most` places; null: more than may be looked for. */
  places(pattern: number, text: string, most: number): readonly Span[] | null
}

/** What a condition looks for in texts. */
export type Sought = { lists: readonly number[]; patterns: readonly number[] }

/** Which rules can hold for a stanza at all. */
export type RuleIndex = {
  /** Rules that can hold for this stanza whatever its texts say, in their order. */
  byEnvelope(asked: Screened): readonly number[]
  /** Rules that can hold where terms of these lists were found, in their order. */
  byLists(lists: ReadonlySet<number>): readonly number[]
  /** The first rule that only a text can call for; Infinity where there is none. */
  firstByText: number
  /** What the condition of a rule looks for, not counting what stands under `not`. */
  sought(rule: number): Sought
}

export type RuleSet = {
  rules: readonly Rule[]
  otherwise: 'allow' | 'refuse'
  /** Names of groups as the rule file writes them. */
  groups: readonly string[]
  /** Something in it cannot be decided while nobody knows who people are. */
  needsPeople: boolean
  /** They stand before the rules. */
  walls: readonly Wall[]
  matcher: Matcher
  index: RuleIndex
}

/** Ids that stand in verdicts without being a rule's, so no rule may have them. */
export const RESERVED_IDS = ['otherwise', 'unreadable', 'fault', 'too-large'] as const
