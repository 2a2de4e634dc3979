// SPDX-License-Identifier: Apache-2.0
// The flat line of the gate bench: its names are a contract, its ratios are medians of rounds, and a missed goal is told.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ADDED_P99, aims, explain, type Goal, least, most, RSS } from './explain.ts'
import { exitCode, figures, type Ran } from './figures.ts'
import { type Added, addedOf } from './open-loop.ts'
import { type RulesCost, rulesText } from './rules-cost.ts'
import { slowText } from './slowed.ts'
import { openText, rssText, table } from './table.ts'
import type { Score } from './turns.ts'
import { sumOf, type Wrong, wrongOf } from './wrong.ts'

const RIGHT: Wrong = { lost: 0, doubled: 0, disordered: 0, errors: 0, broken: 0 }
const score = (name: string, rates: readonly number[], more: Partial<Score> = {}): Score => ({
  ...{
    name,
    pairs: 20,
    sent: 1000,
    seconds: 1,
    p50Ms: 1,
    p99Ms: 2,
    wrong: RIGHT,
    warmUp: 10,
    drainSeconds: 0.1,
  },
  ...{
    cpuUsPerMessage: { prosody: 100 },
    rssMb: { prosody: 280 },
    peakRssMb: { prosody: 300 },
    rows: null,
    commits: null,
    generatorCpuUs: 1,
  },
  ...{ errorTexts: [], rounds: rates.map((perSecond) => ({ perSecond, serverCpuUs: 100 })), ...more },
})
const spread = { p50Ms: 1, p99Ms: 2, p999Ms: 3 }
const added: Added = {
  ...{ p50Ms: 0.5, p99Ms: 2, p999Ms: 3, bare: spread, suite: spread },
  ...{ disturbed: 0, slices: 3, wrong: { bare: RIGHT, suite: RIGHT }, sent: 100, searches: 1 },
}
const ran: readonly Ran[] = [{ where: 'full suite', of: 'suite', wrong: RIGHT }]
const cost: RulesCost = { withUs: 44.25, withoutUs: 39, wrong: RIGHT }
const PEERS = {
  server: 'prosody',
  version: '0.12.3',
  pairs: [20],
  over: { suite_over_mam_sqlite: 'mod_mam SQLite', suite_over_mam_internal: 'mod_mam internal' },
  aims: [
    { peer: 'bare', wanted: 0.6 },
    { peer: 'mod_mam internal', wanted: 3 },
    { peer: 'mod_mam PostgreSQL', wanted: 3 },
  ],
} as const
const GOALS: readonly Goal[] = [
  least('suite over bare', 'suite_over_bare', 0.45),
  most("Prosody's CPU per message over bare", 'server_cpu_ratio', 1.8),
  ADDED_P99,
  RSS,
]
const scores = (suite: Partial<Score> = {}) => [
  score('bare', [10_000, 10_000, 10_000]),
  score('mod_mam internal', [1000, 1000, 1000]),
  score('mod_mam SQLite', [100, 100, 100]),
  score('do-nothing screen', [6000, 6000, 6000]),
  score('full suite', [5000, 1, 6000], { peakRssMb: { prosody: 300, policy: 100, archive: 150 }, ...suite }),
]

test('the names of the line are exactly those that others read', () => {
  assert.deepEqual(Object.keys(figures(PEERS, scores(), added, 0.3, ran, cost)), [
    ...['bench', 'server', 'cores', 'suite_over_bare', 'suite_over_noop', 'server_cpu_ratio', 'suite_over_mam_sqlite'],
    ...[
      'suite_over_mam_internal',
      'added_p50_ms',
      'added_p99_ms',
      'fdatasync_p99_ms',
      'lost',
      'doubled',
      'rss_mb_max',
      'drain_s',
      'rules_cpu_us',
    ],
  ])
})

test('a ratio is the median of its rounds; the RSS is that of our own processes', () => {
  const line = figures(PEERS, scores(), added, 0.3, ran, cost)
  assert.equal(line.suite_over_bare, 0.5)
  assert.equal(line.rss_mb_max, 150)
  assert.equal(line.rules_cpu_us, 5.25)
  assert.match(rulesText(cost), /44\.3 us with 200 rules and 10000 terms, 39\.0 us without/)
  assert.equal(explain(GOALS, line, scores(), ran), '')
})

for (const [title, change, told] of [
  ['a slow suite', { rounds: [1, 1, 1].map((perSecond) => ({ perSecond, serverCpuUs: 100 })) }, 'suite over bare'],
  [
    'a server that works twice as much',
    { rounds: [5000, 5000, 6000].map((perSecond) => ({ perSecond, serverCpuUs: 200 })) },
    "Prosody's CPU",
  ],
  ['a process that grows', { peakRssMb: { policy: 201 } }, 'peak RSS'],
] as const) {
  test(`${title} is told, with where the time goes`, () => {
    const text = explain(GOALS, figures(PEERS, scores(change), added, 0.3, ran, cost), scores(change), ran)
    assert.ok(text.includes(`missed: ${told}`), text)
    assert.match(text, /where the time goes/)
  })
}

for (const kind of ['lost', 'doubled', 'disordered', 'errors', 'broken'] as const)
  for (const whose of ['suite', 'peer'] as const)
    test(`${kind} of a ${whose} under any load fails the run and is a missed goal`, () => {
      const all: readonly Ran[] = [...ran, { where: 'some load', of: whose, wrong: { ...RIGHT, [kind]: 3 } }]
      const line = figures(PEERS, scores(), added, 0.3, all, cost)
      assert.equal(exitCode(all), 1)
      assert.match(explain(GOALS, line, scores(), all), new RegExp(`^missed: some load: ${kind}: 3, wanted none$`, 'm'))
      assert.equal(line.lost, whose === 'suite' && kind === 'lost' ? 3 : 0)
      assert.equal(line.doubled, whose === 'suite' && kind === 'doubled' ? 3 : 0)
    })

test('a run in which nothing went wrong does not fail', () => assert.equal(exitCode(ran), 0))

test('what went wrong is summed over all loads, connections by their number', () => {
  const report = { lost: 1, doubled: 2, disordered: 3, errors: 4, broken: ['a: gone', 'b: gone'] }
  const one = wrongOf([report, report])
  assert.deepEqual(one, { lost: 2, doubled: 4, disordered: 6, errors: 8, broken: 4 })
  assert.deepEqual(sumOf([one, RIGHT]), one)
})

test('the figures of a second load have its number of pairs in their names, and a process of the server is none of ours', () => {
  const many = {
    server: 'ejabberd',
    version: '23.01',
    pairs: [200, 20],
    over: { ...PEERS.over, suite_over_log: 'log' },
  } as const
  const few = [...scores(), score('log', [2500, 2500, 3000])]
  const all: Score[] = [
    ...few.map((one) => ({ ...one, pairs: 200, rounds: one.rounds.map((round) => ({ ...round, perSecond: 7 })) })),
    ...few.map((one) => ({ ...one, drainSeconds: 0.4 })),
  ]
  const scored = all.map((one): Score => ({ ...one, peakRssMb: { policy: one.peakRssMb.policy ?? 1, ejabberd: 400 } }))
  const line = figures(many, scored, added, 0.3, ran, cost)
  const names = Object.keys(line)
  for (const name of names.slice(3, 9)) assert.equal(line[`${name}` as 'suite_over_bare'], 1)
  assert.deepEqual(names.slice(3, 9), [
    'suite_over_bare',
    'suite_over_noop',
    'server_cpu_ratio',
    'suite_over_mam_sqlite',
    'suite_over_mam_internal',
    'suite_over_log',
  ])
  assert.deepEqual(
    names.slice(-6),
    names.slice(3, 9).map((name) => `${name}_20`),
  )
  assert.equal(line.suite_over_bare_20, 0.5)
  assert.equal(line.suite_over_log_20, 2)
  assert.equal(line.rss_mb_max, 100)
  assert.equal(line.drain_s, 0.4)
})

test('the table divides each set-up by bare under the same load', () => {
  const at = (pairs: number, sent: number) => [
    { ...score('bare', []), pairs, sent },
    { ...score('full suite', []), pairs, sent: sent / 2 },
  ]
  const rows = table([...at(200, 4000), ...at(20, 1000)]).split('\n')
  assert.deepEqual(
    rows.slice(1).map((row) => row.split(/ {2,}/).slice(0, 4)),
    [
      ['bare', '200', '4000', '1.00'],
      ['full suite', '200', '2000', '0.50'],
      ['bare', '20', '1000', '1.00'],
      ['full suite', '20', '500', '0.50'],
    ],
  )
})

test('the RSS is told with the number of messages before it', () => {
  const text = rssText(score('full suite', [], { rssMb: { policy: 90 }, peakRssMb: { policy: 120 } }), 100_020)
  assert.equal(text, 'RSS of the full suite after 100020 messages: policy 90 MB (peak 120 MB)')
})

test('a bare slice that was disturbed does not make the added p99 smaller, and is told', () => {
  const quiet = { bare: spread, suite: { ...spread, p99Ms: 4 } }
  const noisy = { bare: { ...spread, p99Ms: 80 }, suite: { ...spread, p99Ms: 4 } }
  const all = { bare: { ...spread, p99Ms: 60 }, suite: { ...spread, p99Ms: 4 } }
  const one = addedOf([quiet, noisy, quiet], all)
  assert.equal(one.p99Ms, 2)
  const text = openText({ ...one, wrong: added.wrong, sent: 1, searches: 1 })
  assert.match(text, /bare .*p99 60\.00 ms[\s\S]*suite .*p99 4\.00 ms/)
  assert.match(text, /disturbed: in 1 of 3 slices/)
  assert.doesNotMatch(openText(added), /disturbed/)
})

test('a rate that is not kept is a missed goal; that it is kept but for the ends of the run is none', () => {
  const line = figures(PEERS, scores(), added, 0.3, ran, cost)
  const paced = (kept: number): Ran[] => [{ where: 'one pair', of: 'suite', wrong: RIGHT, pace: { wanted: 200, kept } }]
  assert.equal(explain(GOALS, line, scores(), paced(198.5)), '')
  assert.match(explain(GOALS, line, scores(), paced(150.2)), /^missed: one pair: 150 msg\/s, wanted 200$/m)
})

test('a slow disk: what it adds to bare is told', () => {
  const timed = { p50Ms: 1, p99Ms: 2, p999Ms: 3, measured: 4000, seconds: 20, lost: 0 }
  assert.equal(
    slowText('each sync 5 ms slower', 'one pair', timed, { ...timed, p50Ms: 7, p99Ms: 12, p999Ms: 23 }),
    'each sync 5 ms slower, one pair: 200 msg/s came, lost 0; ' +
      'added p50 6.0 (7.0 - 1.0) ms, p99 10.0 (12.0 - 2.0) ms, p99.9 20.0 (23.0 - 3.0) ms',
  )
})

test('an aim is told as reached, not reached or not measured', () => {
  assert.deepEqual(aims(PEERS, scores()).split('\n'), [
    'aim: suite over bare at least 0.6: 0.500, not reached',
    'aim: suite over mod_mam internal at least 3: 5.000, reached',
    'aim: suite over mod_mam PostgreSQL at least 3: not measured in this form',
  ])
})
