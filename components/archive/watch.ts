// SPDX-License-Identifier: Apache-2.0
// Looks from time to time at what is missing, and puts each finding into the archive's own journal.
import type { Journal } from '../kit/bus/journal.ts'
import { writeFact } from '../kit/facts/entries.ts'
import type { Fact } from '../kit/facts/facts.ts'
import type { Batch } from './domain/batch.ts'
import type { Completeness, Finding } from './domain/completeness.ts'
import { countingOf } from './follow.ts'

export type Watch = {
  /**
   * `asOf`: up to when everything that was written is known. Rejects when the findings could not be written; they are
   * given again at the next look.
   */
  look(asOf: number): Promise<readonly Finding[]>
  /** Entries of a journal that were gone before they were read. Rejects when that could not be written: it is forgotten here. */
  hole(journal: string, from: number, to: number): Promise<void>
}

export type WatchOptions = {
  completeness: Completeness
  journal: Pick<Journal, 'append'>
  keepCounting(sources: Batch['sources']): Promise<void>
  now(): number
}

/** Facts of one look; the rest follows at the next one. */
const MOST = 1000

export function openWatch({ completeness, journal, keepCounting, now }: WatchOptions): Watch {
  let unwritten: Fact[] = []
  return {
    async look(asOf) {
      const found = unwritten.length < MOST ? completeness.findings(asOf, MOST) : []
      const at = new Date(now()).toISOString()
      unwritten.push(...found.map((finding) => factOf(finding, at)))
      if (unwritten.length > 0) {
        const count = unwritten.length
        await journal.append(unwritten.map(writeFact))
        unwritten = unwritten.slice(count)
        completeness.recorded()
        await keepCounting(countingOf(completeness))
      }
      return found
    },
    async hole(of, from, to) {
      const at = new Date(now()).toISOString()
      await journal.append([writeFact({ kind: 'journal-gap', journal: of, from, to, at })])
    },
  }
}

function factOf({ kind, source, ...rest }: Finding, at: string): Fact {
  if (kind === 'journal-gap') return { kind, journal: source, from: rest.from, to: rest.to, at }
  return { kind, source, ...rest, at }
}
