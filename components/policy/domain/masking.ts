// SPDX-License-Identifier: Apache-2.0
import { decodedAgain } from './decoded.ts'
import type { Page } from './page.ts'
import type { Sought, Span } from './rule.ts'
import type { Text } from './screened.ts'

/** The texts of a stanza after masking, place by place; null: left out of the replacement. */
export type Masking = readonly (Text | null)[]

/**
 * Masks what is sought. Formatted copies of a text (XHTML-IM) are left out of every replacement, since they would say again
 * what was masked. Null: something of it stands where it cannot be masked, or in more places than are known. What only the decoded
 * form of a text says still stands in the result.
 */
export function maskSought(page: Page, sought: Sought, mask: string): Masking | null {
  const masked: (Text | null)[] = []
  for (const [place, text] of page.texts.entries()) {
    if (!text || text.onReplace === 'drop') {
      masked.push(null)
      continue
    }
    if (text.onReplace === 'decoded') {
      masked.push(decodedAgain(text, masked.at(-1) ?? null))
      continue
    }
    const spans = page.spans(place, sought)
    if (spans === null || (spans.length > 0 && text.onReplace === 'keep')) return null
    masked.push(spans.length > 0 ? { ...text, value: cover(text.value, spans, mask) } : text)
  }
  return masked
}

function cover(value: string, spans: readonly Span[], mask: string): string {
  let covered = ''
  let at = 0
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (span.end <= at) continue
    const from = Math.max(span.start, at)
    // Words that overlap are one covered stretch.
    if (from === span.start) covered += value.slice(at, from)
    if ([...mask].length === 1) covered += mask.repeat([...value.slice(from, span.end)].length)
    else if (from === span.start) covered += mask
    at = span.end
  }
  return covered + value.slice(at)
}
