// SPDX-License-Identifier: Apache-2.0
// Aho-Corasick (Aho and Corasick, 1975) as one table: finds all words of all lists in one pass, whatever their number.
import type { Hit, WordFinder } from '../domain/rule.ts'
import { fold, isSpace, isWordAt } from './folding.ts'

/** The table may have this many cells of 4 bytes; a larger vocabulary is refused when the rules are read. */
const CELLS_MAX = 16 * 1024 * 1024

export class VocabularyTooLarge extends Error {
  override name = 'VocabularyTooLarge'
  readonly words: number
  readonly characters: number
  constructor(words: number, characters: number) {
    super(`${words} words with ${characters} different characters`)
    this.words = words
    this.characters = characters
  }
}

/** Builds a finder of whole words and phrases. Spaces in a phrase fit any run of white space. Case makes no difference. */
export function buildFinder(lists: readonly (readonly string[])[]): WordFinder {
  const words = lists.flatMap((list, number) => list.map((word) => ({ list: number, word: collapse(fold(word)) })))
  if (words.length === 0) return () => []
  const classes = readClasses(words.map(({ word }) => word))
  const table = buildTable(words, classes)
  return (text) => scan(text, table, classes)
}

/** Unit -> column; 0 stands for every unit that is in no word, 1 for white space. */
type Classes = { of: Uint16Array; count: number }

type Ending = { list: number; length: number; openStart: boolean; openEnd: boolean }

type Table = {
  /** Next state by state * count + class. */
  next: Int32Array
  /** State -> the words that end there, those that end there by being the tail of a longer one included. */
  endings: readonly (readonly Ending[] | undefined)[]
}

function collapse(word: string): string {
  return word.trim().replace(/\s+/gu, ' ')
}

function readClasses(words: readonly string[]): Classes {
  const of = new Uint16Array(65536)
  for (let unit = 0; unit < of.length; unit += 1) if (isSpace(unit)) of[unit] = 1
  let count = 2
  for (const word of words) {
    for (let i = 0; i < word.length; i += 1) {
      const unit = word.charCodeAt(i)
      if (of[unit] === 0) of[unit] = count++
    }
  }
  return { of, count }
}

function buildTable(words: readonly { list: number; word: string }[], classes: Classes): Table {
  const { of, count } = classes
  const states = 1 + words.reduce((sum, { word }) => sum + word.length, 0)
  if (states * count > CELLS_MAX) {
    throw new VocabularyTooLarge(words.length, count)
  }
  const next = new Int32Array(states * count)
  const own: Ending[][] = [[]]
  let used = 1
  for (const { list, word } of words) {
    let state = 0
    for (let i = 0; i < word.length; i += 1) {
      const cell = state * count + (of[word.charCodeAt(i)] ?? 0)
      if (!next[cell]) {
        next[cell] = used
        own[used] = []
        used += 1
      }
      state = next[cell] ?? 0
    }
    own[state]?.push({
      list,
      length: word.length,
      openStart: !isWordAt(word, 0, 'from'),
      openEnd: !isWordAt(word, word.length, 'before'),
    })
  }
  return closeTable(next, own, used, count)
}

/** Breadth first: each state takes from its longest proper tail what it has not itself. */
function closeTable(next: Int32Array, own: Ending[][], used: number, count: number): Table {
  const tail = new Int32Array(used)
  const endings: (readonly Ending[] | undefined)[] = new Array(used)
  const queue: number[] = []
  for (let column = 0; column < count; column += 1) if (next[column]) queue.push(next[column] ?? 0)
  for (let head = 0; head < queue.length; head += 1) {
    const state = queue[head] ?? 0
    const behind = tail[state] ?? 0
    const ends = [...(own[state] ?? []), ...(endings[behind] ?? [])]
    endings[state] = ends.length > 0 ? ends : undefined
    for (let column = 0; column < count; column += 1) {
      const child = next[state * count + column] ?? 0
      const across = next[behind * count + column] ?? 0
      if (child) {
        tail[child] = across
        queue.push(child)
      } else next[state * count + column] = across
    }
  }
  return { next: next.slice(0, used * count), endings }
}

function scan(text: string, table: Table, classes: Classes): readonly Hit[] {
  const folded = fold(text)
  const { next, endings } = table
  const { of, count } = classes
  const hits: Hit[] = []
  let state = 0
  let inSpace = false
  for (let i = 0; i < folded.length; i += 1) {
    const column = of[folded.charCodeAt(i)] ?? 0
    if (column === 1) {
      if (inSpace) continue
      inSpace = true
    } else inSpace = false
    state = next[state * count + column] ?? 0
    const ends = endings[state]
    if (ends) for (const ending of ends) addHit(hits, folded, ending, i + 1)
  }
  return hits
}

function addHit(hits: Hit[], folded: string, ending: Ending, end: number): void {
  if (!ending.openEnd && isWordAt(folded, end, 'from')) return
  const start = startOf(folded, end, ending.length)
  if (!ending.openStart && isWordAt(folded, start, 'before')) return
  hits.push({ list: ending.list, start, end })
}

/** Goes back over `length` units, a run of white space counting as one. */
function startOf(folded: string, end: number, length: number): number {
  let at = end
  for (let left = length; left > 0; left -= 1) {
    at -= 1
    if (isSpace(folded.charCodeAt(at))) while (at > 0 && isSpace(folded.charCodeAt(at - 1))) at -= 1
  }
  return at
}
