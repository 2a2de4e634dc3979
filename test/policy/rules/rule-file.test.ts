// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { KINDS } from '../../../components/policy/domain/screened.ts'
import {
  ACTION_KEYS,
  CONDITION_KEYS,
  FILE_KEYS,
  REFUSE_KEYS,
  REPLACE_KEYS,
  RULE_KEYS,
} from '../../../components/policy/rules/keys.ts'
import { readRules } from '../../../components/policy/rules/rule-file.ts'
import { inWords } from '../../harness/in-words.ts'

const EXAMPLE = new URL('../../../config/policy-rules.yaml', import.meta.url)

const read = (text: string) => readRules(Buffer.from(text))
const file = (rule: string) =>
  `version: 1\notherwise: allow\nrules:\n  - id: a\n    when: { kind: join }\n    then: allow\n${rule}`
const when = (condition: string) => file(`  - id: r\n    when: ${condition}\n    then: refuse\n`)
const then = (action: string) => file(`  - id: r\n    when: { words: [x] }\n    then: ${action}\n`)

const bad: readonly [what: string, text: string, line: number, message: RegExp][] = [
  ['nothing', '', 1, /a file with version/],
  ['no otherwise', 'version: 1\nrules: []\n', 1, /otherwise: one of allow, refuse is wanted/],
  ['another otherwise', 'version: 1\notherwise: replace\n', 2, /otherwise: one of allow, refuse/],
  [
    'otherwise with conditions',
    'version: 1\notherwise: { when: { room: true }, refuse: {} }\n',
    2,
    /otherwise: allow or refuse alone .* is a rule: the last one, with when: always/,
  ],
  ['otherwise with a text', 'version: 1\notherwise:\n  refuse: { text: { en: No. } }\n', 2, /allow or refuse alone/],
  ['another version', 'version: 2\notherwise: allow\n', 1, /version: version: 1 is wanted/],
  ['no version', 'otherwise: allow\n', 1, /version: 1 is wanted/],
  ['bad YAML', 'version: 1\notherwise: [\n', 2, /./],
  ['a key twice', 'version: 1\notherwise: allow\notherwise: refuse\n', 3, /unique/],
  ['rules that are no list', 'version: 1\notherwise: allow\nrules: 7\n', 3, /rules: a list of rules/],
  [
    'an unknown key of the file',
    'version: 1\notherwise: allow\nrulez: []\n',
    3,
    /rulez: no such key; is rules meant\?/,
  ],
  ['a rule that is none', file('  - 7\n'), 7, /rules\[2\]: a rule with id/],
  ['no id', file('  - when: always\n    then: allow\n'), 7, /rules\[2\]\.id: a text is wanted/],
  ['the same id', file('  - id: a\n    when: always\n    then: allow\n'), 7, /"a" is the id of an earlier rule/],
  ['an id with capitals', file('  - id: A b\n    when: always\n    then: allow\n'), 7, /lower-case/],
  ['a reserved id', file('  - id: otherwise\n    when: always\n    then: allow\n'), 7, /has a meaning of its own/],
  ['a number as id', file('  - id: 7\n    when: always\n    then: allow\n'), 7, /put it in quotes/],
  ['no condition', file('  - id: r\n    then: allow\n'), 7, /when: conditions are wanted/],
  ['an empty condition', when('{}'), 8, /at least one condition/],
  ['an unknown condition', when('{ wordz: [x] }'), 8, /wordz: no such key; is words meant\?/],
  ['a condition like no other', when('{ quux: [x] }'), 8, /quux: no such key; known here: all, any/],
  ['a wrong direction', when('{ direction: send }'), 8, /one of sent, received is wanted; is sent meant\?/],
  ['a wrong kind', when('{ kind: [message, presense] }'), 8, /kind\[2\]: one of .* is wanted; is presence meant\?/],
  ['an empty list', when('{ words: [] }'), 8, /at least one entry/],
  ['an empty word', when("{ words: [a, ' '] }"), 8, /words\[2\]: a text is wanted/],
  ['a number as word', when('{ words: [a, 2024] }'), 8, /words\[2\]: .*put it in quotes/],
  ['an address with a resource', when('{ to: a@b/c }'), 8, /without a resource/],
  ['an address with two @', when("{ to: 'a@b@c' }"), 8, /an address is wanted/],
  ['room: yes', when('{ room: yes }'), 8, /true, false, or addresses/],
  ['any without a list', when('{ any: { kind: join } }'), 8, /any: a list of conditions/],
  [
    'a bad condition far inside',
    when('\n      all:\n        - any:\n            - not:\n                word: x\n'),
    12,
    /all\[1\]\.any\[1\]\.not\.word: no such key; is words meant\?/,
  ],
  ['no action', file('  - id: r\n    when: always\n'), 7, /then: one of allow, refuse, replace/],
  ['an unknown action', then('refus'), 9, /is refuse meant\?/],
  ['two actions', then('{ refuse: {}, replace: {} }'), 9, /exactly one/],
  [
    'an action with unknown details',
    then('{ refuse: { texts: { en: x } } }'),
    9,
    /texts: no such key; is text meant\?/,
  ],
  [
    'a condition that clients misread',
    then('{ refuse: { condition: service-unavailable } }'),
    9,
    /condition: one of policy-violation/,
  ],
  ['a text without language', then('{ refuse: { text: No. } }'), 9, /texts by language/],
  ['a language that is none', then('{ refuse: { text: { English: x } } }'), 9, /a language is wanted/],
  ['a text that XML cannot say', then('{ refuse: { text: { en: "a\\x01" } } }'), 9, /without control characters/],
  ['a mask that XML cannot say', then('{ replace: { mask: "\\x01" } }'), 9, /without control characters/],
  [
    'replace without words',
    file('  - id: r\n    when: { kind: message }\n    then: replace\n'),
    9,
    /a words condition/,
  ],
  [
    'replace with words under not',
    file('  - id: r\n    when: { not: { words: [x] } }\n    then: replace\n'),
    9,
    /a words condition/,
  ],
  ['details of allow', then('{ allow: { text: { en: x } } }'), 9, /allow has no details/],
]
for (const [what, text, line, message] of bad) {
  test(`a rule file with ${what} is refused at its line`, () => {
    const result = read(text)
    assert.ok(!result.ok, 'is refused')
    assert.equal(result.problems[0]?.line, line, JSON.stringify(result.problems))
    assert.match(inWords(result.problems[0]?.wanted), message)
  })
}

const planned: readonly [key: string, text: string][] = [
  ...FILE_KEYS.planned.map((key): [string, string] => [key, `version: 1\notherwise: allow\n${key}: 1\n`]),
  ...RULE_KEYS.planned.map((key): [string, string] => [
    key,
    file(`  - id: r\n    when: always\n    then: allow\n    ${key}: 1\n`),
  ]),
  ...CONDITION_KEYS.planned.map((key): [string, string] => [key, when(`{ ${key}: x }`)]),
  ...ACTION_KEYS.planned.flatMap((key): [string, string][] => [
    [key, then(`{ ${key}: x }`)],
    [key, then(key)],
  ]),
  ...REFUSE_KEYS.planned.map((key): [string, string] => [key, then(`{ refuse: { ${key}: x } }`)]),
  ...REPLACE_KEYS.planned.map((key): [string, string] => [key, then(`{ replace: { ${key}: x } }`)]),
]
for (const [key, text] of planned) {
  test(`the key ${key} is refused by name: not built yet (${text.split('\n').at(-2)?.trim()})`, () => {
    const result = read(text)
    assert.ok(!result.ok)
    assert.ok(
      result.problems
        .map(({ wanted }) => inWords(wanted))
        .some((message) => message.includes(key) && /not built yet in this version/u.test(message)),
      JSON.stringify(result.problems),
    )
  })
}

test('everything wrong is told at once, in the order of the lines', () => {
  const result = read(
    'version: 1\notherwise: maybe\nrules:\n  - id: r\n    when: { word: x }\n    then: allow\n  - id: r\n    when: always\n    then: { warn: x }\n',
  )
  assert.ok(!result.ok)
  assert.deepEqual(
    result.problems.map(({ line }) => line),
    [2, 5, 7, 9],
  )
})

test('what is not UTF-8, or too large, is refused', () => {
  assert.ok(!readRules(Buffer.from([0x76, 0xff])).ok)
  assert.ok(!readRules(Buffer.alloc(65 * 1024 * 1024, 0x20)).ok)
})

test('the hash is that of the bytes of the file', () => {
  const bytes = readFileSync(EXAMPLE)
  assert.equal(readRules(bytes).hash, createHash('sha256').update(bytes).digest('hex'))
})

test('the example allows and records everything, and its rules in comments are good rules', () => {
  const text = readFileSync(EXAMPLE, 'utf8')
  const plain = read(text)
  assert.ok(plain.ok)
  assert.deepEqual([plain.set.rules, plain.set.otherwise], [[], 'allow'])
  const from = text.indexOf('# rules:\n')
  const to = text.indexOf('# Conditions;')
  const uncommented = text.slice(from, to).replace(/^# ?/gmu, '')
  const example = read(`version: 1\notherwise: allow\n${uncommented}`)
  assert.ok(example.ok, JSON.stringify(example))
  assert.deepEqual(
    example.set.rules.map(({ id, then: { do: action } }) => `${id} ${action}`),
    ['no-secrets refuse', 'mask-project replace', 'no-files-to-partners refuse', 'card-numbers tag'],
  )
})

test('the example names every kind and every condition', () => {
  const text = readFileSync(EXAMPLE, 'utf8')
  for (const word of [...KINDS, ...CONDITION_KEYS.built]) assert.match(text, new RegExp(`^#.*\\b${word}\\b`, 'mu'))
})
