// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildFinder } from '../../../components/policy/matching/automaton.ts'
import { fold } from '../../../components/policy/matching/folding.ts'

const found = (words: readonly string[], text: string) =>
  buildFinder([words])(text).map(({ start, end }) => text.slice(start, end))

const cases: readonly [word: string, text: string, hits: readonly string[]][] = [
  ['secret', 'the secret plan', ['secret']],
  ['secret', 'SeCrEt', ['SeCrEt']],
  ['secret', 'secretary secrets unsecret secret_x secret2', []],
  ['secret', '(secret) "secret", secret.', ['secret', 'secret', 'secret']],
  ['top secret', 'top\n  \tSECRET now', ['top\n  \tSECRET']],
  ['top secret', 'topsecret top-secret', []],
  ['top   secret ', 'top secret', ['top secret']],
  ['Straße', 'in der STRASSE, straße', ['straße']],
  ['geheim', 'Geheimnis geheim', ['geheim']],
  ['İstanbul', 'nach İSTANBUL heute', ['İSTANBUL']],
  ['x', 'İ x', ['x']],
  ['ΣΊΣΥΦΟΣ', 'ο σίσυφος', ['σίσυφος']],
  ['机密', '这是机密文件', ['机密']],
  ['ひみつ', 'これはひみつです', ['ひみつ']],
  ['c++', 'we use C++ here', ['C++']],
  ['.exe', 'run setup.exe now', ['.exe']],
  ['😀', 'a😀b', ['😀']],
  ['𝒳', '𝒳𝒳 𝒳', ['𝒳']],
  ['naïve', 'so naïve!', ['naïve']],
  ['tab', 'a\ttab\u00a0tab', ['tab', 'tab']],
]

for (const [word, text, hits] of cases) {
  test(`the word ${JSON.stringify(word)} in ${JSON.stringify(text)}: ${hits.length} times`, () => {
    assert.deepEqual(found([word], text), hits)
  })
}

test('words that are parts or tails of one another are all found, each for its own list', () => {
  const find = buildFinder([
    ['he', 'she'],
    ['hers', 'his', 'hers and his'],
  ])
  const hits = find('she, he and hers and his').map(({ list, start, end }) => `${list}:${start}-${end}`)
  assert.deepEqual(hits, ['0:0-3', '0:5-7', '1:12-16', '1:12-24', '1:21-24'])
})

test('no words find nothing', () => {
  assert.deepEqual(buildFinder([])('anything'), [])
})

test('folding keeps every character at its place', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => fold(text).length === text.length))
})

test('the automaton finds what a search word by word finds', () => {
  const word = fc
    .string({ unit: fc.constantFrom('a', 'b', ' ', 'ä', '-'), minLength: 1, maxLength: 4 })
    .filter((it) => it.trim() !== '')
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', ' ', '\n', 'ä', '-'), maxLength: 30 })
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), text, (words, it) => {
      const hits = new Set(
        buildFinder(words.map((each) => [each]))(it).map(({ list, start, end }) => `${list}:${start}-${end}`),
      )
      assert.deepEqual([...hits].sort(), [...slowly(words, it)].sort())
    }),
    { numRuns: process.env.GATEHOUSE_LONG === '1' ? 20_000 : 2_000 },
  )
})

function slowly(words: readonly string[], text: string): Set<string> {
  const hits = new Set<string>()
  for (const [list, word] of words.entries()) {
    const escaped = word
      .trim()
      .replace(/[.*+?^${}()|[\]\\]/gu, '\\$&')
      .replace(/\s+/gu, '\\s+')
    const before = /^[aäb]/u.test(word.trim()) ? '(?<![aäb])' : ''
    const after = /[aäb]$/u.test(word.trim()) ? '(?![aäb])' : ''
    for (let at = 0; at < text.length; at += 1) {
      const sticky = new RegExp(`${before}${escaped}${after}`, 'iuy')
      sticky.lastIndex = at
      const match = sticky.exec(text)
      if (match) hits.add(`${list}:${at}-${at + match[0].length}`)
    }
  }
  return hits
}
