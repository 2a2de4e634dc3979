// SPDX-License-Identifier: Apache-2.0
// A command that was refused for want of a right, as a fact in the journal of the process that refused it.
import { writeFact } from '../facts/entries.ts'
import type { Who } from '../facts/facts.ts'
import type { Journal } from './journal.ts'

/** Who wanted what; `query` as it was said. */
export type Denied = { who: Who; via?: string; command: string; query: Readonly<Record<string, unknown>> }

export type DenialLog = {
  /** Resolves when the fact is on disk, or when this person has had his share of the hour; rejects when it cannot be kept. */
  record(denied: Denied): Promise<void>
}

/** Nobody who may do nothing shall be able to fill a journal. */
const HOUR_MS = 3_600_000
export const MOST_PER_HOUR = 100
export const MOST_PEOPLE = 1_000

/** `over`: told once an hour for each person whose further attempts are not put on record; null: those beyond the bound. */
export function openDenialLog(journal: Journal, now: () => number, over: (who: Who | null) => void): DenialLog {
  const counts = new Map<string, number>()
  let since = now()
  return {
    async record({ who, via, command, query }) {
      const at = now()
      if (at - since >= HOUR_MS || at < since) {
        counts.clear()
        since = at
      }
      if (!mayRecord(who)) return
      const { reason, ...rest } = query
      const given = typeof reason === 'string' && reason !== '' ? { reason } : {}
      await journal.append([
        writeFact({
          kind: 'access',
          who,
          ...(via === undefined ? {} : { via }),
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

  /** People beyond the bound share one count. */
  function mayRecord(who: Who): boolean {
    const own = 'jid' in who ? `jid ${who.jid}` : `uid ${who.uid}`
    const isOwn = counts.has(own) || counts.size < MOST_PEOPLE
    const key = isOwn ? own : ''
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    if (count === MOST_PER_HOUR + 1) over(isOwn ? who : null)
    return count <= MOST_PER_HOUR
  }
}
