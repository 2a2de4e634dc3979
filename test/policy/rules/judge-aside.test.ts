// SPDX-License-Identifier: Apache-2.0
// Long stanzas are judged beside the thread that answers: the same decisions, in bounded time, and each sender has his turn.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { decide } from '../../../components/policy/domain/decide.ts'
import { type AsideBounds, JudgeAside } from '../../../components/policy/rules/judge-aside.ts'
import { openRuleSet, type RuleData } from '../../../components/policy/rules/rule-data.ts'
import { readRuleData } from '../../../components/policy/rules/rule-file.ts'
import { chat, screened, stanza } from '../cast.ts'

const BOUNDS: AsideBounds = { withinMs: 15_000, waiting: 64, idleMs: 1_000 }

function dataOf(rules: string): RuleData {
  const read = readRuleData(Buffer.from(`version: 1\notherwise: allow\nrules:\n${rules}`), '.')
  assert.ok(read.ok, JSON.stringify(read))
  return read.data
}

const PLAIN = dataOf(`
  - { id: seen, when: { words: [plan] }, then: { tag: plan } }
  - { id: mask, when: { words: [damn] }, then: { replace: { mask: '*' } } }
  - { id: number, when: { regex: 'case-[0-9]{4}' }, then: refuse }
`)
/** Linear, and yet slow: its automaton has more states than fit. */
const SLOW = dataOf(
  Array.from(
    { length: 50 },
    (_, index) => `  - { id: s${index}, when: { regex: '[ab]*[ab]a[ab]{${100 + index}}c' }, then: refuse }\n`,
  ).join(''),
)
let seed = 1
const EXPENSIVE = Array.from({ length: 200_000 }, () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
  return seed >>> 31 ? 'a' : 'b'
}).join('')

const from = (who: string, body: string) =>
  screened(
    stanza(`<message from='${who}@corp.example/desk' to='bob@corp.example' id='m'><body>${body}</body></message>`),
  )

test('decides as the rules do: allowed, tagged, masked, refused', async () => {
  using aside = new JudgeAside(PLAIN, BOUNDS)
  const set = openRuleSet(PLAIN)
  const filler = 'nothing of it here. '.repeat(500)
  for (const said of ['', 'a plan', 'damn it, the plan', 'see case-1234', 'damn case-9999 plan']) {
    const asked = screened(chat(`<body>${filler}${said}</body><subject>${said}</subject>`))
    const decision = await aside.judge(asked)
    assert.deepEqual(decision, structuredClone(decide(asked, set)), said)
  }
})

test('what takes too long is refused and ends nothing but its own judging; this thread goes on meanwhile', async () => {
  using aside = new JudgeAside(SLOW, { ...BOUNDS, withinMs: 500 })
  let turns = 0
  const counting = setInterval(() => {
    turns += 1
  }, 5)
  const decision = await aside.judge(from('eve', EXPENSIVE))
  clearInterval(counting)
  assert.deepEqual(decision, { action: 'refuse', rule: 'too-large', condition: 'policy-violation', text: null })
  assert.ok(turns > 10, `this thread had ${turns} turns meanwhile`)
})

test('one sender with much to judge has every second turn only, and the next thread works', async () => {
  using aside = new JudgeAside(SLOW, { ...BOUNDS, withinMs: 4_000 })
  const order: string[] = []
  const judge = async (who: string, body: string) => {
    const { rule } = await aside.judge(from(who, body))
    order.push(`${who} ${rule}`)
  }
  await Promise.all([
    judge('eve', EXPENSIVE),
    setTimeout(3_000).then(() =>
      Promise.all([judge('eve', 'b'.repeat(5_000)), judge('eve', 'c'.repeat(5_000)), judge('ann', 'd'.repeat(5_000))]),
    ),
  ])
  assert.deepEqual(order, ['eve too-large', 'eve otherwise', 'ann otherwise', 'eve otherwise'])
})

test('more than may wait are refused at once', async () => {
  using aside = new JudgeAside(SLOW, { ...BOUNDS, withinMs: 300, waiting: 2 })
  const decisions = [1, 2, 3, 4].map((n) => aside.judge(from(`eve${n}`, EXPENSIVE)))
  assert.equal((await decisions[3])?.rule, 'too-large')
  for (const one of decisions) assert.equal((await one).rule, 'too-large')
})

test('what waits when other rules come is judged by those of its time, all of it', async () => {
  const aside = new JudgeAside(PLAIN, BOUNDS)
  const waiting = ['eve', 'ann', 'eve'].map((who) => aside.judge(from(who, 'see case-1234')))
  aside[Symbol.dispose]()
  for (const one of waiting) assert.equal((await one).rule, 'number')
})

test('without work the thread ends, and comes back', async () => {
  using aside = new JudgeAside(PLAIN, { ...BOUNDS, idleMs: 1 })
  for (let round = 0; round < 3; round++) {
    assert.equal((await aside.judge(from('ann', 'see case-1234'))).rule, 'number')
    await setTimeout(50)
  }
})
