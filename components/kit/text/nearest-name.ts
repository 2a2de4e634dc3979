// SPDX-License-Identifier: Apache-2.0

/** The known name at most a third of its letters away, or null. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const scored = known.map((one) => ({ one, distance: distance(name, one) })).sort((a, b) => a.distance - b.distance)
  const best = scored[0]
  return best !== undefined && best.distance <= Math.max(1, Math.ceil(best.one.length / 3)) ? best.one : null
}

/** Levenshtein, on names that settings may have; longer input is cut. */
function distance(one: string, other: string): number {
  const a = one.slice(0, 64)
  const b = other.slice(0, 64)
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swap)
    }
    row = next
  }
  return row[b.length] ?? 0
}
