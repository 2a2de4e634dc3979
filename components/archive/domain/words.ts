// SPDX-License-Identifier: Apache-2.0
// Text as it is indexed and as it is asked for. The index splits at anything that is neither letter nor digit, folds case
// and accents; Chinese, Japanese and Korean have no spaces, so their runs are written as overlapping pairs on both sides.

/** One thing that must be found: `text` as a phrase; `prefix`: its last word may go on. */
export type Term = { text: string; prefix: boolean }

const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u30FC\u3005]+/gu
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is the point: text of one byte a character needs no work.
const PLAIN = /^[\x00-\xAC\xAE-\xFF]*$/
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|\p{Cf}/gu

/** The text as it goes into the index. */
export function indexed(text: string): string {
  if (PLAIN.test(text)) return text
  return fold(text).replace(CJK, (run) => ` ${pairs(run)} `)
}

/**
 * What a person typed, as terms that must all be found: words, "a phrase", a word with * for any ending.
 * A run of Chinese, Japanese or Korean is found anywhere inside a longer run; a single character too.
 */
export function asked(query: string): Term[] {
  return [...fold(query).matchAll(/"([^"]*)"(\*?)|(\S+)/gu)].flatMap(([, phrase, star, word]) => {
    const text = phrase ?? word ?? ''
    const prefix = phrase === undefined ? text.endsWith('*') : star === '*'
    return splitTerm(text, prefix)
  })
}

function splitTerm(text: string, prefix: boolean): Term[] {
  const terms: Term[] = []
  let from = 0
  for (const run of text.matchAll(CJK)) {
    terms.push({ text: text.slice(from, run.index), prefix: false }, cjkTerm(run[0]))
    from = run.index + run[0].length
  }
  terms.push({ text: text.slice(from), prefix })
  return terms.filter((term) => /[\p{L}\p{N}\p{Co}]/u.test(term.text))
}

/** Each character of a run starts a word of the index (the last one stands alone), so one character is a prefix. */
function cjkTerm(run: string): Term {
  const characters = [...run]
  if (characters.length === 1) return { text: run, prefix: true }
  return {
    text: characters
      .slice(0, -1)
      .map((one, at) => one + characters[at + 1])
      .join(' '),
    prefix: false,
  }
}

function pairs(run: string): string {
  const characters = [...run]
  return characters.map((one, at) => one + (characters[at + 1] ?? '')).join(' ')
}

/** Full-width and other compatibility forms become plain, what nobody sees is dropped. */
function fold(text: string): string {
  return PLAIN.test(text) ? text : text.normalize('NFKC').replace(INVISIBLE, '')
}
