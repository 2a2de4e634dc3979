// SPDX-License-Identifier: Apache-2.0
// Masks as the settings and rooms have them.
import { fitsMask } from '../network/wire/mask.ts'

/** Both are compared as they are: fold them before. */
export function fitsAny(masks: readonly string[], text: string): boolean {
  return masks.some((mask) => fitsMask(mask, text))
}

/** Names a person as a list of masks does, not by a nick. */
export function isMask(who: string): boolean {
  return /[!@*?:$]/.test(who)
}
