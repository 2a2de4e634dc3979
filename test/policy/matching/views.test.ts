// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Reading, readCharacter } from '../../../components/policy/matching/characters.ts'
import { placeOf, textOf, ViewReader } from '../../../components/policy/matching/view.ts'
import { rounds } from '../../harness/rounds.ts'
import { fold } from './matching.ts'

const READINGS = ['folded', 'alike', 'capital', 'clean'] as const
const read = (text: string, reading: Reading = 'folded') => textOf(new ViewReader(reading).read(text))

const cases: readonly [what: string, text: string, folded: string, clean?: string][] = [
  ['ASCII', 'The QUICK (brown) fox_1', 'the quick (brown) fox_1', 'The QUICK (brown) fox_1'],
  ['full width', 'Ｓｅｃｒｅｔ　１２', 'secret 12', 'Secret 12'],
  ['zero width', 'se\u200bc\u200dr\u2060e\ufefft', 'secret', 'secret'],
  ['soft hyphen and override', 'se\u00adc\u202eret', 'secret', 'secret'],
  ['combining marks', 's\u0308e\u0301c\u0323r\u0336et', 'secret', 'secret'],
  ['composed letters', 'Müller à Ærø', 'muller a aero', 'Muller a AEro'],
  ['a sharp s', 'Straße STRASSE', 'strasse strasse'],
  ['Cyrillic look-alikes', 'ѕесrеt', 'secret', 'secret'],
  ['Greek look-alikes', 'sεcrετ ρlαn', `${fold('sεcrετ', 'folded')} plan`],
  ['mathematical letters', '𝐬𝐞𝐜𝐫𝐞𝐭 𝒮𝓮𝕔𝔯𝗲𝚝', 'secret secret', 'secret Secret'],
  ['letters in circles', 'ⓢⓔⓒⓡⓔⓣ', 'secret', 'secret'],
  ['ligatures and units', 'ﬁle ㎏ ½', 'file kg 1⁄2'.replace('⁄', fold('⁄', 'folded'))],
  ['other digits', '١٢٣ ४५ 𝟙', '123 45 1', '123 45 1'],
  ['white space', 'a\u00a0b\u2003c\td', 'a b c d', 'a b c d'],
  ['half-width Katakana', 'ﾃﾞｰﾀ', fold('データ', 'folded')],
  ['Hangul in parts', '\u1112\u1161\u11ab', fold('한', 'folded')],
  ['Thai keeps its vowels', 'ที่', 'ที่', 'ที่'],
  ['Arabic without its points', 'كَتَبَ', fold('كتب', 'folded')],
]
for (const [what, text, folded, clean] of cases) {
  test(`a view of ${what}: ${JSON.stringify(text)} is ${JSON.stringify(folded)}`, () => {
    assert.equal(read(text), folded)
    if (clean !== undefined) assert.equal(read(text, 'clean'), clean)
  })
}

test('a capital that looks like a small letter is read both ways', () => {
  assert.equal(read('seΙf'), 'seif')
  assert.equal(read('seΙf', 'alike'), 'self')
  assert.equal(read('ΙΝϹ', 'alike'), 'lnc')
  assert.equal(read('ΙΝϹ', 'capital'), 'inc')
})

test('every character of Unicode ends where it stays: reading it twice changes nothing', () => {
  for (const reading of READINGS) {
    for (let code = 0; code < 0x110000; code += 1) {
      if (code >= 0xd800 && code <= 0xdfff) continue
      const once = readCharacter(String.fromCodePoint(code), reading)
      if (fold(once, reading) !== once)
        assert.fail(`${reading} U+${code.toString(16)}: ${once} is ${fold(once, reading)}`)
    }
  }
})

test('ASCII is its lower case in every folded view, and itself in the clean one', () => {
  for (let code = 0x20; code < 0x7f; code += 1) {
    const character = String.fromCharCode(code)
    assert.deepEqual(
      READINGS.map((reading) => readCharacter(character, reading)),
      [character.toLowerCase(), character.toLowerCase(), character.toLowerCase(), character],
    )
  }
})

/** Random Unicode, most of it of the kinds that a view changes. */
const letters = fc.oneof(
  fc.constantFrom(...'aeiost IlO10 \n-_.'),
  fc.constantFrom(...'äßéАВеоріΙασςİ①ﬁ㎏한글データ中文ไทยที่ﷺ'),
  fc.constantFrom('\u200b', '\u00ad', '\u0301', '\u0336', '\u3099', '\u11ab', '\ufe0f', '\u202e', '\ud800', '\udc00'),
  fc.constantFrom('😀', '𝐬', '🇩🇪', '𐐀'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
)
const texts = fc.array(letters, { maxLength: 40 }).map((all) => all.join(''))

test('property: a view of a view is the view', (t) => {
  fc.assert(
    fc.property(texts, fc.constantFrom(...READINGS), (text, reading) => {
      const once = read(text, reading)
      assert.equal(read(once, reading), once)
    }),
    rounds(t, 5_000, 100_000),
  )
})

test('property: what stands at a place of a view is the view of what stands at its place in the text', (t) => {
  fc.assert(
    fc.property(texts, fc.constantFrom(...READINGS), fc.nat(), fc.nat(), (text, reading, one, other) => {
      const view = new ViewReader(reading).read(text)
      if (view.length === 0) return
      const start = one % view.length
      const end = start + 1 + (other % (view.length - start))
      const place = placeOf(view, start, end)
      assert.ok(place.start >= 0 && place.start < place.end && place.end <= text.length, JSON.stringify(place))
      const back = read(text.slice(place.start, place.end), reading)
      // A character that stands for several is covered as a whole.
      assert.ok(back.includes(textOf(view).slice(start, end)), `${JSON.stringify(text)} ${start}-${end}: ${back}`)
      const whole = placeOf(view, 0, view.length)
      assert.equal(read(text.slice(whole.start, whole.end), reading), textOf(view))
    }),
    rounds(t, 5_000, 100_000),
  )
})

test('property: the short way over even texts and the long way over any text read the same', (t) => {
  fc.assert(
    fc.property(texts, fc.constantFrom('folded', 'clean'), (text, reading) => {
      const even = new ViewReader(reading).readEven(text)
      if (even === null) return
      assert.equal(textOf(even), fold(text, reading))
      if (reading === 'folded') assert.equal(textOf(even), fold(text, 'alike'))
    }),
    rounds(t, 5_000, 100_000),
  )
})
