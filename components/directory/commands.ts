// SPDX-License-Identifier: Apache-2.0
// What a person can ask the running process, and have it do.
import { type Args, type Asked, type Command, CommandError, cameOf, EXIT, type Said } from '../kit/process/command.ts'
import type { Catalogue } from '../kit/text/catalogue.ts'
import { type CommandName, declarations } from './declarations.ts'
import { type Desk, sayAddressProblem, sayFault, sayTrouble } from './desk.ts'
import { type Held, removalsOf } from './domain/brake.ts'
import { planRooms } from './domain/room.ts'
import { namesNoGroup } from './domain/roster-rules.ts'
import type { StoredPlan } from './domain/state.ts'
import { leavesRooms, wallsToStand } from './parted-rooms.ts'
import { sayWho } from './who.ts'

/** So many are listed of those whom a wall puts out of rooms. */
const MOST_LEAVING = 1_000

type Run = (desk: Desk, args: Args, asked: Asked) => AsyncIterable<Said>

const runs: Readonly<Record<CommandName, Run>> = {
  'directory plan': plan,
  'directory apply': apply,
  'directory sync': sync,
  'directory who': sayWho,
  'directory stats': stats,
  'directory errors': errors,
}

export function directoryCommands(desk: Desk): readonly Command[] {
  return declarations.map((declared) => ({
    ...declared,
    run: (args, asked) => runs[declared.name](desk, args, asked),
  }))
}

async function* plan(
  { engine, store, say, roomName, leaving }: Desk,
  args: Args,
  { language }: Asked,
): AsyncGenerator<Said> {
  const { plan: waiting } = engine
  if (waiting === null) {
    yield { say: 'text', text: say('directory-nothing-to-do', language, { version: engine.seq }) }
    yield* sayWithout(engine, say, language)
    return
  }
  for await (const rows of store.stream('planned', { all: args.all === true }, { batch: 200 }))
    for (const { kind, change, id, jid, name, detail } of rows) {
      const told = JSON.parse(detail) as Record<string, unknown>
      yield row({
        what: kind,
        change,
        name,
        jid: jid || null,
        detail: sayDetail(say, language, change, told),
        id,
        ...told,
      })
    }
  const changed = await store.read('plannedTeams', null)
  for (const { group, oldName, ...room } of planRooms(changed, await store.read('rooms', null), roomName)) {
    const detail = oldName === undefined ? null : say('directory-detail-name', language, { old: oldName })
    yield row({ what: 'room', ...room, detail, id: group, ...(oldName !== undefined && { old_name: oldName }) })
  }
  yield* sayLeaving({ store, say, leaving }, language)
  const removals = removalsOf(waiting.counts)
  const { people, groups, memberships } = waiting.counts
  yield {
    say: 'text',
    text: say('directory-plan-counts', language, {
      added: people.added,
      changed: people.changed,
      removed: people.removed,
      locked: people.locked,
      groups: groups.added + groups.changed,
      'groups-removed': groups.removed,
      joined: memberships.added,
      left: memberships.removed,
    }),
    values: { removals, hash: waiting.hash, held: waiting.held.length > 0 },
  }
  yield* sayWithout(engine, say, language)
  for (const line of sayHeld(say, language, waiting)) yield { say: 'text', text: line }
}

/** How many of the directory's people are to have no address. */
function* sayWithout({ company }: Desk['engine'], say: Catalogue['say'], language: string): Generator<Said> {
  const count = company.people
    .values()
    .reduce((sum, { wrong, jid }) => sum + (wrong !== null && jid === null ? 1 : 0), 0)
  if (count > 0) yield { say: 'text', text: say('directory-plan-without', language, { count }) }
}

/** Who leaves rooms when the walls of the plan stand: those of groups, then those that people made. */
async function* sayLeaving(
  { store, say, leaving }: Pick<Desk, 'store' | 'say' | 'leaving'>,
  language: string,
): AsyncGenerator<Said> {
  const walls = await wallsToStand(store)
  if (walls === null) return
  const leaves = (room: string, name: string, jid: string, id: string | null) =>
    row({
      what: 'room',
      change: 'walled-off',
      name,
      jid,
      detail: say('directory-detail-walled-room', language, { room }),
      id,
      room,
    })
  for await (const { room, jid } of leavesRooms(store, walls, MOST_LEAVING))
    yield leaves(room.jid, room.name, jid, room.group)
  // Helpers of two hosts on one server tell of the same rooms.
  const told = new Set<string>()
  for await (const one of leaving(walls)) {
    if ('cause' in one) {
      const { condition } = one.cause
      yield { say: 'text', text: say('directory-plan-rooms-unseen', language, { host: one.host, condition }) }
      continue
    }
    if (told.size === MOST_LEAVING) return
    if (told.has(`${one.room} ${one.jid}`)) continue
    told.add(`${one.room} ${one.jid}`)
    yield leaves(one.room, one.room, one.jid, null)
  }
}

/** Why a plan waits and what lets it go. */
function sayHeld(say: Catalogue['say'], language: string, { held, counts }: StoredPlan): string[] {
  const reasons = held.map((one: Held) =>
    one.why === 'touch'
      ? say('directory-held-touch', language, { touched: one.touched, most: one.most })
      : say(`directory-held-${one.why}`, language, { removed: one.removed, there: one.there }),
  )
  return [...reasons, say('directory-plan-apply', language, { removals: removalsOf(counts) })]
}

function sayDetail(
  say: Catalogue['say'],
  language: string,
  change: string,
  told: Readonly<Record<string, unknown>>,
): string {
  const fields = Array.isArray(told.fields) ? told.fields.join(', ') : ''
  const parts: string[] = []
  if (typeof told.old_jid === 'string') parts.push(say('directory-detail-address', language, { old: told.old_jid }))
  if (typeof told.old_name === 'string') parts.push(say('directory-detail-name', language, { old: told.old_name }))
  if (change === 'over-cap')
    parts.push(say('directory-detail-cap', language, { members: Number(told.members), rosters: Number(told.rosters) }))
  if (change === 'walled-off')
    parts.push(say('directory-detail-walled', language, { other: String(told.other), wall: String(told.wall) }))
  if (told.joined !== undefined)
    parts.push(say('directory-detail-moves', language, { joined: Number(told.joined), left: Number(told.left) }))
  if (fields !== '') parts.push(fields)
  return parts.join('; ')
}

async function* apply({ engine, say }: Desk, args: Args, { caller, language }: Asked): AsyncGenerator<Said> {
  const waiting = engine.plan
  const said = typeof args['yes-remove'] === 'number' ? args['yes-remove'] : null
  if (waiting === null) {
    yield { say: 'text', text: say('directory-nothing-to-do', language, { version: engine.seq }) }
    return
  }
  const removals = removalsOf(waiting.counts)
  const wrong = (number: number) =>
    new CommandError(say('directory-apply-other-number', language, { removals: number }), EXIT.usage)
  if (said === null && (waiting.held.length > 0 || removals > 0)) throw wrong(removals)
  const applied = await engine.apply(said, cameOf(caller))
  // Another plan has taken its place meanwhile.
  if (applied === null) throw wrong(engine.plan === null ? 0 : removalsOf(engine.plan.counts))
  const { people, groups } = applied.plan.counts
  yield row({
    version: applied.seq,
    people: people.added + people.changed,
    groups: groups.added + groups.changed,
    removed: removalsOf(applied.plan.counts),
  })
}

async function* sync(desk: Desk, args: Args, { caller, language }: Asked): AsyncGenerator<Said> {
  const faults = await desk.sync(args.whole === true ? 'whole' : 'sweep', cameOf(caller))
  const { engine, say } = desk
  for (const { name, state, fault } of engine.sources())
    yield row({
      directory: name,
      read_at: state === null ? null : new Date(state.readAt).toISOString(),
      people: [...engine.company.people.values()].filter(({ source }) => source === name).length,
      state: fault === null ? 'ok' : fault.reason,
    })
  yield* sayWithout(engine, say, language)
  if (engine.plan !== null) for (const line of sayHeld(say, language, engine.plan)) yield { say: 'text', text: line }
  if (faults.length > 0)
    throw new CommandError(
      say('directory-sync-failed', language, {
        cause: faults.map((fault) => sayFault(say, language, fault)).join(' '),
      }),
      EXIT.fault,
    )
}

async function* stats({ stats: counts }: Desk): AsyncGenerator<Said> {
  for (const [what, value] of Object.entries(await counts())) yield row({ what, value })
}

/** What does not work now, then what was wrong with single entries, then what went wrong last. */
async function* errors(
  { engine, store, say, refused, patterns }: Desk,
  args: Args,
  { language }: Asked,
): AsyncGenerator<Said> {
  const limit = Number(args.limit ?? 200)
  let left = limit
  const give = (one: Readonly<Record<string, unknown>>): Said[] => (left-- > 0 ? [row(one)] : [])
  const read = engine.sources().filter(({ state, fault }) => state !== null && fault === null)
  for (const { name } of read)
    if (!engine.company.people.values().some(({ source }) => source === name))
      yield* give({ at: null, where: name, who: null, wrong: say('directory-nobody', language), reason: 'nobody' })
  // Of a directory that was never read nobody knows which groups it has.
  if (read.length === engine.sources().length)
    for (const { setting, pattern } of namesNoGroup(patterns, engine.company.groups.values()))
      yield* give({
        at: null,
        where: setting,
        who: null,
        wrong: say('directory-no-such-group', language, { pattern }),
        reason: 'no-such-group',
      })
  for (const mark of engine.company.people.values()) {
    if (mark.wrong === null) continue
    yield* give({
      at: null,
      where: mark.source,
      who: mark.uid || mark.id,
      wrong: sayAddressProblem(say, language, engine, mark.wrong),
      id: mark.id,
      reason: mark.wrong.wrong,
      given: mark.jid,
    })
  }
  for (const { host, jid } of refused())
    yield* give({
      at: null,
      where: host,
      who: jid,
      wrong: say('directory-address-refused', language, { host, address: jid }),
      reason: 'refused',
    })
  for (const { id, strangers, source, name } of engine.company.groups.values())
    if (strangers > 0)
      yield* give({
        at: null,
        where: source,
        who: id,
        wrong: say('directory-strangers', language, { name, count: strangers }),
        strangers,
      })
  for (const problem of await store.read('problems', Math.max(1, left)))
    yield* give({
      at: null,
      where: problem.source,
      who: problem.dn,
      wrong: say(`directory-problem-${problem.what}`, language, { attribute: problem.attribute ?? '-' }),
      ...problem,
    })
  for (const trouble of await store.read('troubles', Math.max(1, left)))
    yield* give({
      at: new Date(trouble.at).toISOString(),
      where: trouble.place,
      who: null,
      wrong: sayTrouble(say, language, trouble),
      reason: trouble.reason,
      cause: trouble.message,
    })
  if (left === limit) yield { say: 'text', text: say('directory-no-errors', language) }
}

function row(one: Readonly<Record<string, unknown>>): Said {
  return { say: 'row', row: one }
}
