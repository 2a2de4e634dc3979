// SPDX-License-Identifier: Apache-2.0
// Text as it is looked for: without case, accents and signs.

/** Letters that no decomposition takes apart. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
}
const LETTER = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g')
/** How people write these letters who do not have them, as in Mueller for Müller. */
const TWO_LETTERS: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', å: 'aa', ø: 'oe' }
const UMLAUT = new RegExp(`[${Object.keys(TWO_LETTERS).join('')}]`, 'g')
const MARKS = /\p{M}+/gu
const NO_WORD = /[^\p{L}\p{N}]+/u
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII
const ASCII = /^[\x00-\x7f]*$/

/** One spelling for all that look alike. */
export function fold(text: string): string {
  const small = text.normalize('NFC').toLowerCase()
  if (ASCII.test(small)) return small
  return small
    .replace(LETTER, (letter) => LETTERS[letter] ?? letter)
    .normalize('NFKD')
    .replace(MARKS, '')
}

/** The words of a text: folded, and those with umlauts the other way too, since both are looked for. */
export function wordsOf(text: string): string[] {
  const words = split(fold(text))
  const other = otherSpelling(text)
  return other === null ? words : [...new Set([...words, ...split(other)])]
}

/** Each word that somebody looks for, with its spellings; one of them has to be found. */
export function wantedWords(text: string): string[][] {
  return text
    .normalize('NFC')
    .split(/\s+/)
    .flatMap((part) => {
      const [first, ...more] = split(fold(part)).map((word) => [word])
      if (first === undefined) return []
      const other = otherSpelling(part)
      const [spelled] = other === null ? [] : split(other)
      return [spelled === undefined ? first : [...new Set([...first, spelled])], ...more]
    })
}

/** Digits alone, without what dials abroad: 00 or +. */
export function digitsOf(number: string): string {
  return number.normalize('NFKC').replace(/\D+/g, '').replace(/^00/, '')
}

function split(text: string): string[] {
  return text.split(NO_WORD).filter((word) => word !== '')
}

function otherSpelling(text: string): string | null {
  const small = text.normalize('NFC').toLowerCase()
  const other = small.replace(UMLAUT, (letter) => TWO_LETTERS[letter] ?? letter)
  return other === small ? null : fold(other)
}
