// SPDX-License-Identifier: Apache-2.0
// ARCHITECTURE.md, identity: a gap is a number told of without record and without settlement after tries x deadline + 60 s.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type CountedFact, countFrom, type Finding } from '../../../components/archive/domain/completeness.ts'

const PATIENCE = { graceMs: 64_000, silentMs: 300_000 }
const A = 'a'.repeat(32)
const B = 'b'.repeat(32)

function counting(kept: Parameters<typeof countFrom>[0] = [], open: readonly Finding[] = []) {
  const completeness = countFrom(kept, open, PATIENCE)
  return {
    completeness,
    take(at: number, ...facts: CountedFact[]) {
      for (const fact of facts) completeness.take(fact, at)
    },
    at: (now: number, limit = 100) => completeness.findings(now, limit).map(write),
  }
}

function write({ kind, event, source, from, to, count }: Finding): string {
  return `${kind} ${event} ${source[0]} ${from}..${to} (${count})`
}

const ask = (n: number, source = A): CountedFact => ({ kind: 'ask', source, n })
const done = (to: number, source = A): CountedFact => ({ kind: 'done', source, to })
const mark = (last: number, end = false, source = A): CountedFact => ({
  kind: 'mark',
  source,
  last,
  ...(end ? { end: true } : {}),
})
const settle = (n: number, outcome: 'bounced' | 'gone' | 'refused' | 'released' | 'unscreened'): CountedFact => ({
  kind: 'settle',
  source: A,
  n,
  outcome,
})

test('a number up to done without a record is a gap after the grace, not before, and is told once', () => {
  const { take, at } = counting()
  take(0, ask(1), ask(3), done(3))
  assert.deepEqual(at(63_999), [])
  assert.deepEqual(at(64_000), ['gap found a 2..2 (1)'])
  assert.deepEqual(at(65_000), [])
})

test('a number up to mark counts the same', () => {
  const { take, at, completeness } = counting()
  take(0, ask(1), mark(4))
  assert.deepEqual(at(64_000), ['gap found a 2..4 (3)'])
  assert.equal(completeness.totals().gaps, 3)
})

test('numbers that are asked about and not told of are never gaps', () => {
  const { take, at } = counting()
  take(0, ask(1), ask(7), done(1))
  take(200_000, { kind: 'heard', source: A })
  assert.deepEqual(at(299_000), [])
})

test('what comes within the grace is no gap', () => {
  const { take, at } = counting()
  take(0, ask(1), mark(2))
  take(60_000, ask(2))
  assert.deepEqual(at(70_000), [])
})

test('a late arrival closes the gap; half of it does not, but the count goes down', () => {
  const { take, at, completeness } = counting()
  take(0, mark(3))
  assert.deepEqual(at(64_000), ['gap found a 1..3 (3)'])
  take(70_000, ask(1), ask(3))
  assert.deepEqual(at(70_000), [])
  assert.equal(completeness.totals().gaps, 1)
  take(71_000, ask(2))
  assert.deepEqual(at(71_000), ['gap closed a 1..3 (0)'])
  assert.equal(completeness.totals().gaps, 0)
})

test('a settlement stands for a record where nothing was delivered', () => {
  const { take, at } = counting()
  take(0, settle(1, 'bounced'), settle(2, 'gone'), settle(3, 'refused'), mark(3))
  assert.deepEqual(at(64_000), [])
})

test('what was delivered needs a record: settled as released or unscreened without one is a gap', () => {
  const { take, at } = counting()
  take(0, settle(1, 'released'), settle(2, 'unscreened'), mark(2))
  assert.deepEqual(at(64_000), ['gap found a 1..2 (2)'])
})

test('numbers of an outage are settled as a range', () => {
  const { take, at } = counting()
  take(0, ask(1), { kind: 'outage', source: A, from: 2, to: 900, count: 899, outcome: 'bounced' }, ask(901), mark(901))
  assert.deepEqual(at(64_000), [])
})

test('an outage in which others were asked about explains as many numbers as it counts, once', () => {
  const outage: CountedFact = { kind: 'outage', source: A, from: 2, to: 9, count: 5, outcome: 'bounced' }
  const complete = counting()
  complete.take(0, ask(1), ask(3), ask(5), outage, outage, ask(7), mark(9))
  assert.deepEqual(complete.at(64_000), [])
  const { take, at } = counting()
  take(0, ask(1), ask(3), ask(5), outage, mark(9))
  assert.deepEqual(at(64_000), ['gap found a 2..2 (1)', 'gap found a 4..4 (1)', 'gap found a 6..9 (4)'])
  take(70_000, ask(7))
  assert.deepEqual(at(70_000), ['gap closed a 2..2 (0)', 'gap closed a 4..4 (0)', 'gap closed a 6..9 (0)'])
})

test('only done and mark tell of numbers: a settle far ahead makes no gaps behind it', () => {
  const { take, at } = counting()
  take(0, ask(1), mark(1), done(1), settle(700, 'bounced'))
  assert.deepEqual(at(64_000), [])
})

test('a thousand scattered gaps come over several looks, none twice and none left out', () => {
  const { take, at } = counting()
  for (let n = 2; n <= 2000; n += 2) take(0, ask(n))
  take(0, mark(2000))
  const found = [at(64_000, 300), at(64_000, 300), at(64_000, 300), at(64_000, 300), at(64_000, 300)]
  assert.deepEqual(
    found.map((one) => one.length),
    [300, 300, 300, 100, 0],
  )
  assert.equal(new Set(found.flat()).size, 1000)
})

test('a successor makes one tail-unknown range of what was reserved and not settled, and an end without mark', () => {
  const { take, at, completeness } = counting()
  take(0, ask(1), ask(2), mark(2), done(2))
  take(10_000, { kind: 'source', source: B, predecessor: { source: A, mark: 2, reserved: 1000 } })
  assert.deepEqual(at(73_999), [])
  assert.deepEqual(at(74_000), ['tail-unknown found a 3..1000 (998)', 'ended-without-mark found a 2..2 (0)'])
  assert.deepEqual(at(300_000), [])
  assert.deepEqual(completeness.totals(), { gaps: 0, tailUnknown: 998, endedWithoutMark: 1, sources: 2 })
})

test('records of the tail that were written are not unknown; numbers of the tail are never gaps as well', () => {
  const { take, at, completeness } = counting()
  take(0, ask(1), done(1), ask(2), ask(4))
  take(10_000, { kind: 'source', source: B, predecessor: { source: A, mark: 1, reserved: 10 } })
  take(11_000, mark(4))
  assert.deepEqual(at(75_000), ['tail-unknown found a 2..10 (7)', 'ended-without-mark found a 4..4 (0)'])
  assert.equal(completeness.totals().gaps, 0)
  for (const n of [3, 5, 6, 7, 8, 9, 10]) take(80_000, ask(n))
  assert.deepEqual(at(80_000), ['tail-unknown closed a 2..10 (0)'])
})

test('what a killed source had given out and told of, and not settled, is in the tail as well: one fact, no gap', () => {
  const { take, at, completeness } = counting()
  take(0, ask(1), ask(2), ask(3), ask(5), done(2), mark(9))
  take(10_000, { kind: 'source', source: B, predecessor: { source: A, mark: 9, reserved: 1000 } })
  take(20_000, settle(6, 'bounced'))
  assert.deepEqual(at(74_000), ['tail-unknown found a 3..1000 (995)', 'ended-without-mark found a 9..9 (0)'])
  assert.deepEqual(completeness.totals(), { gaps: 0, tailUnknown: 995, endedWithoutMark: 1, sources: 2 })
  take(80_000, ask(4))
  assert.equal(completeness.totals().tailUnknown, 994)
  for (let n = 7; n <= 1000; n++) take(80_000, ask(n))
  assert.deepEqual(at(80_000), ['tail-unknown closed a 3..1000 (0)'])
})

test('also where nothing was reserved behind what it had told of', () => {
  const { take, at } = counting()
  take(0, ask(1), done(1))
  take(10_000, { kind: 'source', source: B, predecessor: { source: A, mark: 3, reserved: 3 } })
  assert.deepEqual(at(74_000), ['tail-unknown found a 2..3 (2)', 'ended-without-mark found a 3..3 (0)'])
})

test('below what it had settled a number without a record is a gap, before and after a successor', () => {
  const { take, at } = counting()
  take(0, ask(1), ask(3), done(3))
  take(10_000, { kind: 'source', source: B, predecessor: { source: A, mark: 3, reserved: 5 } })
  assert.deepEqual(at(74_000), [
    'gap found a 2..2 (1)',
    'tail-unknown found a 4..5 (2)',
    'ended-without-mark found a 3..3 (0)',
  ])
})

test('what was a gap before its source ended stays one, and is not in the tail again', () => {
  const { take, at, completeness } = counting()
  take(0, ask(1), done(1), mark(3))
  assert.deepEqual(at(64_000), ['gap found a 2..3 (2)'])
  take(70_000, { kind: 'source', source: B, predecessor: { source: A, mark: 3, reserved: 5 } })
  assert.deepEqual(at(134_000), ['tail-unknown found a 2..5 (2)', 'ended-without-mark found a 3..3 (0)'])
  assert.deepEqual(completeness.totals(), { gaps: 2, tailUnknown: 2, endedWithoutMark: 1, sources: 2 })
  take(140_000, ask(4), ask(5))
  assert.deepEqual(at(140_000), ['tail-unknown closed a 2..5 (0)'])
})

test('that it had settled more is believed when it is heard after its successor: then it is no tail', () => {
  const { take, at, completeness } = counting()
  take(0, ask(1), ask(2))
  take(10_000, { kind: 'source', source: B, predecessor: { source: A, mark: 2, reserved: 5 } })
  assert.deepEqual(at(74_000), ['tail-unknown found a 1..5 (3)', 'ended-without-mark found a 2..2 (0)'])
  take(80_000, done(3))
  assert.deepEqual(at(143_999), [])
  assert.deepEqual(at(144_000), ['gap found a 3..3 (1)'])
  assert.equal(completeness.totals().tailUnknown, 2)
  take(150_000, done(5), ask(3), ask(4), ask(5))
  assert.deepEqual(at(150_000), ['gap closed a 3..3 (0)', 'tail-unknown closed a 1..5 (0)'])
})

test('a predecessor that ended with its mark leaves no tail, whatever it had reserved', () => {
  const { take, at } = counting()
  take(0, ask(1), mark(1, true))
  take(1000, { kind: 'source', source: B, predecessor: { source: A, mark: 1, reserved: 1000 } })
  take(200_000, mark(0, true, B))
  assert.deepEqual(at(900_000), [])
})

test('a predecessor nobody has heard of: all of it is unknown', () => {
  const { take, at } = counting()
  take(0, { kind: 'source', source: B, predecessor: { source: A, mark: 3, reserved: 3 } })
  take(1000, mark(0, true, B))
  assert.deepEqual(at(65_000), ['tail-unknown found a 1..3 (3)', 'ended-without-mark found a 3..3 (0)'])
})

test('a source that falls silent has ended without its mark; when it speaks again, that is closed', () => {
  const { take, at } = counting()
  take(0, ask(1), mark(1))
  assert.deepEqual(at(299_999), [])
  assert.deepEqual(at(300_000), ['ended-without-mark found a 1..1 (0)'])
  take(400_000, mark(1))
  assert.deepEqual(at(400_000), ['ended-without-mark closed a 1..1 (0)'])
})

test('a source that owes nothing may be silent for ever: nobody writes at night', () => {
  const { take, at } = counting()
  take(0, ask(1), mark(1), done(1))
  assert.deepEqual(at(10_000_000), [])
})

test('with its end mark a source may be silent for ever', () => {
  const { take, at } = counting()
  take(0, ask(1), mark(1, true))
  assert.deepEqual(at(10_000_000), [])
})

test('an end mark that comes late, out of a spool, closes the finding', () => {
  const { take, at } = counting()
  take(0, ask(1), mark(1))
  take(10, { kind: 'source', source: B, predecessor: { source: A, mark: 1, reserved: 1 } }, mark(0, true, B))
  assert.deepEqual(at(70_000), ['ended-without-mark found a 1..1 (0)'])
  take(80_000, mark(1, true))
  assert.deepEqual(at(80_000), ['ended-without-mark closed a 1..1 (0)'])
})

test('an end mark that comes after the successor leaves no tail either: what is missing up to it is a gap, nothing behind it', () => {
  const successor: CountedFact = { kind: 'source', source: B, predecessor: { source: A, mark: 1, reserved: 1000 } }
  const early = counting()
  early.take(0, ask(1), mark(1), successor, mark(0, true, B), mark(3, true))
  assert.deepEqual(early.at(200_000), ['gap found a 2..3 (2)'])
  const late = counting()
  late.take(0, ask(1), mark(3), successor, mark(0, true, B))
  assert.deepEqual(late.at(64_000), ['tail-unknown found a 1..1000 (999)', 'ended-without-mark found a 3..3 (0)'])
  late.take(70_000, mark(3, true))
  assert.deepEqual(late.at(70_000), ['tail-unknown closed a 1..1000 (0)', 'ended-without-mark closed a 3..3 (0)'])
  assert.deepEqual(late.at(134_000), ['gap found a 2..3 (2)'])
  assert.deepEqual(late.completeness.totals(), { gaps: 2, tailUnknown: 0, endedWithoutMark: 0, sources: 2 })
})

test('counting goes on after a restart from what was kept: nothing is found twice, nothing is forgotten', () => {
  const first = counting()
  first.take(0, ask(1), done(3), { kind: 'source', source: B, predecessor: { source: A, mark: 3, reserved: 9 } })
  const found = first.completeness.findings(64_000, 100)
  assert.deepEqual(found.map(write), [
    'gap found a 2..3 (2)',
    'tail-unknown found a 4..9 (6)',
    'ended-without-mark found a 3..3 (0)',
  ])
  first.completeness.recorded()
  const kept = JSON.parse(JSON.stringify(first.completeness.changed()))
  const again = counting(kept, found)
  assert.deepEqual(again.at(64_000), [])
  assert.deepEqual(again.completeness.totals(), first.completeness.totals())
  again.take(70_000, ask(2), ask(3))
  assert.deepEqual(again.at(70_000), ['gap closed a 2..3 (0)'])
})

test('a gap that was given and not put on record is found again, however the counting went on meanwhile', () => {
  const first = counting()
  first.take(0, ask(1), ask(4), mark(5))
  first.take(2000, mark(9))
  assert.deepEqual(first.at(64_000, 1), ['gap found a 2..3 (2)'])
  assert.deepEqual(first.at(64_500), ['gap found a 5..5 (1)'])
  first.take(65_000, ask(6))
  const kept = JSON.parse(JSON.stringify(first.completeness.changed()))
  const crashed = counting(structuredClone(kept))
  assert.deepEqual(crashed.at(66_000), ['gap found a 2..3 (2)', 'gap found a 5..5 (1)', 'gap found a 7..9 (3)'])
  const half = counting(kept, [{ kind: 'gap', event: 'found', source: A, from: 2, to: 3, count: 2 }])
  assert.deepEqual(half.at(66_000), ['gap found a 5..5 (1)', 'gap found a 7..9 (3)'])
})

test('what is on record is kept as looked at, also when nothing else changes', () => {
  const first = counting()
  first.take(0, ask(1), mark(2))
  first.at(64_000)
  const dueTo = () => first.completeness.changed().map((count) => count.dueTo)
  assert.deepEqual(dueTo(), [1])
  first.completeness.recorded()
  assert.deepEqual(dueTo(), [2])
  first.completeness.recorded()
  assert.deepEqual(dueTo(), [])
})

test('a finding that was written before a crash and whose counting was not kept is not found again', () => {
  const { completeness, take, at } = counting(
    [],
    [{ kind: 'gap', event: 'found', source: A, from: 2, to: 2, count: 1 }],
  )
  take(0, ask(1), ask(3), done(3))
  assert.deepEqual(at(64_000), [])
  assert.equal(completeness.totals().gaps, 1)
})

/** A run that was killed: what is known of each number, up to where it was settled, told of and reserved, and the order in which it is heard. */
const killedRun = fc.integer({ min: 1, max: 40 }).chain((reserved) =>
  fc.record({
    reserved: fc.constant(reserved),
    numbers: fc.array(fc.constantFrom('asked', 'bounced', 'nothing'), { minLength: reserved, maxLength: reserved }),
    told: fc.tuple(fc.nat(reserved), fc.nat(reserved)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
    ended: fc.boolean(),
    order: fc.array(fc.nat(), { minLength: reserved + 4, maxLength: reserved + 4 }),
    pausesMs: fc.array(fc.integer({ min: 0, max: 50_000 }), { minLength: reserved + 4, maxLength: reserved + 4 }),
  }),
)
type KilledRun = typeof killedRun extends fc.Arbitrary<infer Run> ? Run : never

function factsOf({ reserved, numbers, told: [settled, last], ended, order }: KilledRun): CountedFact[] {
  const facts: CountedFact[] = numbers.flatMap((what, at) =>
    what === 'nothing' ? [] : [what === 'asked' ? ask(at + 1) : settle(at + 1, 'bounced')],
  )
  facts.push(done(settled), mark(last), {
    kind: 'source',
    source: B,
    predecessor: { source: A, mark: Math.min(settled, last), reserved },
  })
  if (ended) facts.push(mark(last, true))
  return facts
    .map((fact, at) => ({ fact, place: order[at] ?? 0 }))
    .sort((a, b) => a.place - b.place)
    .map(({ fact }) => fact)
}

const missingOf = (numbers: readonly string[], from: number, to: number) =>
  numbers.flatMap((what, at) => (what === 'nothing' && at + 1 >= from && at + 1 <= to ? [at + 1] : []))
const RUNS = { numRuns: process.env.GATEHOUSE_LONG === '1' ? 50_000 : 2_000 }

test('whatever the order: up to done each missing number is a gap, above it all of them are one tail, and both close', () => {
  fc.assert(
    fc.property(killedRun, (run) => {
      const { completeness, take } = counting()
      for (const fact of factsOf(run)) take(0, fact)
      assert.deepEqual(completeness.findings(63_999, 100), [])
      const found = completeness.findings(64_000, 100)
      const [settled, last] = run.told
      const gaps = found.filter(({ kind }) => kind === 'gap')
      const tails = found.filter(({ kind }) => kind === 'tail-unknown')
      const missing = missingOf(run.numbers, 1, run.ended ? last : settled)
      assert.deepEqual(
        gaps.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at)),
        missing,
      )
      const unknown = run.ended ? [] : missingOf(run.numbers, settled + 1, run.reserved)
      assert.equal(tails.length, unknown.length > 0 ? 1 : 0)
      assert.equal(tails[0]?.count ?? 0, unknown.length)
      const { totals } = countFrom(JSON.parse(JSON.stringify(completeness.changed())), found, PATIENCE)
      assert.deepEqual(totals(), completeness.totals())
      for (const n of [...unknown, ...missing]) take(70_000, ask(n))
      const closed = completeness.findings(70_000, 100)
      assert.ok(closed.every(({ event }) => event === 'closed'))
      assert.equal(closed.length, gaps.length + tails.length)
      assert.deepEqual([totals().sources, completeness.totals().gaps, completeness.totals().tailUnknown], [2, 0, 0])
    }),
    RUNS,
  )
})

test('whatever the order and the pauses: in the end each missing number is in exactly one finding, and none that is there', () => {
  fc.assert(
    fc.property(killedRun, (run) => {
      const { completeness, take } = counting()
      const open = new Map<string, Finding>()
      let now = 0
      const look = () => {
        for (const one of completeness.findings(now, 100)) {
          const key = `${one.kind} ${one.source} ${one.kind === 'ended-without-mark' ? '' : `${one.from}..${one.to}`}`
          assert.equal(open.has(key), one.event === 'closed', key)
          if (one.event === 'found') open.set(key, one)
          else open.delete(key)
        }
      }
      factsOf(run).forEach((fact, at) => {
        now += run.pausesMs[at] ?? 0
        take(now, fact)
        look()
      })
      now += 1_000_000
      look()
      const { gaps, tailUnknown } = completeness.totals()
      const [settled, last] = run.told
      const kinds = [...open.values()].filter(({ kind }) => kind === 'tail-unknown')
      assert.equal(kinds.length, tailUnknown > 0 ? 1 : 0)
      assert.equal(gaps + tailUnknown, missingOf(run.numbers, 1, run.ended ? last : run.reserved).length)
      // More are gaps only where they had been told of for too long before the source was succeeded.
      assert.ok(gaps >= missingOf(run.numbers, 1, settled).length)
    }),
    RUNS,
  )
})
