// SPDX-License-Identifier: Apache-2.0
// A long text that is slow to look through delays nobody else: its verdict is promised, and comes in time.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, startStage, verdicts } from '../stage.ts'

/** Linear, and yet slow: its automaton has more states than fit. */
const SLOW = Array.from(
  { length: 50 },
  (_, index) => `  - { id: s${index}, when: { regex: '[ab]*[ab]a[ab]{${100 + index}}c' }, then: refuse }\n`,
).join('')
const RULES = `version: 1\notherwise: allow\nrules:\n  - { id: word, when: { words: [nightingale] }, then: refuse }\n${SLOW}`

const ALICE = { from: 'alice@corp.example/desk' }
const CAROL = { from: 'carol@corp.example/desk' }

test('what cannot be looked through in time is refused and on record; others are answered meanwhile', async () => {
  await using stage = await startStage({ rules: RULES })
  let seed = 7
  const body = Array.from({ length: 300_000 }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed >>> 31 ? 'a' : 'b'
  }).join('')
  const answer = await stage.screen(ask(1, body, ALICE) + ask(2, 'quick', CAROL))
  assert.deepEqual(verdicts(answer), { 1: 'later' })
  // So many as could not be answered while the long one held the thread.
  for (let n = 3; n < 20; n++) assert.deepEqual(verdicts(await stage.screen(ask(n, 'quick', CAROL))), {})
  const { element } = await stage.peer.next()
  assert.deepEqual(verdicts(element), { 1: 'refuse too-large policy-violation' })
  const told = (await stage.facts()).flatMap((fact) => (fact.kind === 'ask' ? [`${fact.n} ${fact.verdict.rule}`] : []))
  assert.deepEqual(told, [
    '2 otherwise',
    ...Array.from({ length: 17 }, (_, at) => `${at + 3} otherwise`),
    '1 too-large',
  ])
})

test('a long text that is quick to look through is judged as any other', async () => {
  await using stage = await startStage({ rules: RULES })
  const body = 'nothing of it here. '.repeat(1_000)
  const answer = await stage.screen(ask(1, body, ALICE) + ask(2, `${body} nightingale`, CAROL))
  assert.deepEqual(verdicts(answer), { 1: 'later', 2: 'later' })
  const came = [await stage.peer.next(), await stage.peer.next()].map(({ element }) => element)
  assert.deepEqual(Object.assign({}, ...came.map(verdicts)), { 1: 'allow', 2: 'refuse word policy-violation' })
})
