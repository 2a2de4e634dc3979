// SPDX-License-Identifier: Apache-2.0
// What every engine of the journal must do: one body, run by a test file per engine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Follower, Journal, Kept } from '../../../components/kit/bus/journal.ts'

/** An engine under test: one journal, made empty for each test; it outlives its writer and followers. */
export type Engine = {
  /** Opens the journal for writing; what is left out is the engine's default. */
  write(options?: { maxBytes?: number }): Promise<Journal>
  follow(name: string): Promise<Follower>
  remove(): Promise<void>
}

/** Reads from `after` up to and including `upTo`. */
export async function collect(follower: Follower, after: number, upTo: number, limit = 1000): Promise<Kept[]> {
  const got: Kept[] = []
  const signal = new AbortController().signal
  if (after >= upTo) return got
  for await (const batch of follower.follow(after, { limit, signal })) {
    assert.ok(batch.length > 0 && batch.length <= limit)
    got.push(...batch)
    if (got.length >= upTo - after) return got
  }
  return got
}

const entry = (body: string) => ({ kind: 'ask', version: 1, body })

export function testEngine(name: string, make: () => Promise<Engine>): void {
  const on = (title: string, body: (engine: Engine) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const engine = await make()
      try {
        await body(engine)
      } finally {
        await engine.remove()
      }
    })

  on('entries are kept in the order of the calls, numbered from 1 without gaps', async (engine) => {
    await using journal = await engine.write()
    const calls: Promise<{ first: number; last: number }>[] = []
    const bodies: string[] = []
    for (let call = 0; call < 200; call++) {
      const entries = Array.from({ length: 1 + (call % 64) }, (_, index) => entry(`{"call":${call},"index":${index}}`))
      bodies.push(...entries.map(({ body }) => body))
      calls.push(journal.append(entries))
      if (call % 7 === 0) await calls.at(-1)
    }
    let position = 1
    for (const [call, range] of (await Promise.all(calls)).entries()) {
      assert.deepEqual(range, { first: position, last: position + (call % 64) })
      position = range.last + 1
    }
    await using follower = await engine.follow('reader')
    const kept = await collect(follower, 0, bodies.length, 100)
    assert.deepEqual(
      kept.map(({ position }) => position),
      bodies.map((_, index) => index + 1),
    )
    assert.deepEqual(
      kept.map(({ body }) => body),
      bodies,
    )
  })
}
