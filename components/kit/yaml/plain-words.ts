// SPDX-License-Identifier: Apache-2.0
// What the parser finds wrong, as ids of texts for somebody who writes settings and not parsers.

/** An id of the kit's catalogue with its arguments. */
export type PlainWords = { id: string; args?: Readonly<Record<string, string | PlainWords>> }

/** By the codes of the `yaml` package. */
const WORDS: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'kit-yaml-alias',
  BAD_DQ_ESCAPE: 'kit-yaml-backslash',
  BAD_SCALAR_START: 'kit-yaml-quotes',
  BLOCK_AS_IMPLICIT_KEY: 'kit-yaml-second-colon',
  DUPLICATE_KEY: 'kit-yaml-twice',
  MULTILINE_IMPLICIT_KEY: 'kit-yaml-no-colon',
  MULTIPLE_DOCS: 'kit-yaml-documents',
  TAB_AS_INDENT: 'kit-yaml-tab',
  TAG_RESOLVE_FAILED: 'kit-yaml-tag',
  UNEXPECTED_TOKEN: 'kit-yaml-unexpected',
}

/** `source`: the line in which it was found. */
export function plainWords(code: string, message: string, source: string): PlainWords {
  if (code === 'BLOCK_AS_IMPLICIT_KEY' && !/:\s.*:(\s|$)/.test(source))
    return { id: /^\s*-\s/.test(source) ? 'kit-yaml-item' : 'kit-yaml-indented' }
  if (code === 'MISSING_CHAR') {
    return { id: message.startsWith('Missing closing') ? 'kit-yaml-open-quote' : 'kit-yaml-no-colon-or-indented' }
  }
  if (code === 'BAD_INDENT') {
    // The same code for two mistakes.
    const open = /end with a ([\]}])$/.exec(message)?.[1]
    return open === undefined ? { id: 'kit-yaml-indent' } : { id: 'kit-yaml-bracket', args: { open } }
  }
  const id = WORDS[code]
  return id === undefined ? otherwiseWrong(message) : { id }
}

export const ALIAS_WORDS: PlainWords = { id: 'kit-yaml-alias' }

/** What only the parser's own words can tell. */
export function otherwiseWrong(cause: string): PlainWords {
  return { id: 'kit-unreadable', args: { cause } }
}
