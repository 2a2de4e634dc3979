// SPDX-License-Identifier: Apache-2.0
// Up to when somebody was told what is said to him one to one. Networks that keep it tell it again, after a loss or at each login: what he has
// read already he does not read again, also after a restart. Times are the network's own.
import { bareOf } from '../../xmpp/jid.ts'
import type { Keep } from './keep.ts'

/** Told, or said by himself. */
export type HeardOf = { ids: readonly (string | null)[]; at: number | null }

export type Heard = {
  /** The connection is there: what it tells again was told before, as far as it was noted until now. */
  up(owner: string, network: string): void
  note(owner: string, network: string, heard: HeardOf): void
  was(owner: string, network: string, heard: HeardOf): boolean
  forget(owner: string, network: string): Promise<void>
  /** On disk when it resolves. */
  settle(): Promise<void>
}

/** `ids`: of those that bear this very time. */
type Mark = { at: number; ids: readonly string[] }
type Place = { now: Mark; before: Mark; ids: Set<string> }

const NEVER: Mark = { at: 0, ids: [] }
/** Ids of one connection that are known again. */
const IDS_MOST = 1_000
const KEPT_EACH_MS = 5_000

export function openHeard(keep: Keep, failed: (error: unknown) => void): Heard {
  const places = new Map<string, Place>()
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | null = null

  const nameOf = (owner: string, network: string) => `${bareOf(owner)} ${network}`

  function placeOf(name: string): Place {
    let place = places.get(name)
    if (place === undefined) {
      const mark = keep.read<Mark>('heard', name) ?? NEVER
      place = { now: mark, before: mark, ids: new Set() }
      places.set(name, place)
    }
    return place
  }

  function keepSoon(name: string): void {
    changed.add(name)
    timer ??= setTimeout(() => {
      settle().catch(failed)
    }, KEPT_EACH_MS).unref()
  }

  async function settle(): Promise<void> {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const names = [...changed]
    changed.clear()
    await Promise.all(names.map((name) => keep.set('heard', name, placeOf(name).now)))
  }

  return {
    up(owner, network) {
      const place = placeOf(nameOf(owner, network))
      place.before = place.now
      place.ids.clear()
    },
    note(owner, network, { ids, at }) {
      const name = nameOf(owner, network)
      const place = placeOf(name)
      const named = ids.filter((id): id is string => id !== null)
      for (const id of named) place.ids.add(id)
      for (const oldest of place.ids) {
        if (place.ids.size <= IDS_MOST) break
        place.ids.delete(oldest)
      }
      // Only times of the network can be compared with what it tells again.
      if (at === null || at < place.now.at) return
      place.now = { at, ids: at === place.now.at ? [...place.now.ids, ...named].slice(-20) : named }
      keepSoon(name)
    },
    was(owner, network, { ids, at }) {
      const { before, ids: known } = placeOf(nameOf(owner, network))
      if (ids.some((id) => id !== null && (known.has(id) || before.ids.includes(id)))) return true
      if (at === null || at < before.at) return at !== null || before !== NEVER
      return at === before.at && ids.every((id) => id === null)
    },
    async forget(owner, network) {
      const name = nameOf(owner, network)
      places.delete(name)
      changed.delete(name)
      await keep.set('heard', name, null)
    },
    settle,
  }
}
