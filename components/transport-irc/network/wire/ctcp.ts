// SPDX-License-Identifier: Apache-2.0
// CTCP: a command inside a message, between two \x01 (the last may be missing).

const MARK = '\x01'

/** Null: an ordinary message. `name` in capitals. */
export function readCtcp(text: string): { name: string; text: string } | null {
  if (!text.startsWith(MARK)) return null
  const inner = text.slice(1, text.length > 1 && text.endsWith(MARK) ? -1 : undefined)
  const space = inner.indexOf(' ')
  return space === -1
    ? { name: inner.toUpperCase(), text: '' }
    : { name: inner.slice(0, space).toUpperCase(), text: inner.slice(space + 1) }
}

/** A mark inside the text would end it: it is left out. */
export function writeCtcp(name: string, text = ''): string {
  const clean = text.replaceAll(MARK, '')
  return clean === '' ? `${MARK}${name}${MARK}` : `${MARK}${name} ${clean}${MARK}`
}
