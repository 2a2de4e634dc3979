// SPDX-License-Identifier: Apache-2.0
// Who is meant by a name: by address, login name, mail or name, in what directories say and in what is provisioned, leavers included.
import type { DatabaseSync } from 'node:sqlite'
import { statement } from '../../kit/store/statement.ts'
import { lists } from './lists.ts'

export type Find = { name: string; names: readonly string[]; limit: number }

/** `said`, `had`: JSON, or '' where there is none. */
export type Found = {
  id: string
  said: string
  had: string
  readAt: number
  addresses: readonly { jid: string; since: number; until: number | null }[]
}

/** Who has exactly this first; where nobody has, those with it in their name. */
export function find(db: DatabaseSync, { name, names, limit }: Find): Found[] {
  const wanted = name.trim().toLowerCase()
  const exact = new Set<string>()
  const near = new Set<string>()
  const consider = (id: string, texts: readonly string[], fullName: string) => {
    if (exact.size < limit && texts.some((text) => text.toLowerCase() === wanted)) exact.add(id)
    else if (near.size < limit && fullName.toLowerCase().includes(wanted)) near.add(id)
  }
  const said = `SELECT e.id, e.body FROM entry e JOIN source s ON s.name = e.source AND s.reading = e.reading
    WHERE e.kind = 'person' AND e.source IN (SELECT value FROM json_each(:names))`
  for (const [id, body] of lists(db, said, { names: JSON.stringify(names) })) {
    const { uid = '', name: fullName = '', mail = [] } = JSON.parse(String(body)) as Texts
    consider(String(id), [String(id), uid, fullName, ...mail], fullName)
  }
  for (const [jid, id, fullName] of lists(db, 'SELECT jid, person, name FROM address')) {
    const address = String(jid)
    consider(String(id), [address, address.slice(0, address.indexOf('@')), String(fullName)], String(fullName))
  }
  return [...(exact.size > 0 ? exact : near)].slice(0, limit).map((id) => foundOf(db, id, names))
}

type Texts = { uid?: string; name?: string; mail?: string[] }

function foundOf(db: DatabaseSync, id: string, names: readonly string[]): Found {
  const source = id.slice(0, id.indexOf(':'))
  const said = names.includes(source)
    ? statement(
        db,
        `SELECT e.body, s.read_at FROM source s JOIN entry e ON e.source = s.name AND e.reading = s.reading
          WHERE s.name = ? AND e.id = ?`,
      ).get(source, id)
    : undefined
  const had = statement(db, 'SELECT body FROM person WHERE id = ?').get(id)
  const addresses = statement(db, 'SELECT jid, since, until FROM address WHERE person = ? ORDER BY since, jid').all(id)
  return {
    id,
    said: String(said?.body ?? ''),
    had: String(had?.body ?? ''),
    readAt: Number(said?.read_at ?? 0),
    addresses: addresses.map(({ jid, since, until }) => ({
      jid: String(jid),
      since: Number(since),
      until: until === null ? null : Number(until),
    })),
  }
}
