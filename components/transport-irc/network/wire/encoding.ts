// SPDX-License-Identifier: Apache-2.0
// Bytes of a server between text, in the encoding that it uses. TextDecoder reads all of them; it is also asked how each of its
// letters is written, so that reading and writing cannot disagree.
import { isAscii, isUtf8 } from 'node:buffer'

export type Encoding = {
  read(bytes: Buffer): string
  /** What the encoding has no letter for becomes `?`. */
  write(text: string): Buffer
  sizeOf(text: string): number
}

/** Null: unknown, or one that cannot be written letter by letter. `fallback` is for what is no UTF-8, where `label` is that. */
export function encodingOf(label: string, fallback = 'windows-1252'): Encoding | null {
  const name = nameOf(label)
  if (name === null) return null
  if (name !== 'utf-8') return byTable(name)
  const other = nameOf(fallback)
  if (other === null) return null
  return other === 'utf-8' ? UTF8 : utf8Or(other)
}

/** UTF8ONLY: what is none is shown as such. */
export const UTF8: Encoding = {
  read: (bytes) => bytes.toString('utf8'),
  write: (text) => Buffer.from(text),
  sizeOf: (text) => Buffer.byteLength(text),
}

/** Decoders are no small things, and hold nothing between two lines: connections share them. */
const decoders = new Map<string, InstanceType<typeof TextDecoder>>()

function decoderOf(name: string) {
  const decoder = decoders.get(name) ?? new TextDecoder(name)
  decoders.set(name, decoder)
  return decoder
}

function utf8Or(name: string): Encoding {
  const other = decoderOf(name)
  return {
    ...UTF8,
    read(bytes) {
      if (isAscii(bytes)) return bytes.toString('latin1')
      return isUtf8(bytes) ? bytes.toString('utf8') : other.decode(bytes)
    },
  }
}

function byTable(name: string): Encoding {
  const decoder = decoderOf(name)
  const table = tableOf(name)
  const encoding: Encoding = {
    read: (bytes) => (isAscii(bytes) ? bytes.toString('latin1') : decoder.decode(bytes)),
    write(text) {
      const bytes: number[] = []
      for (const letter of text) {
        const code = letter.codePointAt(0) ?? 0
        const written = code < 0x80 ? code : table.get(letter)
        if (written === undefined) bytes.push(QUESTION)
        else if (written > 0xff) bytes.push(written >> 8, written & 0xff)
        else bytes.push(written)
      }
      return Buffer.from(bytes)
    },
    sizeOf(text) {
      let size = 0
      for (const letter of text) size += (table.get(letter) ?? 0) > 0xff ? 2 : 1
      return size
    },
  }
  return encoding
}

const QUESTION = 63
const tables = new Map<string, ReadonlyMap<string, number>>()

/** Each letter that one or two bytes give, and those bytes; of two ways to write a letter the first. */
function tableOf(name: string): ReadonlyMap<string, number> {
  const known = tables.get(name)
  if (known !== undefined) return known
  const table = new Map<string, number>()
  const decoder = new TextDecoder(name, { fatal: true })
  const learn = (...bytes: number[]) => {
    try {
      const letter = decoder.decode(Uint8Array.from(bytes))
      const [first = 0, second = 0] = bytes
      if ([...letter].length === 1 && letter >= '\x80' && !table.has(letter))
        table.set(letter, bytes.length === 1 ? first : first * 256 + second)
      return true
    } catch {
      // These bytes are no letter.
      return false
    }
  }
  for (let first = 0x80; first < 0x100; first += 1) {
    if (learn(first)) continue
    for (let second = 0x30; second < 0x100; second += 1) learn(first, second)
  }
  tables.set(name, table)
  return table
}

/** Encodings that carry ASCII as ASCII and write each letter for itself. */
const NAMES =
  /^(?:utf-8|ibm866|iso-8859-(?:[2-8]|1[03456]|8-i)|koi8-[ru]|macintosh|windows-(?:874|125[0-8])|x-mac-cyrillic|gbk|big5|euc-jp|shift_jis|euc-kr)$/

function nameOf(label: string): string | null {
  try {
    const name = new TextDecoder(label).encoding
    return NAMES.test(name) ? name : null
  } catch {
    // The label names no encoding.
    return null
  }
}
