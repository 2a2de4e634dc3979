// SPDX-License-Identifier: Apache-2.0
// Sets of whole numbers as a few ranges: the numbers of a source come nearly in order, so a million of them are one range.

/** Both ends belong to the range. */
export type Range = [from: number, to: number]

/** Sorted, disjoint, never touching. */
export type Ranges = Range[]

/** Adds from..to in place; gives true when at least one number of it is new. */
export function addRange(ranges: Ranges, from: number, to: number): boolean {
  const last = ranges.at(-1)
  if (!last || from > last[1] + 1) {
    ranges.push([from, to])
    return true
  }
  if (from === last[1] + 1) {
    last[1] = to
    return true
  }
  return mergeRange(ranges, from, to)
}

export function hasNumber(ranges: Ranges, n: number): boolean {
  const at = indexFrom(ranges, n)
  const range = ranges[at]
  return range !== undefined && range[0] <= n
}

/** The numbers of from..to that are not in the set. */
export function missingIn(ranges: Ranges, from: number, to: number): Ranges {
  const missing: Ranges = []
  let next = from
  for (let at = indexFrom(ranges, from); at < ranges.length && next <= to; at++) {
    const range = ranges[at] as Range
    if (range[0] > to) break
    if (range[0] > next) missing.push([next, range[0] - 1])
    next = range[1] + 1
  }
  if (next <= to) missing.push([next, to])
  return missing
}

export function countNumbers(ranges: Ranges): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)
}

/** Index of the first range that ends at or after n. */
function indexFrom(ranges: Ranges, n: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ranges[middle] as Range)[1] < n) low = middle + 1
    else high = middle
  }
  return low
}

function mergeRange(ranges: Ranges, from: number, to: number): boolean {
  const first = indexFrom(ranges, from - 1)
  let low = from
  let high = to
  let end = first
  let held = 0
  for (; end < ranges.length; end++) {
    const range = ranges[end] as Range
    if (range[0] > to + 1) break
    held += Math.max(0, Math.min(range[1], to) - Math.max(range[0], from) + 1)
    low = Math.min(low, range[0])
    high = Math.max(high, range[1])
  }
  ranges.splice(first, end - first, [low, high])
  return held < to - from + 1
}
