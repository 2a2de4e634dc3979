// SPDX-License-Identifier: Apache-2.0
// RFC 2696: a search in pages. Always used: many servers give the first thousand and stop.
import { PagedResultsControl } from 'ldapts'
import { SourceFault } from '../domain/source.ts'
import type { Connection, Question } from './connection.ts'
import type { RawEntry } from './entry.ts'

/** A page without an entry is allowed, and no end; a server that gives nothing else is not. */
const EMPTY_PAGES_MOST = 1_000

export type Page<T> = { values: readonly T[]; referrals: readonly string[] }

/** Every page of the answer, what `take` makes of its entries. Ends only when the server has said that there is no more. */
export async function* pagesOf<T>(
  connection: Connection,
  question: Question,
  size: number,
  take: (entry: RawEntry) => readonly T[],
  signal: AbortSignal,
): AsyncGenerator<Page<T>> {
  let cookie: Buffer | undefined
  for (let empty = 0; empty < EMPTY_PAGES_MOST; ) {
    const paged = new PagedResultsControl({ critical: true, value: { size, ...(cookie !== undefined && { cookie }) } })
    const values: T[] = []
    let entries = 0
    const { controls, referrals } = await connection.search(
      { ...question, controls: [...(question.controls ?? []), paged] },
      (entry) => {
        entries += 1
        values.push(...take(entry))
      },
      signal,
    )
    const answered = controls.find((control) => control instanceof PagedResultsControl)
    if (answered === undefined)
      throw new SourceFault('bad-answer', `${connection.url} did not say whether this page is the last`)
    if (values.length > 0 || referrals.length > 0) yield { values, referrals }
    cookie = answered.value?.cookie
    if (cookie === undefined || cookie.length === 0) return
    empty = entries === 0 ? empty + 1 : 0
  }
  throw new SourceFault('bad-answer', `${connection.url} gives empty pages without end`)
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
