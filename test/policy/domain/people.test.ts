// SPDX-License-Identifier: Apache-2.0
// Conditions on who people are: from.group, to.group, from.department, to.department, same.group, is-external.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, decideFault, PeopleUnknown } from '../../../components/policy/domain/decide.ts'
import { outageRows } from '../../../components/policy/domain/outage-rules.ts'
import { cutPeople, openCut } from '../../../components/policy/domain/people.ts'
import { readRules } from '../../../components/policy/rules/rule-file.ts'
import { chat, refusing, rules, screened, stanza } from '../cast.ts'
import { CAST, peopleOf } from '../people.ts'

const people = peopleOf()
const between = (from: string, to: string) =>
  stanza(`<message from='${from}/x' to='${to}' type='chat'><body>hello</body></message>`)
const mail = (from: string, ...to: readonly string[]) =>
  stanza(
    `<message from='${from}/x' to='corp.example'><addresses xmlns='http://jabber.org/protocol/address'>${to
      .map((jid) => `<address type='to' jid='${jid}'/>`)
      .join('')}</addresses><body>hello</body></message>`,
  )
const [alice, bob, carol, dave, eve] = [
  'alice@corp.example',
  'bob@corp.example',
  'carol@corp.example',
  'dave@corp.example',
  'eve@partner.example',
]

const cases: readonly [when: string, message: ReturnType<typeof stanza>, holds: boolean][] = [
  ['{ from.group: Traders }', between(alice, bob), true],
  ['{ from.group: tRADERS }', between(alice, bob), true],
  ['{ from.group: [nobody, Traders] }', between(alice, bob), true],
  ['{ from.group: Research }', between(alice, bob), false],
  ['{ from.group: Traders }', between('ALICE@Corp.Example', bob), true],
  ['{ from.group: Traders }', between('mallory@corp.example', bob), false],
  ['{ from.group: Research }', between('robert@corp.example', dave), true],
  ['{ to.group: Research }', between(alice, bob), true],
  ['{ to.group: Research }', between(alice, 'robert@corp.example/desk'), true],
  ['{ to.group: Research }', between(bob, alice), false],
  ['{ to.group: Research }', mail(alice, dave, bob), true],
  ['{ from.department: trading floor }', between(alice, bob), true],
  ['{ from.department: Trading }', between(alice, bob), false],
  ['{ to.department: FORSCHUNG }', between(alice, bob), true],
  ['{ to.department: Forschung }', between(alice, carol), false],
  ['{ same.group: true }', between(alice, bob), true],
  ['{ same.group: true }', between(alice, eve), false],
  ['{ same.group: false }', between(alice, eve), true],
  ['{ same.group: true }', mail(alice, bob, eve), false],
  ['{ same.group: [Traders, Research] }', between(alice, bob), false],
  ['{ same.group: [Traders, Research] }', between(alice, carol), true],
  ['{ same.group: [Traders, Research] }', between(bob, carol), true],
  ['{ is-external: true }', between(alice, eve), true],
  ['{ is-external: true }', between(eve, alice), true],
  ['{ is-external: true }', between(alice, 'room@conference.partner.example'), true],
  ['{ is-external: true }', between(alice, 'room@conference.corp.example'), false],
  ['{ is-external: true }', between(alice, 'mallory@corp.example'), false],
  ['{ is-external: true }', between(alice, 'bob@notcorp.example'), true],
  ['{ is-external: false }', between(alice, bob), true],
  ['{ is-external: true, not: { from.group: Traders } }', between(alice, eve), false],
]

for (const [number, [when, message, holds]] of cases.entries())
  test(`people ${number}: ${when} ${holds ? 'holds' : 'does not hold'} from ${message.attrs.from} to ${message.attrs.to}`, () => {
    const asked = { ...screened(message), people }
    assert.equal(decide(asked, refusing(when)).action, holds ? 'refuse' : 'allow')
    // The same in another thread, with no more than the stanza needs.
    const cut = structuredClone(cutPeople(people, [asked.from, ...asked.to]))
    assert.equal(decide({ ...asked, people: openCut(cut) }, refusing(when)).action, holds ? 'refuse' : 'allow')
  })

test('while nobody knows who people are there is no verdict, but where something else decides', () => {
  const asked = screened(between(alice, bob))
  assert.equal(asked.people, null)
  for (const when of ['{ from.group: x }', '{ not: { same.group: true } }', '{ is-external: false, direction: sent }'])
    assert.throws(() => decide(asked, refusing(when)), PeopleUnknown, when)
  assert.equal(decide(asked, refusing('{ from.group: x, direction: received }')).action, 'allow')
  const set = rules(`version: 1\notherwise: allow\nrules:
  - { id: first, when: { from: ${alice} }, then: allow }
  - { id: r, when: { from.group: x }, then: refuse, on_outage: closed }\n`)
  assert.equal(decide(asked, set).rule, 'first')
  const other = screened(between(bob, alice))
  assert.throws(() => decide(other, set), PeopleUnknown)
  assert.deepEqual([decideFault(other, set)?.rule, decideFault(asked, set)], ['r', null])
  // Helpers know nobody: what is about people is possible there, and never certain.
  assert.deepEqual(
    outageRows(set.rules).map((row) => [row.do, row.when.is]),
    [
      ['allow', 'from'],
      ['closed', 'always'],
    ],
  )
})

test('the rule file: what is wrong with conditions on people is told with its place, and groups are gathered as written', () => {
  const problems = (rule: string) => {
    const read = readRules(Buffer.from(`version: 1\notherwise: allow\nrules:\n  - ${rule}\n`))
    return read.ok ? [] : read.problems.map(({ line, wanted }) => `${line} ${JSON.stringify(wanted)}`)
  }
  const wrong = (when: string, more = '') => problems(`{ id: r, when: ${when}, then: refuse${more} }`).join('\n')
  assert.match(wrong('{ from.group: 7 }'), /^4 .*rules\[1\]\.when\.from\.group.*policy-wanted-quotes/)
  assert.match(wrong('{ to.department: [] }'), /to\.department.*policy-wanted-entry/)
  assert.match(wrong('{ is-external: maybe }'), /is-external.*policy-wanted-true-false/)
  assert.match(wrong('{ from.groups: x }'), /from\.groups.*policy-key-near.*from\.group/)
  assert.match(wrong('{ same.group: true }', ', passes: [{ same.group: true }]'), /policy-example-same-group/)
  const set = rules(`version: 1\notherwise: allow\nrules:
  - { id: a, when: { from.group: [Traders, Sales], not: { same.group: Desk } }, then: refuse }
  - { id: b, when: { to.department: Legal }, then: refuse }\n`)
  assert.deepEqual([set.groups, set.needsPeople], [['Traders', 'Sales', 'Desk'], true])
  assert.equal(refusing('{ words: [x] }').needsPeople, false)
  assert.ok(Object.keys(CAST).length > 0 && chat('<body/>'))
})

test('examples say who people are', () => {
  const fails = (when: string, examples: string) => {
    const text = `version: 1\notherwise: allow\nrules:\n  - { id: r, when: ${when}, then: refuse, ${examples} }\n`
    const read = readRules(Buffer.from(text))
    return read.ok ? [] : read.problems.map(({ wanted }) => JSON.stringify(wanted).match(/policy-example-[a-z]+/)?.[0])
  }
  const when = '{ from.group: Traders, to.group: Research, is-external: false }'
  assert.deepEqual(fails(when, 'matches: [{ from.group: traders, to.group: [x, research], is-external: false }]'), [])
  assert.deepEqual(fails(when, 'passes: [{ from.group: sales }, { is-external: true }]'), [])
  assert.deepEqual(fails(when, 'matches: [{ to.group: sales }]'), ['policy-example-passes'])
  assert.deepEqual(fails(when, 'passes: [{ from.group: traders }]'), ['policy-example-open'])
  assert.deepEqual(fails('{ same.group: true }', 'matches: [{ from.group: a, to.group: [b, A] }]'), [])
  assert.deepEqual(fails('{ same.group: [b] }', 'matches: [{ from.group: a, to.group: a }]'), ['policy-example-passes'])
})
