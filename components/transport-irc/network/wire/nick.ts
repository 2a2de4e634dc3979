// SPDX-License-Identifier: Apache-2.0

/** Why no server could take this as a nick; null: one may. `most`: NICKLEN. */
export function wrongNick(nick: string, most: number): 'empty' | 'too-long' | 'characters' | null {
  if (nick === '') return 'empty'
  if (Buffer.byteLength(nick) > most) return 'too-long'
  // A sign of a rank, of a channel, of a mask or of a status before it would make it something else.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a line or a mask is made of
  if (/[\x00-\x20\x7f!@*?,:.\u0080-\u00a0\u2000-\u200f\u2028-\u202f\ufeff]/.test(nick) || /^[-0-9#&+%~$=]/.test(nick))
    return 'characters'
  return null
}

/** The next to try after one was taken: an underscore more, within the length; when that is full, digits at the end. */
export function nextNick(wanted: string, attempt: number, most: number): string {
  const tail = attempt <= 3 ? '_'.repeat(attempt) : String(attempt)
  let head = wanted
  while (head.length > 1 && Buffer.byteLength(head) + tail.length > most) head = [...head].slice(0, -1).join('')
  return head + tail
}
