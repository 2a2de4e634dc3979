// SPDX-License-Identifier: Apache-2.0
import type { Hit, WordFinder } from './rule.ts'
import type { Text } from './screened.ts'

/** The texts of a stanza as they stand at one moment of the walk, and the words found in them; a null text was left out. */
export type Page = {
  texts: readonly (Text | null)[]
  hits: readonly (readonly Hit[])[]
  lists: ReadonlySet<number>
}

export function readPage(texts: readonly (Text | null)[], find: WordFinder): Page {
  const hits = texts.map((text) => (text ? find(text.value) : []))
  return { texts, hits, lists: new Set(hits.flatMap((found) => found.map((hit) => hit.list))) }
}
