// SPDX-License-Identifier: Apache-2.0
// What a network kept of a room while nobody of ours was there, beside what we have: which of it is new.
import type { StoredMessage } from '../history/operations.ts'
import type { ForeignMessage } from '../network.ts'

/** So many are asked for, or taken of what is told. */
export const KEPT_MOST = 100
/** A network may keep times in whole seconds, and one that gives no ids may keep its own. */
const ALIKE_MS = 10_000

/**
 * Oldest first. What comes behind the last one that we know; where we know none of it, what is younger than all that we have: what lies
 * before was said before, and would come in the wrong place. `key`: by which nicks are compared.
 */
export function missedOf(
  kept: readonly ForeignMessage[],
  ours: readonly StoredMessage[],
  key: (nick: string) => string,
): readonly ForeignMessage[] {
  const some = kept.slice(-KEPT_MOST)
  const ids = new Set(ours.flatMap(({ foreign }) => foreign))
  const isKnown = (one: ForeignMessage) =>
    (one.id !== null && ids.has(one.id)) || ours.some((our) => isAlike(one, our, key))
  const last = some.findLastIndex(isKnown)
  if (last !== -1) return some.slice(last + 1)
  const newest = ours.reduce((most, { at }) => Math.max(most, at), Number.NEGATIVE_INFINITY)
  return ours.length === 0 ? some : some.filter(({ at }) => at !== null && at > newest)
}

/** Where one of them bears no id of the network. */
function isAlike(one: ForeignMessage, our: StoredMessage, key: (nick: string) => string): boolean {
  if (one.id !== null && our.foreign.length > 0) return false
  const isNear = one.at === null || Math.abs(one.at - our.at) < ALIKE_MS
  return isNear && key(one.nick) === key(our.nick) && one.body.trim() === our.body.trim()
}
