// SPDX-License-Identifier: Apache-2.0
// What the parser finds wrong, in the words of somebody who writes settings and not parsers.

/** By the codes of the `yaml` package. */
const WORDS: Readonly<Record<string, string>> = {
  BAD_DQ_ESCAPE: 'a backslash in "…" begins a special character; use \'…\' for a text with backslashes',
  BAD_SCALAR_START: 'a text that begins with such a character is wanted in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second colon is in this line; put a text with a colon in quotes',
  DUPLICATE_KEY: 'this key stands here twice; each must be unique',
  MULTILINE_IMPLICIT_KEY: 'a name, a colon and a space are wanted in this line',
  MULTIPLE_DOCS: 'one document is wanted, so no line of three dashes; here are multiple documents',
  TAB_AS_INDENT: 'spaces are wanted at the beginning of a line, no tab',
  TAG_RESOLVE_FAILED: 'a text that begins with ! is wanted in quotes; there are no tags here',
  UNEXPECTED_TOKEN: 'this does not fit what stands before it; a quote, a dash or the indentation may be wrong',
}

/** `source`: the line in which it was found. */
export function plainWords(code: string, message: string, source: string): string {
  if (code === 'BLOCK_AS_IMPLICIT_KEY' && !/:\s.*:(\s|$)/.test(source))
    return 'the next line is indented as if it belonged to this one, which has a value already'
  if (code === 'BAD_ALIAS') return ALIAS_WORDS
  if (code === 'MISSING_CHAR') {
    return message.startsWith('Missing closing')
      ? 'a quote is opened here or before, and not closed'
      : 'a name, a colon and a space are wanted in this line, or it is indented otherwise than its group'
  }
  if (code !== 'BAD_INDENT') return WORDS[code] ?? message
  // The same code for two mistakes.
  const open = /end with a ([\]}])$/.exec(message)?.[1]
  return open === undefined
    ? 'this line begins further left or right than the others of its group; they must start below each other'
    : `a bracket is not closed: ${open} is missing here or before`
}

export const ALIAS_WORDS = 'a text that begins with * is wanted in quotes; there is no alias of that name'
