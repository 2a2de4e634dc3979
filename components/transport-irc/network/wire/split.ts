// SPDX-License-Identifier: Apache-2.0
// Long texts in parts that fit a line: at a space where there is one, else between letters as people see them.

/** Parts of at most `most` bytes by `sizeOf`; joined they are the text. */
export function splitText(text: string, most: number, sizeOf: (text: string) => number): string[] {
  if (text.length * 4 <= most || sizeOf(text) <= most) return [text]
  const parts: string[] = []
  let part = ''
  let size = 0
  /** Length of the part up to behind its last space. */
  let space = 0
  for (const { segment } of GRAPHEMES.segment(text)) {
    for (const piece of sizeOf(segment) > most ? segment : [segment]) {
      const bytes = sizeOf(piece)
      while (size + bytes > most && part !== '') {
        // A space in the first half would waste the line.
        const cut = space * 2 > part.length ? space : part.length
        parts.push(part.slice(0, cut))
        part = part.slice(cut)
        size = sizeOf(part)
        space = 0
      }
      part += piece
      size += bytes
      if (piece === ' ') space = part.length
    }
  }
  if (part !== '') parts.push(part)
  return parts
}

/** Bytes that are left for text: the server sends the line on with our own name before it, and cuts what is over. */
export function roomForText(lineLength: number, self: string, command: string, target: string): number {
  return Math.max(64, lineLength - Buffer.byteLength(`:${self} ${command} ${target} :\r\n`))
}

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
