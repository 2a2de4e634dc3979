// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Page } from '../../../components/policy/domain/page.ts'
import { literalOf, needsDigit } from '../../../components/policy/matching/literals.ts'
import { faultOf } from '../../../components/policy/matching/patterns.ts'
import { rounds } from '../../harness/rounds.ts'
import { matcherOf } from './matching.ts'

const literals: readonly [pattern: string, literal: string | null][] = [
  ['project-\\d{4}', 'project-'],
  ['(?i)Project', 'project'],
  ['\\bsecret\\b', 'secret'],
  ['secrets?', 'secret'],
  ['secrets+x', 'secrets'],
  ['sec(?:ret|tion) plan', 'plan'],
  ['foo|barbar', null],
  ['(foo|barbar)', null],
  ['\\d{16}', null],
  ['a.*b', null],
  ['ab{2}cde', 'cde'],
  ['abc{0,3}', null],
  ['[abc]defg[^]x]hi', 'defg'],
  ['[[:alpha:]x]yzw', 'yzw'],
  ['\\p{Greek}abc\\x{1F600}', 'abc'],
  ['a\\.b\\.c', 'a.b.c'],
  ['\\Qa.b.c\\E', null],
  ['größer', null],
  ['wert: größer', 'wert:'],
  ['(?:a(b[)]c)d)xyz', 'xyz'],
  ['[0-9]{13,16}', null],
  ['(?:ab){300}', null],
  ['[A-Z]{1,3}-code', '-code'],
  ['(case){2,}?:[0-9]{100}x', null],
  ['\\d{1,3}', null],
  ['[[:digit:]]{1,300}number', 'number'],
  ['[A-Z]{2}\\d{2}[A-Z0-9]{11,30}', null],
  ['(?:ab){10,20}', null],
  ['\\d{100,200}', null],
  ['[ab]+?cde', 'cde'],
]
for (const [pattern, literal] of literals) {
  test(`a text in which ${pattern} fits holds ${literal}`, () => assert.equal(literalOf(pattern), literal))
}

const digits: readonly [pattern: string, needed: boolean][] = [
  ['\\b\\d{3}-[A-Z]', true],
  ['[0-9]+', true],
  ['[0-37\\d]x', true],
  ['a7', true],
  ['(\\d{4}[ -]?){3}', true],
  ['(?P<year>\\d\\d)', true],
  ['(?i:x|y)\\d', true],
  ['a\\d|\\d', true],
  ['(?:a\\d|2)', true],
  ['(?i)a(?-s:1)', true],
  ['\\d?a', false],
  ['\\d*a', false],
  ['\\d{0,3}a', false],
  ['(\\d)?a', false],
  ['(?:\\d){0}a', false],
  ['a\\d|b', false],
  ['a\\d|', false],
  ['(?:a|2)', false],
  ['[^0-9]', false],
  ['[0-9a]', false],
  ['[0-9-]', false],
  ['[[:digit:]]', false],
  ['\\D', false],
  ['\\x41', false],
  ['\\x{1F600}', false],
  ['\\p{Nd}', false],
  ['\\141', false],
  ['a{2}', false],
  ['\\Q1\\E', false],
]
for (const [pattern, needed] of digits) {
  test(`a text in which ${pattern} fits ${needed ? 'holds a digit' : 'may be without a digit'}`, () =>
    assert.equal(needsDigit(pattern), needed))
}

test('what is no regular expression, or fits the empty text, is told with the words of the engine', () => {
  assert.match(faultOf('(a') ?? '', /missing closing \)/u)
  assert.match(faultOf('(?=a)b') ?? '', /./u)
  assert.match(faultOf('(a)\\1') ?? '', /./u)
  assert.match(faultOf('((a{100}){100}){100}') ?? '', /repeat/u)
  assert.equal(faultOf('a*'), 'empty')
  assert.equal(faultOf('[a-z]{900}-[a-z]{900}'), 'large')
  assert.equal(faultOf('a+'), null)
})

const pageOf = (patterns: readonly string[], ...texts: string[]) =>
  new Page(
    texts.map((value) => ({ where: 'body', value, onReplace: 'rewrite' })),
    matcherOf([], patterns),
  )
const fits = (pattern: string, text: string) => pageOf([pattern], text).fits(0)
const places = (pattern: string, text: string) =>
  (pageOf([pattern], text).spans(0, { lists: [], patterns: [0] }) ?? []).map(({ start, end }) => text.slice(start, end))

test('a pattern fits the text as it stands, and its clean view', () => {
  for (const pattern of ['card \\d{4}', '\\d{4}']) {
    assert.ok(fits(pattern, 'my card 1234.'), pattern)
    assert.ok(fits(pattern, 'my card １２３４.'), pattern)
    assert.ok(fits(pattern, 'my c\u200bаrd 1\u200b2\u200b3\u200b4'), pattern)
    assert.ok(!fits(pattern, 'my card 123.'), pattern)
  }
  assert.ok(fits('größer als', 'größer als'))
  assert.ok(!fits('Secret', 'secret'), 'upper and lower case are told apart')
  assert.ok(fits('(?i)Secret', 'ѕЕСRЕТ'.replace('Т', 'T')))
  // A term that is a word is another one with one accent (spelling.ts): config/policy-rules.yaml says that an expression takes both.
  for (const text of ['the Nightingale', 'the Nïghtingale', 'a nightingalé plan'])
    assert.ok(fits('(?i)\\bNightingale\\b', text), text)
  assert.deepEqual(places('\\d{2}', 'a 12 １\u200b２ 34'), ['12', '34', '１\u200b２'])
})

test('how often a class or a group may stand is no text that a fit must hold', () => {
  assert.ok(fits('\\b[A-Z]{2}\\d{2}[A-Z0-9]{11,30}\\b', 'to DE89370400440532013000 please'))
  assert.ok(fits('(?:ab){2,10}c', 'ababc'))
})

test('hostile patterns over hostile texts take a time that grows with the text', () => {
  // Each of them takes JavaScript's own engine longer than anybody waits for 40 letters.
  const texts = ['a'.repeat(50_000), `${'a'.repeat(50_000)}!`, 'x'.repeat(50_000), 'a '.repeat(25_000)]
  for (const [pattern, fitting] of [
    ['(a+)+$', [0]],
    ['(a*)*bb', []],
    ['(x+x+)+y', []],
    ['(a|aa)+$', [0]],
    ['(.*)*(.*)*(.*)*x', [2]],
    ['(\\w+\\s?)*!', [1]],
    ['(?:a?){100}a{100}', [0, 1]],
  ] as const) {
    const set = matcherOf([], [pattern])
    const indices = (fits: (text: string) => boolean) => texts.flatMap((text, at) => (fits(text) ? [at] : []))
    assert.deepEqual(
      indices((text) => set.fits(0, text)),
      fitting,
      pattern,
    )
    if (set.need(0) === null)
      assert.deepEqual(
        indices((text) => set.standing(text).includes(0)),
        fitting,
        pattern,
      )
  }
})

test('places of a costly pattern in a long text: not all of them for a mask, the first of them for a note', () => {
  const text = 'ab'.repeat(50_000)
  for (const pattern of ['[ab]b[ab]{900}$', '((a?){30}){30}b', '(.*a){300}']) {
    const page = pageOf([pattern], text)
    assert.equal(page.spans(0, { lists: [], patterns: [0] }), null, pattern)
    assert.deepEqual(page.spans(0, { lists: [], patterns: [0] }, 20), [], pattern)
  }
  const numbers = '12-34 '.repeat(5_000)
  assert.equal(pageOf(['\\d{2}-\\d{2}'], numbers).spans(0, { lists: [], patterns: [0] })?.length, 5_000)
  assert.equal(pageOf(['\\d{2}-\\d{2}'], numbers).spans(0, { lists: [], patterns: [0] }, 20)?.length, 20)
  // What has no end of its own may look at the whole rest for each place.
  assert.equal(pageOf(['\\d+-\\d+'], numbers.slice(0, 6_000)).spans(0, { lists: [], patterns: [0] })?.length, 1_000)
})

test('of a pattern that fits nearly everywhere, so many places are looked for and no more', () => {
  assert.equal(pageOf(['a[^z]*z|a'], 'a'.repeat(200_000)).spans(0, { lists: [], patterns: [0] }), null)
})

test('property: patterns that need a digit, in texts with and without, fit as the same pattern alone does', (t) => {
  const piece = fc.constantFrom(
    ...[
      '\\d',
      '7',
      '[0-9]',
      '[0-9a]',
      '[^0-9]',
      'a',
      'b',
      '(?:a|\\d)',
      '(?:1|\\d\\d)',
      '(\\d?)',
      '|',
      '\\b',
      '-',
      '\\x31',
    ],
  )
  const repeat = fc.constantFrom('', '', '', '?', '*', '+', '{0,2}', '{2}', '{0}', '+?')
  const pattern = fc
    .array(fc.tuple(piece, repeat), { minLength: 1, maxLength: 5 })
    .map((all) => all.map(([one, often]) => (one === '|' || one === '\\b' ? one : one + often)).join(''))
  const patterns = fc
    .array(pattern, { minLength: 1, maxLength: 5 })
    .map((all) => all.filter((one) => faultOf(one) === null))
  const text = fc
    .array(fc.constantFrom('a', 'b', '-', ' ', '1', '7', '１', '\u200b'), { maxLength: 10 })
    .map((all) => all.join(''))
  fc.assert(
    fc.property(patterns, text, (all, it) => {
      // Where a fixed text announces a pattern it is looked for there; the others in every text.
      const page = pageOf(all, it)
      const clean = it.replaceAll('１', '1').replaceAll('\u200b', '')
      for (const [number, one] of all.entries()) {
        const alone = new RegExp(one, 'u')
        assert.equal(page.fits(number), alone.test(it) || alone.test(clean), `${one} in ${JSON.stringify(it)}`)
      }
    }),
    rounds(t, 2_000, 50_000),
  )
})

test('property: patterns with a fixed text, and those without, fit as the same pattern alone does', (t) => {
  const pieces = fc.constantFrom(
    'abc',
    'a',
    '\\d',
    '[ab]',
    'x?',
    '(?:abc|b)',
    'bcd+',
    '.',
    'c{2}',
    '\\b',
    'A',
    '[ab]{1,2}',
    '(?:ab){1,20}',
    '(?:b|c){0,11}?',
    '[a1]{1,3}',
  )
  const patterns = fc
    .array(
      fc.array(pieces, { minLength: 1, maxLength: 5 }).map((all) => all.join('')),
      { minLength: 1, maxLength: 5 },
    )
    .map((all) => all.filter((pattern) => faultOf(pattern) === null))
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', 'd', 'x', '1', ' ', 'abc', 'bcd', 'A', 'abab', '1,2'), { maxLength: 12 })
    .map((all) => all.join(''))
  fc.assert(
    fc.property(patterns, text, (all, it) => {
      const page = pageOf(all, it)
      for (const [number, pattern] of all.entries())
        assert.equal(page.fits(number), new RegExp(pattern, 'u').test(it), `${pattern} in ${JSON.stringify(it)}`)
    }),
    rounds(t, 2_000, 100_000),
  )
})
