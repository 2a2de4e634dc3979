// SPDX-License-Identifier: Apache-2.0
// What a character is to the matcher. Four ways to read one, each a map from a single character to its final text, so that a
// view of a text is the views of its characters, one after the other, and doing it twice changes nothing:
//   folded   invisible -> nothing, NFKD, marks -> nothing, lower case, look-alike (UTS #39) -> what it looks like
//   alike    the look-alike first: a Greek capital iota is an `i` when folded first, and an `l` when not
//   capital  as alike, but a capital that looks like both is an `i`
//   clean    invisible, NFKD, marks, look-alikes; upper and lower case stay. For regular expressions.
import { CONFUSABLES } from '../../kit/text/confusables.ts'

export type Reading = 'folded' | 'alike' | 'capital' | 'clean'

/** What stands beside a word decides whether it is one. `extend` belongs to the character before it, `unspaced` to a script without spaces. */
export const ROLE = { other: 0, word: 1, unspaced: 2, extend: 3, space: 4 } as const
export type Role = (typeof ROLE)[keyof typeof ROLE]

/** The character (one code point) as this reading has it: '' where it is left out, several characters where it stands for them. */
export function readCharacter(character: string, reading: Reading): string {
  const known = KNOWN[reading].get(character)
  if (known !== undefined) return known
  const read = READ[reading](character)
  if (KNOWN[reading].size >= KNOWN_MAX) KNOWN[reading].clear()
  KNOWN[reading].set(character, read)
  return read
}

/** `character`: one of a view. */
export function roleOf(character: string): Role {
  if (character === ' ') return ROLE.space
  if (VOICED.test(character) || (/\p{M}/u.test(character) && UNSPACED.test(character))) return ROLE.extend
  if (/[\u1160-\u11ff\ud7b0-\ud7ff]/u.test(character)) return ROLE.extend
  if (UNSPACED.test(character)) return ROLE.unspaced
  return /[\p{L}\p{N}\p{M}_]/u.test(character) ? ROLE.word : ROLE.other
}

/** Whoever writes must not choose how much is remembered. */
const KNOWN_MAX = 50_000
const KNOWN: Readonly<Record<Reading, Map<string, string>>> = {
  folded: new Map(),
  alike: new Map(),
  capital: new Map(),
  clean: new Map(),
}

const READ: Readonly<Record<Reading, (character: string) => string>> = {
  folded: (character) => settle(character, foldOnce),
  clean: (character) => settle(character, cleanOnce),
  alike: readAlike,
  capital: (character) => {
    const alike = readAlike(character)
    return alike === 'l' && character >= '\u0080' && /\p{Lu}/u.test(character) ? 'i' : alike
  },
}

function readAlike(character: string): string {
  return each(settle(character, likeOnce), (one) => settle(one, foldOnce))
}

/** Far more than the longest way of any character; the test that reads all of them would see a circle. */
const STEPS_MAX = 16

function settle(text: string, once: (character: string) => string): string {
  let now = text
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const next = each(now, once)
    if (next === now) return now
    now = next
  }
  return now
}

function each(text: string, read: (character: string) => string): string {
  let all = ''
  for (const character of text) all += read(character)
  return all
}

function foldOnce(character: string): string {
  const simple = simplify(character)
  if (simple !== character) return simple
  // By way of the upper case: that makes one of both small sigmas, and `ss` of a sharp s.
  const lower = character.toUpperCase().toLowerCase()
  return lower !== character ? lower : lookalike(character)
}

function cleanOnce(character: string): string {
  const simple = simplify(character)
  return simple !== character ? simple : lookalike(character)
}

/** A compatible character may be another letter (U+03F2 a sigma) than the one it looks like (a `c`). */
function likeOnce(character: string): string {
  const like = /[\p{Nd}\s]/u.test(character) || leavesOut(character) ? character : lookalike(character)
  return like !== character ? like : simplify(character)
}

/** Neither shown nor read: default ignorables, format and control characters, and the stretch of Arabic letters. */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}\u0640]/u
const CONTROL = /\p{Cc}/u
const SPACE = /\s/u
const MARK = /[\p{Mn}\p{Me}]/u
/** Scripts whose letters are told apart by the letter alone; a mark of another script (a vowel in Thai, say) is part of the word. */
const MARKS_LEFT_OUT =
  /[\p{Script=Inherited}\p{Script=Common}\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Armenian}\p{Script=Coptic}\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}]/u
/** Without these two, a Japanese syllable is another one. */
const VOICED = /[\u3099\u309a]/u
/** Scripts written without spaces, or with endings joined to the word: a term in them may stand anywhere. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}\p{Script=Yi}]/u

function simplify(character: string): string {
  if (SPACE.test(character) && character !== '\ufeff') return ' '
  if (character < '\u0080') return CONTROL.test(character) ? '' : character
  if (leavesOut(character)) return ''
  const decomposed = character.normalize('NFKD')
  return decomposed !== character ? decomposed : digitOf(character)
}

function leavesOut(character: string): boolean {
  if (INVISIBLE.test(character) || CONTROL.test(character)) return true
  return MARK.test(character) && !isKeptMark(character)
}

function isKeptMark(character: string): boolean {
  return /\p{M}/u.test(character) && (VOICED.test(character) || !MARKS_LEFT_OUT.test(character))
}

/** Decimal digits stand in runs of ten from zero to nine. */
function digitOf(character: string): string {
  if (!/\p{Nd}/u.test(character)) return character
  let zero = character.codePointAt(0) ?? 0
  const own = zero
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1
  return String((own - zero) % 10)
}

/** ASCII stays what it is (UTS #39 makes `rn` of `m`), and so do scripts whose terms may stand anywhere. */
function lookalike(character: string): string {
  if (character < '\u0080' || UNSPACED.test(character) || isKeptMark(character)) return character
  prototypes ??= readPrototypes()
  return prototypes.get(character) ?? character
}

let prototypes: ReadonlyMap<string, string> | null = null

function readPrototypes(): ReadonlyMap<string, string> {
  const read = new Map<string, string>()
  for (const line of CONFUSABLES.trim().split('\n')) {
    const [prototype = '', sources = ''] = line.split('=')
    const looks = characters(prototype).join('')
    for (const source of characters(sources)) read.set(source, looks)
  }
  return read
}

function characters(codePoints: string): string[] {
  return codePoints.split(' ').map((hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
}
