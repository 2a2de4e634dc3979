// SPDX-License-Identifier: Apache-2.0
// Aho-Corasick (Aho and Corasick, 1975): finds all terms of all lists in one pass over a view, whatever their number. States
// near the root, where the walk mostly is, have a whole row of next states; deeper ones a shared table and a way back.
import { type Reading, ROLE, readCharacter, roleOf } from './characters.ts'
import { Steps, Trie } from './trie.ts'
import { roleAt, type View } from './view.ts'

/** A term in the `folded` reading. `anywhere`: also inside of words; `prefix`: the word may go on behind it. `spelled`: as spell() has it, '' for what is no word. */
export type Term = { folded: string; spelled: string; ends: 'word' | 'prefix' | 'anywhere' }

/** Plain data: a worker thread can hand it over. Classes: 0 any unit that is in no term, 1 white space. */
export type AutomatonData = {
  /** Unit of the view -> class. */
  classes: Uint16Array
  classCount: number
  /** Place of a state (placeOf) + class -> place of the next state; negative (~place) where a term ends. For the first states. */
  rows: Int32Array
  rowCount: number
  slots: Int32Array
  parent: Int32Array
  step: Uint16Array
  /** The longest proper tail that is a state, and of its tails the first at which a term ends (0: none). */
  tail: Int32Array
  shorter: Int32Array
  /** First ending of a state, from 1; 0: none. */
  ending: Int32Array
  /** By ending: term, length in units with a run of white space counted as one, borders wanted, and the next ending of the state. */
  term: Int32Array
  size: Uint16Array
  borders: Uint8Array
  next: Int32Array
}

/** What a walk tells: term `term` stands at [start, end) of the view. False: no more is wanted. */
export type Found = (term: number, start: number, end: number) => void

/** Whole rows take so many cells of 4 bytes at most. */
const CELLS = 4 * 1024 * 1024
/** The class of white space; in a run of it a state stays where it is. */
const SPACE = 1
const START = 1
const END = 2
const GRAPHEME = 4

/** A state in the walk: where its row begins; behind all rows where it has none. Negative (~place) where a term ends. */
function placeOf(data: Omit<AutomatonData, 'rows'>, state: number): number {
  const { classCount, rowCount, shorter, ending } = data
  const place = state < rowCount ? state * classCount : state - rowCount + rowCount * classCount
  return ending[state] === 0 && shorter[state] === 0 ? place : ~place
}

/** Two terms that read the same and end the same are to be one. Throws VocabularyTooLarge. */
export function buildAutomaton(terms: readonly Term[]): AutomatonData {
  const { classes, classCount } = readClasses(terms)
  const trie = new Trie()
  const endsAt = terms.map(({ folded }) => trie.add(classesOf(folded, classes)))
  const { parent, step, numbers } = trie.byDepth()
  const count = parent.length
  const steps = new Steps(count)
  for (let state = 1; state < count; state += 1) steps.put(parent[state] ?? 0, step[state] ?? 0, state)
  const endings = writeEndings(terms, endsAt, numbers, count)
  const tail = new Int32Array(count)
  const shorter = new Int32Array(count)
  for (let state = 1; state < count; state += 1) {
    const from = parent[state] ?? 0
    const by = step[state] ?? 0
    tail[state] = from === 0 ? 0 : longest(tail[from] ?? 0, by)
    const behind = tail[state] ?? 0
    shorter[state] = endings.ending[behind] === 0 ? (shorter[behind] ?? 0) : behind
  }
  const rowCount = Math.min(count, Math.max(1, Math.floor(CELLS / classCount)))
  const data = { classes, classCount, rowCount, slots: steps.slots, parent, step, tail, shorter, ...endings }
  return { ...data, rows: writeRows(data) }

  function longest(from: number, by: number): number {
    for (let state = from; ; state = tail[state] ?? 0) {
      const next = steps.find(state, by, parent, step)
      if (next !== 0 || state === 0) return next
    }
  }
}

/** A walk over views; one at a time. Its loop is most of what lists cost: it does nothing for a unit but to look up two numbers. */
export function openAutomaton(data: AutomatonData): (view: View, found: Found) => void {
  const { classes, classCount, rows, rowCount, parent, step, tail, shorter, ending, term, size, borders, next } = data
  const steps = new Steps(0, data.slots)
  const cells = rowCount * classCount

  return (view, found) => {
    const { units, length } = view
    let place = 0
    for (let at = 0; at < length; at += 1) {
      const by = classes[units[at] ?? 0] ?? 0
      place = place < cells ? (rows[place + by] ?? 0) : deep(place - cells + rowCount, by)
      if (place < 0) {
        place = ~place
        tell(view, place < cells ? place / classCount : place - cells + rowCount, at + 1, found)
      }
    }
  }

  function deep(from: number, by: number): number {
    if (by === SPACE && step[from] === SPACE) return from - rowCount + cells
    let state = from
    while (state >= rowCount) {
      const to = steps.find(state, by, parent, step)
      if (to !== 0) return placeOf(data, to)
      state = tail[state] ?? 0
    }
    return rows[state * classCount + by] ?? 0
  }

  function tell(view: View, reached: number, end: number, found: Found): void {
    const after = roleAt(view, end, 'from')
    for (let state = reached; state !== 0; state = shorter[state] ?? 0) {
      for (let one = ending[state] ?? 0; one !== 0; one = next[one] ?? 0) {
        const wanted = borders[one] ?? 0
        if ((wanted & GRAPHEME) !== 0 && after === ROLE.extend) continue
        if ((wanted & END) !== 0 && after === ROLE.word) continue
        const start = startOf(view, end, size[one] ?? 0)
        if ((wanted & START) !== 0 && roleAt(view, start, 'before') === ROLE.word) continue
        found(term[one] ?? 0, start, end)
      }
    }
  }
}

/** Goes back over `size` units, a run of white space counting as one. */
function startOf(view: View, end: number, size: number): number {
  const { units } = view
  let at = end
  for (let left = size; left > 0; left -= 1) {
    at -= 1
    if (units[at] === 32) while (at > 0 && units[at - 1] === 32) at -= 1
  }
  return at
}

function readClasses(terms: readonly Term[]): { classes: Uint16Array; classCount: number } {
  const classes = new Uint16Array(65_536)
  classes[32] = SPACE
  let classCount = 2
  for (const { folded } of terms) {
    for (let at = 0; at < folded.length; at += 1) {
      const unit = folded.charCodeAt(at)
      if (classes[unit] === 0) classes[unit] = classCount++
    }
  }
  return { classes, classCount }
}

function classesOf(folded: string, classes: Uint16Array): number[] {
  return Array.from({ length: folded.length }, (_, at) => classes[folded.charCodeAt(at)] ?? 0)
}

type Endings = Pick<AutomatonData, 'ending' | 'term' | 'size' | 'borders' | 'next'>

function writeEndings(terms: readonly Term[], endsAt: readonly number[], numbers: Int32Array, count: number): Endings {
  const ending = new Int32Array(count)
  const term = new Int32Array(terms.length + 1)
  const size = new Uint16Array(terms.length + 1)
  const borders = new Uint8Array(terms.length + 1)
  const next = new Int32Array(terms.length + 1)
  for (const [number, { folded, ends }] of terms.entries()) {
    const state = numbers[endsAt[number] ?? 0] ?? 0
    const one = number + 1
    term[one] = number
    size[one] = folded.length
    borders[one] = bordersOf(folded, ends)
    next[one] = ending[state] ?? 0
    ending[state] = one
  }
  return { ending, term, size, borders, next }
}

/** A border is wanted only where the term has a letter of a script with spaces. */
function bordersOf(folded: string, ends: Term['ends']): number {
  if (ends === 'anywhere') return 0
  const letters = [...folded]
  const first = roleOf(letters[0] ?? '') === ROLE.word
  const last = roleOf(letters.at(-1) ?? '') === ROLE.word
  if (ends === 'prefix') return first ? START : 0
  return GRAPHEME | (first ? START : 0) | (last ? END : 0)
}

type Built = Omit<AutomatonData, 'rows'>

/** Each row is that of the tail, with the own steps in the place of what stands there. A tail is less deep, so its row is ready. */
function writeRows(data: Built): Int32Array {
  const { classCount, rowCount, parent, step, tail } = data
  const rows = new Int32Array(rowCount * classCount)
  const count = parent.length
  const first = new Int32Array(rowCount + 1)
  for (let state = 1; state < count; state += 1) {
    const from = parent[state] ?? 0
    if (from < rowCount) first[from + 1] = (first[from + 1] ?? 0) + 1
  }
  for (let row = 0; row < rowCount; row += 1) first[row + 1] = (first[row + 1] ?? 0) + (first[row] ?? 0)
  const children = new Int32Array(first[rowCount] ?? 0)
  const filled = first.slice()
  for (let state = 1; state < count; state += 1) {
    const from = parent[state] ?? 0
    if (from >= rowCount) continue
    children[filled[from] ?? 0] = state
    filled[from] = (filled[from] ?? 0) + 1
  }
  for (let row = 0; row < rowCount; row += 1) {
    if (row > 0) rows.copyWithin(row * classCount, (tail[row] ?? 0) * classCount, ((tail[row] ?? 0) + 1) * classCount)
    for (let at = first[row] ?? 0; at < (first[row + 1] ?? 0); at += 1) {
      const child = children[at] ?? 0
      rows[row * classCount + (step[child] ?? 0)] = placeOf(data, child)
    }
    if (step[row] === SPACE) rows[row * classCount + SPACE] = row * classCount
  }
  return rows
}

/** How a term of a list reads. '' where nothing of it can be read. */
export function foldTerm(term: string, reading: Reading = 'folded'): string {
  let folded = ''
  for (const character of term.trim().replace(/\s+/gu, ' ')) folded += readCharacter(character, reading)
  return folded.trim().replace(/ +/gu, ' ')
}
