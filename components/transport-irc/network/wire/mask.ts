// SPDX-License-Identifier: Apache-2.0

/** `*` any letters, `?` one; linear in both lengths whatever the mask. */
export function fitsMask(mask: string, name: string): boolean {
  let at = 0
  let star = -1
  let from = 0
  let index = 0
  while (index < name.length) {
    if (mask[at] === '*') {
      star = at++
      from = index
    } else if (at < mask.length && (mask[at] === '?' || mask[at] === name[index])) {
      at += 1
      index += 1
    } else if (star !== -1) {
      at = star + 1
      index = ++from
    } else return false
  }
  while (mask[at] === '*') at += 1
  return at === mask.length
}
