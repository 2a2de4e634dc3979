// SPDX-License-Identifier: Apache-2.0
// How many a search finds, and which it shows, on either side of what it reads in one pass.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT_MS, ask, chat, done, SOURCE, settle } from '../facts.ts'
import { openStage } from '../stage.ts'

const SHORT = SOURCE.slice(0, 8)

test('newest first and counted to the last one, with few hits and with many', async (t) => {
  await using stage = await openStage({ startAt: AT_MS + 10_000 })
  const groups = [1, 199, 200, 201, 450]
  const of = new Map<number, number[]>(groups.map((size) => [size, []]))
  const total = groups.reduce((sum, size) => sum + size)
  const facts = Array.from({ length: total }, (_, at) => {
    // The groups are mixed with one another over all numbers.
    const [size] = [...of]
      .filter(([size, got]) => got.length < size)
      .sort(([a, x], [b, y]) => x.length / a - y.length / b)[0] ?? [0]
    of.get(size)?.push(at + 1)
    // What has its words more often, and would stand first by rank, is shown in its place all the same.
    const more = at % 3 === 0 ? ` the end${size}, group${size}`.repeat(9) : ''
    const body = `the group${size} brought the end${size}, or the end${size} brought the group${size}${more}`
    return ask({ n: at + 1, stanza: chat(body, { from: `group${size}@corp.example/desk`, id: `m${at + 1}` }) })
  })
  await stage.write(...facts, done(total))
  const until = new Date(AT_MS + 60_000).toISOString()
  for (const [size, numbers] of of)
    for (const query of [
      { words: `group${size}` },
      { words: `"group${size} brought the end${size}"` },
      { words: 'the', person: `group${size}@corp.example` },
      { person: `group${size}@corp.example`, verdict: 'allow' },
      { words: `end${size}`, until },
    ])
      for (const limit of [1, 50, 1000])
        await t.test(`${JSON.stringify(query)} of ${size}, at most ${limit}`, async () => {
          const { rows, texts } = await stage.ask('archive search', { ...query, limit })
          const newest = numbers.toReversed().slice(0, limit)
          assert.deepEqual(
            [rows.map((row) => row.id), texts[0]],
            [newest.map((n) => `${SHORT}-${n}`), `${size === 1 ? 'One hit' : `${size} hits`}, ${newest.length} shown.`],
          )
        })
  const phrase = await stage.ask('archive search', { words: '"end450 the brought"' })
  assert.deepEqual(phrase.texts, ['0 hits, 0 shown.'])
})

test('in a list each number stands once, with its own tries and what the server said of it', async () => {
  await using stage = await openStage({ startAt: AT_MS + 10_000 })
  const other = 'feedfeedfeedfeedfeedfeedfeedfeed'
  const asked = (n: number, tried: number, action: 'allow' | 'refuse', source = SOURCE) =>
    ask({
      ...{ source, n, try: tried, stanza: chat('listed') },
      verdict:
        action === 'allow'
          ? { action, rule: 'otherwise' }
          : { action, rule: 'otherwise', condition: 'policy-violation', text: {} },
    })
  await stage.write(
    asked(1, 1, 'allow'),
    // The second try is told of first.
    asked(2, 2, 'refuse'),
    asked(2, 1, 'allow'),
    asked(3, 1, 'allow'),
    asked(4, 1, 'refuse'),
    asked(5, 1, 'allow'),
    // The same number of another source, of which something else was said.
    asked(3, 1, 'allow', other),
    settle(2, 'refused', 2),
    settle(3, 'gone'),
    settle(3, 'released', 1),
    settle(3, 'bounced', undefined, other),
    done(4),
  )
  const { rows } = await stage.ask('archive search', { person: 'bob@corp.example' })
  assert.deepEqual(
    rows.map(({ id, settlement, tries, try: tried, verdict }) => [id, settlement, tries, tried, verdict]),
    [
      [`${other.slice(0, 8)}-3`, 'bounced', 1, 1, 'allow'],
      [`${SHORT}-5`, 'undecided', 1, 1, 'allow'],
      [`${SHORT}-4`, 'refused', 1, 1, 'refuse'],
      [`${SHORT}-3`, 'gone', 1, 1, 'allow'],
      [`${SHORT}-2`, 'refused', 2, 2, 'refuse'],
      [`${SHORT}-1`, 'released', 1, 1, 'allow'],
    ],
  )
})
