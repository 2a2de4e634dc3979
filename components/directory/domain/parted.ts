// SPDX-License-Identifier: Apache-2.0
// Between which two people a wall stands, as it is provisioned.
import type { ProvisionedPerson } from './provisioned.ts'
import type { Step } from './state.ts'
import type { ProvisionedWall } from './walls.ts'

/** `jid`: bare; `groups`: ids; `isOwner`: of the room that it is about. */
export type Walled = { jid: string; groups: readonly string[]; isOwner?: boolean }

export type Parted = {
  /** Ids of all groups that are a side of a wall. */
  readonly groups: ReadonlySet<string>
  /** Nobody is parted from himself. */
  between(one: Walled, other: Walled): boolean
}

export const NO_WALLS: Parted = { groups: new Set(), between: () => false }

export function readParted(walls: readonly ProvisionedWall[]): Parted {
  const read = walls.map(({ a, b, except }) => ({
    a: new Set(a),
    b: new Set(b),
    except: new Set(except.map((pair) => pair.join(' '))),
  }))
  return {
    groups: new Set(walls.flatMap(({ a, b }) => [...a, ...b])),
    between(one, other) {
      if (one.jid === other.jid) return false
      const pair = one.jid < other.jid ? `${one.jid} ${other.jid}` : `${other.jid} ${one.jid}`
      return read.some(
        ({ a, b, except }) =>
          ((isIn(one, a) && isIn(other, b)) || (isIn(one, b) && isIn(other, a))) && !except.has(pair),
      )
    },
  }
}

/**
 * Whom a room of these people is to do without, so that nobody in it is parted from another: of two the one who does not own it, then the one
 * whom more are parted from, then the later one. `people` in an order that stays.
 */
export function withoutParted(people: readonly Walled[], parted: Parted): ReadonlySet<string> {
  const walled = people.filter(({ groups }) => groups.some((group) => parted.groups.has(group)))
  const against = walled.map((one) => walled.filter((other) => parted.between(one, other)).length)
  const rank = (at: number) => (walled[at]?.isOwner ? 0 : 1)
  const order = walled
    .map((_, at) => at)
    .sort((one, other) => rank(one) - rank(other) || (against[one] ?? 0) - (against[other] ?? 0) || one - other)
  const kept: Walled[] = []
  const left = new Set<string>()
  for (const at of order) {
    const one = walled[at] as Walled
    if (kept.some((other) => parted.between(one, other))) left.add(one.jid)
    else kept.push(one)
  }
  return left
}

/** Whether this change, under the walls with these sides, can make somebody stand behind a wall from others beside whom he stands. */
export function mayPart(
  { kind, before, after }: Pick<Step, 'kind' | 'before' | 'after'>,
  sides: ReadonlySet<string>,
): boolean {
  if (kind === 'wall') return after !== ''
  if (kind !== 'person' || after === '') return false
  const standing = (body: string): string => {
    if (body === '') return ''
    const { jid, disabled, groups } = JSON.parse(body) as ProvisionedPerson
    return disabled ? '' : [jid, ...groups.filter((group) => sides.has(group))].join(' ')
  }
  const now = standing(after)
  return now.includes(' ') && now !== standing(before)
}

function isIn({ groups }: Walled, side: ReadonlySet<string>): boolean {
  return groups.some((group) => side.has(group))
}
