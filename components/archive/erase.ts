// SPDX-License-Identifier: Apache-2.0
// Erasing a record: only when no journal holds it any more, or it would not be gone. The journal that holds it is asked to part with it.
import { setTimeout as delay } from 'node:timers/promises'
import type { Journals } from './journals.ts'
import type { ArchiveStore } from './storage/archive-store.ts'
import type { Erase } from './storage/erase.ts'

export type EraseStep =
  | { step: 'waiting'; journal: string; left: number; of: number }
  /** Nothing was erased. */
  | { step: 'held'; journal: string }
  | { step: 'erased'; tries: number }
  /** As `erased`; a search that has been running since before keeps the old state on the disk until it ends. */
  | { step: 'wiping' }

const LOOK_MS = 250
/** A journal's writer looks every 5 s. */
const WAIT_MS = 20_000
const WIPE_MS = 10_000

/** `record` puts it on record; it is called when nothing stands in the way any more, before anything is erased. */
export async function* eraseRecord(
  store: ArchiveStore,
  journals: readonly Journals[],
  asked: Erase,
  record: () => Promise<void>,
  signal: AbortSignal,
): AsyncGenerator<EraseStep> {
  const standing = await store.read('standings', { source: asked.source, n: asked.n })
  const from = performance.now()
  for (const { journal, position } of standing) {
    for (const each of journals) await each.release(journal, position)
    for (;;) {
      const holding = (await Promise.all(journals.map((each) => each.holds(journal, position)))).find(
        (name) => name !== null,
      )
      if (holding === undefined) break
      const left = WAIT_MS - (performance.now() - from)
      if (left <= 0 || signal.aborted) {
        yield { step: 'held', journal: holding ?? '' }
        return
      }
      yield { step: 'waiting', journal: holding ?? '', left: Math.ceil(left / 1000), of: WAIT_MS / 1000 }
      await delay(LOOK_MS, undefined, { signal }).catch(() => {})
    }
  }
  await record()
  const { erased } = await store.write('erase', asked)
  yield { step: 'erased', tries: erased }
  const until = performance.now() + WIPE_MS
  // The first answer may stem from before the group of the erasure was tidied.
  do {
    if ((await store.write('wiped', null)).wiped) return
    await delay(LOOK_MS)
  } while (performance.now() < until)
  yield { step: 'wiping' }
}
