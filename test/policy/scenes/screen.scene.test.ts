// SPDX-License-Identifier: Apache-2.0
// urn:gatehouse:screen:1 (deploy/servers/PROTOCOL.md), over a real socket against the real process.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { AT, SOURCE } from '../cast.ts'
import { ask, errorOf, HOST, type Stage, screenOf, startStage, verdicts } from '../stage.ts'

const RULES = `
version: 1
otherwise: allow
rules:
  - id: no-secrets
    when: { words: [secret] }
    then: { refuse: { text: { en: Not this word., de: Nicht dieses Wort. } } }
  - id: plain
    when: { words: [forbidden] }
    then: refuse
  - id: mask
    when: { words: [nightingale] }
    then: { replace: { mask: '*' } }
`

let stage: Stage
before(async () => {
  stage = await startStage({ rules: RULES, settings: 'bounds: { replacement: 2 KiB, answer: 4 KiB }\n' })
})
after(() => stage[Symbol.asyncDispose]())

/** The facts of one source, without the rule file's. */
async function factsOf(source: string) {
  return (await stage.facts()).filter((fact) => 'source' in fact && fact.source === source)
}

let sources = 0
const newSource = () => (++sources).toString(16).padStart(32, '0')

test('what is allowed is answered with an empty result, and stands in the journal as it was sent', async () => {
  const source = newSource()
  const xml = `<message xmlns='jabber:client' to='bob@corp.example'  from="alice@corp.example/desk" type='chat'><body>caf&#233; &lt;b> ü</body></message>`
  const answer = await stage.screen(ask(1, '', { xml }), { source })
  assert.equal(answer.attrs.type, 'result')
  assert.deepEqual(answer.children, [])
  const hash = (await stage.facts()).flatMap((fact) => (fact.kind === 'rules' ? [fact.hash] : []))[0]
  assert.deepEqual(await factsOf(source), [
    {
      kind: 'ask',
      source,
      n: 1,
      try: 1,
      host: HOST,
      direction: 'sent',
      via: 'c2s',
      at: AT,
      stanza: xml,
      verdict: { action: 'allow', rule: 'otherwise' },
      rules: hash,
    },
  ])
})

test("a settlement with try='0' followed no verdict: the fact names no try", async () => {
  const source = newSource()
  const from = (await stage.facts()).length
  const [none, second] = [0, 2].map((n) => `<settle n='${n + 1}' try='${n}' outcome='bounced' at='${AT}'/>`)
  await stage.screen(`${none}${second}`, { source })
  assert.deepEqual((await stage.facts()).slice(from), [
    { kind: 'settle', source, n: 1, outcome: 'bounced', at: AT },
    { kind: 'settle', source, n: 3, try: 2, outcome: 'bounced', at: AT },
  ])
})

test('one screen of many questions and reports: exceptions are named, everything is one run of facts', async () => {
  const source = newSource()
  const from = (await stage.facts()).length
  const children = [
    `<source at='${AT}' node='n1' software='Prosody 0.12.3' helper='0.1.0' hosts='corp.example rooms.corp.example' predecessor='${SOURCE}' predecessor-mark='7' predecessor-reserved='1000'/>`,
    ask(1, 'hello'),
    ask(2, 'a secret'),
    `<settle n='9' try='1' outcome='gone' at='${AT}'/>`,
    ask(3, 'over Nightingale tonight', { attributes: `direction='received' via='s2s' try='2'` }),
    `<mark last='12' at='${AT}'/>`,
    `<mark last='12' at='${AT}' end='true'/>`,
    `<outage from='4' to='6' count='3' outcome='bounced' at='${AT}'/>`,
    `<occupant room='tea@rooms.corp.example' nick='al' jid='alice@corp.example/desk' event='joined' at='${AT}'/>`,
    `<session jid='alice@corp.example/desk' via='c2s' event='started' at='${AT}'/>`,
    `<stanza-id n='1' by='tea@rooms.corp.example' id='x1' at='${AT}'/>`,
    `<observed at='${AT}'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='corp.example' to='bob@corp.example'><body>welcome</body></message></forwarded></observed>`,
    `<unknown xmlns='urn:gatehouse:screen:1'/><other xmlns='urn:other'/>`,
    ask(4, 'forbidden'),
  ]
  const answer = await stage.screen(children.join(''), { source, done: 0 })
  assert.deepEqual(verdicts(answer), {
    2: 'refuse no-secrets policy-violation',
    3: 'replace mask',
    4: 'refuse plain policy-violation',
  })
  const given = answer.getChild('verdicts')?.getChildElements() ?? []
  assert.deepEqual(
    given[0]?.getChildElements().map((text) => [text.attrs['xml:lang'], text.getText()]),
    [
      ['en', 'Not this word.'],
      ['de', 'Nicht dieses Wort.'],
    ],
  )
  assert.equal(
    given[1]?.getChild('forwarded', 'urn:xmpp:forward:0')?.getChild('message', 'jabber:client')?.getChildText('body'),
    'over *********** tonight',
  )
  assert.deepEqual(
    given[2]?.getChildElements().map((text) => [text.attrs['xml:lang'], /\(plain\)/.test(text.getText())]),
    [
      ['en', true],
      ['de', true],
    ],
    'a rule without a text of its own gives the text of the suite in every language',
  )
  const facts = (await stage.facts()).slice(from)
  assert.deepEqual(
    facts.map((fact) => fact.kind),
    [
      'source',
      'done',
      'ask',
      'ask',
      'ask',
      'ask',
      'settle',
      'mark',
      'mark',
      'outage',
      'occupant',
      'session',
      'stanza-id',
      'observed',
    ],
  )
  assert.deepEqual(facts[0], {
    kind: 'source',
    source,
    at: AT,
    node: 'n1',
    hosts: ['corp.example', 'rooms.corp.example'],
    software: 'Prosody 0.12.3',
    helper: '0.1.0',
    predecessor: { source: SOURCE, mark: 7, reserved: 1000 },
  })
  assert.deepEqual(facts[1], { kind: 'done', source, to: 0 })
  const third = facts[4]
  assert.ok(third?.kind === 'ask' && third.verdict.action === 'replace')
  assert.match(third.stanza, /Nightingale/, 'the record keeps what was sent')
  assert.match(third.verdict.stanza, /<body>over \*{11} tonight<\/body>/, 'and what it was replaced by')
  assert.deepEqual([third.try, third.direction, third.via], [2, 'received', 's2s'])
  assert.deepEqual(facts[8], { kind: 'mark', source, last: 12, at: AT, end: true })
})

test('a try that comes again is recorded again; done is recorded once', async () => {
  const source = newSource()
  await stage.screen(ask(1, 'x'), { source, done: 5 })
  await stage.screen(ask(1, 'x', { attributes: `try='2'` }), { source, done: 5 })
  await stage.screen(ask(1, 'x', { attributes: `try='2'` }), { source, done: 6 })
  const told = (await factsOf(source)).map((fact) =>
    fact.kind === 'ask' ? `ask try ${fact.try}` : fact.kind === 'done' ? `done ${fact.to}` : fact.kind,
  )
  assert.deepEqual(told, ['done 5', 'ask try 1', 'ask try 2', 'done 6', 'ask try 2'])
})

test('what was spooled is recorded with what the rules say of it, and nothing is answered', async () => {
  const source = newSource()
  const answer = await stage.screen(ask(1, 'a secret', { attributes: `spooled='true'` }), { source })
  assert.deepEqual(answer.children, [])
  const [fact] = await factsOf(source)
  assert.ok(fact?.kind === 'ask')
  assert.equal(fact.spooled, true)
  assert.equal(fact.verdict.action, 'refuse')
})

test('several screens under way are recorded in the order in which they arrived', async () => {
  const source = newSource()
  const screens = Array.from({ length: 100 }, (_, index) => stage.screen(ask(index + 1, 'x'), { source }))
  await Promise.all(screens)
  const numbers = (await factsOf(source)).map((fact) => (fact.kind === 'ask' ? fact.n : -1))
  assert.deepEqual(
    numbers,
    Array.from({ length: 100 }, (_, index) => index + 1),
  )
})

test('a replacement that is too large is a refusal', async () => {
  const answer = await stage.screen(ask(1, `nightingale ${'x'.repeat(3_000)}`), { source: newSource() })
  assert.deepEqual(verdicts(answer), { 1: 'refuse mask policy-violation' })
})

test('verdicts that do not fit one answer follow in stanzas of their own', async () => {
  const source = newSource()
  const many = Array.from({ length: 6 }, (_, index) => ask(index + 1, `nightingale ${'x'.repeat(1_200)}`)).join('')
  const answer = await stage.screen(many, { source })
  const promised = Object.entries(verdicts(answer))
    .filter(([, verdict]) => verdict === 'later')
    .map(([n]) => n)
  assert.ok(promised.length >= 3, JSON.stringify(verdicts(answer)))
  const came: string[] = []
  while (came.length < promised.length) {
    const { element, raw } = await stage.peer.next()
    assert.ok(Buffer.byteLength(raw) < 5_000)
    assert.equal(element.attrs.to, HOST)
    assert.equal(element.getChild('verdicts')?.attrs.source, source)
    for (const [n, verdict] of Object.entries(verdicts(element))) {
      assert.equal(verdict, 'replace mask')
      came.push(n)
    }
    stage.peer.send(`<iq type='result' id='${element.attrs.id}' from='${HOST}' to='${element.attrs.from}'/>`)
  }
  assert.deepEqual(came, promised)
})

const strangers = [
  'evil.corp.example',
  'alice@corp.example/desk',
  'alice@corp.example',
  'corp.example/x',
  'other.example',
  'xcorp.example',
]
for (const from of strangers) {
  test(`a stranger gets nothing recorded: ${from}`, async () => {
    const source = newSource()
    const answer = await stage.screen(ask(1, 'x'), { source, from })
    assert.equal(errorOf(answer), 'auth forbidden')
    // A server may say forbidden of a component that is away: this one is of policy.
    assert.ok(answer.getChild('error')?.getChild('stranger', 'urn:gatehouse:screen:1'))
    await stage.screen(ask(1, 'x'), { source: newSource() })
    assert.deepEqual(await factsOf(source), [])
  })
}

test('strangers are counted, and their text is in the languages of whoever asks', async () => {
  const german = await stage.peer.ask('set', screenOf(ask(1, 'x')), { from: 'evil.example', language: 'de' })
  assert.match(german.getChild('error')?.getChildText('text') ?? '', /darf hier nicht fragen/)
})

const F = (inside: string) => `<forwarded xmlns='urn:xmpp:forward:0'>${inside}</forwarded>`
const M = `<message xmlns='jabber:client' from='a@corp.example'><body>x</body></message>`
const bad: readonly [what: string, screen: string, place: RegExp][] = [
  ['no source', `<screen xmlns='urn:gatehouse:screen:1'>${ask(1, 'x')}</screen>`, /screen@source/],
  ['a source that is none', screenOf(ask(1, 'x'), { source: 'ABC' }), /screen@source/],
  ['done that is no number', `<screen xmlns='urn:gatehouse:screen:1' source='${SOURCE}' done='-1'/>`, /screen@done/],
  ['a question without a number', screenOf(`${ask(1, 'x')}<ask at='${AT}'>${F(M)}</ask>`), /screen\/ask\[2\]@n/],
  ['a number that is none', screenOf(`<ask n='1e3' at='${AT}'>${F(M)}</ask>`), /screen\/ask\[1\]@n/],
  ['a number too large', screenOf(`<ask n='99999999999999999' at='${AT}'>${F(M)}</ask>`), /screen\/ask\[1\]@n/],
  ['the same number twice', screenOf(ask(1, 'x') + ask(1, 'y')), /screen\/ask\[2\]@n/],
  [
    'too many children',
    screenOf(Array.from({ length: 257 }, (_, i) => `<mark last='${i}' at='${AT}'/>`).join('')),
    /at most 256/,
  ],
  ['a settle without a number', screenOf(`${ask(1, 'x')}<settle outcome='gone' at='${AT}'/>`), /screen\/settle\[2\]@n/],
  [
    'a settle with an unknown end',
    screenOf(`<settle n='1' outcome='eaten' at='${AT}'/>`),
    /screen\/settle\[1\]@outcome/,
  ],
  ['a mark without a time', screenOf(`<mark last='1'/>`), /screen\/mark\[1\]@at/],
  ['a time that is none', screenOf(`<mark last='1' at='2026-13-45T99:00:00.000Z'/>`), /screen\/mark\[1\]@at/],
  [
    'an outage without a count',
    screenOf(`<outage from='1' to='2' outcome='bounced' at='${AT}'/>`),
    /screen\/outage\[1\]@count/,
  ],
  [
    'a source without hosts',
    screenOf(`<source at='${AT}' node='n' software='s' helper='h'/>`),
    /screen\/source\[1\]@hosts/,
  ],
]
for (const [what, screen, place] of bad) {
  test(`a bad screen is refused as a whole and names the place: ${what}`, async () => {
    const before = (await stage.facts()).length
    const answer = await stage.peer.ask('set', screen, { from: HOST })
    assert.equal(errorOf(answer), 'modify bad-request')
    assert.match(answer.getChild('error')?.getChildText('text') ?? '', place)
    assert.equal((await stage.facts()).length, before, 'nothing of it is recorded')
  })
}

const skipped: readonly [what: string, report: string][] = [
  ['an occupant without a room', `<occupant nick='n' jid='j@x' event='joined' at='${AT}'/>`],
  ['a session that is neither begun nor ended', `<session jid='j@x' via='c2s' event='lost' at='${AT}'/>`],
  ['an observed without a stanza', `<observed at='${AT}'/>`],
  ['an archive id that is empty', `<stanza-id n='1' by='r@x' id='' at='${AT}'/>`],
  ['an archive id without end', `<stanza-id n='1' by='r@x' id='${'x'.repeat(65_537)}' at='${AT}'/>`],
]
for (const [what, report] of skipped) {
  test(`one bad report is left out, and spoils neither a question nor another report: ${what}`, async () => {
    const source = newSource()
    const behind = `<occupant room='r@x' nick='n' jid='j@x' event='joined' at='${AT}'/>`
    const answer = await stage.screen(ask(1, 'x') + report + ask(2, 'secret') + behind, { source })
    assert.deepEqual(verdicts(answer), { 2: 'refuse no-secrets policy-violation' })
    assert.deepEqual(
      (await factsOf(source)).map((fact) => fact.kind),
      ['ask', 'ask', 'occupant'],
    )
  })
}

test('what is left out is counted, and told once a minute with its place', async () => {
  const line = await stage.policy.logged(({ event }) => event === 'a report that cannot be read is left out')
  assert.match(JSON.stringify(line), /screen\/occupant\[2\]@room/)
})

const spoilt: readonly [what: string, ask: string][] = [
  ['no forwarded', `<ask n='2' at='${AT}'/>`],
  ['two forwarded', `<ask n='2' at='${AT}'>${F(M)}${F(M)}</ask>`],
  ['an empty forwarded', `<ask n='2' at='${AT}'>${F('')}</ask>`],
  ['two stanzas', `<ask n='2' at='${AT}'>${F(M + M)}</ask>`],
  ['something that is no stanza', `<ask n='2' at='${AT}'>${F(`<x xmlns='urn:x'/>`)}</ask>`],
  ['a stanza of another namespace', `<ask n='2' at='${AT}'>${F(`<message><body>x</body></message>`)}</ask>`],
  ['no time', `<ask n='2'>${F(M)}</ask>`],
  ['an unknown direction', `<ask n='2' at='${AT}' direction='up'>${F(M)}</ask>`],
  ['an unknown way', `<ask n='2' at='${AT}' via='pigeon'>${F(M)}</ask>`],
  ['a try that is no number', `<ask n='2' at='${AT}' try='x'>${F(M)}</ask>`],
]
for (const [what, spoiltAsk] of spoilt) {
  test(`one bad question is refused, recorded, and spoils no other: ${what}`, async () => {
    const source = newSource()
    const answer = await stage.screen(ask(1, 'x') + spoiltAsk + ask(3, 'secret'), { source })
    assert.deepEqual(verdicts(answer), { 2: 'refuse unreadable bad-request', 3: 'refuse no-secrets policy-violation' })
    const facts = await factsOf(source)
    assert.deepEqual(
      facts.map((fact) => (fact.kind === 'ask' ? `${fact.n} ${fact.verdict.action}` : fact.kind)),
      ['1 allow', '2 refuse', '3 refuse'],
    )
  })
}

test('nothing of what was said stands in the log', () => {
  const log = readFileSync(`${stage.folder}/policy.log`, 'utf8')
  assert.doesNotMatch(log, /nightingale|secret plan|a secret|hello/i)
})
