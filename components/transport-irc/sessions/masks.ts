// SPDX-License-Identifier: Apache-2.0
// Masks as IRC has them: * is any text, ? any character.

/** Takes time in proportion to both lengths at most, whatever stands in the mask. Both are compared as they are: fold them before. */
export function fits(mask: string, text: string): boolean {
  let at = 0
  let place = 0
  let star = -1
  let after = 0
  while (at < text.length) {
    if (place < mask.length && mask[place] === '*') {
      star = place++
      after = at
    } else if (place < mask.length && (mask[place] === '?' || mask[place] === text[at])) {
      place++
      at++
    } else if (star >= 0) {
      place = star + 1
      at = ++after
    } else return false
  }
  while (mask[place] === '*') place++
  return place === mask.length
}

export function fitsAny(masks: readonly string[], text: string): boolean {
  return masks.some((mask) => fits(mask, text))
}

/** Names a person as a list of masks does, not by a nick. */
export function isMask(who: string): boolean {
  return /[!@*?:$]/.test(who)
}
