// SPDX-License-Identifier: Apache-2.0
// What the directories said last, what is provisioned, and the way from one to the other: one thing after the other.
import type { WallItem } from '../kit/facts/people.ts'
import type { BrakeSettings } from './domain/brake.ts'
import { removalsOf } from './domain/brake.ts'
import { Company } from './domain/company.ts'
import type { JidTemplate } from './domain/jid-template.ts'
import type { RosterRules } from './domain/roster-rules.ts'
import { type Lists, NO_LISTS, settle } from './domain/settle.ts'
import { type DirectorySource, type ReadGroup, type ReadPerson, SourceFault } from './domain/source.ts'
import type { Provisioned, SourceState, StoredPlan } from './domain/state.ts'
import { makePlan, wallsWanted } from './planning.ts'
import { type Polled, readChanges, readWhole } from './read-directory.ts'
import type { DirectoryStore } from './storage/directory-store.ts'

export type EngineOptions = {
  store: DirectoryStore
  /** With a mark of the settings that entries are made with. */
  sources: readonly { source: DirectorySource; settings: string }[]
  template: JidTemplate
  hosts: ReadonlySet<string>
  rosters: RosterRules
  cap: number
  brake: BrakeSettings
  /** False: every plan waits for a person. */
  auto: boolean
  sweepEveryMs: number
  now(): number
  /** Resolves after that time, or when the signal aborts. */
  pause(ms: number): Promise<void>
  signal: AbortSignal
  events: EngineEvents
  /** As policy says them; null: not known (yet). */
  walls(): readonly WallItem[] | null
  /** Puts on record what is about to be done; when it rejects, it is not done. */
  record(applying: Applying): Promise<void>
  /** Everybody on the bus sees this version; called within the turn, once after a start, and again until it has resolved. */
  publish(seq: number): Promise<void>
  /** All directories have answered, and what is provisioned is what they say: that still holds. */
  confirm(): Promise<void>
  /** A test's own main may end the process at a named place. */
  crash?: (point: CrashPoint) => void
}

export type CrashPoint = 'read' | 'planned' | 'recorded' | 'applied' | 'published'

/** `by`: a person, as a fact has it, or the process itself. */
export type By = Readonly<Record<string, unknown>>

export type Applying = { plan: StoredPlan; seq: number; by: By }

export type EngineEvents = {
  read(name: string, how: 'whole' | 'changes', people: number, ms: number): void
  failed(name: string, fault: SourceFault): void
  back(name: string): void
  /** This wall has more exceptions than helpers take; it stands without them. */
  cut(wall: string): void
  held(plan: StoredPlan): void
  applied(plan: StoredPlan, seq: number, by: By): void
}

/** 'poll': what changed. 'sweep': also what is no more. 'whole': all anew. */
export type How = 'poll' | 'sweep' | 'whole'

export type SourceView = {
  name: string
  state: SourceState | null
  fault: SourceFault | null
  /** Since when it has been away or answering half. */
  since: number | null
}

export type Engine = {
  /** Reads, plans, and carries the plan out unless the brake or the settings hold it. Gives what failed. */
  sync(how: How, by: By): Promise<readonly SourceFault[]>
  /** Plans anew without asking anybody: the walls have changed. */
  replan(by: By): Promise<void>
  /**
   * Carries out the plan that waits. null: there is none, or it removes another number than was said; where none was said (null), one that
   * removes nobody and nothing and is not held.
   */
  apply(removals: number | null, by: By): Promise<{ seq: number; plan: StoredPlan } | null>
  readonly company: Company
  readonly lists: Lists
  readonly there: Provisioned
  readonly plan: StoredPlan | null
  readonly seq: number
  readonly stateId: string
  sources(): readonly SourceView[]
}

/** For each person, before what is no more is looked for: about as long as that takes. */
const PAUSE_MS = 0.02
const PAUSE_MOST_MS = 2_000

/** Takes up what the store holds. A plan that waited is made anew. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { store, now, events } = options
  const resumed = await store.read('resume', null)
  const names = options.sources.map(({ source }) => source.name)
  const owners = new Map<string, string>()
  for await (const rows of store.stream('addresses', null, { batch: 5_000 }))
    for (const { jid, person } of rows) owners.set(jid, person)
  const addresses = { ownerOf: (jid: string) => owners.get(jid) }
  const newCompany = () => new Company({ template: options.template, hosts: options.hosts })
  const states = new Map<string, SourceState>(resumed.sources.map((one) => [one.name, one]))
  const views = new Map<string, SourceView>(
    names.map((name) => [name, { name, state: states.get(name) ?? null, fault: null, since: null }]),
  )
  const ignored = new Map<string, ReadonlySet<string>>()
  const sweptAt = new Map<string, number>()
  /** Something was written, and nobody has looked for what is no more; at a start nobody knows. */
  const unswept = new Set<string>(names)
  let company = newCompany()
  let lists: Lists = NO_LISTS
  let { there, seq } = resumed
  let plan: StoredPlan | null = null
  /** A process that begins says again what it has, in case the one before had not come to it. */
  let published = -1
  /** Whose plan is to be made anew; null: everybody's. */
  let dirty: Set<string> | null = null
  let isNew = states.size > 0
  let turn: Promise<unknown> = Promise.resolve()
  for (const name of names)
    for await (const bodies of store.stream('entries', name, { batch: 1_000 }))
      for (const body of bodies) company.put(JSON.parse(body) as ReadPerson | ReadGroup)
  await takeGiven()
  await inTurn(() => goOn({ process: 'directory' }))

  return {
    sync: (how, by) => inTurn(() => sync(how, by)),
    replan: (by) => inTurn(() => goOn(by)),
    apply: (removals, by) =>
      inTurn(async () => {
        if (plan === null || !isMeant(plan, removals)) return null
        const applied = plan
        await carryOut(applied, by)
        return { seq, plan: applied }
      }),
    get company() {
      return company
    },
    get lists() {
      return lists
    },
    get there() {
      return there
    },
    get plan() {
      return plan
    },
    get seq() {
      return seq
    },
    stateId: resumed.id,
    sources: () => [...views.values()],
  }

  /** What fails leaves the turn to the next. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = turn.then(work)
    turn = run.catch(() => {})
    return run
  }

  /** What changed first, so that it does not wait for the list of all that there is. */
  async function sync(how: How, by: By): Promise<SourceFault[]> {
    const before = seq
    const faults = await readSources(options.sources, how, false)
    options.crash?.('read')
    await goOn(by)
    const due = options.sources.filter(({ source: { name } }) => {
      const isDue = how === 'sweep' || now() - (sweptAt.get(name) ?? 0) >= options.sweepEveryMs
      return isDue && unswept.has(name) && views.get(name)?.fault === null
    })
    if (due.length > 0) {
      // The list of all ids keeps directory and machine busy while servers tell what has just changed to whoever waits for it.
      if (seq !== before) await options.pause(Math.min(PAUSE_MOST_MS, company.people.size * PAUSE_MS))
      faults.push(...(await readSources(due, how, true)))
      await goOn(by)
    }
    if (faults.length === 0 && plan === null && seq === before) await options.confirm()
    return faults
  }

  async function readSources(sources: EngineOptions['sources'], how: How, sweep: boolean): Promise<SourceFault[]> {
    const faults: SourceFault[] = []
    for (const { source, settings } of sources) {
      const began = now()
      try {
        await readOne(source, settings, how === 'whole' && !sweep, sweep, began)
        const view = views.get(source.name)
        if (view?.fault) events.back(source.name)
        views.set(source.name, { name: source.name, state: states.get(source.name) ?? null, fault: null, since: null })
      } catch (fault) {
        if (!(fault instanceof SourceFault)) throw fault
        if (options.signal.aborted) return [fault]
        faults.push(fault)
        await failed(source.name, fault)
      }
    }
    return faults
  }

  /** First what was done and not told, then what is to be done. */
  async function goOn(by: By): Promise<void> {
    if (published !== seq && seq > 0) await publish()
    await planAnew(by)
  }

  async function failed(name: string, fault: SourceFault): Promise<void> {
    const view = views.get(name)
    views.set(name, { name, state: states.get(name) ?? null, fault, since: view?.since ?? now() })
    // The same again is one trouble.
    if (view?.fault?.reason === fault.reason && view.fault.message === fault.message) return
    events.failed(name, fault)
    await store.write('trouble', { at: now(), place: name, reason: fault.reason, message: fault.message })
  }

  async function readOne(
    source: DirectorySource,
    settings: string,
    whole: boolean,
    sweep: boolean,
    began: number,
  ): Promise<void> {
    const { name } = source
    const reader = { store, source, settings, now }
    const state = states.get(name)
    const people = () => company.people.size
    if (state === undefined || state.settings !== settings || whole) {
      await wholly(reader, [])
      return events.read(name, 'whole', people(), now() - began)
    }
    const polled: Polled = await readChanges(
      reader,
      state,
      company,
      { sweep, unswept: unswept.has(name), ignored: ignored.get(name) ?? new Set() },
      options.signal,
    )
    if (polled.kind === 'whole') {
      await wholly(reader, polled.unknown)
      return events.read(name, 'whole', people(), now() - began)
    }
    if (sweep) sweptAt.set(name, now())
    if (polled.unswept) unswept.add(name)
    else unswept.delete(name)
    states.set(name, polled.state)
    if (polled.kind === 'nothing') return
    for (const entry of polled.put) {
      company.put(entry)
      dirty?.add(entry.id)
    }
    for (const id of polled.gone) {
      company.drop(id)
      dirty?.add(id)
    }
    isNew = true
    events.read(name, 'changes', polled.put.length + polled.gone.length, now() - began)
  }

  async function wholly(reader: Parameters<typeof readWhole>[0], unknown: readonly string[]): Promise<void> {
    const { name } = reader.source
    const anew = newCompany()
    const state = await readWhole(reader, anew, company, options.signal)
    // What the others said last.
    for (const other of names)
      if (other !== name)
        for await (const bodies of store.stream('entries', other, { batch: 1_000 }))
          for (const body of bodies) anew.put(JSON.parse(body) as ReadPerson | ReadGroup)
    ignored.set(name, new Set(unknown.filter((id) => !anew.people.has(id) && !anew.groups.has(id))))
    for (const mark of anew.people.values()) mark.given = company.people.get(mark.id)?.given ?? null
    company = anew
    lists = NO_LISTS
    states.set(name, state)
    sweptAt.set(name, now())
    unswept.delete(name)
    dirty = null
    isNew = true
    // Who was gone from the entries and is provisioned still has no mark that could have told.
    await takeGiven()
  }

  async function takeGiven(): Promise<void> {
    if (there.people === 0) return
    for await (const rows of store.stream('given', null, { batch: 5_000 }))
      for (const { id, jid } of rows) {
        const mark = company.people.get(id)
        if (mark !== undefined) mark.given = jid
      }
  }

  async function planAnew(by: By): Promise<void> {
    // Nobody wrote anything; yet an account may have come to its end.
    if (!isNew && !expires(company, now()) && (await wallsStand())) return
    const found = new Set<string>()
    lists = settle(company, addresses, options.hosts, now(), lists, (mark) => found.add(mark.id))
    isNew = true
    if (dirty !== null) for (const id of found) dirty.add(id)
    plan = await makePlan({
      store,
      company,
      lists,
      addresses,
      names,
      read: new Set(states.keys()),
      rosters: options.rosters,
      cap: options.cap,
      brake: options.brake,
      there,
      walls: options.walls(),
      cut: events.cut,
      dirty,
      now: now(),
    })
    options.crash?.('planned')
    if (plan === null) dirty = new Set()
    else if (plan.held.length > 0) events.held(plan)
    else if (options.auto) await carryOut(plan, by)
    // What could not be carried out is planned again.
    isNew = false
  }

  /** True where those that are provisioned are those that there should be now. */
  async function wallsStand(): Promise<boolean> {
    const wanted = wallsWanted({ walls: options.walls(), company, lists, addresses, now: now(), cut: () => {} })
    if (wanted === null) return true
    const said = [...wanted.values()].map((wall) => JSON.stringify(wall)).sort()
    const had = [...(await store.read('walls', null))].sort()
    return said.length === had.length && said.every((wall, at) => wall === had[at])
  }

  async function carryOut(carried: StoredPlan, by: By): Promise<void> {
    await options.record({ plan: carried, seq: seq + 1, by })
    options.crash?.('recorded')
    const applied = await store.write('apply', { hash: carried.hash, at: now(), by: JSON.stringify(by) })
    if (applied === null) throw new Error('the plan in the store is not the one that was made')
    options.crash?.('applied')
    seq = applied.seq
    plan = null
    for (const mark of company.people.values()) {
      mark.given = mark.jid
      if (mark.jid !== null) owners.set(mark.jid, mark.id)
    }
    dirty = new Set()
    there = await store.read('provisioned', null)
    events.applied(carried, seq, by)
    await publish()
  }

  async function publish(): Promise<void> {
    await options.publish(seq)
    published = seq
    options.crash?.('published')
  }
}

/** Another plan may have taken the place of the one that somebody has seen: what he has not confirmed is not done. */
function isMeant({ counts, held }: StoredPlan, removals: number | null): boolean {
  return removals === null ? held.length === 0 && removalsOf(counts) === 0 : removals === removalsOf(counts)
}

function expires({ people }: Company, now: number): boolean {
  for (const { expiresAt, disabled } of people.values())
    if (expiresAt !== null && expiresAt <= now && !disabled) return true
  return false
}
