// SPDX-License-Identifier: Apache-2.0
// What every engine of the snapshot must do: one body, run by a test file per engine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Item,
  type Mark,
  SnapshotFault,
  type SnapshotReader,
  type Step,
} from '../../../components/kit/bus/snapshot.ts'
import { startSnapshotChild } from './children.ts'
import type { SnapshotEngine } from './snapshot-engine.ts'

const ROUNDS = process.env.GATEHOUSE_LONG === '1' ? 60 : 3

/** What a reader holds after a version, and how it came to it. */
type Held = {
  mark: Mark
  whole: boolean
  items: Map<string, string>
  put: string[]
  removed: string[]
  batches: number
}

export const item = (key: string, body: string): Item => ({ key, kind: 'n', version: 1, body })
const items = (count: number, body: string): Item[] => Array.from({ length: count }, (_, i) => item(`k${i}`, body))

/** The versions that a reader hears of, one after the other. */
export async function* versionsOf(
  reader: SnapshotReader,
  after: Held | null,
  signal = new AbortController().signal,
): AsyncGenerator<Held, void, undefined> {
  let held = after
  let steps: Step[] = []
  for await (const step of reader.follow(after?.mark ?? null, { signal })) {
    steps.push(step)
    if (step.kind !== 'commit') continue
    const [begin, ...rest] = steps
    assert.ok(begin?.kind === 'begin')
    const map = new Map(begin.whole ? [] : held?.items)
    const batches = rest.filter((one) => one.kind === 'batch')
    const put = batches.flatMap((batch) => batch.put)
    const removed = batches.flatMap((batch) => batch.removed)
    for (const { key, body } of put) map.set(key, body)
    for (const key of removed) map.delete(key)
    const keys = put.map(({ key }) => key)
    const mark = { id: step.id, seq: step.seq }
    held = { mark, whole: begin.whole, items: map, put: keys, removed: [...removed], batches: batches.length }
    steps = []
    yield held
  }
}

export async function nextOf(reader: SnapshotReader, after: Held | null = null): Promise<Held> {
  for await (const held of versionsOf(reader, after)) return held
  throw new Error('the reader has ended')
}

export function testSnapshotEngine(name: string, make: () => Promise<SnapshotEngine>): void {
  const on = (title: string, body: (engine: SnapshotEngine) => Promise<void>) =>
    void test(`snapshot, ${name}: ${title}`, { timeout: 60_000 }, async () => {
      const engine = await make()
      try {
        await body(engine)
      } finally {
        await engine.remove()
      }
    })

  on('a reader gets the whole, then only what changed, in one version each', async (engine) => {
    await using writer = await engine.write()
    await using reader = engine.read({ limit: 10 })
    assert.deepEqual(await writer.replace(items(25, 'old')), { seq: 1 })
    const versions = versionsOf(reader, null)
    const first = (await versions.next()).value as Held
    assert.deepEqual([first.whole, first.items.size, first.batches, first.mark.seq], [true, 25, 3, 1])
    await writer.put({ put: [item('k3', 'new'), item('x', 'ä 漢字 🎈'), item('k4', 'old')], remove: ['k5', 'never'] })
    const second = (await versions.next()).value as Held
    assert.deepEqual([second.whole, second.mark.seq, second.put.sort()], [false, 2, ['k3', 'x']])
    assert.deepEqual(second.removed, ['k5'])
    assert.deepEqual([second.items.get('k3'), second.items.get('x')], ['new', 'ä 漢字 🎈'])
    await writer.replace([item('k3', 'new'), item('k5', 'back')])
    const third = (await versions.next()).value as Held
    assert.deepEqual([third.whole, third.put, third.removed.length], [false, ['k5'], 24])
    assert.deepEqual(
      [...third.items],
      [
        ['k3', 'new'],
        ['k5', 'back'],
      ],
    )
    await versions.return()
    const state = await reader.state()
    assert.deepEqual(state, await writer.state())
    assert.deepEqual([state?.seq, state?.items, state?.oldest], [3, 2, 0])
    assert.match(state?.id ?? '', /^[0-9a-f]{32}$/)
  })

  on('what is the same makes no version, and is confirmed; kind and version count as well', async (engine) => {
    await using writer = await engine.write()
    await writer.replace(items(3, 'a'))
    const before = await writer.state()
    assert.deepEqual(await writer.replace(items(3, 'a')), { seq: 1 })
    assert.deepEqual(await writer.put({ put: items(2, 'a'), remove: ['none'] }), { seq: 1 })
    assert.deepEqual(await writer.put({}), { seq: 1 })
    const { confirmed, ...state } = await writer.state()
    assert.deepEqual({ ...state, confirmed: before.confirmed }, before)
    assert.ok(confirmed >= before.confirmed)
    assert.deepEqual(await writer.put({ put: [{ ...item('k0', 'a'), kind: 'm' }] }), { seq: 2 })
    assert.deepEqual(await writer.put({ put: [{ ...item('k0', 'a'), kind: 'm', version: 2 }] }), { seq: 3 })
  })

  on('nothing is published until the writer says so, and then even nothing is', async (engine) => {
    await using reader = engine.read()
    assert.equal(await reader.state(), null)
    const heard = nextOf(reader)
    await using writer = await engine.write()
    assert.deepEqual(await writer.put({ remove: ['x'] }), { seq: 0 })
    assert.equal((await reader.state())?.seq, 0)
    assert.deepEqual(await writer.replace([]), { seq: 1 })
    const held = await heard
    assert.deepEqual([held.whole, held.items.size, held.mark.seq], [true, 0, 1])
  })

  on(
    'a reader that was away goes on from its version; behind the oldest, or of another snapshot, with the whole',
    async (engine) => {
      await using writer = await engine.write({ keepMost: 2 })
      await using reader = engine.read()
      await writer.replace(items(10, 'a'))
      const first = await nextOf(reader)
      await writer.put({ remove: ['k0'] })
      await writer.put({ put: [item('k1', 'b')], remove: ['k2'] })
      const second = await nextOf(reader, first)
      assert.deepEqual(
        [second.whole, second.mark.seq, second.put, second.removed.sort()],
        [false, 3, ['k1'], ['k0', 'k2']],
      )
      // Three removals, of which two are remembered.
      await writer.put({ remove: ['k3'] })
      assert.equal((await writer.state()).oldest, 2)
      const late = await nextOf(reader, first)
      assert.deepEqual([late.whole, late.items.size, late.items.get('k1')], [true, 7, 'b'])
      const third = await nextOf(reader, second)
      assert.deepEqual([third.whole, third.removed, third.items], [false, ['k3'], late.items])
      const other = await nextOf(reader, { ...third, mark: { id: 'f'.repeat(32), seq: third.mark.seq } })
      assert.deepEqual([other.whole, other.items], [true, late.items])
      const beyond = await nextOf(reader, { ...third, mark: { ...third.mark, seq: 99 } })
      assert.deepEqual([beyond.whole, beyond.mark.seq], [true, 4])
    },
  )

  on('removed items are remembered for their time', async (engine) => {
    await using writer = await engine.write({ keepMs: 0 })
    await writer.replace(items(3, 'a'))
    await writer.put({ remove: ['k0'] })
    const { at } = await writer.state()
    while (Date.now() <= at);
    await writer.put({ remove: ['k1'] })
    assert.equal((await writer.state()).oldest, 2)
  })

  on('a whole that fails half way changes nothing, and the next call is not touched by it', async (engine) => {
    await using writer = await engine.write()
    await using reader = engine.read()
    await writer.replace(items(2000, 'a'))
    async function* half(): AsyncGenerator<Item> {
      yield* items(1500, 'b')
      throw new Error('the source ended')
    }
    await assert.rejects(writer.replace(half()), /the source ended/)
    await assert.rejects(writer.put({ put: [item('', 'x')] }), SnapshotFault)
    await assert.rejects(writer.put({ put: [item('x', 'x'.repeat((4 << 20) + 1))] }), SnapshotFault)
    await assert.rejects(writer.put({ put: [{ ...item('x', 'x'), version: 0.5 }] }), SnapshotFault)
    assert.deepEqual(await writer.put({ put: [item('x', 'x')] }), { seq: 2 })
    const { items: map } = await nextOf(reader)
    assert.deepEqual([map.size, new Set(map.values())], [2001, new Set(['a', 'x'])])
  })

  on('calls are done in their order, and those under way at closing are finished', async (engine) => {
    await using reader = engine.read()
    {
      await using writer = await engine.write()
      const calls = Array.from({ length: 20 }, (_, n) => writer.put({ put: [item('k', String(n))] }))
      const closing = writer[Symbol.asyncDispose]()
      assert.deepEqual(
        (await Promise.all(calls)).map(({ seq }) => seq),
        Array.from({ length: 20 }, (_, n) => n + 1),
      )
      await closing
      await assert.rejects(writer.put({}), SnapshotFault)
    }
    assert.equal((await nextOf(reader)).items.get('k'), '19')
    await using again = await engine.write()
    assert.deepEqual(await again.put({ put: [item('k', 'again')] }), { seq: 21 })
  })

  on('there is one writer, and a second one is told so', async (engine) => {
    await using first = await engine.write()
    await assert.rejects(engine.write(), /another process .*writes the snapshot/)
    assert.deepEqual(await first.replace([]), { seq: 1 })
  })

  on('a reader that does not take a version in time is told, and holds nobody up', async (engine) => {
    await using writer = await engine.write()
    await writer.replace(items(10, 'a'))
    await using reader = engine.read({ limit: 1, withinMs: 0 })
    await assert.rejects(nextOf(reader), /was not taken within 0 ms/)
    assert.deepEqual(await writer.put({ put: [item('k', 'b')] }), { seq: 2 })
  })

  on('the reading ends when the signal aborts, in the middle of a version too', async (engine) => {
    await using writer = await engine.write()
    await writer.replace(items(10, 'a'))
    await using reader = engine.read({ limit: 1 })
    const stop = new AbortController()
    const steps: string[] = []
    for await (const { kind } of reader.follow(null, { signal: stop.signal })) {
      steps.push(kind)
      if (steps.length === 3) stop.abort()
    }
    assert.deepEqual(steps, ['begin', 'batch', 'batch'])
  })

  on('a reader in another process never sees half of a version, however often the writer is killed', async (engine) => {
    await using reader = startSnapshotChild(engine, 'read')
    let acknowledged = 0
    for (let round = 0; round < ROUNDS; round++) {
      await using writer = startSnapshotChild(engine, 'write')
      await writer.heard((told) => (told.acknowledged ?? 0) >= acknowledged + 3 + round)
      await writer.kill()
      acknowledged = writer.acknowledged
      await reader.heard((told) => (told.position ?? 0) >= acknowledged)
    }
    await using last = await engine.write()
    assert.ok((await last.state()).seq >= acknowledged)
  })
}
