// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createCatalogue, KIT_TEXTS } from '../../../components/kit/text/catalogue.ts'
import { nearestName } from '../../../components/kit/text/nearest-name.ts'

function texts(files: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-texts-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return { url: pathToFileURL(`${folder}/`), [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

describe('the catalogue', () => {
  it('chooses by xml:lang: the tag, its shorter forms, else the fallback', () => {
    using files = texts({
      'en.ftl': 'hi = Hello { $who }',
      'de.ftl': 'hi = Hallo { $who }',
      'de-ch.ftl': 'hi = Grüezi { $who }',
    })
    const catalogue = createCatalogue([files.url])
    const cases = {
      de: 'Hallo',
      'de-AT': 'Hallo',
      DE: 'Hallo',
      'de-CH-1996': 'Grüezi',
      de_CH: 'Grüezi',
      en: 'Hello',
      fr: 'Hello',
      '': 'Hello',
      '-': 'Hello',
      x: 'Hello',
    }
    for (const [tag, word] of Object.entries(cases))
      assert.equal(catalogue.say('hi', tag, { who: 'A' }), `${word} A`, tag)
    assert.equal(catalogue.say('hi', undefined, { who: 'A' }), 'Hello A')
    assert.equal(createCatalogue([files.url], 'de').say('hi', 'fr', { who: 'A' }), 'Hallo A')
    assert.deepEqual(catalogue.inAll('hi', { who: 'A' }), { en: 'Hello A', de: 'Hallo A', 'de-ch': 'Grüezi A' })
  })

  it('puts what others wrote in as it is: no mark is added, nothing in it is read', () => {
    using files = texts({ 'en.ftl': 'hi = <{ $who }>' })
    assert.equal(createCatalogue([files.url]).say('hi', 'en', { who: '{ $x } { hi }\u2068' }), '<{ $x } { hi }\u2068>')
  })

  it('a text that is not there and an argument that is missing are mistakes in the code, and thrown', () => {
    const catalogue = createCatalogue([KIT_TEXTS])
    assert.throws(() => catalogue.say('kit-gone', 'en'), /no text kit-gone/)
    assert.throws(() => catalogue.say('kit-argument-missing', 'de'), /kit-argument-missing: Unknown variable: \$name/)
  })

  const bad: [string, Record<string, string>, RegExp][] = [
    ['a language lacks an id', { 'en.ftl': 'a = A\nb = B', 'de.ftl': 'a = A' }, /language de lacks b/],
    ['only one language has an id', { 'en.ftl': 'a = A', 'de.ftl': 'a = A\nb = B' }, /only the language de has b/],
    ['an id is said twice', { 'en.ftl': 'a = A\na = B' }, /a/],
    ['a line cannot be read', { 'en.ftl': 'a = A\nb = { $x' }, /cannot be read: b/],
    ['no text at all', { 'de.ftl': 'a = A' }, /no texts in the language en/],
  ]
  for (const [title, files, words] of bad) {
    it(`${title}: refused when it is read`, () => {
      using folder = texts(files)
      assert.throws(() => createCatalogue([folder.url]), words)
    })
  }

  it('the same id in two folders is refused', () => {
    using one = texts({ 'en.ftl': 'a = A' })
    using other = texts({ 'en.ftl': 'a = B' })
    assert.throws(() => createCatalogue([one.url, other.url]), /a/)
  })
})

describe('the nearest name', () => {
  it('is the one a few letters away, or none', () => {
    const known = ['keep_for', 'answer_within', 'hosts']
    assert.equal(nearestName('keep_fro', known), 'keep_for')
    assert.equal(nearestName('host', known), 'hosts')
    assert.equal(nearestName('anserwithin', known), 'answer_within')
    assert.equal(nearestName('something else', known), null)
    assert.equal(nearestName('x', []), null)
    assert.equal(nearestName('a'.repeat(1_000_000), known), null)
  })
})
