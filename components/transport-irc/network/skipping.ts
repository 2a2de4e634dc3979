// SPDX-License-Identifier: Apache-2.0
// Lines that nobody needs, told by their bytes: where no members are kept, the comings and goings of a full channel are not read.

/** Of somebody else, these change nothing for a connection that keeps no members. */
const OF_OTHERS = ['JOIN', 'PART', 'QUIT']
/** These do when somebody is watched. */
const OF_PEOPLE = ['AWAY', 'NICK', 'ACCOUNT', 'CHGHOST', 'SETNAME']

/** `own`: our nick in bytes; `watching`: somebody is watched; `wantsNames`: somebody wants lists of names. */
export function isSkipped(
  bytes: Buffer,
  start: number,
  end: number,
  own: Buffer,
  watching: boolean,
  wantsNames: boolean,
): boolean {
  let at = start
  if (bytes[at] === AT) {
    at = behind(bytes, at, end)
    // An answer to us, whoever it seems to come from: InspIRCd shows our new nick before the change to it.
    if (bytes.subarray(start, at).includes(LABEL)) return false
  }
  if (bytes[at] !== COLON) return false
  const source = at + 1
  at = behind(bytes, at, end)
  if (at >= end) return false
  if (bytes[at] === THREE) return !wantsNames && isWord(bytes, at, end, '353')
  if (!isOneOf(bytes, at, end, OF_OTHERS) && (watching || !isOneOf(bytes, at, end, OF_PEOPLE))) return false
  return !isOwn(bytes, source, end, own)
}

const AT = 64
const LABEL = 'label='
const COLON = 58
const SPACE = 32
const BANG = 33
const THREE = 51

function behind(bytes: Buffer, from: number, end: number): number {
  let at = from
  while (at < end && bytes[at] !== SPACE) at += 1
  while (at < end && bytes[at] === SPACE) at += 1
  return at
}

function isOneOf(bytes: Buffer, at: number, end: number, words: readonly string[]): boolean {
  for (const word of words) if (isWord(bytes, at, end, word)) return true
  return false
}

function isWord(bytes: Buffer, at: number, end: number, word: string): boolean {
  if (at + word.length > end) return false
  for (let index = 0; index < word.length; index += 1) if (bytes[at + index] !== word.charCodeAt(index)) return false
  return at + word.length === end || bytes[at + word.length] === SPACE
}

/** Letters are compared without their case, so that a server which writes us otherwise is not missed. */
function isOwn(bytes: Buffer, source: number, end: number, own: Buffer): boolean {
  if (source + own.length > end) return false
  for (let index = 0; index < own.length; index += 1) {
    const here = bytes[source + index] as number
    if (here !== own[index] && (here | 32) !== ((own[index] as number) | 32)) return false
  }
  const next = bytes[source + own.length]
  return next === BANG || next === SPACE || next === AT
}
