// SPDX-License-Identifier: Apache-2.0
// How many a search finds, and which it shows, on either side of what it reads in one pass.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT_MS, ask, chat, done, SOURCE } from '../facts.ts'
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
    const body = `the group${size} brought the end${size}, or the end${size} brought the group${size}`
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
