// SPDX-License-Identifier: Apache-2.0
// What a rule file names once and its rules use: lexicons (terms) and lists (addresses), each below its name or, a line each,
// in a file of its own.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type AddressPattern, readAddressPattern } from '../domain/address-pattern.ts'
import { nameKey } from '../domain/person.ts'
import { readTerm } from '../matching/lexicon.ts'
import { literalOf } from '../matching/literals.ts'
import { isMap, type Reading } from './reading.ts'

/** A file that the rule file names: as it is named there, where it stands, and the SHA-256 of its bytes in hex. */
export type NamedFile = { name: string; path: string; hash: string }

/** Numbered lists of terms and patterns, as the matcher has them, and what is known by name. */
export class Named {
  readonly lists: (readonly string[])[] = []
  readonly patterns: string[] = []
  readonly lexicons = new Map<string, number>()
  readonly addresses = new Map<string, readonly AddressPattern[]>()
  readonly files: NamedFile[] = []
  /** Names of groups that rules and walls have, as they write them. */
  readonly groups = new Set<string>()
  /** `lexicons.NAME` or `lists.NAME`: named, and what is wrong with it was told there. */
  readonly bad = new Set<string>()
  /** Paths of the files that are named, also of those that could not be read. */
  readonly paths = new Set<string>()
  readonly #folder: string
  readonly #numbers = new Map<string, number>()
  #terms = 0
  #standing = 0

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The number of a new list, or null if that is too much. */
  addList(place: Reading, terms: readonly string[]): number | null {
    this.#terms += terms.length
    if (this.#terms > TERMS_MAX) return place.refuse('policy-wanted-words', { most: String(TERMS_MAX) })
    this.lists.push(terms)
    return this.lists.length - 1
  }

  /** The number of a pattern: the same for the same pattern. Null if that is too much. */
  addPattern(place: Reading, pattern: string): number | null {
    const known = this.#numbers.get(pattern)
    if (known !== undefined) return known
    if (literalOf(pattern) === null) this.#standing += 1
    if (this.#standing > STANDING_MAX) return place.refuse('policy-wanted-standing', { most: String(STANDING_MAX) })
    this.#numbers.set(pattern, this.patterns.length)
    this.patterns.push(pattern)
    return this.patterns.length - 1
  }

  /** The names for comparison; those of groups are kept, to be looked up in the directory. */
  addGroups(key: string, names: readonly string[]): ReadonlySet<string> {
    if (key.endsWith('group')) for (const name of names) this.groups.add(name)
    return new Set(names.map(nameKey))
  }

  knowsPattern(pattern: string): boolean {
    return this.#numbers.has(pattern)
  }

  /** A file of lines; empty ones and those that begin with # are left out. `read` tells what is wrong with a line. */
  readLines<T>(place: Reading, name: string, read: (line: string) => T | { wrong: string }): T[] | null {
    const path = resolve(this.#folder, name)
    this.paths.add(path)
    let text: string
    try {
      const bytes = readFileSync(path)
      if (bytes.length > FILE_MAX_BYTES) return place.refuse('policy-wanted-bytes', { most: String(FILE_MAX_BYTES) })
      this.files.push({ name, path, hash: createHash('sha256').update(bytes).digest('hex') })
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    } catch (error) {
      if (error instanceof TypeError) return place.refuse('policy-wanted-utf-8')
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      return place.refuse('policy-wanted-named-file', { file: name, code })
    }
    const all: T[] = []
    for (const [index, line] of text.split(/\r?\n/u).entries()) {
      const said = line.trim()
      if (said === '' || said.startsWith('#')) continue
      const value = read(said)
      if (isWrong(value))
        return place.refuse('policy-line-of-file', { at: `${name}:${index + 1}`, wanted: { id: value.wrong } })
      all.push(value)
    }
    return all
  }
}

/** `lexicons:` and `lists:` of the file. */
export function readNamed(file: Reading, named: Named): void {
  for (const [name, place] of entriesOf(file.at('lexicons'))) {
    const terms = readOf(place, named, TERMS_MAX, readTermText)
    const list = terms && named.addList(place, terms)
    if (list === null) named.bad.add(`lexicons.${name}`)
    else named.lexicons.set(name, list)
  }
  for (const [name, place] of entriesOf(file.at('lists'))) {
    const addresses = readOf(place, named, ADDRESSES_MAX, readAddressPattern)
    if (addresses === null) named.bad.add(`lists.${name}`)
    else named.addresses.set(name, addresses)
  }
}

export function readTermText(text: string): string | { wrong: string } {
  if (text.length > TERM_MAX) return { wrong: 'policy-wanted-shorter-term' }
  return readTerm(text) === null ? { wrong: 'policy-wanted-visible-term' } : text
}

export function isWrong(value: unknown): value is { wrong: string } {
  return typeof value === 'object' && value !== null && 'wrong' in value
}

export const ADDRESSES_MAX = 100_000
/** Patterns that no fixed text announces: each costs something with every message. */
const STANDING_MAX = 200
export const TERM_MAX = 200
/** Terms in all lists together, and UTF-8 bytes of each file. */
export const TERMS_MAX = 2_000_000
export const FILE_MAX_BYTES = 64 * 1024 * 1024

function entriesOf(place: Reading): [string, Reading][] {
  if (place.value === undefined || place.value === null) return []
  if (!isMap(place.value)) {
    place.refuse('policy-wanted-named')
    return []
  }
  return Object.keys(place.value).map((name) => [name, place.at(name)])
}

/** A name of a file, or a list of entries. */
function readOf<T>(
  place: Reading,
  named: Named,
  atMost: number,
  read: (text: string) => T | { wrong: string },
): readonly T[] | null {
  if (typeof place.value === 'string') {
    const name = place.text(1_000)
    const all = name && named.readLines(place, name, read)
    if (all && all.length > atMost) return place.refuse('kit-wanted-entries', { most: String(atMost) })
    return all || null
  }
  if (!Array.isArray(place.value)) return place.refuse('policy-wanted-entries-or-file')
  return place.items(atMost, (item) => {
    const text = item.text(3_071)
    const value = text === null ? null : read(text)
    return isWrong(value) ? item.refuse(value.wrong) : value
  })
}
