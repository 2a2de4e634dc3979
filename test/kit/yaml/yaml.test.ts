// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readYaml } from '../../../components/kit/yaml/yaml.ts'
import { inWords } from '../../harness/in-words.ts'

const TEXT = `# a comment
one: 1

two:
  three: [a, b,
    c]
  "four five": |
    text
list:
  - first
  - key: value
    other: null
`

describe('YAML with lines', () => {
  it('knows the line of each key and item, and of the nearest said parent', () => {
    const read = readYaml(TEXT)
    assert.ok(read.ok)
    const lines: [PropertyKey[], number][] = [
      [[], 2],
      [['one'], 2],
      [['two'], 4],
      [['two', 'three'], 5],
      [['two', 'three', 2], 6],
      [['two', 'four five'], 7],
      [['two', 'not said', 'deeper'], 4],
      [['list', 0], 10],
      [['list', 1, 'other'], 12],
      [['list', 7], 9],
      [['one', 'under a number'], 2],
    ]
    for (const [path, line] of lines) assert.equal(read.yaml.lineOf(path), line, path.map(String).join('.'))
    assert.deepEqual(read.yaml.value, {
      one: 1,
      two: { three: ['a', 'b', 'c'], 'four five': 'text\n' },
      list: ['first', { key: 'value', other: null }],
    })
  })

  it('an empty file is null, on line 1', () => {
    const read = readYaml('\n# nothing\n')
    assert.ok(read.ok)
    assert.deepEqual([read.yaml.value, read.yaml.lineOf(['x'])], [null, 1])
  })

  it('reads YAML 1.2: no, on and 0777 are what they look like', () => {
    const read = readYaml('a: no\nb: on\nc: 0777\nd: true\ne: 12:30\n')
    assert.deepEqual(read.ok && read.yaml.value, { a: 'no', b: 'on', c: 777, d: true, e: '12:30' })
  })

  const faults: [string, string, number, RegExp][] = [
    ['a key said twice', 'a: 1\nb: 2\na: 3\n', 3, /unique: "a: 3"$/],
    ['two documents', 'a: 1\n---\nb: 2\n', 2, /multiple documents: "---"$/],
    ['an open quote', 'a: 1\nb: "open\n', 2, /^a quote is opened here or before, and not closed: "b: \\"open"$/],
    ['a tab as indentation', 'a:\n\tb: 1\n', 2, /no tab: "\\tb: 1"$/],
    ['a tag we do not know', 'a: !!js/function x\n', 1, /tag/],
    ['an alias to nothing', 'b: 1\na: *b\n', 2, /begins with \* is wanted in quotes; .*: "a: \*b"$/],
    ['a star alone', 'a: [*, b]\n', 1, /begins with \* is wanted in quotes/],
    ['a line too far right', 'a:\n  b: [x]\n   c: []\n', 3, /must start below each other: " {3}c: \[\]"$/],
    [
      'a dash too far left',
      'a:\n  - b: 1\n    c: 1\n - b: 2\n    c: 2\n',
      4,
      /below the other dashes of its list.*: " - b: 2"$/,
    ],
    [
      'what follows a dash too far right',
      'a:\n  - b: 1\n      c: 1\n',
      2,
      /not below what follows the dash: " {2}- b: 1"$/,
    ],
    ['an open bracket', 'a: [x, y\nb: 1\n', 2, /^a bracket is not closed: \] is missing here or before: "b: 1"$/],
    ['an open brace', 'a: { x: 1\n', 1, /^a bracket is not closed: \} is missing/],
    ['a second colon', 'en: This: no\n', 1, /put a text with a colon in quotes: "en: This: no"$/],
    ['no space behind the colon', 'a:1\nb: 2\n', 1, /a colon and a space are wanted in this line: "a:1"$/],
    ['a name alone', 'a: 1\nb\nc: 2\n', 2, /a colon and a space are wanted in this line, .*: "b"$/],
    ['an at sign', 'a: @b\n', 1, /in quotes: "a: @b"$/],
  ]
  for (const [title, text, line, words] of faults) {
    it(`${title} is told once, with its line as it stands there`, () => {
      const read = readYaml(text)
      assert.ok(!read.ok)
      assert.equal(read.faults.length, 1)
      assert.equal(read.faults[0]?.line, line)
      assert.match(inWords(read.faults[0]?.wanted), words)
    })
  }

  it('a bomb of aliases is a fault, not a memory full of values', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let n = 1; n < 12; n++)
      lines.push(
        `a${n}: &a${n} [${Array(10)
          .fill(`*a${n - 1}`)
          .join(', ')}]`,
      )
    const read = readYaml(lines.join('\n'))
    assert.ok(!read.ok)
    assert.match(inWords(read.faults[0]?.wanted), /alias/i)
  })
})
