// SPDX-License-Identifier: Apache-2.0
// The words of all lists as one tree of states, in typed arrays: tens of millions of letters are more than a Map can hold.

/** So many states are built at most; each takes about 30 bytes. A larger vocabulary is refused when the rules are read. */
export const STATES_MAX = 12_000_000

export class VocabularyTooLarge extends Error {
  override name = 'VocabularyTooLarge'
}

/** States by the order of their depth, 0 the root: the parent, and the class of the step that leads there. */
export type Tree = { parent: Int32Array; step: Uint16Array; numbers: Int32Array }

export class Trie {
  #parent = new Int32Array(1_024)
  #step = new Uint16Array(1_024)
  #depth = new Uint16Array(1_024)
  #slots = new Steps(1_024)
  #count = 1

  /** The state at which this word ends. */
  add(classes: Uint16Array | readonly number[]): number {
    let state = 0
    for (const step of classes) {
      const next = this.#slots.find(state, step, this.#parent, this.#step)
      state = next === 0 ? this.#append(state, step) : next
    }
    return state
  }

  get count(): number {
    return this.#count
  }

  /** Numbers the states anew, by depth. `numbers`: those that add() gave -> the new ones. */
  byDepth(): Tree {
    const count = this.#count
    let deepest = 0
    for (let state = 0; state < count; state += 1) deepest = Math.max(deepest, this.#depth[state] ?? 0)
    const next = new Int32Array(deepest + 2)
    for (let state = 0; state < count; state += 1) add(next, (this.#depth[state] ?? 0) + 1, 1)
    for (let depth = 1; depth < next.length; depth += 1) add(next, depth, next[depth - 1] ?? 0)
    const numbers = new Int32Array(count)
    for (let state = 0; state < count; state += 1) {
      const depth = this.#depth[state] ?? 0
      numbers[state] = next[depth] ?? 0
      add(next, depth, 1)
    }
    const parent = new Int32Array(count)
    const step = new Uint16Array(count)
    for (let state = 1; state < count; state += 1) {
      const now = numbers[state] ?? 0
      parent[now] = numbers[this.#parent[state] ?? 0] ?? 0
      step[now] = this.#step[state] ?? 0
    }
    return { parent, step, numbers }
  }

  #append(from: number, step: number): number {
    if (this.#count >= STATES_MAX) throw new VocabularyTooLarge()
    if (this.#count >= this.#parent.length) {
      const size = this.#parent.length * 2
      this.#parent = copyTo(new Int32Array(size), this.#parent)
      this.#step = copyTo(new Uint16Array(size), this.#step)
      this.#depth = copyTo(new Uint16Array(size), this.#depth)
      this.#slots = new Steps(size)
      for (let state = 1; state < this.#count; state += 1)
        this.#slots.put(this.#parent[state] ?? 0, this.#step[state] ?? 0, state)
    }
    const state = this.#count
    this.#parent[state] = from
    this.#step[state] = step
    this.#depth[state] = (this.#depth[from] ?? 0) + 1
    this.#slots.put(from, step, state)
    this.#count += 1
    return state
  }
}

/** (state, class) -> next state, by open addressing; 0: none. */
export class Steps {
  readonly slots: Int32Array
  readonly #mask: number

  constructor(states: number, slots?: Int32Array) {
    let size = 16
    while (size < states * 2) size *= 2
    this.slots = slots ?? new Int32Array(size)
    this.#mask = this.slots.length - 1
  }

  find(state: number, step: number, parents: Int32Array, steps: Uint16Array): number {
    for (let at = hash(state, step) & this.#mask; ; at = (at + 1) & this.#mask) {
      const found = this.slots[at] ?? 0
      if (found === 0 || (parents[found] === state && steps[found] === step)) return found
    }
  }

  put(state: number, step: number, to: number): void {
    let at = hash(state, step) & this.#mask
    while (this.slots[at] !== 0) at = (at + 1) & this.#mask
    this.slots[at] = to
  }
}

function hash(state: number, step: number): number {
  const mixed = Math.imul(state, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca6b)
  return (mixed ^ (mixed >>> 15)) >>> 0
}

function add(to: Int32Array, at: number, by: number): void {
  to[at] = (to[at] ?? 0) + by
}

function copyTo<T extends Int32Array | Uint16Array>(to: T, from: T): T {
  to.set(from)
  return to
}
