// SPDX-License-Identifier: Apache-2.0
import { decodedPercent } from '../../kit/xmpp/percent.ts'
import type { Text } from './screened.ts'

/** The texts, each that holds %XX escapes followed by what it says decoded. */
export function withDecoded<T extends Text>(texts: readonly T[]): readonly T[] {
  if (!texts.some(({ value }) => value.includes('%'))) return texts
  return texts.flatMap((text) => {
    const value = decodedPercent(text.value)
    return value === null ? [text] : [text, { ...text, value, onReplace: 'decoded' }]
  })
}

/** The decoded form again, after the text it was made of was masked; null: that text was left out, or has no escapes any more. */
export function decodedAgain(decoded: Text, masked: Text | null): Text | null {
  const value = masked && decodedPercent(masked.value)
  return value === null ? null : { ...decoded, value }
}
