// SPDX-License-Identifier: Apache-2.0
// Which rules can hold for a stanza at all, found by what each cannot do without: thousands of rules cost nothing where their
// terms, people and kinds do not occur.
import { type Audience, domainOf } from './address-pattern.ts'
import type { Condition, Matcher, Rule, RuleIndex, Sought } from './rule.ts'
import type { Kind, Screened } from './screened.ts'

/** One of them is there whenever the condition holds. `rank`: how much it leaves out, 0 the most. */
type Signs = { rank: number; of: readonly { sort: Sort; key: string | number }[] }
type Sort = 'list' | 'from' | 'from-domain' | 'to' | 'to-domain' | 'room' | 'room-domain' | 'host' | 'kind' | 'network'

export function indexRules(rules: readonly Rule[], matcher: Pick<Matcher, 'need'>): RuleIndex {
  const always: number[] = []
  const bySign = new Map<Sort, Map<string | number, number[]>>()
  let firstByText = Number.POSITIVE_INFINITY
  for (const [number, rule] of rules.entries()) {
    const signs = signsOf(rule.when, matcher)
    if (signs === null) always.push(number)
    for (const { sort, key } of signs?.of ?? []) {
      if (sort === 'list') firstByText = Math.min(firstByText, number)
      const keys = bySign.get(sort) ?? new Map<string | number, number[]>()
      bySign.set(sort, keys)
      const there = keys.get(key)
      if (there === undefined) keys.set(key, [number])
      else if (there.at(-1) !== number) there.push(number)
    }
  }
  const known = new Map<number, Sought>()

  return {
    firstByText,
    byEnvelope(asked) {
      const lists: (readonly number[])[] = [always]
      for (const [sort, keys] of bySign) {
        if (sort === 'list') continue
        for (const key of keysOf(sort, asked)) {
          const there = keys.get(key)
          if (there) lists.push(there)
        }
      }
      return inOrder(lists)
    },
    byLists(lists) {
      if (lists.size === 0) return NONE
      const keys = bySign.get('list')
      if (keys === undefined) return NONE
      const there: (readonly number[])[] = []
      for (const list of lists) {
        const one = keys.get(list)
        if (one) there.push(one)
      }
      return inOrder(there)
    },
    sought(rule) {
      const sought = known.get(rule) ?? soughtBy(rules[rule]?.when ?? { is: 'always' })
      known.set(rule, sought)
      return sought
    },
  }
}

/** What a condition looks for in texts; what stands under `not` is not looked for. */
export function soughtBy(condition: Condition): Sought {
  switch (condition.is) {
    case 'words':
      return { lists: condition.lists, patterns: [] }
    case 'regex':
      return { lists: [], patterns: condition.patterns }
    case 'all':
    case 'any': {
      const parts = condition.of.map(soughtBy)
      return { lists: parts.flatMap((part) => part.lists), patterns: parts.flatMap((part) => part.patterns) }
    }
    default:
      return { lists: [], patterns: [] }
  }
}

/** Each number once, the lowest first. */
export function inOrder(lists: readonly (readonly number[])[]): readonly number[] {
  const [only = []] = lists
  if (lists.length < 2) return only
  return [...new Set(lists.flat())].sort((one, other) => one - other)
}

const NONE: readonly number[] = []

const WHOLE_STANZAS: ReadonlySet<Kind> = new Set(['message', 'presence', 'iq'])

/** Null: it can hold for any stanza. */
function signsOf(condition: Condition, matcher: Pick<Matcher, 'need'>): Signs | null {
  switch (condition.is) {
    case 'words':
      return { rank: 0, of: condition.lists.map((key) => ({ sort: 'list', key })) }
    case 'regex': {
      const needs = condition.patterns.map((pattern) => matcher.need(pattern))
      return needs.every((need) => need !== null) ? { rank: 0, of: needs.map((key) => ({ sort: 'list', key })) } : null
    }
    case 'from':
    case 'to':
      return audienceSigns(condition.who, condition.is)
    case 'room-named':
      return audienceSigns(condition.rooms, 'room')
    case 'host':
      return condition.hosts.globs.length > 0
        ? null
        : { rank: 3, of: [...condition.hosts.domains].map((key) => ({ sort: 'host', key })) }
    case 'network':
      return { rank: 2, of: [...condition.networks].map((key) => ({ sort: 'network', key })) }
    case 'kind': {
      const rank = condition.kinds.some((kind) => WHOLE_STANZAS.has(kind)) ? 3 : 2
      return { rank, of: condition.kinds.map((key) => ({ sort: 'kind', key })) }
    }
    case 'all':
      return condition.of
        .map((each) => signsOf(each, matcher))
        .reduce((best, next) => (best === null || (next !== null && next.rank < best.rank) ? next : best), null)
    case 'any': {
      const parts = condition.of.map((each) => signsOf(each, matcher))
      if (!parts.every((part) => part !== null)) return null
      return { rank: Math.max(...parts.map((part) => part.rank)), of: parts.flatMap((part) => part.of) }
    }
    default:
      return null
  }
}

function audienceSigns(who: Audience, sort: 'from' | 'to' | 'room'): Signs | null {
  if (who.globs.length > 0) return null
  const bares = [...who.bares].map((key) => ({ sort, key }))
  const domains = [...who.domains].map((key) => ({ sort: `${sort}-domain` as const, key }))
  return { rank: domains.length > 0 ? 2 : 1, of: [...bares, ...domains] }
}

function keysOf(sort: Sort, asked: Screened): Iterable<string | number> {
  switch (sort) {
    case 'from':
      return [asked.from]
    case 'from-domain':
      return [domainOf(asked.from)]
    case 'to':
      return asked.to
    case 'to-domain':
      return asked.to.map(domainOf)
    case 'room':
      return asked.room === null ? [] : [asked.room]
    case 'room-domain':
      return asked.room === null ? [] : [domainOf(asked.room)]
    case 'host':
      return [asked.host]
    case 'kind':
      return asked.kinds
    case 'network':
      return asked.networks
    case 'list':
      return []
  }
}
