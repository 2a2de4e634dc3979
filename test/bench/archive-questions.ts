// SPDX-License-Identifier: Apache-2.0
// The questions of the bench `archive`, as policy's journal would have them.
import type { FactOf } from '../../components/kit/facts/facts.ts'

export const PEOPLE = 500
export const SOURCE = 'a1b2c3d4e5f60718a1b2c3d4e5f60718'
const WORDS = 40_000

export function personOf(at: number): string {
  return `person${at}@corp.example`
}

/** About 200 characters: words by a Zipf law, one of its own, a tenth that ten share, and here and there a phrase. */
export function question(n: number, of: number): FactOf<'ask'> {
  const words = ['the', `unique${n}`, `rare${n % Math.max(1, Math.ceil(Math.min(of, 1e9) / 10))}x`]
  if (n % 100 === 0) words.push(`alpha${(n / 100) % 100} brought the beta${(n / 100) % 100}`)
  let seed = n * 2654435761
  for (let at = 0; at < 26; at++) {
    seed = (seed * 1103515245 + 12345) % 2147483648
    words.push(word(Math.floor((WORDS + 1) ** (seed / 2147483648)) - 1))
  }
  const from = personOf(n % PEOPLE)
  const to = personOf((n * 7 + 1) % PEOPLE)
  const stanza = `<message xmlns='jabber:client' from='${from}/desk' to='${to}' type='chat' id='m${n}'><body>${words.join(' ')}</body></message>`
  return {
    kind: 'ask',
    source: SOURCE,
    n,
    try: 1,
    host: 'corp.example',
    direction: 'sent',
    via: 'c2s',
    at: new Date().toISOString(),
    stanza,
    verdict: { action: 'allow', rule: 'otherwise' },
    rules: 'f'.repeat(64),
  }
}

const COMMON = 'the of and to in is that it was for on are with as at be this have from or'.split(' ')

function word(rank: number): string {
  return COMMON[rank] ?? `w${rank.toString(36)}`
}
