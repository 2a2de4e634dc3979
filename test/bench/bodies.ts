// SPDX-License-Identifier: Apache-2.0
// Message texts that look like words, the same in every run.

const WORDS =
  'the a and we you they will can meeting report offer budget contract draft team plan call today tomorrow monday review price ' +
  'customer delivery invoice server release test change open question answer please thanks attached numbers quarter agreed date'

/** Texts of the given lengths in turn (characters, all ASCII), 64 of each; `extra` words are mixed in now and then. */
export function bodyPool(lengths: readonly number[], extra: readonly string[]): string[] {
  const words = [...WORDS.split(' '), ...extra]
  let seed = 42
  const random = (below: number) => {
    // Numerical Recipes' LCG: the same texts in every run, on every machine.
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  return Array.from({ length: 64 * lengths.length }, (_, index) => {
    const length = lengths[index % lengths.length] ?? 0
    let text = ''
    while (text.length < length) text += `${words[random(words.length)]} `
    return text.slice(0, length).trimEnd()
  })
}
