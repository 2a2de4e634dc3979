// SPDX-License-Identifier: Apache-2.0
// Sentences that people wrote, in five languages: the manual pages that Debian's packages manpages, manpages-de, -es, -fr and
// -ru install. They are read where they stand; nothing of them is part of Gatehouse.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Language -> folder of its manual pages below /usr/share/man. */
export const LANGUAGES = { en: '.', de: 'de', es: 'es', fr: 'fr', ru: 'ru' } as const
export type Language = keyof typeof LANGUAGES

/** At most so many different sentences of one language, in the order of the pages; fewer where there are not more. */
export function readSentences(language: Language, most: number, root = '/usr/share/man'): string[] {
  const folder = join(root, LANGUAGES[language])
  const found = new Set<string>()
  for (const section of ['1', '2', '3', '4', '5', '7', '8']) {
    const place = join(folder, `man${section}`)
    if (!existsSync(place)) continue
    for (const name of readdirSync(place).sort()) {
      if (!name.endsWith('.gz')) continue
      for (const sentence of sentencesOf(join(place, name))) found.add(sentence)
      if (found.size >= most) return [...found].slice(0, most)
    }
  }
  return [...found]
}

function sentencesOf(file: string): string[] {
  const paragraphs = gunzipSync(readFileSync(file))
    .toString('utf8')
    // Lines of markup part paragraphs; within a line, escapes change the font.
    .split(/^[.'].*$/mu)
    .map((part) =>
      part
        .replace(/\\f(?:\[[^\]]*\]|\(..|.)/gu, '')
        .replace(/\\-/gu, '-')
        .replace(/\\\(..|\\\[[^\]]*\]|\\[&%:/^|~ ,)]|\\s[-+]?\d+/gu, '')
        .replace(/\s+/gu, ' ')
        .trim(),
    )
  return paragraphs.flatMap((text) => text.split(/(?<=[.!?]) /u)).filter(isSentence)
}

function isSentence(text: string): boolean {
  if (text.length < 30 || text.length > 400 || /[\\{}|<>=_$]/u.test(text)) return false
  return (text.match(/\p{L}{2,}/gu)?.length ?? 0) >= 5
}
