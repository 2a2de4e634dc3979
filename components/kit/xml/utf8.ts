// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer'

export type Decoded = { text: string; broken: boolean }

/**
 * Decodes UTF-8 (RFC 3629) that arrives in pieces. Nothing is repaired: at the first byte that cannot be, `broken` is set and
 * `text` is what stood before it. Up to three bytes of an unfinished character wait for the next piece.
 */
export class Utf8Decoder {
  #rest: Buffer | null = null

  decode(piece: Buffer): Decoded {
    const bytes = this.#rest === null ? piece : Buffer.concat([this.#rest, piece])
    const whole = bytes.length - unfinishedBytes(bytes)
    const head = whole === bytes.length ? bytes : bytes.subarray(0, whole)
    if (!isUtf8(head)) return { text: validStart(head), broken: true }
    // A copy: the piece belongs to the socket.
    this.#rest = whole === bytes.length ? null : Buffer.from(bytes.subarray(whole))
    return { text: head.toString('utf8'), broken: false }
  }
}

/** How many bytes at the end begin a character that goes on in the next piece. */
function unfinishedBytes(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return back < lengthOf(byte) ? back : 0
  }
  return 0
}

function lengthOf(lead: number): number {
  if (lead >= 0xf0) return 4
  return lead >= 0xe0 ? 3 : 2
}

/** The longest start that is UTF-8. Bisection: rare, and a piece is bounded. */
function validStart(bytes: Buffer): string {
  let good = 0
  let bad = bytes.length
  while (bad - good > 1) {
    const middle = (good + bad) >> 1
    const head = bytes.subarray(0, middle)
    const whole = middle - unfinishedBytes(head)
    if (isUtf8(bytes.subarray(0, whole))) good = middle
    else bad = middle
  }
  return bytes.subarray(0, good - unfinishedBytes(bytes.subarray(0, good))).toString('utf8')
}
