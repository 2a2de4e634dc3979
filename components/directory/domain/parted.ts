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
  /** Whether he is parted from people who are in these of `groups`: a wall may have exceptions that name him. Never from himself. */
  from(one: Walled, groups: readonly string[]): 'nobody' | 'some' | 'everybody'
}

export const NO_WALLS: Parted = { groups: new Set(), between: () => false, from: () => 'nobody' }

export function readParted(walls: readonly ProvisionedWall[]): Parted {
  const read = walls.map(({ a, b, except }) => ({
    a: new Set(a),
    b: new Set(b),
    except: new Set(except.map((pair) => pair.join(' '))),
    named: new Set(except.flat()),
  }))
  return {
    groups: new Set(walls.flatMap(({ a, b }) => [...a, ...b])),
    between(one, other) {
      if (one.jid === other.jid) return false
      const pair = one.jid < other.jid ? `${one.jid} ${other.jid}` : `${other.jid} ${one.jid}`
      return read.some((wall) => stands(wall, one, other) && !wall.except.has(pair))
    },
    from(one, groups) {
      const walls = read.filter((wall) => stands(wall, one, { groups }))
      if (walls.length === 0) return 'nobody'
      return walls.some(({ named }) => !named.has(one.jid)) ? 'everybody' : 'some'
    },
  }
}

/**
 * Whom a room of these people is to do without, so that nobody in it is parted from another: of two the one who does not own it, then the one
 * whom more are parted from, then the later one. `people` in an order that stays.
 */
export function withoutParted(people: readonly Walled[], parted: Parted): ReadonlySet<string> {
  // Who stands on the same sides is parted from the same others, but for exceptions: of thousands in a room there are a few kinds.
  const kinds = new Map<string, Kind>()
  const walled = people.flatMap((one, at) => {
    const key = sidesOf(one.groups, parted)
    if (key === '') return []
    const kind = kinds.get(key) ?? { groups: one.groups, all: [], kept: [] }
    kinds.set(key, kind)
    kind.all.push(one)
    return [{ one, at, kind }]
  })
  const all = [...kinds.values()]
  const order = walled
    .map(({ one, at, kind }) => {
      const counts = all.map(
        (other) => partedFrom(one, other.groups, other.all, parted) - (other === kind ? itself(one, kind, parted) : 0),
      )
      return { one, at, kind, rank: one.isOwner ? 0 : 1, against: counts.reduce((sum, count) => sum + count, 0) }
    })
    .sort((one, other) => one.rank - other.rank || one.against - other.against || one.at - other.at)
  const left = new Set<string>()
  for (const { one, kind } of order) {
    if (all.some(({ groups, kept }) => partedFrom(one, groups, kept, parted) > 0)) left.add(one.jid)
    else kind.kept.push(one)
  }
  return left
}

/** People who stand on the same sides, and those of them who stay. */
type Kind = { groups: readonly string[]; all: Walled[]; kept: Walled[] }

/** From how many of these, who are of one kind, he is parted. He himself, where he is among them, may be counted. */
function partedFrom(one: Walled, groups: readonly string[], those: readonly Walled[], parted: Parted): number {
  if (those.length === 0) return 0
  const from = parted.from(one, groups)
  if (from === 'some') return those.filter((other) => parted.between(one, other)).length
  return from === 'everybody' ? those.length : 0
}

/** How often he was counted as one from whom he is parted: where his own kind stands on both sides of a wall. */
function itself(one: Walled, { groups }: Kind, parted: Parted): number {
  return parted.from(one, groups) === 'everybody' ? 1 : 0
}

function sidesOf(groups: readonly string[], parted: Parted): string {
  return groups
    .filter((group) => parted.groups.has(group))
    .sort()
    .join('\n')
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

type Sides = { a: ReadonlySet<string>; b: ReadonlySet<string> }

function stands({ a, b }: Sides, one: Pick<Walled, 'groups'>, other: Pick<Walled, 'groups'>): boolean {
  return (isIn(one, a) && isIn(other, b)) || (isIn(one, b) && isIn(other, a))
}

function isIn({ groups }: Pick<Walled, 'groups'>, side: ReadonlySet<string>): boolean {
  return groups.some((group) => side.has(group))
}
