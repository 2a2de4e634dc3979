// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readTerm } from '../../../components/policy/matching/lexicon.ts'
import { rounds } from '../../harness/rounds.ts'
import { found, matcherOf, slowly } from './matching.ts'

const cases: readonly [term: string, text: string, hits: readonly string[]][] = [
  ['secret', 'the secret plan', ['secret']],
  ['secret', 'SeCrEt', ['SeCrEt']],
  ['secret', 'secretary secrets unsecret secret_x secret2', []],
  ['secret', '(secret) "secret", secret.', ['secret', 'secret', 'secret']],
  ['secret*', 'secretary secrets unsecret secret', ['secret', 'secret', 'secret']],
  ['secret', 'sｅcr\u200bеt, ѕесret', ['sｅcr\u200bеt', 'ѕесret']],
  ['secret', 's\u0301e\u0301c\u0301r\u0301e\u0301t\u0301!', ['s\u0301e\u0301c\u0301r\u0301e\u0301t\u0301']],
  ['top secret', 'top\n  \tSECRET now', ['top\n  \tSECRET']],
  ['top secret', 'topsecret top-secret', []],
  ['top   secret ', 'top secret', ['top secret']],
  ['top sec*', 'top secrets', ['top sec']],
  ['five \\*', 'rated five * today', ['five *']],
  ['Straße', 'in der STRASSE, straße', ['STRASSE', 'straße']],
  ['geheim', 'Geheimnis geheim', ['geheim']],
  ['İstanbul', 'nach İSTANBUL heute', ['İSTANBUL']],
  ['ΣΊΣΥΦΟΣ', 'ο σίσυφος', ['σίσυφος']],
  ['Москва', 'в МОСКВЕ и Москва', ['Москва']],
  ['机密', '这是机密文件', ['机密']],
  ['ひみつ', 'これはひみつです', ['ひみつ']],
  ['データ', 'このﾃﾞｰﾀは', ['ﾃﾞｰﾀ']],
  ['かき', 'がき かぎ かきと', ['かき']],
  ['비밀', '우리의비밀은', ['비밀']],
  ['가', '각 갂 나라가', ['가']],
  ['ลับ', 'นี่คือความลับสุดยอด', ['ลับ']],
  ['c++', 'we use C++ here', ['C++']],
  ['.exe', 'run setup.exe now', ['.exe']],
  ['😀', 'a😀b', ['😀']],
  ['𝒳', '𝒳𝒳 𝒳', ['𝒳']],
  ['naïve', 'so naïve! so nai\u0308ve, so naive', ['naïve', 'nai\u0308ve']],
  ['plane', 'die Pläne, a plane, pl\u0336an\u0336e\u0336', ['plane', 'pl\u0336an\u0336e\u0336']],
  ['secret', 'séc\u0301ret, se\u0301cret, sécrèt, s\u00e9cret', ['séc\u0301ret', 'se\u0301cret', 'sécrèt']],
  ['invoice', 'ІNVОІСЕ', ['ІNVОІСЕ']],
  ['cope', 'соре', ['соре']],
  ['हिन्दी', 'हिन्दी हिन्दीभाषा', ['हिन्दी']],
  ['tab', 'a\ttab\u00a0tab', ['tab', 'tab']],
]
for (const [term, text, hits] of cases) {
  test(`the term ${JSON.stringify(term)} in ${JSON.stringify(text)}: ${hits.length} times`, () => {
    assert.deepEqual(found([term], text), hits)
  })
}

test('terms that are parts or tails of one another are all found, each for its own list', () => {
  const matcher = matcherOf([
    ['he', 'she'],
    ['hers', 'his', 'hers and his', 'he'],
  ])
  const { hits, lists } = matcher.find('she, he and hers and his')
  assert.deepEqual(
    hits
      .map(({ term, start, end }) => `${[0, 1].filter((list) => matcher.isIn(term, list)).join('+')}:${start}-${end}`)
      .sort(),
    ['0+1:5-7', '0:0-3', '1:12-16', '1:12-24', '1:21-24'],
  )
  assert.deepEqual([...lists].sort(), [0, 1])
})

test('no terms find nothing, and a term of nothing but invisible characters is none', () => {
  assert.deepEqual(found([], 'anything'), [])
  for (const nothing of ['', '  ', '\u200b\u00ad', '\u0301', '*']) {
    if (nothing !== '*') assert.equal(readTerm(nothing), null, JSON.stringify(nothing))
  }
})

test('terms that begin with each other cost little in a text that is full of them', () => {
  const terms = Array.from({ length: 100 }, (_, at) =>
    Array(at + 1)
      .fill('a')
      .join(' '),
  )
  const matcher = matcherOf([terms])
  const begun = process.cpuUsage()
  assert.equal(matcher.find('a '.repeat(20_000)).hits.length, 10_000)
  const { user } = process.cpuUsage(begun)
  assert.ok(user < 2_500_000, `${user} µs for two million places`)
})

test('of a text that is full of terms, the lists are told and not every place', () => {
  const finding = matcherOf([['a'], ['b']]).find(`${'a '.repeat(200_000)}b`)
  assert.deepEqual([...finding.lists].sort(), [0, 1])
  assert.ok(finding.more && finding.hits.length <= 10_000)
})

test('a lexicon that is larger than its rows is searched all the same', () => {
  // So many different letters that only the first states have a row of their own.
  const letter = (index: number) => String.fromCodePoint(0x4e00 + (index % 8_000))
  const words = Array.from(
    { length: 8_000 },
    (_, index) => `${letter(index)}${letter(index * 7 + 1)}${letter(index * 3)}${letter(index + 5)}`,
  )
  const matcher = matcherOf([words])
  for (const index of [0, 17, 4_000, 7_999]) {
    const word = words[index] ?? ''
    assert.deepEqual(
      matcher.find(`${letter(index)}${word}${letter(9)}`).hits.some(({ start, end }) => start === 1 && end === 5),
      true,
    )
  }
  for (let index = 0; index < 2_000; index += 1) {
    const text = words
      .slice(index, index + 3)
      .join('')
      .slice(index % 4)
    const fast = new Set(matcher.find(text).hits.map(({ start, end }) => text.slice(start, end)))
    const slow = new Set(words.filter((word) => text.includes(word)))
    assert.deepEqual([...fast].sort(), [...slow].sort())
  }
})

test('a run of white space counts as one, also where states have no row of their own', () => {
  const letter = (index: number) => String.fromCodePoint(0x4e00 + (index % 8_000))
  const words = Array.from({ length: 8_000 }, (_, at) => `${letter(at)} ${letter(at * 7 + 1)} ${letter(at * 3)}`)
  const matcher = matcherOf([words])
  for (let index = 0; index < 8_000; index += 97) {
    const text = `  ${(words[index] ?? '').replaceAll(' ', ' \t  ')}  `
    assert.deepEqual(
      matcher.find(text).hits.map(({ start, end }) => text.slice(start, end)),
      [text.trim()],
    )
  }
})

test('property: the automaton finds what a search term by term, place by place finds', (t) => {
  const letters = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('a', 'b', ' ', 'ä', '-', 'A', 'а', 'Ι', 'l', 'i') },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        '\u200b',
        '\u0301',
        '\n',
        '\u00a0',
        'ﬀ',
        'f',
        '中',
        '文',
        'か',
        '\u3099',
        'ท',
        'ี',
        '가',
        '각',
        '😀',
      ),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  )
  const textOf = (maxLength: number) => fc.array(letters, { minLength: 1, maxLength }).map((all) => all.join(''))
  const terms = fc.array(
    textOf(4).filter((term) => readTerm(term)?.ends === 'word' && !term.includes('*') && !term.includes('\\')),
    { minLength: 1, maxLength: 6 },
  )
  fc.assert(
    fc.property(terms, textOf(30), (words, text) => {
      const matcher = matcherOf(words.map((word) => [word]))
      const { hits, lists } = matcher.find(text)
      for (const [list, word] of words.entries()) {
        const fast = hits.filter(({ term }) => matcher.isIn(term, list)).map(({ start, end }) => `${start}-${end}`)
        const slow = slowly(word, text)
        assert.deepEqual(
          [...new Set(fast)].sort(),
          [...slow].sort(),
          `${JSON.stringify(word)} in ${JSON.stringify(text)}`,
        )
        assert.equal(lists.has(list), slow.size > 0)
      }
    }),
    rounds(t, 3_000, 100_000),
  )
})
