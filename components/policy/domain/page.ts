// SPDX-License-Identifier: Apache-2.0
import type { Finding, Matcher, Sought, Span } from './rule.ts'
import type { Text } from './screened.ts'

/** The texts of a stanza as they stand at one moment of the walk, and what is found in them; a null text was left out. */
export class Page {
  readonly texts: readonly (Text | null)[]
  /** Lists of which a term was found. */
  readonly lists: ReadonlySet<number>
  readonly #matcher: Matcher
  readonly #findings: readonly Finding[]
  readonly #fits = new Map<number, boolean>()
  #standing: ReadonlySet<number> | null = null

  constructor(texts: readonly (Text | null)[], matcher: Matcher) {
    this.texts = texts
    this.#matcher = matcher
    this.#findings = texts.map((text) => (text ? matcher.find(text.value) : NOTHING))
    const found = this.#findings.filter((finding) => finding.lists.size > 0)
    this.lists = found.length > 1 ? new Set(found.flatMap((finding) => [...finding.lists])) : (found[0]?.lists ?? NONE)
  }

  /** Whether anything sought stands anywhere. */
  has({ lists, patterns }: Sought): boolean {
    return lists.some((list) => this.lists.has(list)) || patterns.some((pattern) => this.fits(pattern))
  }

  fits(pattern: number): boolean {
    const need = this.#matcher.need(pattern)
    if (need === null) return this.#standingOnes().has(pattern)
    if (!this.lists.has(need)) return false
    const known = this.#fits.get(pattern)
    if (known !== undefined) return known
    const fits = this.texts.some((text) => text !== null && this.#matcher.fits(pattern, text.value))
    this.#fits.set(pattern, fits)
    return fits
  }

  /** Where it stands in one text, at most `most` places of each pattern; null: not every place is known. */
  spans(place: number, { lists, patterns }: Sought, most = Number.POSITIVE_INFINITY): Span[] | null {
    const text = this.texts[place]
    if (!text) return []
    const { hits, more } = this.#findings[place] ?? NOTHING
    const spans: Span[] = hits.filter(({ term }) => lists.some((list) => this.#matcher.isIn(term, list)))
    if (more && most === Number.POSITIVE_INFINITY) return null
    for (const pattern of patterns) {
      if (!this.fits(pattern)) continue
      const found = this.#matcher.places(pattern, text.value, most)
      if (found === null) return null
      spans.push(...found)
    }
    return spans
  }

  /** One pass for all patterns that no term announces. */
  #standingOnes(): ReadonlySet<number> {
    this.#standing ??= new Set(this.texts.flatMap((text) => (text ? this.#matcher.standing(text.value) : [])))
    return this.#standing
  }
}

const NONE: ReadonlySet<number> = new Set()
const NOTHING: Finding = { lists: NONE, hits: [], more: false }
