// SPDX-License-Identifier: Apache-2.0
// All lists and regular expressions of a rule set: compiled to plain data, which a worker thread may do, and opened from it.
import type { Finding, Hit, Matcher } from '../domain/rule.ts'
import { type AutomatonData, buildAutomaton, openAutomaton } from './automaton.ts'
import { type Membership, readCapitals, readTerm, Vocabulary } from './lexicon.ts'
import { literalOf } from './literals.ts'
import { openPatterns } from './patterns.ts'
import { isAnotherWord } from './spelling.ts'
import { placeOf, type View, ViewReader } from './view.ts'

/** `needs`: for each pattern the list that announces it, -1 for one that is looked for in every text. */
export type MatcherData = {
  automaton: AutomatonData | null
  membership: Membership
  /** How each term is spelled, by its number. */
  spellings: readonly string[]
  patterns: readonly string[]
  needs: readonly number[]
}

/** Of one text so many places are kept; more are counted as `more`. */
const HITS_MAX = 10_000

/** Lists of terms by their numbers, patterns by theirs. Throws VocabularyTooLarge. */
export function compileMatcher(lists: readonly (readonly string[])[], patterns: readonly string[]): MatcherData {
  const vocabulary = new Vocabulary()
  for (const [number, list] of lists.entries()) {
    for (const text of list) {
      const term = readTerm(text)
      if (!term) continue
      vocabulary.add(term, number)
      const capitals = readCapitals(text, term)
      if (capitals) vocabulary.add(capitals, number)
    }
  }
  const needs = patterns.map((pattern, number) => {
    const literal = literalOf(pattern)
    if (literal === null) return -1
    vocabulary.add({ folded: literal, spelled: '', ends: 'anywhere' }, lists.length + number)
    return lists.length + number
  })
  const { terms } = vocabulary
  const automaton = terms.length === 0 ? null : buildAutomaton(terms)
  const spellings = terms.map(({ spelled }) => spelled)
  return { automaton, membership: vocabulary.membership(), spellings, patterns, needs }
}

export function openMatcher({ automaton, membership, spellings, patterns, needs }: MatcherData): Matcher {
  const walk = automaton && openAutomaton(automaton)
  const folded = new ViewReader('folded')
  const others = [new ViewReader('alike'), new ViewReader('capital')]
  const standing = needs.flatMap((need, number) => (need < 0 ? [number] : []))
  const engine = openPatterns(patterns, standing)
  const { first, lists } = membership

  function listsOf(term: number): Int32Array {
    return lists.subarray(first[term] ?? 0, first[term + 1] ?? 0)
  }

  function find(text: string): Finding {
    if (!walk) return NOTHING
    let gathering: Gathering | null = null
    const gather = (view: View) =>
      walk(view, (term, start, end) => {
        // Nothing more is learnt of it, and terms that begin with each other may be found a hundred times with every word.
        if (gathering?.isFull(term)) return
        const place = placeOf(view, start, end)
        if (isAnotherWord(spellings[term] ?? '', text.slice(place.start, place.end))) return
        gathering ??= new Gathering()
        gathering.add(term, place)
      })
    const view = folded.read(text)
    gather(view)
    if (view.twofold) for (const other of others) gather(other.read(text))
    return toFinding(gathering)
  }

  function toFinding(gathering: Gathering | null): Finding {
    if (gathering === null) return NOTHING
    const found = new Set<number>()
    for (const term of gathering.terms) for (const list of listsOf(term)) found.add(list)
    return { lists: found, hits: gathering.hits, more: gathering.more }
  }

  return {
    find,
    isIn: (term, list) => listsOf(term).includes(list),
    need: (pattern) => {
      const need = needs[pattern] ?? -1
      return need < 0 ? null : need
    },
    standing: engine.standing,
    fits: engine.fits,
    places: engine.places,
  }
}

const NOTHING: Finding = { lists: new Set(), hits: [], more: false }

class Gathering {
  readonly terms = new Set<number>()
  readonly hits: Hit[] = []
  more = false
  readonly #known = new Set<string>()

  /** Another place of this term changes nothing but `more`. */
  isFull(term: number): boolean {
    if (this.hits.length < HITS_MAX || !this.terms.has(term)) return false
    this.more = true
    return true
  }

  add(term: number, { start, end }: { start: number; end: number }): void {
    this.terms.add(term)
    if (this.hits.length >= HITS_MAX) {
      this.more = true
      return
    }
    const key = `${term} ${start} ${end}`
    if (this.#known.has(key)) return
    this.#known.add(key)
    this.hits.push({ term, start, end })
  }
}
