// SPDX-License-Identifier: Apache-2.0
// Regular expressions, RE2 syntax, on an engine whose time grows with the text only: never on that of JavaScript. The one file
// that knows the library re2js.
import { RE2JS, RE2Set } from 're2js'
import type { Span } from '../domain/rule.ts'
import { needsDigit } from './literals.ts'
import { placeOf, textOf, ViewReader } from './view.ts'

export type Patterns = {
  /** Which of the standing patterns fit the text or its clean view. */
  standing(text: string): readonly number[]
  fits(pattern: number, text: string): boolean
  /**
   * Where, at most `most` places in the order they were found: fewer where that would take too long; of all places
   * (`most` is Infinity) then null.
   */
  places(pattern: number, text: string, most: number): readonly Span[] | null
}

/** What is wrong with a pattern: `large`, `empty` (it fits the empty text), or the engine's own words. Null: nothing. */
export function faultOf(pattern: string): string | null {
  try {
    const compiled = RE2JS.compile(pattern)
    if (compiled.programSize() > INSTRUCTIONS_MAX) return 'large'
    return compiled.test('') ? 'empty' : null
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^error parsing regexp: /u, '') : String(error)
  }
}

/** So many patterns share one automaton: more, and its states no longer fit the memory it may take. */
const SET_MAX = 50

/** An expression compiles to so many instructions at most: each may cost something with every character. */
export const INSTRUCTIONS_MAX = 1_000

/**
 * Whoever writes must not choose the time. Looking for the places of one pattern in one text takes so many steps at most, a step
 * being one instruction at one character: to mask each of them, or to note the first few of them beside a verdict.
 */
const STEPS_MAX = { toMask: 40_000_000, toNote: 4_000_000 }

/** `standing`: numbers of the patterns that are looked for in every text. Patterns are compiled when they are first needed. */
export function openPatterns(sources: readonly string[], standing: readonly number[]): Patterns {
  const compiled = new Map<number, RE2JS>()
  const withDigit = (number: number) => needsDigit(sources[number] ?? '')
  const sets = [
    ...setsOf(sources, standing.filter(withDigit), DIGIT),
    ...setsOf(
      sources,
      standing.filter((number) => !withDigit(number)),
      null,
    ),
  ]
  const reader = new ViewReader('clean')

  function patternOf(number: number): RE2JS {
    const known = compiled.get(number) ?? RE2JS.compile(sources[number] ?? '')
    compiled.set(number, known)
    return known
  }

  /** Null where it reads as the text itself. */
  function cleanOf(text: string): string | null {
    if (ASCII.test(text)) return null
    const clean = textOf(reader.read(text))
    return clean === text ? null : clean
  }

  return {
    standing(text) {
      if (sets.length === 0) return []
      const clean = cleanOf(text)
      const fitting: number[] = []
      for (const { made, numbers, needs } of sets) {
        const found = needs === null || needs.test(text) ? made.match(text) : []
        const inClean = clean !== null && (needs === null || needs.test(clean)) ? made.match(clean) : []
        for (const at of found) fitting.push(numbers[at] ?? -1)
        for (const at of inClean) if (!found.includes(at)) fitting.push(numbers[at] ?? -1)
      }
      return fitting
    },
    fits(pattern, text) {
      const one = patternOf(pattern)
      if (one.test(text)) return true
      const clean = cleanOf(text)
      return clean !== null && one.test(clean)
    },
    places(pattern, text, most) {
      const one = patternOf(pattern)
      const found = search(one, text, most)
      if (found === null || found.length >= most || ASCII.test(text)) return found
      const view = reader.read(text)
      const inClean = search(one, textOf(view), most)
      if (inClean === null) return null
      const known = new Set(found.map(({ start, end }) => `${start}-${end}`))
      const places = inClean.map(({ start, end }) => placeOf(view, start, end))
      return [...found, ...places.filter(({ start, end }) => !known.has(`${start}-${end}`))]
    },
  }
}

type PatternSet = { made: RE2Set; numbers: readonly number[]; needs: RegExp | null }

/** `needs`: what stands in every fit of each of these patterns. */
function setsOf(sources: readonly string[], patterns: readonly number[], needs: RegExp | null): PatternSet[] {
  return Array.from({ length: Math.ceil(patterns.length / SET_MAX) }, (_, set) => {
    const numbers = patterns.slice(set * SET_MAX, (set + 1) * SET_MAX)
    const made = new RE2Set()
    for (const number of numbers) made.add(sources[number] ?? '')
    made.compile()
    return { made, numbers, needs }
  })
}

/** A class of signs is safe on JavaScript's engine: one look at each character, and far less than the automaton's. */
const DIGIT = /[0-9]/
/** All of it that a stanza can hold. */
const ASCII = /^[\t\n\r -~]*$/u

function search(pattern: RE2JS, text: string, most: number): Span[] | null {
  const size = pattern.programSize()
  const isWhole = most === Number.POSITIVE_INFINITY
  const endless = ENDLESS.test(pattern.pattern())
  const matcher = pattern.matcher(text)
  const found: Span[] = []
  let steps = isWhole ? STEPS_MAX.toMask : STEPS_MAX.toNote
  for (let from = 0; found.length < most; ) {
    const ahead = (text.length - from + 1) * size
    if (ahead > steps) return isWhole ? null : found
    if (!matcher.find()) break
    const [start, end] = [matcher.start(), matcher.end()]
    // One that ends by itself has looked hardly further than its fit.
    steps -= endless ? ahead : Math.min(ahead, (end - from + size) * size)
    if (end > start) found.push({ start, end })
    from = end
  }
  return found
}

/** An expression without these signs fits so many characters at most as it has instructions. */
const ENDLESS = /[*+]|,\}/u
