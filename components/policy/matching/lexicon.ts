// SPDX-License-Identifier: Apache-2.0
// Terms of a list as people write them: a word, a prefix (`confid*`), a phrase. One term for all lists that have it.
import { foldTerm, type Term } from './automaton.ts'
import { DISGUISED, spell } from './spelling.ts'

/** The term as the automaton has it; null where nothing of it can be read (white space and invisible characters only). */
export function readTerm(text: string): Term | null {
  const prefix = /[^\\]\*\s*$/u.test(text)
  const plain = prefix ? text.trimEnd().slice(0, -1) : text.replace(/\\\*\s*$/u, '*')
  const folded = foldTerm(plain)
  return folded === '' ? null : { folded, spelled: spell(plain.trim()), ends: prefix ? 'prefix' : 'word' }
}

/** The term as its capitals look, where those look like other letters than the small ones (a Cyrillic `В` like a `B`). */
export function readCapitals(text: string, term: Term): Term | null {
  if (/^\p{ASCII}*$/u.test(text)) return null
  const folded = foldTerm(text.toUpperCase().replace(/\\?\*\s*$/u, ''), 'alike')
  return folded === '' || folded === term.folded ? null : { ...term, folded, spelled: DISGUISED }
}

/** Which lists each term belongs to: `lists` between `first[term]` and `first[term + 1]`. */
export type Membership = { first: Int32Array; lists: Int32Array }

/** Gathers the terms of numbered lists. */
export class Vocabulary {
  readonly #numbers = new Map<string, number>()
  readonly #pairs = new Set<number>()
  readonly terms: Term[] = []

  add(term: Term, list: number): void {
    const key = `${term.ends[0]}${term.folded}\n${term.spelled}`
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.terms.length
      this.#numbers.set(key, number)
      this.terms.push(term)
    }
    this.#pairs.add(number * LISTS_MAX + list)
  }

  membership(): Membership {
    const first = new Int32Array(this.terms.length + 1)
    for (const pair of this.#pairs) {
      const term = Math.floor(pair / LISTS_MAX)
      first[term + 1] = (first[term + 1] ?? 0) + 1
    }
    for (let term = 0; term < this.terms.length; term += 1)
      first[term + 1] = (first[term + 1] ?? 0) + (first[term] ?? 0)
    const filled = first.slice()
    const lists = new Int32Array(this.#pairs.size)
    for (const pair of this.#pairs) {
      const term = Math.floor(pair / LISTS_MAX)
      lists[filled[term] ?? 0] = pair % LISTS_MAX
      filled[term] = (filled[term] ?? 0) + 1
    }
    return { first, lists }
  }
}

export const LISTS_MAX = 1_048_576
