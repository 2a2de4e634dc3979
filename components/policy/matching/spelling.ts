// SPDX-License-Identifier: Apache-2.0
// An accent that people write is part of the word: `plane` is no Pläne, and a pâté no pate. Only where a text is written in an
// ordinary way does that count; among invisible characters, look-alikes and odd marks every accent may be a disguise.

/** Letters that keyboards have: ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic, and what stands between words. */
const ORDINARY = /^[\s\u0020-\u007e\u00a0-\u00ac\u00ae-\u017f\u0370-\u03ff\u0400-\u04ff\u2010-\u2027]*$/u

/** In the place of a spelling: a term that only a disguise looks like. In ASCII alone it would be a word of its own. */
export const DISGUISED = '\0'

/** Upper and lower case and white space make no difference; accents do. */
export function spell(text: string): string {
  return text.normalize('NFC').toUpperCase().toLowerCase().replace(/\s+/gu, ' ')
}

/** Two words of a language differ by the accent of one letter (`término`, `termino`); whoever changes more disguises. */
const ACCENTS_MAX = 1

/**
 * Whether what was found differs from the term by nothing but an ordinary accent, written as keyboards write it: one character with
 * its letter. `spelled`: the term, as spell() has it.
 */
export function isAnotherWord(spelled: string, found: string): boolean {
  if (spelled === '') return false
  if (spelled === DISGUISED) return /^\p{ASCII}*$/u.test(found)
  const own = spell(found)
  if (own === spelled || !ORDINARY.test(own) || found !== found.normalize('NFC')) return false
  return withoutMarks(own) === withoutMarks(spelled) && differences(own, spelled) <= ACCENTS_MAX
}

function differences(one: string, other: string): number {
  const letters = [...other]
  return [...one].filter((letter, at) => letter !== letters[at]).length
}

function withoutMarks(text: string): string {
  return text.normalize('NFD').replace(/\p{Mn}/gu, '')
}
