// SPDX-License-Identifier: Apache-2.0
// What a text must hold for a regular expression (RE2 syntax) to fit: then the expression costs nothing where that does not occur.

/** The least that is worth looking for; shorter ones stand in nearly every text. */
const LEAST = 3

/** The longest run of ASCII letters, digits and signs that stands in every fit, in lower case; null where none is certain. */
export function literalOf(pattern: string): string | null {
  if (pattern.includes('\\Q')) return null
  let longest = ''
  let run = ''
  const close = () => {
    if (run.length > longest.length) longest = run
    run = ''
  }
  for (let at = 0; at < pattern.length; ) {
    const sign = pattern[at] ?? ''
    if (sign === '|') return null
    const end = endOf(pattern, at)
    const repeat = repeatAt(pattern, end)
    // What stands in a group or a class may stand there or not, and what says how often is no text.
    const literal = sign === '\\' ? escaped(pattern[at + 1] ?? '') : plain(sign)
    if (literal === null) close()
    else if (repeat === '') run += literal
    else {
      // `+` says it stands there at least once; what may be missing is left out.
      if (repeat.startsWith('+')) run += literal
      close()
    }
    at = end + repeat.length
  }
  close()
  return longest.length >= LEAST ? longest.toLowerCase() : null
}

/** Whether a decimal digit (0 to 9) stands in every fit: most texts have none, and those need not be searched. */
export function needsDigit(pattern: string): boolean {
  if (pattern.includes('\\Q')) return false
  let found = false
  for (let at = 0; at < pattern.length; ) {
    const sign = pattern[at] ?? ''
    if (sign === '|') {
      // Each of the alternatives must need one.
      if (!found) return false
      found = false
      at += 1
      continue
    }
    const end = endOf(pattern, at)
    const repeat = repeatAt(pattern, end)
    if (!/^(?:[*?]|\{0)/u.test(repeat)) {
      const piece = pattern.slice(at, end)
      if (sign === '(') found ||= needsDigit(piece.slice(1, -1).replace(/^\?(?:P?<\w+>|[\w-]*:)/u, ''))
      else found ||= /^(?:[0-9]|\\d|\[(?:\\d|[0-9](?:-[0-9])?)+\])$/u.test(piece)
    }
    at = end + repeat.length
  }
  return found
}

/** Where the piece that begins at `at` ends: a group, a class, an escape, or one sign. */
function endOf(pattern: string, at: number): number {
  const sign = pattern[at]
  if (sign === '(') return endOfGroup(pattern, at)
  if (sign === '[') return endOfClass(pattern, at)
  return sign === '\\' ? endOfEscape(pattern, at) : at + 1
}

const REPEAT = /^(?:[*+?]|\{\d+(?:,\d*)?\})\??/u

function repeatAt(pattern: string, at: number): string {
  return REPEAT.exec(pattern.slice(at, at + 32))?.[0] ?? ''
}

function plain(sign: string): string | null {
  return /^[A-Za-z0-9_\-/:@#%&=,;!"'~<>]$/u.test(sign) ? sign : null
}

function escaped(sign: string): string | null {
  return /^[!-/:-@[-`{-~]$/u.test(sign) ? sign : null
}

/** \x{10FFFF}, \p{Greek}, \pN, \x41, \101, \d. */
function endOfEscape(pattern: string, at: number): number {
  const found = /^\\(?:x\{[^}]*\}|[pP]\{[^}]*\}|[pP].|x[0-9A-Fa-f]{2}|[0-7]{1,3}|[\s\S])/u.exec(
    pattern.slice(at, at + 64),
  )
  return at + (found?.[0].length ?? 1)
}

function endOfClass(pattern: string, from: number): number {
  let at = from + 1
  if (pattern[at] === '^') at += 1
  if (pattern[at] === ']') at += 1
  while (at < pattern.length && pattern[at] !== ']') {
    if (pattern[at] === '\\') at = endOfEscape(pattern, at)
    else if (pattern.startsWith('[:', at)) at = Math.max(at + 2, pattern.indexOf(':]', at) + 2)
    else at += 1
  }
  return at + 1
}

function endOfGroup(pattern: string, from: number): number {
  let depth = 0
  for (let at = from; at < pattern.length; ) {
    const sign = pattern[at]
    if (sign === '\\') at = endOfEscape(pattern, at)
    else if (sign === '[') at = endOfClass(pattern, at)
    else {
      if (sign === '(') depth += 1
      if (sign === ')') depth -= 1
      at += 1
      if (depth === 0) return at
    }
  }
  return pattern.length
}
