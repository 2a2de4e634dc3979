// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asked, indexed } from '../../../components/archive/domain/words.ts'

const texts: readonly [string, string][] = [
  ['plain words stay', 'plain words stay'],
  ['Grüße aus Köln', 'Grüße aus Köln'],
  ['合同条款', ' 合同 同条 条款 款 '],
  ['看A合同', ' 看 A 合同 同 '],
  ['カタカナ', ' カタ タカ カナ ナ '],
  ['한국어', ' 한국 국어 어 '],
  ['ｆｕｌｌ１２３', 'full123'],
  ['sec\u200bret', 'secret'],
  ['sec\u00adret', 'secret'],
  ['𠮷野家', ' 𠮷野 野家 家 '],
]
for (const [text, index] of texts) test(`indexed: ${text}`, () => assert.equal(indexed(text), index))

const queries: readonly [string, string[]][] = [
  ['two words', ['two', 'words']],
  ['"a phrase" more', ['a phrase', 'more']],
  ['pre*', ['pre**']],
  ["O'Brien", ["O'Brien"]],
  ['合同', ['合同']],
  ['合同条款', ['合同 同条 条款']],
  ['合', ['合*']],
  ['看A', ['看*', 'A']],
  ['  ', []],
  ['!? --', []],
  ['ＦＵＬＬ', ['FULL']],
]
for (const [query, terms] of queries) {
  test(`asked: ${query}`, () => {
    assert.deepEqual(
      asked(query).map(({ text, prefix }) => text + (prefix ? '*' : '')),
      terms,
    )
  })
}
