// SPDX-License-Identifier: Apache-2.0
// What the servers' helpers told, read from policy's journal as it is written and past the archive, so that the archive's own
// words can be judged by it.
import { openFollower } from '../../components/kit/bus/file-follower.ts'
import { readFact } from '../../components/kit/facts/entries.ts'

export type SourceTold = {
  source: string
  /** Everything up to here is settled, says the source. */
  done: number
  /** The highest number that it asked about. */
  asked: number
  /** The last number that it said was given out, and when that was recorded (Unix ms). */
  last: number
  lastAt: number
  /** A later run has taken its place. */
  succeeded: boolean
  /** It said that it stops. */
  ended: boolean
}

export type Told = AsyncDisposable & {
  sources(): readonly SourceTold[]
  /** Resolves when a source that lives has told that everything it has asked about until now is settled; rejects after the time. */
  settled(withinMs: number): Promise<void>
}

/** Follows the journal in this folder from its first entry on, under a name of its own. */
export async function openTold(folder: string): Promise<Told> {
  const ending = new AbortController()
  const { signal } = ending
  const follower = await openFollower(folder, 'faults', { waitFor: AbortSignal.timeout(30_000) })
  const known = new Map<string, SourceTold>()
  const of = (source: string): SourceTold => {
    const found = known.get(source) ?? {
      ...{ source, done: 0, asked: 0, last: 0, lastAt: 0, succeeded: false, ended: false },
    }
    known.set(source, found)
    return found
  }
  const last = (one: SourceTold, number: number, at: number) => {
    if (number > one.last) Object.assign(one, { last: number, lastAt: at })
  }
  let fault: unknown = null
  const watching = new Set<() => void>()
  const following = (async () => {
    for await (const batch of follower.follow(0, { limit: 1000, signal })) {
      for (const entry of batch) {
        const fact = readFact(entry)
        if (fact.kind === 'ask') {
          const one = of(fact.source)
          one.asked = Math.max(one.asked, fact.n)
        } else if (fact.kind === 'done') {
          const one = of(fact.source)
          one.done = Math.max(one.done, fact.to)
          last(one, fact.to, entry.at)
        } else if (fact.kind === 'mark') {
          const one = of(fact.source)
          one.ended ||= fact.end === true
          last(one, fact.last, entry.at)
        } else if (fact.kind === 'source') {
          of(fact.source)
          if (fact.predecessor !== undefined) of(fact.predecessor.source).succeeded = true
        }
      }
      for (const look of [...watching]) look()
      await follower.acknowledge(batch.at(-1)?.position ?? 0)
    }
  })().catch((error: unknown) => {
    if (!signal.aborted) fault = error
  })
  return {
    sources() {
      if (fault !== null) throw new Error('the journal cannot be followed', { cause: fault })
      return [...known.values()]
    },
    async settled(withinMs) {
      const asked = new Map([...known.values()].map((one) => [one.source, one.asked]))
      const isSettled = () =>
        [...known.values()].some((one) => !one.succeeded && one.done > 0 && one.done >= (asked.get(one.source) ?? 0))
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const look = () => {
        if (isSettled()) resolve()
      }
      const late = setTimeout(() => reject(new Error(`nothing is settled within ${withinMs} ms`)), withinMs)
      watching.add(look)
      look()
      await promise.finally(() => {
        watching.delete(look)
        clearTimeout(late)
      })
    },
    async [Symbol.asyncDispose]() {
      ending.abort()
      await following
      await follower[Symbol.asyncDispose]()
    },
  }
}
