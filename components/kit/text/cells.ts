// SPDX-License-Identifier: Apache-2.0
// A value of a row as people read it, in a terminal as in a form: one rendering, and nothing that somebody else wrote can act as a
// control character.

/** `-` for nothing, a list with commas, an object as JSON; in one line. */
export function cell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-'
  if (Array.isArray(value)) return value.map(cell).join(', ')
  return (typeof value === 'object' ? JSON.stringify(value) : String(value)).replace(HIDDEN, (one) =>
    one === '\n' ? '\\n' : shown(one),
  )
}

/** Shows control and direction characters by their number; lines stay lines. */
export function printable(text: string): string {
  return text.replace(HIDDEN, (one) => (one === '\n' ? one : shown(one)))
}

// C0, DEL, C1; zero-width and direction marks, line and paragraph separators (they rearrange what is read).
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

function shown(one: string): string {
  return `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`
}
