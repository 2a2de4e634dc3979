// SPDX-License-Identifier: Apache-2.0
// bench evasion: how many disguised terms are found, and how many clean sentences are taken for a hit. The terms are words and
// phrases of the sentences themselves, so that they have neighbours; a sentence that holds one of them as it stands is not clean.
import { compileMatcher, openMatcher } from '../../components/policy/matching/matcher.ts'
import { disguise, KINDS, oneOf, type Random, randomFrom } from './disguises.ts'
import { LANGUAGES, type Language, readSentences } from './sentences.ts'

const TERMS = 1_000
const CLEAN = 100_000
const LEAST_RECALL = 0.99
const MOST_FALSE = 0.001
const ROUNDS = { quick: 1, normal: 3, long: 20 } as const

export async function evasion({ form }: { form: keyof typeof ROUNDS }): Promise<number> {
  const languages = Object.keys(LANGUAGES) as Language[]
  const random = randomFrom(1)
  const sentences = new Map(
    languages.map((language) => [language, readSentences(language, 60_000, process.env.GATEHOUSE_MANPAGES)]),
  )
  const terms = languages.flatMap((language) =>
    chooseTerms(sentences.get(language) ?? [], TERMS / languages.length, random).map((term) => ({ language, term })),
  )
  if (terms.length < TERMS) {
    process.stderr.write('evasion: too few sentences; Debian has them in manpages, manpages-de, -es, -fr and -ru\n')
    return 2
  }
  const clean = chooseClean(
    sentences,
    terms.map(({ term }) => term),
  )
  const matcher = openMatcher(
    compileMatcher(
      terms.map(({ term }) => [term]),
      [],
    ),
  )
  const carriers = clean.filter(({ text }) => text.length < 120)
  const found = new Map(KINDS.map((kind) => [kind, { found: 0, of: 0 }]))
  for (let round = 0; round < ROUNDS[form]; round += 1) {
    for (const [list, { term }] of terms.entries()) {
      const written = random() < 0.3 ? term.toUpperCase() : random() < 0.5 ? capital(term) : term
      for (const kind of KINDS) {
        const text = disguise(written, kind, random)
        const count = found.get(kind)
        if (text === null || !count) continue
        const words = oneOf(carriers, random).text.split(' ')
        words.splice(Math.floor(random() * words.length), 0, text)
        count.of += 1
        if (matcher.find(words.join(' ')).lists.has(list)) count.found += 1
      }
    }
  }
  const hits = clean.filter(({ text }) => matcher.find(text).lists.size > 0)
  const counts = languages.map((language) => `${language} ${clean.filter((one) => one.language === language).length}`)
  process.stdout.write(
    `${terms.length} terms; ${clean.length} clean sentences (${counts.join(', ')}); Node ${process.version}, Unicode ${process.versions.unicode}\n`,
  )
  for (const [kind, count] of found)
    process.stdout.write(
      `  ${kind.padEnd(12)}${count.found} of ${count.of} found (${(count.found / count.of).toFixed(4)})\n`,
    )
  for (const language of languages)
    process.stdout.write(`  false hits ${language}: ${hits.filter((one) => one.language === language).length}\n`)
  for (const { text } of hits.slice(0, 5)) process.stdout.write(`  such as: ${text.slice(0, 160)}\n`)
  const all = [...found.values()]
  const recall = sum(all.map((count) => count.found)) / sum(all.map((count) => count.of))
  const falseHits = hits.length / clean.length
  const missed = [
    ...(recall < LEAST_RECALL ? [`recall ${recall.toFixed(4)}, wanted ${LEAST_RECALL}`] : []),
    ...(falseHits > MOST_FALSE ? [`false hits ${falseHits.toFixed(6)}, wanted at most ${MOST_FALSE}`] : []),
    ...(clean.length < CLEAN ? [`${clean.length} clean sentences, wanted ${CLEAN}`] : []),
  ]
  process.stdout.write(missed.length === 0 ? 'every goal is met\n' : missed.map((one) => `missed: ${one}\n`).join(''))
  process.stdout.write(
    `${JSON.stringify({ bench: 'evasion', recall: round4(recall), false_hits: round6(falseHits) })}\n`,
  )
  return 0
}

/** Nine words for each phrase of two; neither the rarest nor the most frequent ones. */
function chooseTerms(sentences: readonly string[], count: number, random: Random): string[] {
  const words = new Map<string, number>()
  for (const sentence of sentences) {
    for (const [word] of sentence.matchAll(/\p{L}{5,}/gu))
      words.set(word.toLowerCase(), (words.get(word.toLowerCase()) ?? 0) + 1)
  }
  const fitting = [...words].filter(([, times]) => times >= 2 && times <= 12).map(([word]) => word)
  const terms = new Set<string>()
  while (terms.size < count && fitting.length > count) {
    if (terms.size % 10 !== 9) terms.add(oneOf(fitting, random))
    else {
      const pairs = oneOf(sentences, random).match(/\p{L}{4,} \p{L}{5,}/u)
      if (pairs) terms.add(pairs[0].toLowerCase())
    }
  }
  return [...terms]
}

type Clean = { language: Language; text: string }

/** An equal share of each language where it has as many, else more of the others. */
function chooseClean(sentences: ReadonlyMap<Language, readonly string[]>, terms: readonly string[]): Clean[] {
  const words = new Set(terms)
  const phrases = terms.filter((term) => term.includes(' '))
  const isClean = (text: string) => {
    const lower = text.toLowerCase()
    return (
      !(lower.match(/[\p{L}\p{M}\p{N}_]+/gu) ?? []).some((word) => words.has(word)) &&
      !phrases.some((phrase) => lower.includes(phrase))
    )
  }
  const byLanguage = [...sentences].map(([language, all]) => all.filter(isClean).map((text) => ({ language, text })))
  const clean: Clean[] = []
  for (let at = 0; clean.length < CLEAN && byLanguage.some((all) => at < all.length); at += 1) {
    for (const all of byLanguage) {
      const one = all[at]
      if (one && clean.length < CLEAN) clean.push(one)
    }
  }
  return clean
}

function capital(term: string): string {
  return term.charAt(0).toUpperCase() + term.slice(1)
}

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0)
}

const round4 = (value: number) => Math.round(value * 10_000) / 10_000
const round6 = (value: number) => Math.round(value * 1_000_000) / 1_000_000
