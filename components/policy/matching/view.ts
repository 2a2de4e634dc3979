// SPDX-License-Identifier: Apache-2.0
// A text as the matcher reads it, with the way back: each UTF-16 unit of a view knows which units of the text it stands for.
import { type Reading, ROLE, type Role, readCharacter, roleOf } from './characters.ts'

/** `units` up to `length` are the view. Unit i stands for [starts[i], ends[i]) of the text; `even`: for unit i of it. */
export type View = {
  units: Uint16Array
  /** The same memory, for copying a text into it. */
  bytes: Buffer
  length: number
  even: boolean
  /** Read as `folded`: `alike` or `capital` reads otherwise. */
  twofold: boolean
  starts: Int32Array
  ends: Int32Array
}

/** Where [start, end) of a view stands in the text. What was left out behind the last unit belongs to it. */
export function placeOf(view: View, start: number, end: number): { start: number; end: number } {
  if (view.even) return { start, end }
  return { start: view.starts[start] ?? 0, end: view.ends[end - 1] ?? 0 }
}

export function textOf(view: View): string {
  let value = ''
  for (let at = 0; at < view.length; at += 8_192)
    value += String.fromCharCode(...view.units.subarray(at, Math.min(view.length, at + 8_192)))
  return value
}

/** Reads texts into views; a view is good until the next one of the same reader. */
export class ViewReader {
  readonly #reading: Reading
  #view: View = emptyView(4_096)

  constructor(reading: Reading) {
    this.#reading = reading
  }

  read(text: string): View {
    return this.readEven(text) ?? this.#readUneven(text)
  }

  /** The view, if each unit of the text is one unit of the view, the same in all folded readings; else null. */
  readEven(text: string): View | null {
    const { length } = text
    const view = this.#room(length)
    const table = this.#reading === 'clean' ? CLEAN : FOLDED
    const { units, bytes } = view
    // Copied as a whole and read in place: charCodeAt looks anew at each unit what kind of string it is (5 times slower, measured).
    bytes.write(text, 'utf16le')
    for (let at = 0; at < length; at += 1) {
      const unit = units[at] ?? 0
      let read = table[unit] ?? UNEVEN
      if (read === UNKNOWN) read = learn(table, unit, this.#reading === 'clean')
      if (read === UNEVEN) return null
      units[at] = read
    }
    view.length = length
    view.even = true
    view.twofold = false
    return view
  }

  #readUneven(text: string): View {
    let view = this.#room(text.length)
    const table = this.#reading === 'clean' ? CLEAN : FOLDED
    let length = 0
    let twofold = false
    for (let at = 0; at < text.length; ) {
      const unit = text.charCodeAt(at)
      let known = table[unit] ?? UNEVEN
      if (known === UNKNOWN) known = learn(table, unit, this.#reading === 'clean')
      if (known !== UNEVEN) {
        if (length >= view.units.length) view = this.#grow(length)
        view.units[length] = known
        view.starts[length] = at
        at += 1
        view.ends[length] = at
        length += 1
        continue
      }
      const character = String.fromCodePoint(text.codePointAt(at) ?? 0)
      const read = readCharacter(character, this.#reading)
      twofold ||= this.#reading === 'folded' && isTwofold(character, read)
      const end = at + character.length
      while (length + read.length > view.units.length) view = this.#grow(length)
      for (let index = 0; index < read.length; index += 1) {
        view.units[length] = read.charCodeAt(index)
        view.starts[length] = at
        view.ends[length] = end
        length += 1
      }
      if (read === '' && length > 0) view.ends[length - 1] = end
      at = end
    }
    view.length = length
    view.even = false
    view.twofold = twofold
    return view
  }

  #room(length: number): View {
    if (this.#view.units.length < length || this.#view.units.length > KEPT_UNITS)
      this.#view = emptyView(Math.max(length, 4_096))
    return this.#view
  }

  /** A character may stand for many: U+FDFA for eighteen. */
  #grow(length: number): View {
    const larger = emptyView(length * 2 + 64)
    larger.units.set(this.#view.units)
    larger.starts.set(this.#view.starts)
    larger.ends.set(this.#view.ends)
    this.#view = larger
    return larger
  }
}

/** Role of the character that ends before (or begins at) `at`. */
export function roleAt(view: View, at: number, side: 'before' | 'from'): Role {
  const index = side === 'before' ? at - 1 : at
  if (index < 0 || index >= view.length) return ROLE.other
  const unit = view.units[index] ?? 0
  if (unit >= 0xd800 && unit <= 0xdfff) {
    const first = unit >= 0xdc00 && index > 0 ? index - 1 : index
    return roleOf(String.fromCodePoint(codePointAt(view, first)))
  }
  const known = ROLES[unit] ?? UNKNOWN_ROLE
  if (known !== UNKNOWN_ROLE) return known as Role
  const role = roleOf(String.fromCharCode(unit))
  ROLES[unit] = role
  return role
}

function codePointAt(view: View, at: number): number {
  const high = view.units[at] ?? 0
  const low = view.units[at + 1] ?? 0
  const pair = high >= 0xd800 && high <= 0xdbff && low >= 0xdc00 && low <= 0xdfff && at + 1 < view.length
  return pair ? (high - 0xd800) * 0x400 + (low - 0xdc00) + 0x10000 : high
}

function emptyView(size: number): View {
  const units = new Uint16Array(size)
  return {
    units,
    bytes: Buffer.from(units.buffer),
    length: 0,
    even: true,
    twofold: false,
    starts: new Int32Array(size),
    ends: new Int32Array(size),
  }
}

/** A larger buffer than this is not kept after one large text. */
const KEPT_UNITS = 1_048_576

/** Unit -> its one unit in the view. 0 and U+FFFF stand in no view: U+0000 is left out, U+FFFF is no character. */
const UNKNOWN = 0
const UNEVEN = 0xffff
const FOLDED = new Uint16Array(65_536)
const CLEAN = new Uint16Array(65_536)
const UNKNOWN_ROLE = 255
const ROLES = new Uint8Array(65_536).fill(UNKNOWN_ROLE)

function isTwofold(character: string, folded: string): boolean {
  return readCharacter(character, 'alike') !== folded || readCharacter(character, 'capital') !== folded
}

function learn(table: Uint16Array, unit: number, clean: boolean): number {
  const character = String.fromCharCode(unit)
  const surrogate = unit >= 0xd800 && unit <= 0xdfff
  const read = surrogate ? '' : readCharacter(character, clean ? 'clean' : 'folded')
  const even = read.length === 1 && (clean || !isTwofold(character, read))
  const learnt = even ? read.charCodeAt(0) : UNEVEN
  table[unit] = learnt
  return learnt
}
