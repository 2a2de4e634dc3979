// SPDX-License-Identifier: Apache-2.0
import type { Page } from './page.ts'
import type { Hit } from './rule.ts'
import type { Text } from './screened.ts'

/** The texts of a stanza after masking, place by place; null: left out of the replacement. */
export type Masking = readonly (Text | null)[]

/**
 * Masks the words of these lists. Formatted copies of a text (XHTML-IM) are left out of every replacement, since they would
 * say again what was masked. Null: one of the words stands where it cannot be masked.
 */
export function maskWords(page: Page, lists: readonly number[], mask: string): Masking | null {
  const masked: (Text | null)[] = []
  for (const [place, text] of page.texts.entries()) {
    if (!text || text.onReplace === 'drop') {
      masked.push(null)
      continue
    }
    const hits = (page.hits[place] ?? []).filter((hit) => lists.includes(hit.list))
    if (hits.length > 0 && text.onReplace === 'keep') return null
    masked.push(hits.length > 0 ? { ...text, value: cover(text.value, hits, mask) } : text)
  }
  return masked
}

function cover(value: string, hits: readonly Hit[], mask: string): string {
  let covered = ''
  let at = 0
  for (const hit of hits.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (hit.end <= at) continue
    const from = Math.max(hit.start, at)
    // Words that overlap are one covered stretch.
    if (from === hit.start) covered += value.slice(at, from)
    if ([...mask].length === 1) covered += mask.repeat([...value.slice(from, hit.end)].length)
    else if (from === hit.start) covered += mask
    at = hit.end
  }
  return covered + value.slice(at)
}
