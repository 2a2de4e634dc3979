// SPDX-License-Identifier: Apache-2.0
// The plan: what is to be done so that what is provisioned is what the directories say; into the store, row by row, so that a large one
// takes no memory.
import { createHash, type Hash } from 'node:crypto'
import type { WallItem } from '../kit/facts/people.ts'
import { type BrakeSettings, holdBack } from './domain/brake.ts'
import { type Addresses, type Company, type PersonMark, sourceOf } from './domain/company.ts'
import { differenceGroup, differencePerson, openTally, type Tally } from './domain/difference.ts'
import { readParted } from './domain/parted.ts'
import { type ProvisionedGroup, type ProvisionedPerson, provisionPerson } from './domain/provisioned.ts'
import { leftOut } from './domain/roster.ts'
import type { RosterRules } from './domain/roster-rules.ts'
import { groupIds, type Lists } from './domain/settle.ts'
import type { ReadPerson } from './domain/source.ts'
import {
  type Pair,
  type PlannedList,
  type PlannedRow,
  type Provisioned,
  plannedList,
  type StoredPlan,
} from './domain/state.ts'
import { type ProvisionedWall, partedBy, provisionWall } from './domain/walls.ts'
import { wallsOf } from './parted-rooms.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

const PART = 500
/** More than so many are looked at in one walk through all. */
const MOST_SINGLE = 2_000

export type Planning = {
  store: DirectoryStore
  company: Company
  lists: Lists
  addresses: Addresses
  /** Names of the directories in the settings, and of those that were ever read. */
  names: readonly string[]
  read: ReadonlySet<string>
  rosters: RosterRules
  cap: number
  brake: BrakeSettings
  there: Provisioned
  /** As policy says them; null: not known (yet), and what is provisioned stays. */
  walls: readonly WallItem[] | null
  /** Told where a wall has more exceptions than a helper takes: it stands without them. */
  cut(wall: string): void
  /** Ids of people who may differ; null: all. */
  dirty: ReadonlySet<string> | null
  now: number
}

/** Makes the plan and leaves it in the store, in the place of the one before. Null: nothing is to be done, and no plan is there. */
export async function makePlan(planning: Planning): Promise<StoredPlan | null> {
  const { store, there, brake, now } = planning
  await store.write('planBegin', null)
  const rows = openRows(store)
  const tally = openTally(there)
  await planPeople(planning, rows, tally)
  const groups = await planGroups(planning, rows, tally)
  const walls = await planWalls(planning, groups, rows)
  if (rows.count === 0) {
    await rows.end()
    return null
  }
  for (const { group, members, rosters } of leftOut(
    planning.lists,
    (id) => groups.get(id)?.roster,
    isThere,
    planning.cap,
    readParted(walls),
  ))
    rows.add({
      ...NO_ROW,
      kind: 'roster',
      change: 'over-cap',
      id: group,
      name: groups.get(group)?.name ?? '',
      detail: JSON.stringify({ members, rosters }),
    })
  const counts = tally.counts()
  const plan: StoredPlan = { hash: await rows.end(), at: now, counts, held: holdBack(counts, brake) }
  await store.write('planEnd', plan)
  return plan
}

async function planPeople(planning: Planning, rows: Rows, tally: Tally): Promise<void> {
  const { store, names, dirty, there } = planning
  const look = async (pairs: readonly Pair[]) => {
    for (const pair of pairs) planPerson(planning, pair, rows, tally)
    await rows.sent()
  }
  if (dirty !== null && dirty.size <= MOST_SINGLE) {
    if (dirty.size > 0) await look(await store.read('pairsOf', { ids: [...dirty], names }))
    return
  }
  for await (const pairs of ahead(store.stream('pairs', { names, fresh: there.addresses === 0 }, { batch: PART })))
    await look(pairs)
}

/** The next batch is on its way while one is looked at. */
async function* ahead<T>(batches: AsyncIterable<T>): AsyncGenerator<T> {
  const steps = batches[Symbol.asyncIterator]()
  let next = steps.next()
  try {
    for (;;) {
      const step = await next
      if (step.done === true) return
      next = steps.next()
      // It is awaited in the next round, and fails there.
      next.catch(() => {})
      yield step.value
    }
  } finally {
    await steps.return?.()
  }
}

function planPerson(planning: Planning, pair: Pair, rows: Rows, tally: Tally): void {
  const { company, lists } = planning
  const [id, said, before, oldJids] = pair
  const mark = company.people.get(id)
  if (mark === undefined && isAwaited(planning, id)) return
  const had = before === '' ? null : (JSON.parse(before) as ProvisionedPerson)
  const wanted =
    mark === undefined || mark.jid === null || said === ''
      ? null
      : provisionPerson(mark, JSON.parse(said) as ReadPerson, {
          jid: mark.jid,
          groups: groupIds(lists, mark.at),
          oldJids: oldJids === '[]' ? [] : (JSON.parse(oldJids) as string[]),
        })
  const body = wanted === null ? '' : JSON.stringify(wanted)
  if (body === before) return
  const difference = differencePerson(had, wanted)
  if (difference === null) return
  const { change, fields } = difference
  tally.person(had, wanted, change)
  const shown = wanted ?? had
  rows.add({
    kind: 'person',
    change,
    id,
    jid: shown?.jid ?? '',
    name: shown?.name ?? '',
    memberships: wanted?.groups.length ?? 0,
    shown: change !== 'groups',
    detail: had === null ? '{}' : JSON.stringify(detailOf(fields, had, wanted)),
    body,
  })
}

function detailOf(fields: readonly string[], had: ProvisionedPerson, wanted: ProvisionedPerson | null): object {
  return {
    ...(fields.length > 0 && { fields }),
    ...(wanted !== null && had.jid !== wanted.jid && { old_jid: had.jid }),
    ...(wanted !== null && had.name !== wanted.name && { old_name: had.name }),
  }
}

/** So many are listed of those whom a wall parts. */
const MOST_PARTED = 1_000

/** Gives the walls that are to stand. */
async function planWalls(
  planning: Planning,
  groups: ReadonlyMap<string, ProvisionedGroup>,
  rows: Rows,
): Promise<ProvisionedWall[]> {
  const wanted = wallsWanted(planning)
  const there = await wallsOf(planning.store)
  if (wanted === null) return there
  const had = new Map(there.map((wall) => [wall.id, JSON.stringify(wall)]))
  for (const id of [...new Set([...had.keys(), ...wanted.keys()])].sort()) {
    const wall = wanted.get(id)
    const body = wall === undefined ? '' : JSON.stringify(wall)
    const before = had.get(id) ?? ''
    if (body === before) continue
    const change = before === '' ? 'add' : body === '' ? 'remove' : 'change'
    rows.add({ ...NO_ROW, kind: 'wall', change, id, name: id, detail: '{}', body })
    if (wall === undefined) continue
    const isRoster = (group: string) => groups.get(group)?.roster !== undefined
    for (const { one, other, group } of partedBy(wall, planning.lists, isRoster, MOST_PARTED))
      rows.add({
        ...NO_ROW,
        kind: 'roster',
        change: 'walled-off',
        id: one.id,
        jid: one.jid ?? '',
        name: groups.get(group)?.name ?? '',
        detail: JSON.stringify({ other: other.jid, wall: id }),
      })
    await rows.sent()
  }
  return [...wanted.values()]
}

/** By id; null: what policy says is not known. */
export function wallsWanted({
  walls,
  company,
  lists,
  addresses,
  now,
  cut,
}: Pick<Planning, 'walls' | 'company' | 'lists' | 'addresses' | 'now' | 'cut'>): Map<string, ProvisionedWall> | null {
  if (walls === null) return null
  const wanted = new Map<string, ProvisionedWall>()
  for (const item of walls) {
    const wall = provisionWall(item, company, lists, addresses, now, cut)
    if (wall !== null) wanted.set(wall.id, wall)
  }
  return wanted
}

/** Gives how each group is to stand. */
async function planGroups(planning: Planning, rows: Rows, tally: Tally): Promise<Map<string, ProvisionedGroup>> {
  const { store, company } = planning
  const had = new Map<string, ProvisionedGroup>()
  for (const body of await store.read('teams', null)) {
    const group = JSON.parse(body) as ProvisionedGroup
    had.set(group.id, group)
  }
  const wanted = groupsWanted(planning)
  const moves = tally.moves()
  for (const id of [...new Set([...had.keys(), ...wanted.keys()])].sort()) {
    if (!company.groups.has(id) && isAwaited(planning, id)) continue
    const before = had.get(id) ?? null
    const after = wanted.get(id) ?? null
    const difference = differenceGroup(before, after)
    const move = moves.get(id)
    if (difference === null && move === undefined) continue
    const change = difference?.change ?? 'members'
    tally.group(change === 'members' ? 'change' : change)
    const { fields } = difference ?? { fields: [] }
    const detail = {
      ...(fields.length > 0 && { fields }),
      ...move,
      ...(after?.roster && { roster: after.roster.name }),
    }
    rows.add({
      ...NO_ROW,
      kind: 'group',
      change,
      id,
      name: (after ?? before)?.name ?? '',
      detail: JSON.stringify(detail),
      body: after === null ? '' : JSON.stringify(after),
    })
    await rows.sent()
  }
  return wanted
}

function groupsWanted({ company, rosters }: Planning): Map<string, ProvisionedGroup> {
  const wanted = new Map<string, ProvisionedGroup>()
  const marks = [...company.groups.values()]
  for (const { id, name, description } of marks) {
    const found = rosters.of(name)
    const to =
      found?.rule.shown === 'groups'
        ? marks.filter((other) => rosters.isShownTo(found.rule, other.name)).map((other) => other.id)
        : []
    const roster = found === null || found.rule.shown === 'nobody' ? null : { found, shown: found.rule.shown }
    wanted.set(id, {
      kind: 'group',
      id,
      name,
      ...(description !== undefined && { description }),
      ...(roster !== null && {
        roster: { name: roster.found.shownAs, shown: roster.shown, to: to.sort(), order: roster.found.rule.order },
      }),
    })
  }
  return wanted
}

/** Who belongs to a directory that has not been read yet is not gone. */
function isAwaited({ names, read }: Planning, id: string): boolean {
  const source = sourceOf(id)
  return names.includes(source) && !read.has(source)
}

export function isThere({ jid, disabled }: PersonMark): boolean {
  return jid !== null && !disabled
}

const NO_ROW = { jid: '', memberships: 0, shown: true, body: '' } as const

type Rows = {
  readonly count: number
  add(row: PlannedRow): void
  /** Resolves when there is room for more. */
  sent(): Promise<void>
  end(): Promise<string>
}

/** One part is on its way to the store while the next is made. */
function openRows(store: DirectoryStore): Rows {
  const hash: Hash = createHash('sha256')
  let part: PlannedList[] = []
  let text = ''
  let stored: Promise<unknown> = Promise.resolve()
  let count = 0
  const send = async () => {
    const rows = part
    hash.update(text)
    part = []
    text = ''
    await stored
    stored = store.write('planAdd', rows)
    stored.catch(() => {})
  }
  return {
    get count() {
      return count
    },
    add(row) {
      count += 1
      text += `${row.kind}\n${row.change}\n${row.id}\n${row.body}\n`
      part.push(plannedList(row))
    },
    async sent() {
      if (part.length >= PART) await send()
    },
    async end() {
      if (part.length > 0) await send()
      await stored
      return hash.digest('hex')
    },
  }
}
