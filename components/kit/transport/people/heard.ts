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
  /** The same of what he is only being told: until the function given is called, what is on disk does not say so. */
  telling(owner: string, network: string, heard: HeardOf): () => void
  was(owner: string, network: string, heard: HeardOf): boolean
  forget(owner: string, network: string): Promise<void>
  /** On disk when it resolves. */
  settle(): Promise<void>
}

/** `ids`: of those that bear this very time. */
type Mark = { at: number; ids: readonly string[] }
/** `kept`: on disk. `telling`: times of what is on its way. */
type Place = { now: Mark; before: Mark; kept: Mark; telling: Set<{ at: number }>; ids: Set<string> }

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
      place = { now: mark, before: mark, kept: mark, telling: new Set(), ids: new Set() }
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
    await Promise.all(
      names.map((name) => {
        const place = placeOf(name)
        place.kept = toKeep(place)
        return keep.set('heard', name, place.kept)
      }),
    )
  }

  function note(owner: string, network: string, { ids, at }: HeardOf): void {
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
  }

  return {
    up(owner, network) {
      const place = placeOf(nameOf(owner, network))
      place.before = place.now
      place.ids.clear()
    },
    note,
    telling(owner, network, heard) {
      const name = nameOf(owner, network)
      const place = placeOf(name)
      const { at } = heard
      const one = { at: at ?? Number.POSITIVE_INFINITY }
      place.telling.add(one)
      note(owner, network, heard)
      return () => {
        if (place.telling.delete(one) && at !== null && places.get(name) === place) keepSoon(name)
      }
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

/** What is still told, and all behind it, the network is to tell again after a restart. */
function toKeep({ now, kept, telling }: Place): Mark {
  let first = Number.POSITIVE_INFINITY
  for (const { at } of telling) first = Math.min(first, at)
  if (now.at < first) return now
  return kept.at >= first ? kept : { at: first - 1, ids: [] }
}
