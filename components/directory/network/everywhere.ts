// SPDX-License-Identifier: Apache-2.0
// A search and its continuations: where a server says that a branch stands at another one (RFC 4511 §4.5.3), that one is asked only if
// the settings name it, over the same protection and with the same credentials.
import { SourceFault } from '../domain/source.ts'
import type { Connection, Question } from './connection.ts'
import type { RawEntry } from './entry.ts'
import { pagesOf } from './paging.ts'

export type Place = {
  connection: Connection
  pageSize: number
  /** Opens a connection to the server of an LDAP URL; null where the settings do not name it. */
  follow(url: URL): Promise<Connection> | null
  signal: AbortSignal
}

const FOLLOWED_MOST = 16

/** What `take` makes of all entries, in batches. Servers that are asked besides the first stay within the one reading. */
export async function* everywhere<T>(
  { connection, pageSize, follow, signal }: Place,
  question: Question,
  take: (entry: RawEntry) => readonly T[],
): AsyncGenerator<readonly T[]> {
  const pointed = new Set<string>()
  for await (const { values, referrals } of pagesOf(connection, question, pageSize, take, signal)) {
    for (const url of referrals) pointed.add(url)
    if (values.length > 0) yield values
  }
  let followed = 0
  for (const text of pointed) {
    const url = URL.canParse(text) ? new URL(text) : null
    const opening = url === null ? null : follow(url)
    if (url === null || opening === null) continue
    followed += 1
    if (followed > FOLLOWED_MOST)
      throw new SourceFault('referred', `${connection.url} refers to more than ${FOLLOWED_MOST} places`)
    await using other = await opening
    const base = baseOf(url) ?? question.base
    for await (const { values, referrals } of pagesOf(other, { ...question, base }, pageSize, take, signal)) {
      for (const more of referrals) pointed.add(more)
      if (values.length > 0) yield values
    }
  }
}

/** RFC 4516: the path is the DN, percent-encoded; without one it is the base of the question. */
function baseOf({ pathname }: URL): string | null {
  const path = pathname.replace(/^\//, '')
  return path === '' ? null : decodeURIComponent(path)
}
