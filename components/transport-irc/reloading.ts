// SPDX-License-Identifier: Apache-2.0
// Settings that are read again while it runs (SIGHUP). Connections that are there stay as they are; what names a network counts from its next one on.
import { isDeepStrictEqual } from 'node:util'
import type { TransportIrcSettings } from './settings.ts'

/** Changes `held` where that can be done, and gives the names of what counts only after a restart. */
export function takeOver(held: TransportIrcSettings, said: TransportIrcSettings): string[] {
  const { networks, others, only, limits, stays, bookmarks } = said
  // In force at once; the rest is held by what was opened at the start.
  Object.assign(held, { networks, others, only, limits, stays, bookmarks })
  const [before, now] = [shown(held), shown(said)]
  const names = Object.keys(now) as (keyof TransportIrcSettings)[]
  return names.filter((name) => !isDeepStrictEqual(before[name], now[name]))
}

/** Two secrets look alike until they are shown. */
function shown({ secret, key, ...rest }: TransportIrcSettings): Record<keyof TransportIrcSettings, unknown> {
  return { ...rest, secret: secret.reveal(), key: key?.reveal() ?? null }
}
