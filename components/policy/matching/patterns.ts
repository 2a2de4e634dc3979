// SPDX-License-Identifier: Apache-2.0
// Regular expressions, RE2 syntax, on an engine whose time grows with the text only: never on that of JavaScript. The one file
// that knows the library re2js.
import { RE2JS, RE2Set } from 're2js'
import type { Span } from '../domain/rule.ts'
import { placeOf, textOf, ViewReader } from './view.ts'

export type Patterns = {
  /** Which of the standing patterns fit the text or its clean view. */
  standing(text: string): readonly number[]
  fits(pattern: number, text: string): boolean
  /** Where, at most `most` places in the order they were found; null: more than may be looked for. */
  places(pattern: number, text: string, most: number): readonly Span[] | null
}

/** What is wrong with a pattern: the engine's own words. Null: nothing. */
export function faultOf(pattern: string): string | null {
  try {
    const compiled = RE2JS.compile(pattern)
    return compiled.test('') ? 'empty' : null
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^error parsing regexp: /u, '') : String(error)
  }
}

/** So many patterns share one automaton: more, and its states no longer fit the memory it may take. */
const SET_MAX = 50

/** Whoever writes must not choose the time: all searches for one pattern in one text pass over so many characters at most. */
const SEARCHED_MAX = 8_000_000

/** `standing`: numbers of the patterns that are looked for in every text. Patterns are compiled when they are first needed. */
export function openPatterns(sources: readonly string[], standing: readonly number[]): Patterns {
  const compiled = new Map<number, RE2JS>()
  const sets = Array.from({ length: Math.ceil(standing.length / SET_MAX) }, (_, set) => {
    const numbers = standing.slice(set * SET_MAX, (set + 1) * SET_MAX)
    const made = new RE2Set()
    for (const number of numbers) made.add(sources[number] ?? '')
    made.compile()
    return { made, numbers }
  })
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
      for (const { made, numbers } of sets) {
        const found = made.match(text)
        const inClean = clean === null ? [] : made.match(clean)
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

/** All of it that a stanza can hold. */
const ASCII = /^[\t\n\r -~]*$/u

function search(pattern: RE2JS, text: string, most: number): Span[] | null {
  const searches = Math.max(16, Math.floor(SEARCHED_MAX / (text.length + 1)))
  const matcher = pattern.matcher(text)
  const found: Span[] = []
  for (let count = 0; found.length < most && matcher.find(); count += 1) {
    if (count >= searches) return null
    if (matcher.end() > matcher.start()) found.push({ start: matcher.start(), end: matcher.end() })
  }
  return found
}
