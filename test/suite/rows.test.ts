// SPDX-License-Identifier: Apache-2.0
// The check list of transport-irc: what it calls done has a test of that name, and its README shows the same.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { marked, ROOT, type Row, rowsOfTree, rowsTable, tableOfTree, titlesIn, wrongRows } from './rows.ts'

suite('the check list', () => {
  const rows = rowsOfTree()

  test('has all its rows, and what is done has a test', () => {
    assert.equal(rows.length, 96)
    assert.deepEqual(wrongRows(rows), [])
    assert.ok(rows.every(({ goal }) => ['M', 'S', 'C'].includes(goal)))
  })

  test('stands in the README as it is', () => {
    assert.equal(tableOfTree(), marked(rowsTable(rows)), 'node_modules/.bin/node test/suite/rows.ts --write')
  })

  test('npm run check looks at it', () => {
    const about: { scripts: Record<string, string> } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const { scripts } = about
    assert.match(scripts.check ?? '', /npm run -s check:rows/)
    assert.equal(scripts['check:rows'], 'node test/suite/rows.ts --check')
  })

  const here = 'test/suite/rows.test.ts'
  const title = 'stands in the README as it is'
  const planted: [string, Partial<Row>, RegExp | null][] = [
    ['done with a test that is there', { state: 'done', tests: [[here, title]] }, null],
    ['done without a test', { state: 'done' }, /row 1 .*done, and no test is named/],
    ['done with a list of none', { state: 'done', tests: [] }, /row 1 .*done, and no test is named/],
    [
      'done with a file that is not there',
      { state: 'done', tests: [['test/nowhere.test.ts', title]] },
      /no test file test\/nowhere/,
    ],
    [
      'done with a file that is no test',
      { state: 'done', tests: [['package.json', title]] },
      /no test file package\.json/,
    ],
    [
      'done with a title that is not there, behind one that is',
      {
        state: 'done',
        tests: [
          [here, title],
          [here, 'does everything'],
        ],
      },
      /is called "does everything"/,
    ],
    ['partly without a word on what', { state: 'partly', tests: [[here, title]] }, /no note says what/],
    ['a state that nobody knows', { state: 'nearly' as Row['state'] }, /state nearly/],
    ['a number out of order', { row: 7, state: 'not' }, /number 1 is wanted/],
  ]
  for (const [what, row, wanted] of planted) {
    test(`planted: ${what}`, () => {
      const wrong = wrongRows([{ row: 1, feature: 'planted', goal: 'M', state: 'not', ...row }])
      if (wanted === null) assert.deepEqual(wrong, [])
      else assert.match(wrong.join('\n'), wanted)
    })
  }

  test('titles are read where tests are written, not where somebody mentions them', () => {
    const source =
      "it('one', () => {})\ntest.skip('two', x)\n// it('three')\nconst a = 'it(four)'\nscene('X', 'five', [])\nsay('six')"
    assert.deepEqual([...titlesIn(source)].sort(), ['X', 'five', 'one', 'two'])
  })
})
