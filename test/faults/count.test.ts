// SPDX-License-Identifier: Apache-2.0
// The counting itself: each kind of fault is seen, and what is honest is not counted as one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, judge, type Recorded, unexplained } from './count.ts'
import type { Message } from './steady.ts'
import type { SourceTold } from './told.ts'

const told = (source: string, more: Partial<SourceTold>): SourceTold => ({
  ...{ source, done: 10, asked: 12, last: 20, lastAt: 0, succeeded: false, ended: false },
  ...more,
})
const SOURCES = [
  told('killed', { succeeded: true }),
  told('stopped', { succeeded: true, ended: true }),
  told('lives', {}),
]
const record = (settlement: string, source = 'lives', n = 7): Recorded => ({ settlement, source, n })
/** Numbers above 10 it could not tell of any more. */
const TAIL = record('undecided', 'killed', 11)
const message = (given: Partial<Message>): Message => ({
  ...{ id: 'm', pair: 0, number: 0, batch: 'b', sends: 1, deliveries: 0, errors: 0, acknowledged: true },
  ...given,
})

const CASES: readonly [title: string, message: Partial<Message>, records: Recorded[] | null, faults: string[]][] = [
  ['delivered and recorded as released', { deliveries: 1 }, [record('released')], []],
  ['delivered unscreened, told later', { deliveries: 1 }, [record('unscreened')], []],
  ['refused, and recorded', { errors: 1 }, [record('refused')], []],
  ['bounced while nobody could be asked: no record', { errors: 1 }, null, []],
  ['delivered, and the server was killed before it told', { deliveries: 1 }, [TAIL], []],
  ['known by a start of the source only', { deliveries: 1 }, [{ ...TAIL, source: 'kil' }], []],
  [
    'delivered, and the server lives but never told',
    { deliveries: 1 },
    [record('undecided')],
    ['unrecorded', 'unsettled'],
  ],
  [
    'delivered, and the killed server had told of this number',
    { deliveries: 1 },
    [record('undecided', 'killed', 10)],
    ['unrecorded', 'unsettled'],
  ],
  [
    'delivered, and the server stopped in good order without telling',
    { deliveries: 1 },
    [record('undecided', 'stopped', 11)],
    ['unrecorded', 'unsettled'],
  ],
  ['of a source that nobody knows', { deliveries: 1 }, [record('undecided', 'x', 11)], ['unrecorded', 'unsettled']],
  ['refused, and that was never settled', { errors: 1 }, [record('undecided')], ['unsettled']],
  ['sent twice after a crash, came twice', { sends: 2, deliveries: 2 }, [TAIL, record('released')], []],
  ['came twice, and only one of them is on record', { sends: 2, deliveries: 2 }, [record('released')], ['unrecorded']],
  ['came twice, and only one may be told of in a tail', { sends: 2, deliveries: 2 }, [TAIL], ['unrecorded']],
  [
    'came twice, and one record says that it was not delivered',
    { sends: 2, deliveries: 2 },
    [record('released'), record('bounced')],
    ['unrecorded'],
  ],
  ['came three times, with two in a tail', { sends: 3, deliveries: 3 }, [record('released'), TAIL, TAIL], []],
  ['sent twice, came once and was bounced once', { sends: 2, deliveries: 1, errors: 1 }, [TAIL, record('bounced')], []],
  ['neither delivered nor refused', {}, [TAIL], ['lost']],
  ['delivered without a record', { deliveries: 1 }, null, ['unrecorded']],
  ['delivered, but every record says it was not', { deliveries: 1 }, [record('bounced')], ['unrecorded']],
  ['recorded as released, never came', { errors: 1 }, [record('released')], ['phantom']],
  [
    'recorded as released twice, came once',
    { sends: 2, deliveries: 1 },
    [record('released'), record('released')],
    ['phantom'],
  ],
  ['sent once, came twice', { deliveries: 2 }, [record('released'), record('released')], ['doubled']],
  ['sent once, came twice, recorded once', { deliveries: 2 }, [record('released')], ['unrecorded', 'doubled']],
  ['sent once, came and was refused as well', { deliveries: 1, errors: 1 }, [record('released')], ['doubled']],
]

for (const [title, given, records, faults] of CASES) {
  test(title, () => {
    const { findings } = judge([message(given)], [], new Map(records === null ? [] : [['m', records]]), SOURCES)
    assert.deepEqual(
      findings.map((one) => one.what),
      faults,
    )
  })
}

const ENDED = { kind: 'ended-without-mark', source: 'killed' }
for (const [title, missing, known, faults] of [
  [
    'a kill explains an end without a mark and an unknown tail',
    [ENDED, { kind: 'tail-unknown', source: 'killed' }],
    SOURCES,
    0,
  ],
  ['but no gap', [ENDED, { kind: 'gap', source: 'killed', from: 11, to: 12 }], SOURCES, 1],
  ['of a source that lives neither', [ENDED, { kind: 'gap', source: 'lives', from: 11, to: 12 }], SOURCES, 1],
  [
    'nor one of a source that stopped in order',
    [ENDED, { kind: 'gap', source: 'stopped', from: 11, to: 12 }],
    SOURCES,
    1,
  ],
  ['nor are entries that a journal lost', [ENDED, { kind: 'journal-gap', source: 'j' }], SOURCES, 1],
  ['a source that lives has no unknown tail', [ENDED, { kind: 'tail-unknown', source: 'lives' }], SOURCES, 1],
  ['a kill that the archive does not tell of', [], SOURCES, 1],
  ['nobody is left to tell', [ENDED], SOURCES.slice(0, 1), 1],
] as const) {
  test(`missing: ${title}`, () => assert.equal(unexplained(missing, known).length, faults))
}

test('an archive that has every message and settles nothing fails the run; one that settles passes', async () => {
  const messages = Array.from({ length: 3 }, (_, i) => message({ id: `m${i}`, deliveries: 1 }))
  const archive = (settlement: string) => ({
    ask: (command: string) =>
      Promise.resolve(
        command === 'archive search'
          ? messages.map(({ id }, i) => ({ id: `lives-${i + 1}`, stanza_id: id, settlement }))
          : [ENDED],
      ),
  })
  const run = { messages, disordered: [], sources: () => SOURCES }
  const silent = await count(archive('undecided'), run, 0)
  assert.equal(silent.counted.unrecorded, 3)
  assert.equal(silent.counted.unsettled, 3)
  const honest = await count(archive('released'), run, 0)
  assert.deepEqual([honest.findings, honest.unexplained], [[], []])
})

test('at last everything is read once more: what is told of a message that was right before counts as well', async () => {
  const messages = [
    message({ id: 'early', batch: 'b1', errors: 1 }),
    message({ id: 'late', batch: 'b2', deliveries: 1 }),
  ]
  const reads = { b1: 0, b2: 0 }
  const archive = {
    ask: (command: string, args?: Readonly<Record<string, unknown>>) => {
      if (command !== 'archive search') return Promise.resolve([ENDED])
      const batch = args?.words === 'b1' ? 'b1' : 'b2'
      reads[batch] += 1
      const settlement = reads[batch] === 1 ? { b1: 'refused', b2: 'undecided' } : { b1: 'released', b2: 'released' }
      const row = { id: `lives-${batch}`, stanza_id: batch === 'b1' ? 'early' : 'late', settlement: settlement[batch] }
      return Promise.resolve([row])
    },
  }
  const { findings } = await count(archive, { messages, disordered: [], sources: () => SOURCES })
  assert.deepEqual(
    findings.map(({ what, message: { id } }) => [what, id]),
    [['phantom', 'early']],
  )
  assert.deepEqual(reads, { b1: 2, b2: 3 })
})

test('an archive that may have more to say than one answer holds is no proof', async () => {
  const full = (command: string) => ({
    ask: (asked: string) =>
      Promise.resolve(asked === command ? Array.from({ length: 1000 }, () => ({ ...ENDED, id: 'lives-1' })) : [ENDED]),
  })
  const run = { messages: [message({ deliveries: 1 })], disordered: [], sources: () => SOURCES }
  await assert.rejects(count(full('archive search'), run), /more records of b/)
  await assert.rejects(count(full('archive gaps'), run), /more is missing/)
})

test('what killed sources left open is counted, and the most of one', () => {
  const other = { ...TAIL, source: 'other' }
  const records = new Map([
    ['m1', [TAIL]],
    ['m2', [{ ...TAIL, n: 12 }, other]],
  ])
  const messages = [...records.keys()].map((id) => message({ id, deliveries: 1 }))
  const { counted } = judge(messages, [], records, [...SOURCES, told('other', { succeeded: true })])
  assert.deepEqual([counted.tail, counted.tailOfOne], [3, 2])
})
