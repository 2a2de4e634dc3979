// SPDX-License-Identifier: Apache-2.0
// What other processes read of the directory.
import { openSnapshotReader } from '../../components/kit/bus/file-snapshot-reader.ts'
import { type GroupItem, type PersonItem, readItem } from '../../components/kit/facts/people.ts'

export type Seen = { seq: number; people: PersonItem[]; groups: GroupItem[] }

/** The newest whole version; null where nothing was published. */
export async function snapshotOf(folder: string): Promise<Seen | null> {
  await using reader = openSnapshotReader(folder)
  const state = await reader.state()
  if (state === null || state.seq === 0) return null
  const seen: Seen = { seq: 0, people: [], groups: [] }
  const enough = new AbortController()
  for await (const step of reader.follow(null, { signal: enough.signal })) {
    if (step.kind === 'batch')
      for (const entry of step.put) {
        const item = readItem(entry)
        if (item.kind === 'person') seen.people.push(item)
        else if (item.kind === 'group') seen.groups.push(item)
      }
    else if (step.kind === 'commit') {
      seen.seq = step.seq
      break
    }
  }
  enough.abort()
  seen.people.sort((one, other) => (one.jid < other.jid ? -1 : 1))
  return seen
}
