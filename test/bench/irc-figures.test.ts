// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figuresOf, type Name, type Row } from './irc-figures.ts'
import type { IrcReport } from './irc-load.ts'

const REPORT: IrcReport = {
  ...{ measured: 300, perSecond: 100, p50Ms: 1, p99Ms: 10, maxMs: 20, sent: 400, lost: 0, doubled: 0 },
  ...{ generatorShare: 0.25, errors: [] },
}

/** One round in which each gateway carries so many messages a second, and takes so long at the rate of the other. */
function roundOf(round: number, perSecond: Record<Name, number>, p99Ms: Record<Name, number>, lost = 0): Row[] {
  const names: readonly Name[] = ['biboumi', 'biboumi-bare', 'ours']
  return ['one room, to-irc', 'fifty rooms, to-irc'].flatMap((what, at): Row[] => [
    ...names.map((gateway): Row => {
      // The second shape is the better one for us.
      const better = gateway === 'ours' ? perSecond.ours * (1 + at) : perSecond[gateway]
      return { kind: 'full', round, what, gateway, cpuUs: 50, report: { ...REPORT, perSecond: better, lost } }
    }),
    ...(['biboumi', 'biboumi-bare'] as const).flatMap((beside) =>
      ([beside, 'ours'] as const).map((gateway): Row => {
        const report = { ...REPORT, p99Ms: p99Ms[gateway] }
        return { kind: 'calm', round, what, gateway, beside, rate: 40, report }
      }),
    ),
  ])
}

test('both forms of biboumi have figures of their own: the median of the rounds, the worst of the shapes', () => {
  const p99Ms = { biboumi: 40, 'biboumi-bare': 5, ours: 10 }
  const rows: Row[] = [
    ...roundOf(0, { biboumi: 50, 'biboumi-bare': 200, ours: 150 }, p99Ms),
    ...roundOf(1, { biboumi: 10, 'biboumi-bare': 100, ours: 100 }, p99Ms),
    ...roundOf(2, { biboumi: 50, 'biboumi-bare': 200, ours: 100 }, p99Ms),
    ...[100, 200, 300].flatMap((joinMs, round): Row[] => [
      { kind: 'join', round, gateway: 'ours', joinMs },
      { kind: 'join', round, gateway: 'biboumi', joinMs: 400 },
      { kind: 'join', round, gateway: 'biboumi-bare', joinMs: 100 },
    ]),
  ]
  const memory = (['biboumi', 'ours'] as const).map((gateway) => ({ gateway, emptyMb: 10, fullMb: 27.34 }))
  const { json, lines, right } = figuresOf(rows, memory)
  assert.equal(right, true)
  assert.deepEqual(json, {
    bench: 'irc',
    throughput_over_biboumi: 3,
    p99_over_biboumi: 0.25,
    join_over_biboumi: 0.5,
    cpu_over_biboumi: 1,
    rss_mb_500_users: 27.3,
    rss_mb_500_users_biboumi: 27.3,
    throughput_over_biboumi_without_history: 0.75,
    p99_over_biboumi_without_history: 2,
    join_over_biboumi_without_history: 2,
    cpu_over_biboumi_without_history: 1,
    throughput_over_biboumi_one_room_to_irc: 3,
    p99_over_biboumi_one_room_to_irc: 0.25,
    throughput_over_biboumi_fifty_rooms_to_irc: 6,
    p99_over_biboumi_fifty_rooms_to_irc: 0.25,
    throughput_over_biboumi_one_room_to_irc_without_history: 0.75,
    p99_over_biboumi_one_room_to_irc_without_history: 2,
    throughput_over_biboumi_fifty_rooms_to_irc_without_history: 1.5,
    p99_over_biboumi_fifty_rooms_to_irc_without_history: 2,
    generator_share: 0.25,
    lost: 0,
    doubled: 0,
  })
  assert.match(
    lines.join('\n'),
    /beside biboumi as Debian installs it.*\n.*p99 at 40 msg\/s.*\n(?:.*\n)*beside biboumi without history/,
  )
})

test('a goal that is met is not told, one that is missed is, and what nobody measured is missed', () => {
  const p99Ms = { biboumi: 5, 'biboumi-bare': 5, ours: 10 }
  const rows = roundOf(0, { biboumi: 50, 'biboumi-bare': 50, ours: 150 }, p99Ms)
  const memory = (['biboumi', 'ours'] as const).map((gateway, at) => ({ gateway, emptyMb: 10, fullMb: 20 + 30 * at }))
  const missed = (of: Parameters<typeof figuresOf>[1]) =>
    figuresOf(rows, of).lines.filter((line) => line.startsWith('missed: '))
  assert.deepEqual(missed(memory), [
    'missed: p99 over biboumi: 2, wanted at most 1',
    'missed: time to join over biboumi: NaN, wanted at most 1',
    'missed: memory with 500 people over biboumi: 2.5, wanted at most 2',
  ])
  assert.equal(missed([]).length, 3)
})

test('a message of ours that was lost makes the bench fail', () => {
  const p99Ms = { biboumi: 1, 'biboumi-bare': 1, ours: 1 }
  const rows = roundOf(0, { biboumi: 1, 'biboumi-bare': 1, ours: 1 }, p99Ms, 1)
  const { json, right } = figuresOf(rows, [])
  assert.deepEqual([json.lost, right], [2, false])
})
