// SPDX-License-Identifier: Apache-2.0
// Text as the matcher reads it: lower case, each UTF-16 unit at its own place, so that what is found can be pointed at.

/** Lower case of the same length: unit i of the result stands for unit i of the text. */
export function fold(text: string): string {
  const lower = text.toLowerCase()
  // U+0130 is the one letter whose lower case is longer than itself.
  const even = lower.length === text.length ? lower : text.replaceAll('\u0130', 'i').toLowerCase()
  // The two small sigmas are one letter; which of them stands depends on the place in the word.
  return even.includes('\u03c2') ? even.replaceAll('\u03c2', '\u03c3') : even
}

const SPACE = /\s/u
export const isSpace = (unit: number): boolean =>
  unit === 32 || (unit >= 9 && unit <= 13) || (unit > 127 && SPACE.test(String.fromCharCode(unit)))

const WORD = /[\p{L}\p{N}\p{M}_]/u
/** Scripts written without spaces: a word in them may stand anywhere. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

/** Whether the character that ends before (or starts at) `at` belongs to a word that spaces would set apart. */
export function isWordAt(text: string, at: number, side: 'before' | 'from'): boolean {
  const index = side === 'before' ? at - 1 : at
  const unit = text.charCodeAt(index)
  if (Number.isNaN(unit)) return false
  if (unit < 128)
    return (unit >= 97 && unit <= 122) || (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || unit === 95
  const lowHalf = unit >= 0xdc00 && unit <= 0xdfff
  const character = String.fromCodePoint(text.codePointAt(side === 'before' && lowHalf ? index - 1 : index) ?? 0)
  return WORD.test(character) && !UNSPACED.test(character)
}
