// SPDX-License-Identifier: Apache-2.0
// What every engine of the journal must do: one body, run by a test file per engine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Entry,
  type Follower,
  type Journal,
  JournalFault,
  JournalFull,
  type Kept,
} from '../../../components/kit/bus/journal.ts'
import { startChild } from './children.ts'
import type { Engine } from './engine.ts'

const LONG = process.env.GATEHOUSE_LONG === '1'
const never = new AbortController().signal

export function testEngine(name: string, make: () => Promise<Engine>): void {
  const on = (title: string, body: (engine: Engine) => Promise<void>) =>
    void test(`${name}: ${title}`, { timeout: LONG ? 600_000 : 60_000 }, async () => {
      const engine = await make()
      try {
        await body(engine)
      } finally {
        await engine.remove()
      }
    })

  on('entries are kept in the order of the calls, numbered from 1 without gaps', async (engine) => {
    await using journal = await engine.write()
    const bodies: string[] = []
    const calls = Array.from({ length: 200 }, (_, call) => {
      const entries = Array.from({ length: 1 + (call % 64) }, (_, index) => entry(`{"call":${call},"index":${index}}`))
      bodies.push(...entries.map(({ body }) => body))
      return journal.append(entries)
    })
    let position = 1
    for (const [call, range] of (await Promise.all(calls)).entries()) {
      assert.deepEqual(range, { first: position, last: position + (call % 64) })
      position = range.last + 1
    }
    await using follower = await engine.follow('reader')
    const kept = await collect(follower, 0, bodies.length, 100)
    assert.deepEqual(
      kept.map((one) => [one.position, one.body]),
      bodies.map((body, index) => [index + 1, body]),
    )
  })

  on("an entry comes back as it was given, with the recorder's time", async (engine) => {
    await using journal = await engine.write()
    const given: Entry[] = [
      { kind: 'ask', version: 1, body: '{"text":"größer als 5 € — 漢字 🎈 \\u0000"}' },
      { kind: 'a-kind-of-later', version: 7, body: '{}' },
      { kind: 'ask', version: 1, body: JSON.stringify({ large: 'ä'.repeat(3_000_000) }) },
    ]
    const before = Date.now()
    await journal.append(given)
    const afterwards = Date.now()
    await using follower = await engine.follow('reader')
    const kept = await collect(follower, 0, 3)
    assert.deepEqual(
      kept.map(({ kind, version, body }) => ({ kind, version, body })),
      given,
    )
    for (const { at } of kept) assert.ok(at >= before && at <= afterwards)
  })

  on('numbers and the id go on over closing and opening', async (engine) => {
    const ids = new Set<string>()
    for (let round = 0; round < 3; round++) {
      await using journal = await engine.write()
      assert.deepEqual(await journal.append([entry('a'), entry('b')]), { first: round * 2 + 1, last: round * 2 + 2 })
      ids.add((await journal.state()).id)
    }
    assert.equal(ids.size, 1)
    assert.match([...ids][0] ?? '', /^[0-9a-f]{32}$/)
  })

  on('what was appended before closing is finished, what comes after is refused', async (engine) => {
    const journal = await engine.write()
    const appended = journal.append([entry('a')])
    const closed = journal[Symbol.asyncDispose]()
    await assert.rejects(journal.append([entry('b')]), JournalFault)
    assert.deepEqual(await appended, { first: 1, last: 1 })
    await closed
    await assert.rejects(journal.append([entry('c')]), JournalFault)
    await assert.rejects(journal.state(), JournalFault)
    await using follower = await engine.follow('reader')
    assert.equal((await follower.state()).last, 1)
  })

  on('an append of nothing and an entry that is none are refused', async (engine) => {
    await using journal = await engine.write()
    await assert.rejects(journal.append([]), JournalFault)
    await assert.rejects(journal.append([{ kind: 'ask', version: 1 } as Entry]), JournalFault)
    await assert.rejects(journal.append([{ kind: 'ask', version: 0.5, body: '' }]), JournalFault)
    assert.deepEqual(await journal.append([entry('a')]), { first: 1, last: 1 })
  })

  on('a follower waits at the end, hears what comes, and ends when it is told', async (engine) => {
    await using journal = await engine.write()
    await using follower = await engine.follow('reader')
    const stop = new AbortController()
    const heard: number[] = []
    const followed = (async () => {
      for await (const batch of follower.follow(0, { limit: 10, signal: stop.signal })) {
        heard.push(...batch.map(({ position }) => position))
        // Each append waits until the one before was heard.
        if (heard.length < 20) await journal.append([entry('next')])
        else stop.abort()
      }
    })()
    await journal.append([entry('first')])
    await followed
    assert.deepEqual(
      heard,
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
  })

  on('closing a follower ends its waiting', async (engine) => {
    await using journal = await engine.write()
    await journal.append([entry('a')])
    const follower = await engine.follow('reader')
    for await (const batch of follower.follow(0, { limit: 10, signal: never })) {
      assert.equal(batch.length, 1)
      await follower[Symbol.asyncDispose]()
    }
  })

  on('a follower reads while the writer is down, and goes on when it is back', async (engine) => {
    {
      await using journal = await engine.write()
      await journal.append([entry('a'), entry('b')])
    }
    await using follower = await engine.follow('reader')
    const batches = follower.follow(0, { limit: 10, signal: never })[Symbol.asyncIterator]()
    assert.deepEqual(bodies(await batches.next()), ['a', 'b'])
    const next = batches.next()
    await using journal = await engine.write()
    await journal.append([entry('c')])
    assert.deepEqual(bodies(await next), ['c'])
    await batches.return?.()
  })

  on('trim removes what every follower has acknowledged, and positions are never used again', async (engine) => {
    {
      await using journal = await engine.write()
      await journal.append(many(100))
      assert.equal(await journal.trim(), 0, 'nobody has acknowledged anything, so nothing goes')
      await using quick = await engine.follow('quick')
      await using slow = await engine.follow('slow')
      await quick.acknowledge(100)
      await slow.acknowledge(40)
      await slow.acknowledge(30)
      await journal.trim()
      assert.ok((await journal.state()).first <= 41, 'the slow follower needs entry 41')
      assert.deepEqual(
        (await collect(slow, 40, 100)).map(({ position }) => position),
        Array.from({ length: 60 }, (_, index) => index + 41),
      )
      assert.deepEqual((await journal.state()).followers.toSorted(byName), [
        { name: 'quick', position: 100 },
        { name: 'slow', position: 40 },
      ])
      await slow.acknowledge(100)
      const { first, last } = await journal.state()
      assert.equal(await journal.trim(), last - first + 1)
      assert.equal((await journal.state()).first, 101)
      assert.equal((await journal.state()).last, 100)
    }
    await using again = await engine.write()
    assert.deepEqual(await again.append([entry('a')]), { first: 101, last: 101 })
    await using quick = await engine.follow('quick')
    assert.deepEqual(
      (await collect(quick, 0, 1)).map(({ position }) => position),
      [101],
      'who asks for what is gone begins at the oldest that is kept',
    )
  })

  on('what is not there can be neither acknowledged nor followed', async (engine) => {
    await using journal = await engine.write()
    await journal.append([entry('a')])
    await using follower = await engine.follow('reader')
    await assert.rejects(follower.acknowledge(2), JournalFault)
    await follower.acknowledge(1)
    const batches = follower.follow(2, { limit: 10, signal: never })[Symbol.asyncIterator]()
    await assert.rejects(Promise.resolve(batches.next()), JournalFault)
    await assert.rejects(engine.follow('No/Name'), RangeError)
  })

  on('writer and follower give the same state', async (engine) => {
    await using journal = await engine.write()
    await using follower = await engine.follow('reader')
    await journal.append(many(10))
    await follower.acknowledge(4)
    const ours = await journal.state()
    const theirs = await follower.state()
    assert.deepEqual({ ...theirs, bytes: 0 }, { ...ours, bytes: 0 })
    assert.deepEqual([ours.first, ours.last, ours.hoursLeft], [1, 10, null])
    assert.deepEqual(ours.followers, [{ name: 'reader', position: 4 }])
    assert.ok(ours.bytes > 0)
  })

  on('a second writer is refused while the first is there', async (engine) => {
    await using journal = await engine.write()
    await assert.rejects(engine.write(), JournalFault)
    assert.deepEqual(await journal.append([entry('a')]), { first: 1, last: 1 })
  })

  on(
    'at maxBytes an append is rejected whole, warned of before, and taken again once there is space',
    async (engine) => {
      const levels: string[] = []
      const maxBytes = engine.smallest
      await using journal = await engine.write({ maxBytes, warn: (level) => levels.push(level) })
      await using follower = await engine.follow('reader')
      const kept = await appendUntilFull(journal, maxBytes)
      assert.ok(kept * 1000 > maxBytes / 2, `only ${kept} entries of 1,000 bytes fit into ${maxBytes} bytes`)
      assert.deepEqual(levels.slice(0, 3), ['warned', 'alarmed', 'full'])
      const full = await journal.state()
      assert.equal(full.last, kept)
      assert.equal((await collect(follower, 0, kept)).length, kept)
      await follower.acknowledge(kept)
      await journal.trim()
      assert.deepEqual(await journal.append([entry('a')]), { first: kept + 1, last: kept + 1 })
      assert.equal(levels.at(-1), 'normal')
    },
  )

  on('the bound holds for a call that is larger than all', async (engine) => {
    await using journal = await engine.write({ maxBytes: engine.smallest })
    const large = entry('x'.repeat(engine.smallest))
    const calls = [journal.append([entry('a')]), journal.append([entry('b'), large]), journal.append([entry('c')])]
    const results = await Promise.allSettled(calls)
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value.first : result.reason.name)),
      [1, 'JournalFull', 2],
    )
  })

  on('space that every follower has passed is given back without being asked', async (engine) => {
    const maxBytes = engine.smallest
    await using journal = await engine.write({ maxBytes })
    await using follower = await engine.follow('reader')
    // Three times as much as fits: it can only go in because the follower keeps up.
    const entries = Math.ceil((maxBytes * 3) / 1000)
    const stop = new AbortController()
    const followed = (async () => {
      for await (const batch of follower.follow(0, { limit: 1000, signal: stop.signal })) {
        await follower.acknowledge(batch.at(-1)?.position ?? 0)
        if ((batch.at(-1)?.position ?? 0) >= entries) stop.abort()
      }
    })()
    for (let sent = 0; sent < entries; ) {
      try {
        sent = (await journal.append(many(Math.min(50, entries - sent), 1000))).last
      } catch (error) {
        if (!(error instanceof JournalFull)) throw error
      }
    }
    await followed
    assert.ok((await journal.state()).bytes <= maxBytes)
  })

  on(
    'kill -9 of the writer in the middle of appends: what was acknowledged is there, and nothing is out of order',
    async (engine) => {
      for (let round = 1; round <= (LONG ? 30 : 3); round++) {
        let acknowledged = 0
        {
          await using writer = startChild(engine, 'write')
          await writer.heard((told) => (told.acknowledged ?? 0) >= round * 3000)
          await writer.kill()
          acknowledged = writer.acknowledged
        }
        await using journal = await engine.write()
        const { last } = await journal.state()
        assert.ok(last >= acknowledged, `${acknowledged} was acknowledged, and the journal ends at ${last}`)
        await using follower = await engine.follow('reader')
        const kept = await collect(follower, 0, last)
        assert.ok(kept.every(({ position, body }, index) => position === index + 1 && body === String(position)))
      }
    },
  )

  on('a follower in another process reads along, and outlives the writer', async (engine) => {
    // The child demands that an entry's body is its position.
    await (await engine.write())[Symbol.asyncDispose]()
    await using follower = startChild(engine, 'follow')
    await follower.heard((told) => told.ready === true)
    await using writer = startChild(engine, 'write')
    await follower.heard((told) => (told.position ?? 0) >= 5000)
    await writer.kill()
    const reached = follower.heard((told) => (told.position ?? 0) >= writer.acknowledged)
    await using journal = await engine.write()
    await journal.append([entry(String((await journal.state()).last + 1))])
    await reached
    await follower.heard((told) => (told.position ?? 0) >= writer.acknowledged + 1)
  })

  const total = LONG ? 1_000_000 : 100_000
  on(`${total} entries with the follower stopped, then caught up`, async (engine) => {
    await using journal = await engine.write()
    await using follower = await engine.follow('reader')
    const body = 'x'.repeat(500)
    const calls: Promise<unknown>[] = []
    for (let sent = 0; sent < total; sent += 100) {
      calls.push(journal.append(Array.from({ length: 100 }, (_, index) => entry(`${sent + index + 1} ${body}`))))
      if (calls.length === 50) await Promise.all(calls.splice(0))
    }
    await Promise.all(calls)
    assert.equal((await journal.state()).last, total)
    let position = 0
    const stop = new AbortController()
    for await (const batch of follower.follow(0, { limit: 1000, signal: stop.signal })) {
      for (const kept of batch) {
        position++
        if (kept.position !== position || Number.parseInt(kept.body, 10) !== position)
          assert.fail(`wrong at ${position}`)
      }
      await follower.acknowledge(position)
      if (position === total) stop.abort()
    }
    assert.equal(position, total)
    await journal.trim()
    assert.equal((await journal.state()).first, total + 1)
  })
}

/** Reads from `after` until `upTo - after` entries have come. */
export async function collect(follower: Follower, after: number, upTo: number, limit = 1000): Promise<Kept[]> {
  const got: Kept[] = []
  for await (const batch of follower.follow(after, { limit, signal: never })) {
    assert.ok(batch.length > 0 && batch.length <= limit)
    got.push(...batch)
    if (got.length >= upTo - after) break
  }
  return got
}

/** Appends entries of 1,000 bytes, several calls under way, until one is rejected; gives how many were kept. */
export async function appendUntilFull(journal: Journal, maxBytes: number): Promise<number> {
  let kept = 0
  for (let full = false; !full; ) {
    for (const result of await Promise.allSettled(Array.from({ length: 4 }, () => journal.append(many(10, 1000))))) {
      if (result.status === 'fulfilled') kept = Math.max(kept, result.value.last)
      else {
        assert.ok(result.reason instanceof JournalFull, String(result.reason))
        full = true
      }
    }
    const { bytes } = await journal.state()
    assert.ok(bytes <= maxBytes, `${bytes} bytes are on the disk, ${maxBytes} are allowed`)
  }
  return kept
}

function entry(body: string): Entry {
  return { kind: 'ask', version: 1, body }
}

function many(count: number, bytes = 20): Entry[] {
  return Array.from({ length: count }, () => entry('x'.repeat(bytes)))
}

function bodies(result: IteratorResult<readonly Kept[]>): string[] {
  return result.done === true ? [] : result.value.map(({ body }) => body)
}

function byName(one: { name: string }, other: { name: string }): number {
  return one.name < other.name ? -1 : 1
}
