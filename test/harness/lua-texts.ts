// SPDX-License-Identifier: Apache-2.0
// What a person would read from the helper modules of the servers: their table of texts, and literal texts beside it.
import type { Finding } from './literal-texts.ts'

/**
 * A table of texts by language, then by name: `return { en = { outage = "..."; }; };`. Throws at a line of another shape, so
 * that no text is left out without a word.
 */
export function readLuaTexts(file: string, source: string): Record<string, Record<string, string>> {
  const texts: Record<string, Record<string, string>> = {}
  let language: Record<string, string> | null = null
  for (const [index, line] of source.split('\n').entries()) {
    const begin = /^\t([a-z]{2}) = \{$/.exec(line)
    const entry = /^\t\t([a-z_]+) = "((?:[^"\\]|\\.)+)";$/.exec(line)
    if (begin?.[1] !== undefined && language === null) {
      language = {}
      texts[begin[1]] = language
    } else if (entry?.[1] !== undefined && entry[2] !== undefined && language !== null) language[entry[1]] = entry[2]
    else if (line === '\t};' && language !== null) language = null
    else if (!/^(--.*|return \{|\};?|)$/.test(line)) throw new Error(`${file}:${index + 1}: cannot be read: ${line}`)
  }
  return texts
}

/** Calls whose texts the operator reads, in the log of the server or of our component (`fault`); everything else could reach a sender. */
const FOR_OPERATORS = new Set([
  ...['log', 'module:log', 'module:log_status', 'error', 'assert', 'break_link', 'mistaken', 'fault'],
])
/** The reason that a failed call gives its caller, who logs it; put together by `format`, perhaps. */
const REASON = /(return (false|nil),|return not \w+ and|\.(unreadable|shut) =( link\.unreadable or)?) *$/
const LOGGER = /logger\.init\([^()]*\)$/
/** Words beside each other that are no attributes of an element, as in <mark last='%d' at='%s'/>. */
const PROSE = /\p{L}{2,}[,:;]? \p{L}{2,}(?![\p{L}-]*=)(?![^<>]*=')/u

/** Texts of two words or more that stand in no call for the operator's log. */
export function findLuaTexts(file: string, source: string): Finding[] {
  const found: Finding[] = []
  const calls: string[] = []
  for (const token of source.matchAll(TOKENS)) {
    const [text] = token
    const before = source.slice(Math.max(0, token.index - 100), token.index)
    if (text === '(') calls.push(isReason(before) || LOGGER.test(before) ? 'log' : (/[\w.:]+$/.exec(before)?.[0] ?? ''))
    else if (text === ')') calls.pop()
    else if (text.startsWith('--') || !PROSE.test(text) || REASON.test(before)) continue
    else if (calls.some((one) => FOR_OPERATORS.has(one))) continue
    else {
      const line = source.slice(0, token.index).split('\n').length
      found.push({ file, line, text: text.slice(0, 120), why: 'a literal outside the table of texts' })
    }
  }
  return found
}

function isReason(before: string): boolean {
  return before.endsWith('format') && REASON.test(before.slice(0, -'format'.length))
}

// Comments are tokens too, so that what stands in them is passed over.
const TOKENS = /--\[\[[\s\S]*?\]\]|--[^\n]*|\[\[[\s\S]*?\]\]|"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'|[()]/g
