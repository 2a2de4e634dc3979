// SPDX-License-Identifier: Apache-2.0
// What the tests of the matcher share: finding by a naive search over views, and texts that try to get past it.

import { foldTerm } from '../../../components/policy/matching/automaton.ts'
import { readCharacter } from '../../../components/policy/matching/characters.ts'
import { compileMatcher, openMatcher } from '../../../components/policy/matching/matcher.ts'
import { placeOf, textOf, ViewReader } from '../../../components/policy/matching/view.ts'

export const matcherOf = (lists: readonly (readonly string[])[], patterns: readonly string[] = []) =>
  openMatcher(compileMatcher(lists, patterns))

/** What a list of terms finds in a text, as the text has it. */
export function found(terms: readonly string[], text: string): string[] {
  const { hits } = matcherOf([terms]).find(text)
  return hits
    .toSorted((one, other) => one.start - other.start || one.end - other.end)
    .map(({ start, end }) => text.slice(start, end))
}

/** `start-end` in the text for each place where a term stands, found by trying every place of both views. */
export function slowly(term: string, text: string): Set<string> {
  const plain = fold(term.trim().replace(/\s+/gu, ' '), 'folded').trim().replace(/ +/gu, ' ')
  const places = placesOf(plain, text, (own) => !isAccentedOtherwise(term, own))
  if (/^\p{ASCII}*$/u.test(term)) return places
  // A term of another script is also found where its capitals are imitated, but not in plain ASCII.
  const capitals = foldTerm(term.toUpperCase(), 'alike')
  if (capitals === '' || capitals === plain) return places
  return new Set([...places, ...placesOf(capitals, text, (own) => /\P{ASCII}/u.test(own))])
}

function placesOf(wanted: string, text: string, counts: (own: string) => boolean): Set<string> {
  const places = new Set<string>()
  for (const reading of ['folded', 'alike', 'capital'] as const) {
    const view = new ViewReader(reading).read(text)
    const value = textOf(view)
    for (let start = 0; start < value.length; start += 1) {
      const end = endOf(value, start, wanted)
      if (end === null || !standsAlone(wanted, value, start, end)) continue
      const place = placeOf(view, start, end)
      if (counts(text.slice(place.start, place.end))) places.add(`${place.start}-${place.end}`)
    }
  }
  return places
}

/** Both in ordinary letters, no accent beside its letter, the same without accents, and with them other in one letter. */
function isAccentedOtherwise(term: string, own: string): boolean {
  const spelled = (text: string) => text.trim().normalize('NFC').toUpperCase().toLowerCase().replace(/\s+/gu, ' ')
  const bare = (text: string) =>
    spelled(text)
      .normalize('NFD')
      .replace(/\p{Mn}/gu, '')
  const ordinary = /^[\s\u0020-\u007e\u00a0-\u00ac\u00ae-\u017f\u0370-\u03ff\u0400-\u04ff\u2010-\u2027]*$/u.test(
    spelled(own),
  )
  const differing = [...spelled(own)].filter((letter, at) => letter !== [...spelled(term)][at]).length
  const isOther = spelled(own) !== spelled(term) && bare(own) === bare(term)
  return ordinary && own === own.normalize('NFC') && isOther && differing <= 1
}

export function fold(text: string, reading: 'folded' | 'alike' | 'capital' | 'clean'): string {
  let folded = ''
  for (const character of text) folded += readCharacter(character, reading)
  return folded
}

/** A space in the term is any run of white space. */
function endOf(value: string, start: number, wanted: string): number | null {
  let at = start
  for (const unit of wanted.split('')) {
    if (value[at] !== unit) return null
    at += 1
    if (unit === ' ') while (value[at] === ' ') at += 1
  }
  return at
}

const SPACED = /[\p{L}\p{N}\p{M}_]/u
const NOT_SPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}\p{Script=Yi}\u3099\u309a\u1160-\u11ff\ud7b0-\ud7ff]/u
const isLetter = (character: string) => SPACED.test(character) && !NOT_SPACED.test(character)
const BELONGS_BEFORE =
  /[\u3099\u309a\u1160-\u11ff\ud7b0-\ud7ff]|(?=\p{M})[\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}]/u

function standsAlone(wanted: string, value: string, start: number, end: number): boolean {
  const letters = [...wanted]
  const before = [...value.slice(0, start)].at(-1) ?? ''
  const after = [...value.slice(end)][0] ?? ''
  if (BELONGS_BEFORE.test(after)) return false
  if (isLetter(letters[0] ?? '') && isLetter(before)) return false
  return !(isLetter(letters.at(-1) ?? '') && isLetter(after))
}
