// SPDX-License-Identifier: Apache-2.0
// A command that was refused for want of a right, as a fact in the journal of the process that refused it.
import { writeFact } from '../facts/entries.ts'
import type { Journal } from './journal.ts'

/** Who wanted what; `query` as it was said. */
export type Denied = { uid: number; user: string; command: string; query: Readonly<Record<string, unknown>> }

export type DenialLog = {
  /** Resolves when the fact is on disk, or when this uid has had its share of the hour; rejects when it cannot be kept. */
  record(denied: Denied): Promise<void>
}

/** Nobody who may do nothing shall be able to fill a journal. */
const HOUR_MS = 3_600_000
export const MOST_PER_HOUR = 100
export const MOST_UIDS = 1_000

/** `over`: told once an hour for each uid whose further attempts are not put on record. */
export function openDenialLog(journal: Journal, now: () => number, over: (uid: number) => void): DenialLog {
  const counts = new Map<number, number>()
  let since = now()
  return {
    async record({ uid, user, command, query }) {
      const at = now()
      if (at - since >= HOUR_MS || at < since) {
        counts.clear()
        since = at
      }
      if (!mayRecord(uid)) return
      const { reason, ...rest } = query
      const given = typeof reason === 'string' && reason !== '' ? { reason } : {}
      await journal.append([
        writeFact({
          kind: 'access',
          who: { uid, user },
          command,
          query: rest,
          hits: null,
          ...given,
          denied: true,
          at: new Date(at).toISOString(),
        }),
      ])
    },
  }

  /** Uids beyond the bound share one count. */
  function mayRecord(uid: number): boolean {
    const key = counts.has(uid) || counts.size < MOST_UIDS ? uid : -1
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    if (count === MOST_PER_HOUR + 1) over(uid)
    return count <= MOST_PER_HOUR
  }
}
