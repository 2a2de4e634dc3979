// SPDX-License-Identifier: Apache-2.0
// What a rule says beside allow and refuse: tags, what is recorded, outages; lexicons, lists and examples; large files.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { decide, decideFault } from '../../../components/policy/domain/decide.ts'
import { ENCRYPTIONS, SIGNATURES } from '../../../components/policy/protocol/namespaces.ts'
import { readInPieces, WHOLE_MAX } from '../../../components/policy/rules/pieces.ts'
import { readRules } from '../../../components/policy/rules/rule-file.ts'
import { inWords } from '../../harness/in-words.ts'
import { rounds } from '../../harness/rounds.ts'
import { chat, judge, rules, screened, stanza } from '../cast.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-rules-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const read = (text: string) => readRules(Buffer.from(text), folder)
const problems = (text: string) => {
  const result = read(text)
  return result.ok ? [] : result.problems.map(({ line, wanted }) => `${line}: ${inWords(wanted)}`)
}
const file = (rest: string) => `version: 1\notherwise: allow\n${rest}`

test('tags gather and what is recorded is said by the first rule that holds; both go on', () => {
  const set = rules(
    file(`rules:
  - { id: a, when: { words: [blue] }, then: { tag: [one, two] } }
  - { id: b, when: { words: [blue] }, then: { tag: two, record: envelope } }
  - { id: c, when: { words: [blue] }, then: { replace: { mask: '#' }, tag: three, record: nothing } }
  - { id: d, when: { words: [red] }, then: { refuse: {}, record: nothing } }
  - { id: e, when: { words: [green] }, then: { allow: , tag: green } }
`),
  )
  const blue = judge(chat('<body>so blue</body>'), set)
  assert.deepEqual(
    [blue.action, blue.rule, blue.tags, blue.record],
    ['replace', 'c', ['one', 'two', 'three'], 'envelope'],
  )
  assert.deepEqual(
    blue.matched?.map(({ rule, start, end }) => `${rule} ${start}-${end}`),
    ['a 3-7', 'b 3-7', 'c 3-7'],
  )
  const red = judge(chat('<body>red</body>'), set)
  assert.deepEqual([red.action, red.tags, red.record], ['refuse', undefined, 'nothing'])
  const green = judge(chat('<body>green</body>'), set)
  assert.deepEqual([green.action, green.tags, green.record], ['allow', ['green'], undefined])
  assert.deepEqual(judge(chat('<body>grey</body>'), set), { action: 'allow', rule: 'otherwise' })
})

test('a regular expression masks what it fits, also in disguise', () => {
  const set = rules(file(`rules: [{ id: a, when: { regex: '\\d{4}-\\d{4}' }, then: { replace: { mask: '*' } } }]\n`))
  const decision = judge(chat('<body>card 1234-5678 and １２３４-５６７８!</body>'), set)
  assert.equal(decision.action === 'replace' && decision.texts[0]?.value, 'card ********* and *********!')
})

test('encrypted and signed messages are refused, never replaced', () => {
  const set = rules(file('rules: [{ id: a, when: { words: [secret] }, then: replace }]\n'))
  const sealed = [
    ...[...ENCRYPTIONS, ...SIGNATURES].map((namespace) => `<body>secret</body><x xmlns='${namespace}'>x</x>`),
    '<body>?OTRv23? secret</body>',
  ]
  for (const inside of sealed) {
    const decision = judge(chat(inside), set)
    assert.deepEqual([decision.action, decision.rule], ['refuse', 'a'], inside)
  }
  for (const open of ['<body>secret</body>', "<body>secret</body><x xmlns='urn:any'/>"])
    assert.equal(judge(chat(open), set).action, 'replace', open)
})

test('what no verdict can be found for is refused where a rule is stricter than its host', () => {
  const set = rules(
    file(`rules:
  - { id: a, when: { kind: file-offer }, then: refuse, on_outage: closed }
  - { id: b, when: { to: partner.example, words: [secret] }, then: refuse, on_outage: closed }
  - { id: c, when: { words: [secret] }, then: refuse }
`),
  )
  const faultOf = (element: ReturnType<typeof chat>) => decideFault(screened(element), set)
  assert.equal(faultOf(chat(`<x xmlns='jabber:x:oob'><url>u</url></x>`))?.rule, 'a')
  // The texts are not looked at again: what could hold counts.
  assert.equal(faultOf(chat('<body>x</body>', 'bob@partner.example'))?.rule, 'b')
  assert.equal(faultOf(chat('<body>secret</body>')), null)
  // What an earlier rule certainly allows is not meant; what one may allow, or refuses, is.
  const chief = '{ id: x, when: { from: alice@corp.example }, then: allow }'
  const perhaps = '{ id: x, when: { words: [fine] }, then: allow }'
  const refused = '{ id: x, when: { from: alice@corp.example }, then: refuse }'
  for (const [earlier, rule] of [
    [chief, undefined],
    [perhaps, 'a'],
    [refused, 'a'],
  ] as const) {
    const closed = '{ id: a, when: always, then: refuse, on_outage: closed }'
    const asked = screened(chat('<body>fine</body>'))
    assert.equal(decideFault(asked, rules(file(`rules: [${earlier}, ${closed}]\n`)))?.rule, rule, earlier)
  }
  assert.match(
    problems(file('rules: [{ id: a, when: always, then: refuse, on_outage: open }]\n')).join(),
    /only be stricter/,
  )
})

test('the host that asks, lists of addresses, and lexicons by name, in the file or in files of their own', () => {
  writeFileSync(join(folder, 'board.txt'), '# words of the board\n\nmerger\nnight fl*\n机密\n')
  writeFileSync(join(folder, 'vips.txt'), 'chief@corp.example\n*@board.example\n')
  const text = file(`lexicons: { board: board.txt, more: [roadmap] }
lists: { vips: vips.txt, partners: [partner.example] }
rules:
  - { id: a, when: { lexicon: [board, more], not: { from: { list: vips } } }, then: refuse }
  - { id: b, when: { to: [{ list: partners }, other.example] }, then: { tag: out } }
  - { id: c, when: { host: sales.example }, then: refuse }
`)
  const result = read(text)
  assert.ok(result.ok, JSON.stringify(result))
  assert.deepEqual(
    result.files.map(({ name }) => name),
    ['board.txt', 'vips.txt'],
  )
  const say = (body: string, to = 'bob@corp.example') => judge(chat(`<body>${body}</body>`, to), result.set)
  for (const body of ['the MERGER', 'night flights', '这是机密文件', 'our roadmap', 'ｍｅｒｇｅｒ'])
    assert.equal(say(body).rule, 'a', body)
  assert.equal(say('mergers').rule, 'otherwise')
  const chief = stanza(`<message from='chief@corp.example/x' to='bob@corp.example'><body>merger</body></message>`)
  assert.equal(judge(chief, result.set).action, 'allow')
  assert.deepEqual(say('x', 'x@partner.example').tags, ['out'])
  assert.deepEqual(say('x', 'x@other.example').tags, ['out'])
  const elsewhere = { ...screened(chat('<body>x</body>')), host: 'sales.example' }
  assert.equal(decide(elsewhere, result.set).rule, 'c')
  // Another word in a named file is another rule set.
  const { hash } = result
  writeFileSync(join(folder, 'board.txt'), 'takeover\n')
  assert.notEqual(read(text).hash, hash)
})

const bad: readonly [what: string, rest: string, message: RegExp][] = [
  ['an unknown lexicon', 'rules: [{ id: a, when: { lexicon: none }, then: allow }]', /4?.*no lexicon "none"/],
  ['an unknown list', 'rules: [{ id: a, when: { to: { list: none } }, then: allow }]', /no list "none"/],
  ['a file that is not there', 'lexicons: { a: none.txt }', /none\.txt cannot be read \(ENOENT\)/],
  ['a bad expression', "rules: [{ id: a, when: { regex: '(a' }, then: allow }]", /syntax of RE2 .*\(missing closing/],
  ['a look-ahead', "rules: [{ id: a, when: { regex: '(?=a)b' }, then: allow }]", /syntax of RE2/],
  ['an expression that fits all', "rules: [{ id: a, when: { regex: 'a*' }, then: allow }]", /fits the empty text/],
  [
    'an expression that is too large',
    "rules: [{ id: a, when: { regex: '[a-z]{900}-[a-z]{900}' }, then: allow }]",
    /smaller expression .* more than 1000 parts/,
  ],
  ['an invisible term', 'rules: [{ id: a, when: { words: ["\\u200b"] }, then: allow }]', /visible character/],
  [
    'two verdicts',
    'rules: [{ id: a, when: { words: [x] }, then: { allow: , refuse: } }]',
    /exactly one of allow, refuse, replace/,
  ],
  [
    'a wrong record',
    'rules: [{ id: a, when: { words: [x] }, then: { record: none } }]',
    /one of content, envelope, nothing/,
  ],
  [
    'an example that does not match',
    "rules: [{ id: a, when: { words: [x] }, then: allow, matches: ['x', 'y'] }]",
    /matches\[2\]: .*does not hold/,
  ],
  [
    'an example that does not pass',
    "rules: [{ id: a, when: { words: [x] }, then: allow, passes: 'an х' }]",
    /passes: .*holds for it: х was found/,
  ],
  [
    'an example that leaves it open',
    'rules: [{ id: a, when: { to: a.example }, then: allow, passes: [x] }]',
    /passes\[1\]: .*may hold for it: it says nothing of from, to/,
  ],
  [
    'an example of an address that does not pass',
    'rules: [{ id: a, when: { to: a.example }, then: allow, passes: [{ to: b@a.example }] }]',
    /passes\[1\]: .*holds for it$/,
  ],
]
for (const [what, rest, message] of bad) {
  test(`${what} is refused`, () => assert.match(problems(file(`${rest}\n`)).join('\n'), message))
}

test('what is wrong with a named file is told once, and not of each rule that uses it', () => {
  const told = problems(
    file(`lexicons: { a: none.txt }
lists: { b: ['@'] }
rules: [{ id: a, when: { lexicon: a, to: { list: b } }, then: allow }]
`),
  )
  assert.deepEqual(
    told.map((one) => /lexicons\.a|lists\.b/.exec(one)?.[0]),
    ['lexicons.a', 'lists.b'],
  )
})

test('examples say what they mean: what they leave out fits every condition', () => {
  assert.deepEqual(
    problems(
      file(`rules:
  - id: a
    when: { direction: sent, words: [secret], to: partner.example, not: { from: chief@corp.example } }
    then: refuse
    matches: [a secret, { text: secret, to: bob@partner.example }, { text: secret, from: alice@corp.example }]
    passes: [hello, { text: secret, from: chief@corp.example }, { text: secret, to: bob@corp.example }, { text: secret, direction: received }]
`),
    ),
    [],
  )
})

test('a file read in pieces says what the whole file says, with the same lines', () => {
  const item = (index: number, bad = false) =>
    `  - id: r${index}\n    # a comment\n    when: { words: [w${index}, "x - y"] }\n    then:\n      refuse:\n        text:\n          en: |\n            - no\n            - id: really\n${bad ? '    whenn: x\n' : ''}`
  for (const behind of ['', 'lexicons: { a: [b] }\n', '\n# the end\n']) {
    const items = Array.from({ length: 7_000 }, (_, index) => item(index, index === 4_321)).join('')
    const text = file(`rules:\n\n# first\n${items}${behind}`)
    assert.ok(text.length > WHOLE_MAX)
    const pieces = readInPieces(text)
    assert.ok(pieces && 'pieces' in pieces)
    const line = text.slice(0, text.indexOf('whenn')).split('\n').length
    assert.deepEqual(problems(text), [`${line}: rules[4322].whenn: no such key; is when meant?`])
    const good = read(text.replace('    whenn: x\n', ''))
    assert.ok(good.ok, JSON.stringify(good).slice(0, 300))
    assert.deepEqual([good.set.rules.length, good.set.rules[6_999]?.id], [7_000, 'r6999'])
    assert.equal(judge(chat('<body>say w4321 now</body>'), good.set).rule, 'r4321')
  }
})

test('ten thousand rules: only those whose terms, people or kinds occur are walked, in their order', () => {
  const many = Array.from({ length: 10_000 }, (_, index) =>
    index % 4 === 0
      ? `  - { id: r${index}, when: { words: [term${index}] }, then: { tag: t${index} } }\n`
      : index % 4 === 1
        ? `  - { id: r${index}, when: { from: person${index}@corp.example }, then: { tag: t${index} } }\n`
        : index % 4 === 2
          ? `  - { id: r${index}, when: { regex: 'case${index}-\\d+' }, then: { tag: t${index} } }\n`
          : `  - { id: r${index}, when: { to: firm${index}.example, words: [x] }, then: { tag: t${index} } }\n`,
  )
  const set = rules(file(`rules:\n${many.join('')}`))
  const asked = screened(
    stanza(
      `<message from='person5@corp.example/x' to='a@firm7.example'><body>term8 x case6-1 case10- term4</body></message>`,
    ),
  )
  assert.ok(set.index.byEnvelope(asked).length < 5, String(set.index.byEnvelope(asked)))
  assert.deepEqual(decide(asked, set).tags, ['t4', 't5', 't6', 't7', 't8'])
})

test('property: the walk by index decides as a walk over every rule does', (t) => {
  const words = fc.constantFrom('red', 'blue', 'green', 'red blue')
  const condition = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      fc.record({ words: fc.array(words, { minLength: 1, maxLength: 2 }) }),
      fc.record({ regex: fc.constantFrom('re+d', 'bl..', 'gre', '[gb]') }),
      fc.record({ from: fc.constantFrom('alice@corp.example', 'corp.example', '*@x.example') }),
      fc.record({ kind: fc.constantFrom('message', 'join', 'correction') }),
      fc.record({ room: fc.boolean() }),
      fc.record({ not: tie('node') }),
      fc.record({ all: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ any: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
    ),
  })).node
  const then = fc.constantFrom('allow', 'refuse', { tag: 'x' }, { record: 'envelope' })
  const body = fc
    .array(fc.constantFrom('red', 'blue', 'green', 'reed', 'grey'), { maxLength: 4 })
    .map((all) => all.join(' '))
  fc.assert(
    fc.property(fc.array(fc.tuple(condition, then), { maxLength: 6 }), body, (all, text) => {
      // biome-ignore lint/suspicious/noThenProperty: a key of the rule file
      const list = all.map(([when, action], index) => ({ id: `r${index}`, when, then: action }))
      const set = rules(JSON.stringify({ version: 1, otherwise: 'allow', rules: list }))
      const everything = set.rules.map((_, index) => index)
      const naive = {
        ...set,
        index: { ...set.index, byEnvelope: () => everything, byLists: () => [], firstByText: Number.POSITIVE_INFINITY },
      }
      const asked = screened(chat(`<body>${text}</body>`))
      assert.deepEqual(decide(asked, set), decide(asked, naive))
    }),
    rounds(t, 1_000, 100_000),
  )
})
