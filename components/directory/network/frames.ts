// SPDX-License-Identifier: Apache-2.0
// LDAP messages cut from the bytes of a connection (RFC 4511 §5.1: one BER SEQUENCE after the other).

/** `whole` is false where the message was larger than the bound: then only its start is there. */
export type Frame = { bytes: Buffer; whole: boolean }

/** What is kept of a message that is too large: enough for its number and the DN. */
const HEAD_BYTES = 8 * 1024
const SEQUENCE = 0x30

/**
 * Takes bytes as they come and hands over one message at a time. A message over `most` bytes is read over without being kept.
 * Throws when the bytes are no LDAP: the connection is then of no more use.
 */
export function frameCutter(most: number, hand: (frame: Frame) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = []
  let held = 0
  /** Of the message that is being read; 0 until its length is known. */
  let wanted = 0
  /** Bytes still to be read over. */
  let over = 0

  function take(chunk: Buffer): void {
    let rest = chunk
    while (rest.length > 0) {
      if (over > 0) {
        const skipped = Math.min(over, rest.length)
        over -= skipped
        rest = rest.subarray(skipped)
        continue
      }
      rest = wanted === 0 ? start(rest) : fill(rest)
    }
  }

  /** A whole message inside one chunk is the usual case and is not copied. */
  function start(rest: Buffer): Buffer {
    const bytes = held === 0 ? rest : Buffer.concat([...chunks, rest])
    const size = sizeOf(bytes)
    if (size === null) {
      chunks = [bytes]
      held = bytes.length
      return Buffer.alloc(0)
    }
    chunks = []
    held = 0
    wanted = size
    return fill(bytes)
  }

  function fill(rest: Buffer): Buffer {
    const large = wanted > most
    const enough = large ? Math.min(HEAD_BYTES, wanted) : wanted
    const part = rest.subarray(0, enough - held)
    chunks.push(part)
    held += part.length
    if (held < enough) return rest.subarray(part.length)
    const [first = part] = chunks
    const bytes = chunks.length === 1 ? first : Buffer.concat(chunks, held)
    over = wanted - enough
    chunks = []
    held = 0
    wanted = 0
    if (!large) checkNesting(bytes, 0, bytes.length, 0)
    hand({ bytes, whole: !large })
    return rest.subarray(part.length)
  }

  return take
}

/** Bytes of the message that starts here, its own header included; null while too little is there to know. */
function sizeOf(bytes: Buffer): number | null {
  if (bytes[0] !== SEQUENCE) throw new Error('these bytes are no LDAP message')
  const first = bytes[1]
  if (first === undefined) return null
  if (first < 0x80) return 2 + first
  const octets = first & 0x7f
  if (octets === 0 || octets > 4) throw new Error('an LDAP message of no length that could be read')
  if (bytes.length < 2 + octets) return null
  return 2 + octets + bytes.readUIntBE(2, octets)
}

const CONSTRUCTED = 0x20
const DEEPEST = 12

/**
 * Throws unless each element ends within the one around it. ldapts reads a length of four octets as a signed number and would go
 * backwards by it, for ever.
 */
function checkNesting(bytes: Buffer, from: number, end: number, depth: number): void {
  if (depth > DEEPEST) throw new Error('an LDAP message that is nested too deeply')
  for (let at = from; at < end; ) {
    const constructed = ((bytes[at] ?? 0) & CONSTRUCTED) !== 0
    const first = bytes[at + 1] ?? 0
    const octets = first < 0x80 ? 0 : first & 0x7f
    const start = at + 2 + octets
    if (first === 0x80 || octets > 4 || start > end) throw new Error('an element of no length that could be read')
    const stop = start + (octets === 0 ? first : bytes.readUIntBE(at + 2, octets))
    if (stop > end) throw new Error('an element that is longer than what it stands in')
    if (constructed) checkNesting(bytes, start, stop, depth + 1)
    at = stop
  }
}
