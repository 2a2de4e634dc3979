// SPDX-License-Identifier: Apache-2.0
// RFC 3986 §2.1: what addresses and file names say behind their %XX, for whoever looks for words.

/** One well-formed character of UTF-8 as escapes (RFC 3629 §4), several at once; bounded, so that no run grows the stack. */
const CHARACTERS = (() => {
  const tail = '%[89ab][\\da-f]'
  const one = [
    '%[0-7][\\da-f]',
    `%(?:c[2-9a-f]|d[\\da-f])${tail}`,
    `%(?:e0%[ab][\\da-f]|e[1-9a-cef]${tail}|ed%[89][\\da-f])${tail}`,
    `%(?:f0%[9ab][\\da-f]|f[1-3]${tail}|f4%8[\\da-f])${tail}${tail}`,
  ]
  return new RegExp(`(?:${one.join('|')}){1,100}`, 'gi')
})()

/**
 * The text with its escapes decoded, once and as UTF-8; null where that changes nothing. Escapes that are no UTF-8 stay as they are.
 * Never longer than the text. U+0000 becomes a space: no text of a stanza can hold it, and stores may end a text there.
 */
export function decodedPercent(text: string): string | null {
  if (!text.includes('%')) return null
  const decoded = text.replace(CHARACTERS, (run) => decodeURIComponent(run)).replaceAll('\0', ' ')
  return decoded === text ? null : decoded
}
