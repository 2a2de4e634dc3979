// SPDX-License-Identifier: Apache-2.0
// RFC 2696: a search in pages. Always used: many servers give the first thousand and stop.
import { PagedResultsControl } from 'ldapts'
import { SourceFault } from '../domain/source.ts'
import { openBelt } from './belt.ts'
import type { Connection, Question } from './connection.ts'
import type { RawEntry } from './entry.ts'

/** A page without an entry is allowed, and no end; a server that gives nothing else is not. */
const EMPTY_PAGES_MOST = 1_000

export type Page<T> = { values: readonly T[]; referrals: readonly string[] }

/**
 * Every page of the answer, what `take` makes of its entries, in parts as they come; the next page is on its way while one is worked on.
 * Ends only when the server has said that there is no more. Until then the connection answers nobody else; left before, it is ended.
 */
export async function* pagesOf<T>(
  connection: Connection,
  question: Question,
  size: number,
  take: (entry: RawEntry) => readonly T[],
  signal: AbortSignal,
): AsyncGenerator<Page<T>> {
  const belt = openBelt<T>()
  const referrals: string[] = []
  let isOver = false
  const asking = askAll().then(
    () => belt.end(),
    (error: unknown) => belt.end(error),
  )
  try {
    for await (const values of belt.parts()) yield { values, referrals: [] }
    isOver = true
  } finally {
    if (!isOver) {
      connection.end()
      belt.end()
      await asking
    }
  }
  if (referrals.length > 0) yield { values: [], referrals }

  async function askAll(): Promise<void> {
    let cookie: Buffer | undefined
    for (let empty = 0; empty < EMPTY_PAGES_MOST; ) {
      const value = { size, ...(cookie !== undefined && { cookie }) }
      const paged = new PagedResultsControl({ critical: true, value })
      let entries = 0
      const answer = await connection.search(
        { ...question, controls: [...(question.controls ?? []), paged] },
        (entry) => {
          entries += 1
          belt.put(take(entry), entry.bytes)
        },
        signal,
      )
      referrals.push(...answer.referrals)
      const answered = answer.controls.find((control) => control instanceof PagedResultsControl)
      if (answered === undefined)
        throw new SourceFault('bad-answer', `${connection.url} did not say whether this page is the last`)
      cookie = answered.value?.cookie
      if (cookie === undefined || cookie.length === 0) return
      empty = entries === 0 ? empty + 1 : 0
      await belt.room()
    }
    throw new SourceFault('bad-answer', `${connection.url} gives empty pages without end`)
  }
}

/** A search without pages, for one entry or a few. */
export async function search<T>(
  connection: Connection,
  question: Question,
  take: (entry: RawEntry) => readonly T[],
  signal: AbortSignal,
): Promise<Page<T>> {
  const values: T[] = []
  const { referrals } = await connection.search(question, (entry) => values.push(...take(entry)), signal)
  return { values, referrals }
}
